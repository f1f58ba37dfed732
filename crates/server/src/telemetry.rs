//! What an operator sees: the log on standard error and the figures at `/metrics`.
//!
//! Neither ever holds client addresses or secrets: requests are counted by outcome, not told one by one. How figures are
//! written is in `telemetry/figure.rs`, those of the tracker are in `telemetry/tracker.rs`.

mod figure;
mod tracker;

use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::EnvFilter;

use shoal_store::DeliveryCounts;

use crate::app::App;
use crate::config::{Log, LogFormat};
use figure::Figure;

/// Starts the log for this process.
///
/// # Errors
/// A sentence when the level cannot be read or a log was started before.
pub fn start_log(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level).map_err(|e| anyhow::anyhow!("log.level: {e}"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A log that cannot be written, on a full disk, must not end what it tells of.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("the log cannot start: {e}"))
}

/// Requests answered by the web server, by hundred of the status.
#[derive(Debug, Default)]
pub struct Requests([AtomicU64; 6]);

impl Requests {
    /// Counts an answer.
    pub fn count(&self, status: u16) {
        if let Some(counter) = self.0.get(usize::from(status / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// All figures, as Prometheus reads them; the database is asked once.
///
/// # Errors
/// Only when the store fails.
pub async fn figures(app: &App) -> Result<String, shoal_store::StoreError> {
    let (stats, waiting) = app
        .read(|store| Ok((store.stats()?, store.delivery_counts()?)))
        .await?;
    let mut out = String::new();
    Figure::new(&mut out, "shoal_build_info", "gauge", "The running version.")
        .value(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    let mut requests = Figure::new(
        &mut out,
        "shoal_http_requests_total",
        "counter",
        "Requests answered, by class.",
    );
    for (class, counter) in app.requests.0.iter().enumerate().skip(1) {
        requests.value(&format!("class=\"{class}xx\""), counter.load(Ordering::Relaxed));
    }
    Figure::new(
        &mut out,
        "shoal_catalogue",
        "gauge",
        "What is published and visible.",
    )
    .value("kind=\"datasets\"", stats.datasets)
    .value("kind=\"uploads\"", stats.uploads)
    .value("kind=\"collections\"", stats.collections)
    .value("kind=\"accounts\"", stats.accounts)
    .value("kind=\"files\"", stats.files);
    Figure::new(
        &mut out,
        "shoal_catalogue_bytes",
        "gauge",
        "Size of all visible content.",
    )
    .value("", stats.total_size);
    delivery_figures(&waiting, &mut out);
    tracker::figures(app, &mut out);
    Ok(out)
}

fn delivery_figures(waiting: &DeliveryCounts, out: &mut String) {
    Figure::new(
        out,
        "shoal_deliveries_waiting",
        "gauge",
        "Activities on their way to an inbox.",
    )
    .value("", waiting.waiting);
    Figure::new(
        out,
        "shoal_delivery_hosts",
        "gauge",
        "Servers with something on its way, by how they do.",
    )
    .value("state=\"waiting\"", waiting.hosts_waiting)
    .value("state=\"failing\"", waiting.hosts_failing)
    .value("state=\"paused\"", waiting.hosts_paused);
    let oldest = waiting
        .oldest_waiting_at
        .map_or(0, |at| (crate::clock::now() - at).max(0) / 1000);
    Figure::new(
        out,
        "shoal_delivery_oldest_seconds",
        "gauge",
        "Age of what waits longest.",
    )
    .value("", oldest);
}
