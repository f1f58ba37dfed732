//! The HTTP tracker on the web server's port: finds the client's address and hands over to the tracker.
//!
//! No database, no lock but one shard of the swarm, no log line. The wire format is the tracker's own room.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use shoal_tracker::wire::http as wire;
use shoal_tracker::{AnnounceReply, Caller, Refusal};

use crate::app::App;
use crate::client_ip::client_ip;

/// Registers `/announce` and `/scrape`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/announce", web::get().to(announce))
        .route("/scrape", web::get().to(scrape));
}

/// Where a request came from, or nothing on a socket without an address.
pub(crate) fn address(request: &HttpRequest, app: &App) -> Option<IpAddr> {
    let socket = request.peer_addr()?.ip();
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|v| v.to_str().ok())
        .collect();
    Some(client_ip(
        socket,
        forwarded.into_iter(),
        &app.config.tracker.trusted_proxies,
    ))
}

/// Who asks, and when.
fn caller(request: &HttpRequest, app: &App) -> Result<Caller, Refusal> {
    let source =
        address(request, app).ok_or(Refusal::Malformed("the address of this request is not known"))?;
    Ok(Caller::new(app.tracker_now(), source))
}

async fn announce(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let mut out = Vec::with_capacity(512);
    let answered = wire::parse_announce(request.query_string().as_bytes()).and_then(|asked| {
        let mut reply = AnnounceReply::new();
        app.tracker
            .announce(caller(&request, &app)?, &asked, &mut rand::rng(), &mut reply)?;
        wire::write_announce(&reply, &mut out);
        Ok(())
    });
    answer(answered, out)
}

async fn scrape(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let mut out = Vec::with_capacity(256);
    let answered = wire::parse_scrape(request.query_string().as_bytes()).and_then(|keys| {
        let mut scraped = Vec::with_capacity(keys.len());
        app.tracker.scrape(caller(&request, &app)?, &keys, &mut scraped)?;
        wire::write_scrape(&mut scraped, &mut out);
        Ok(())
    });
    answer(answered, out)
}

/// A refusal is a reply like any other: status 200 and a bencoded sentence, which is all that clients show.
fn answer(answered: Result<(), Refusal>, mut out: Vec<u8>) -> HttpResponse {
    if let Err(refusal) = answered {
        out.clear();
        wire::write_failure(&refusal, &mut out);
    }
    HttpResponse::Ok().content_type("text/plain").body(out)
}
