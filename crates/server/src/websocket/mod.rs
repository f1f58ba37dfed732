//! The tracker for browsers (WebTorrent), over WebSocket on the path of the HTTP announce. Here a socket is let in or not;
//! `sockets.rs` knows all that are open and what waits for each, `conversation.rs` is one of them. What is said is the
//! tracker's own room, `exchange`.
//!
//! The `Origin` of a socket is not looked at: a page of any site may announce, as any program may, and nothing but the
//! socket's own messages and its path says who somebody is. Cookies are not read, so that no site can act for its visitors.

mod conversation;
mod sockets;

use std::sync::Arc;

use actix_http::ws;
use actix_web::body::{BodyStream, BoxBody};
use actix_web::dev::ServiceRequest;
use actix_web::guard::{self, GuardContext};
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use shoal_tracker::{Caller, Pass, Protocol, Tally};

use self::conversation::Conversation;
use self::sockets::Crowded;
pub(crate) use self::sockets::Sockets;
use crate::announce;
use crate::app::App;

/// What one worker counts of its sockets.
pub(crate) struct Ledger(Arc<Tally>);

impl Ledger {
    /// A fresh one, for one worker.
    pub(crate) fn of(app: &App) -> web::Data<Self> {
        web::Data::new(Self(app.tracker.tally(Protocol::WebSocket)))
    }
}

/// Registers upgrades on `/announce` and `/announce/{key}`. To stand before the HTTP tracker, which takes all else there.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let wishes = |context: &GuardContext<'_>| wishes_upgrade(context.head().headers());
    for path in ["/announce", "/announce/{key:.*}"] {
        config.route(path, web::get().guard(guard::fn_guard(wishes)).to(open));
    }
}

/// Whether a request is the beginning of a socket of ours, the body of which may come as slowly as it likes.
pub(crate) fn is_socket(request: &ServiceRequest) -> bool {
    let path = request.path();
    request.method() == actix_web::http::Method::GET
        && (path == "/announce" || path.starts_with("/announce/"))
        && wishes_upgrade(request.headers())
}

fn wishes_upgrade(headers: &HeaderMap) -> bool {
    let named = headers.get(header::UPGRADE);
    named.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

async fn open(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
    ledger: web::Data<Ledger>,
) -> HttpResponse {
    let refuse = |mut answer: actix_web::HttpResponseBuilder, words: &'static str| {
        answer.content_type("text/plain; charset=utf-8").body(words)
    };
    if !app.config.tracker.websocket.enabled {
        return refuse(
            HttpResponse::NotFound(),
            "this tracker takes no WebSockets: announce over HTTP or UDP\n",
        );
    }
    let mut answer = match ws::handshake(request.head()) {
        Ok(answer) => answer,
        Err(error) => return actix_http::Response::<BoxBody>::from(error).into(),
    };
    let Some(source) = announce::address(&request, &app) else {
        return refuse(
            HttpResponse::BadRequest(),
            "the address of this request is not known\n",
        );
    };
    let caller = Caller::new(app.tracker_now(), source);
    let pass = Pass::of_path(request.path().as_bytes());
    let line = match app.sockets.admit(caller, pass) {
        Ok(line) => line,
        Err(Crowded::Here) => {
            let mut answer = HttpResponse::ServiceUnavailable();
            answer.insert_header((header::RETRY_AFTER, "300"));
            return refuse(
                answer,
                "this tracker has as many sockets as it may: come again later\n",
            );
        }
        Err(Crowded::There) => {
            return refuse(
                HttpResponse::TooManyRequests(),
                "there are as many sockets from your address as there may be: use one for all torrents\n",
            );
        }
    };
    let tally = Arc::clone(&ledger.0);
    let conversation = Conversation::new(app, line, source, (payload.into_inner(), tally));
    match answer.message_body(BodyStream::new(conversation)) {
        Ok(answer) => answer.map_body(|_, body| BoxBody::new(body)).into(),
        Err(error) => HttpResponse::from_error(error),
    }
}
