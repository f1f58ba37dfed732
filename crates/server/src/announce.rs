//! The HTTP tracker on the web server's port: finds the client's address and hands over to the tracker.
//!
//! No database, no lock but one shard of the swarm, no log line. The wire format is the tracker's own room.

use std::net::IpAddr;
use std::time::Instant;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use shoal_tracker::wire::http as wire;
use shoal_tracker::{AnnounceReply, AnnounceRequest, Caller, Family, Outcome, Pass, Refusal, Tally};

use crate::app::App;

/// Registers `/announce` and `/scrape`, each also with a personal key behind it, whatever that looks like: what is none is
/// refused as one by the tracker, and shown on no page. `HEAD` is answered like `GET`, without the body.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    for path in ["/announce", "/announce/{key:.*}"] {
        let resource = web::resource(path).route(web::get().to(announce));
        config.service(resource.route(web::head().to(announce)));
    }
    for path in ["/scrape", "/scrape/{key:.*}"] {
        let resource = web::resource(path).route(web::get().to(scrape));
        config.service(resource.route(web::head().to(scrape)));
    }
}

/// Where a request came from, or nothing on a socket without an address.
pub(crate) fn address(request: &HttpRequest, app: &App) -> Option<IpAddr> {
    let socket = request.peer_addr()?.ip();
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|v| v.to_str().ok())
        .collect();
    Some(wire::client_ip(
        socket,
        forwarded.into_iter().rev(),
        &app.config.tracker.trusted_proxies,
    ))
}

async fn announce(request: HttpRequest, app: web::Data<App>, tally: web::Data<Tally>) -> HttpResponse {
    answer(&request, &app, &tally, |caller, out| {
        let asked = AnnounceRequest {
            pass: Pass::of_path(request.path().as_bytes())?,
            ..wire::parse_announce(request.query_string().as_bytes())?
        };
        let mut reply = AnnounceReply::new();
        app.tracker
            .announce(caller, &asked, &mut rand::rng(), &mut reply)?;
        wire::write_announce(&reply, out);
        Ok(Outcome::Announced)
    })
}

async fn scrape(request: HttpRequest, app: web::Data<App>, tally: web::Data<Tally>) -> HttpResponse {
    answer(&request, &app, &tally, |caller, out| {
        let pass = Pass::of_path(request.path().as_bytes())?;
        let keys = wire::parse_scrape(request.query_string().as_bytes())?;
        let mut scraped = Vec::with_capacity(keys.len());
        app.tracker.scrape_as(caller, pass, &keys, &mut scraped)?;
        wire::write_scrape(&mut scraped, out);
        Ok(Outcome::Scraped)
    })
}

/// Has a request served and counted. A refusal is a reply like any other: status 200 and a bencoded sentence, which is all
/// that clients show.
fn answer(
    request: &HttpRequest,
    app: &App,
    tally: &Tally,
    serve: impl FnOnce(Caller, &mut Vec<u8>) -> Result<Outcome, Refusal>,
) -> HttpResponse {
    let started = Instant::now();
    let mut out = Vec::with_capacity(512);
    let source = address(request, app);
    let served = source
        .ok_or(Refusal::Malformed("the address of this request is not known"))
        .and_then(|source| serve(Caller::new(app.tracker_now(), source), &mut out));
    let outcome = served.unwrap_or_else(|refusal| {
        out.clear();
        wire::write_failure(&refusal, &mut out);
        Outcome::from(&refusal)
    });
    tally.count(source.map_or(Family::Four, Family::of), outcome, 1);
    tally.time(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX), 1);
    // The path may hold a key: nothing that shows this answer names it to others.
    HttpResponse::Ok()
        .content_type("text/plain")
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(out)
}
