//! The tracker's figures: what it was asked, how long that took, and what the swarms hold. Counted in the tracker itself.

use shoal_tracker::{Family, Figures, Outcome, Protocol, Settings, Times};

use super::figure::Figure;
use crate::app::App;

/// Writes all of them.
pub(super) fn figures(app: &App, out: &mut String) {
    swarms(app, out);
    limits(app.tracker.settings(), out);
    let figures = app.tracker.figures();
    requests(&figures, out);
    times(&figures, out);
}

fn swarms(app: &App, out: &mut String) {
    let totals = app.tracker.totals();
    let mut gauge = |name, help, value: u64| {
        Figure::new(out, name, "gauge", help).value("", value);
    };
    gauge("shoal_tracker_torrents", "Torrents with peers.", totals.torrents);
    gauge(
        "shoal_tracker_known_torrents",
        "Torrents listed, taken off, or with peers.",
        totals.known,
    );
    gauge(
        "shoal_tracker_unlisted_torrents",
        "Those of them that nobody listed.",
        totals.unlisted,
    );
    gauge("shoal_tracker_seeders", "Complete copies.", totals.seeders);
    gauge("shoal_tracker_leechers", "Peers that download.", totals.leechers);
    gauge(
        "shoal_tracker_partial_seeds",
        "Peers that have all they want, but not all there is.",
        totals.partial_seeds,
    );
    gauge(
        "shoal_tracker_webrtc_peers",
        "Peers that speak WebRTC.",
        totals.guests,
    );
    Figure::new(out, "shoal_tracker_peers", "gauge", "Peers by address family.")
        .value("family=\"ipv4\"", totals.peers4)
        .value("family=\"ipv6\"", totals.peers6);
    let help = "Downloads completed since the start.";
    Figure::new(out, "shoal_tracker_completions_total", "counter", help).value("", totals.completed);
}

fn limits(settings: &Settings, out: &mut String) {
    let mut figure = Figure::new(out, "shoal_tracker_limit", "gauge", "Limits in force.");
    for (of, limit) in [
        ("torrents", settings.max_torrents),
        ("peers", settings.max_peers),
        ("peers_per_torrent", settings.max_peers_per_torrent),
        ("peers_per_address", settings.max_peers_per_address),
    ] {
        let labels = format!("of=\"{of}\"");
        match limit {
            0 | u32::MAX => figure.value(&labels, "+Inf"),
            limit => figure.value(&labels, limit),
        };
    }
}

/// All protocols and outcomes are there from the start, so that a rate is known at the first of them.
fn requests(figures: &Figures, out: &mut String) {
    let mut figure = Figure::new(
        out,
        "shoal_tracker_requests_total",
        "counter",
        "Requests of torrent clients, by how they ended.",
    );
    for protocol in Protocol::ALL {
        for family in Family::ALL {
            for outcome in Outcome::ALL {
                let (of, from, how) = (protocol.word(), family.word(), outcome.word());
                figure.value(
                    &format!("protocol=\"{of}\",family=\"{from}\",outcome=\"{how}\""),
                    figures.count(protocol, family, outcome),
                );
            }
        }
    }
}

fn times(figures: &Figures, out: &mut String) {
    let mut figure = Figure::new(
        out,
        "shoal_tracker_request_seconds",
        "histogram",
        "Time from reading a request to its answer.",
    );
    for protocol in Protocol::ALL {
        let (times, word) = (figures.times(protocol), protocol.word());
        let mut below = 0;
        for (bucket, count) in times.buckets.iter().enumerate() {
            below += count;
            let bound = Times::bound(bucket).map_or("+Inf".to_owned(), |nanos| seconds(nanos).to_string());
            figure.part("_bucket", &format!("protocol=\"{word}\",le=\"{bound}\""), below);
        }
        let labels = format!("protocol=\"{word}\"");
        figure.part("_sum", &labels, seconds(times.nanos));
        figure.part("_count", &labels, below);
    }
}

/// Nanoseconds as seconds.
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
