//! The tracker's figures: what it was asked, how long that took, and what the swarms hold. Counted in the tracker itself.

use shoal_tracker::{Family, Figures, Outcome, Protocol, Times};

use super::figure::Figure;
use crate::app::App;

/// Writes all of them.
pub(super) fn figures(app: &App, out: &mut String) {
    swarms(app, out);
    let figures = app.tracker.figures();
    requests(&figures, out);
    times(&figures, out);
}

fn swarms(app: &App, out: &mut String) {
    let totals = app.tracker.totals();
    Figure::new(out, "shoal_tracker_torrents", "gauge", "Torrents with peers.").value("", totals.torrents);
    Figure::new(out, "shoal_tracker_peers", "gauge", "Peers by address family.")
        .value("family=\"ipv4\"", totals.peers4)
        .value("family=\"ipv6\"", totals.peers6);
    Figure::new(out, "shoal_tracker_seeders", "gauge", "Complete copies.").value("", totals.seeders);
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
