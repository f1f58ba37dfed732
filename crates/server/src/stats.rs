//! `GET /stats`: what the tracker counts, as JSON for anyone. Nothing of single torrents, peers or clients. What operators
//! watch is `telemetry.rs`; what is published is `api/catalogue.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, Responder};
use parking_lot::Mutex;
use serde::Serialize;
use shoal_tracker::{Family, Figures, Outcome, Protocol};

use crate::app::App;

/// How long an answer is given again: however many ask, the tracker is asked once in that time.
const FRESH: Duration = Duration::from_secs(5);

/// The last answer, and the uptime when it was made.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<Option<(Duration, Bytes)>>);

/// The answer.
#[derive(Debug, Serialize)]
struct Shape {
    software: &'static str,
    version: &'static str,
    /// Seconds since the start.
    uptime: u64,
    /// Torrents that have a peer.
    torrents: u64,
    peers: Peers,
    /// Downloads completed since the start.
    completed: u64,
    /// Requests since the start by protocol.
    requests: BTreeMap<&'static str, Requests>,
}

#[derive(Debug, Serialize)]
struct Peers {
    ipv4: u64,
    ipv6: u64,
    webrtc: u64,
    seeders: u64,
    leechers: u64,
    partial_seeds: u64,
}

#[derive(Debug, Default, Serialize)]
struct Requests {
    connect: u64,
    announce: u64,
    scrape: u64,
    refused: u64,
}

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.route("/stats", web::get().to(stats));
}

async fn stats(app: web::Data<App>) -> impl Responder {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, format!("public, max-age={}", FRESH.as_secs())))
        .body(app.stats.body(&app))
}

impl Stats {
    fn body(&self, app: &App) -> Bytes {
        let (mut kept, now) = (self.0.lock(), app.uptime());
        match &*kept {
            Some((at, body)) if now.saturating_sub(*at) < FRESH => body.clone(),
            _ => {
                let body = Bytes::from(serde_json::to_vec(&Shape::of(app)).unwrap_or_default());
                *kept = Some((now, body.clone()));
                body
            }
        }
    }
}

impl Shape {
    fn of(app: &App) -> Self {
        let (totals, figures) = (app.tracker.totals(), app.tracker.figures());
        Self {
            software: "shoal",
            version: env!("CARGO_PKG_VERSION"),
            uptime: app.uptime().as_secs(),
            torrents: totals.torrents,
            peers: Peers {
                ipv4: totals.peers4,
                ipv6: totals.peers6,
                webrtc: totals.guests,
                seeders: totals.seeders,
                leechers: totals.leechers,
                partial_seeds: totals.partial_seeds,
            },
            completed: totals.completed,
            requests: (Protocol::ALL.iter())
                .map(|protocol| (protocol.word(), Requests::of(&figures, *protocol)))
                .collect(),
        }
    }
}

impl Requests {
    fn of(figures: &Figures, protocol: Protocol) -> Self {
        let mut requests = Self::default();
        for family in Family::ALL {
            for outcome in Outcome::ALL {
                let count = figures.count(protocol, family, outcome);
                match outcome {
                    Outcome::Connected => requests.connect += count,
                    Outcome::Announced => requests.announce += count,
                    Outcome::Scraped => requests.scrape += count,
                    Outcome::Relayed | Outcome::Unsent | Outcome::Overrun => {}
                    _ => requests.refused += count,
                }
            }
        }
        requests
    }
}
