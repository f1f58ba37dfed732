//! `/admin/scrape`: every torrent that the tracker serves, for whoever runs it. Clients name the torrents that they scrape
//! (`announce.rs`); what all of them together count is at `/stats`.

use std::convert::Infallible;
use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use futures_util::StreamExt;
use futures_util::stream;
use shoal_store::Scope;
use shoal_tracker::{Counted, Tracker};

use crate::app::App;
use crate::auth::Caller;
use crate::error::Problem;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/admin/scrape", web::get().to(scrape));
}

/// Every torrent that the tracker serves, a line each, in no order: the hash as clients announce it (40 hexadecimal
/// digits), seeders, leechers and completed downloads. A hybrid has one line.
#[utoipa::path(get, path = "/api/v1/admin/scrape", tag = "admin", security(("token" = [])),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 403)))]
pub(super) async fn scrape(caller: Caller, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    caller.require(Scope::Admin)?;
    let parts = stream::iter(0..app.tracker.parts());
    // A thousandth at a time, whenever the reader has taken the last: nothing is held for a slow one.
    let lines = parts.map(move |part| Ok::<_, Infallible>(lines(&app.tracker, part)));
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .streaming(lines))
}

fn lines(tracker: &Tracker, part: usize) -> Bytes {
    let mut torrents = Vec::new();
    tracker.census(part, &mut torrents);
    let mut text = String::with_capacity(torrents.len() * 56);
    for Counted { key, counts } in torrents {
        for byte in key.as_bytes() {
            let _infallible = write!(text, "{byte:02x}");
        }
        let (seeders, leechers, completed) = (counts.complete, counts.incomplete, counts.completed);
        let _infallible = writeln!(text, " {seeders} {leechers} {completed}");
    }
    text.into()
}
