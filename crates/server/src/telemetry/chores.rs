//! How what happens by the clock fares: sweeping and saving the swarms. `tasks.rs` does the work and tells it here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::figure::Figure;

/// Figures of the work in the background, times in nanoseconds.
#[derive(Debug, Default)]
pub struct Chores {
    sweeps: AtomicU64,
    sweep_nanos: AtomicU64,
    longest_sweep: AtomicU64,
    forgotten: AtomicU64,
    saves: AtomicU64,
    /// Since the start.
    saved_at: AtomicU64,
    save_nanos: AtomicU64,
    saved_peers: AtomicU64,
}

impl Chores {
    /// One step of sweeping took so long and forgot so many peers.
    pub(crate) fn swept(&self, took: Duration, forgotten: u64) {
        let took = nanos(took);
        self.sweeps.fetch_add(1, Ordering::Relaxed);
        self.sweep_nanos.fetch_add(took, Ordering::Relaxed);
        self.longest_sweep.fetch_max(took, Ordering::Relaxed);
        self.forgotten.fetch_add(forgotten, Ordering::Relaxed);
    }

    /// The swarms were saved, at a time since the start; it took so long, and so many peers are in the file.
    pub(crate) fn saved(&self, uptime: Duration, took: Duration, peers: u64) {
        self.saves.fetch_add(1, Ordering::Relaxed);
        self.saved_at.store(nanos(uptime), Ordering::Relaxed);
        self.save_nanos.store(nanos(took), Ordering::Relaxed);
        self.saved_peers.store(peers, Ordering::Relaxed);
    }

    pub(super) fn figures(&self, uptime: Duration, out: &mut String) {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let help = "Time of a step of sweeping, one each second.";
        Figure::new(out, "shoal_tracker_sweep_seconds", "summary", help)
            .part("_sum", "", seconds(of(&self.sweep_nanos)))
            .part("_count", "", of(&self.sweeps));
        let mut gauge = |name, help, value: f64| {
            Figure::new(out, name, "gauge", help).value("", value);
        };
        gauge(
            "shoal_tracker_sweep_longest_seconds",
            "The longest step of sweeping since the start.",
            seconds(of(&self.longest_sweep)),
        );
        gauge(
            "shoal_tracker_snapshot_age_seconds",
            "Since the swarms were saved, or since the start.",
            seconds(nanos(uptime).saturating_sub(of(&self.saved_at))),
        );
        gauge(
            "shoal_tracker_snapshot_seconds",
            "How long the last saving took.",
            seconds(of(&self.save_nanos)),
        );
        gauge(
            "shoal_tracker_snapshot_peers",
            "Peers that were saved last.",
            of(&self.saved_peers) as f64,
        );
        let help = "Peers forgotten because they were silent.";
        Figure::new(out, "shoal_tracker_forgotten_peers_total", "counter", help)
            .value("", of(&self.forgotten));
        Figure::new(
            out,
            "shoal_tracker_snapshots_total",
            "counter",
            "How often the swarms were saved.",
        )
        .value("", of(&self.saves));
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
