//! What an operator sees: the log on standard error and the figures at `/metrics`.
//!
//! Neither ever holds client addresses or secrets: requests are counted by outcome, not told one by one. How figures are
//! written is in `telemetry/figure.rs`; which there are, in the files beside it.

mod chores;
mod figure;
mod process;
mod stored;
mod tracker;

use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::{Log, LogFormat};
pub use chores::Chores;
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

/// All figures, as Prometheus reads them. The database is asked once; when it does not answer, what it knows is left out.
pub async fn figures(app: &App) -> String {
    let mut out = String::new();
    Figure::new(&mut out, "shoal_build_info", "gauge", "The running version.")
        .value(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    process::figures(app.uptime(), &mut out);
    requests(app, &mut out);
    stored::figures(app, &mut out).await;
    tracker::figures(app, &mut out);
    app.chores.figures(app.uptime(), &mut out);
    out
}

fn requests(app: &App, out: &mut String) {
    let mut requests = Figure::new(
        out,
        "shoal_http_requests_total",
        "counter",
        "Requests answered, by class.",
    );
    for (class, counter) in app.requests.0.iter().enumerate().skip(1) {
        requests.value(&format!("class=\"{class}xx\""), counter.load(Ordering::Relaxed));
    }
}
