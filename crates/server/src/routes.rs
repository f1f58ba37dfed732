//! Every door of the web server, in the order in which requests try them, and the headers that all answers share.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{App as Actix, Error, HttpResponse, web};
use shoal_tracker::Protocol;

use crate::app::App;
use crate::{activitypub, announce, api, pages, records, slow, stats, telemetry, websocket};

/// Nothing is loaded from elsewhere, nothing inline, nobody frames us. A page that must send a form to another server
/// sets its own.
pub(crate) const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The web server's application, made once for each of its threads.
pub(crate) fn app(
    app: web::Data<App>,
) -> Actix<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let counted = app.clone();
    let tally = web::Data::from(app.tracker.tally(Protocol::Http));
    let sockets = websocket::Ledger::of(&app);
    let headers = DefaultHeaders::new()
        .add(("Content-Security-Policy", CONTENT_SECURITY))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "same-origin"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"));
    Actix::new()
        .app_data(app)
        .app_data(tally)
        .app_data(sockets)
        .wrap(from_fn(slow::steady))
        .wrap(headers)
        .wrap(from_fn(
            move |request: ServiceRequest, next: actix_web::middleware::Next<_>| {
                let app = counted.clone();
                async move {
                    let answer = next.call(request).await;
                    app.requests
                        .count(answer.as_ref().map_or(500, |a| a.status().as_u16()));
                    answer
                }
            },
        ))
        // Before the other announces, the ones that ask for a socket.
        .configure(websocket::configure)
        // Announces first: they are most of the traffic, and are never compressed.
        .configure(announce::configure)
        .configure(stats::configure)
        .configure(operation)
        .configure(activitypub::configure)
        .configure(records::configure)
        .service(
            web::scope("/api/v1")
                .wrap(Compress::default())
                .configure(api::configure),
        )
        .configure(pages::configure)
}

/// The figures' own listener.
pub(crate) fn metrics_app(
    app: web::Data<App>,
) -> Actix<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    Actix::new()
        .app_data(app)
        .route("/metrics", web::get().to(metrics))
}

fn operation(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(alive))
        .route("/readyz", web::get().to(ready));
}

async fn alive() -> &'static str {
    "alive\n"
}

async fn ready(app: web::Data<App>) -> HttpResponse {
    if app.is_ready().await {
        HttpResponse::Ok().body("ready\n")
    } else {
        HttpResponse::ServiceUnavailable()
            .body("not ready: the database does not answer, or the start is not over\n")
    }
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(telemetry::figures(&app).await)
}
