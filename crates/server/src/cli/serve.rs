//! `shoal serve`: everything, until SIGTERM or SIGINT.

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::{LogFlags, Place, say};
use crate::app::{App, FIRST_ACCOUNT, Running};
use crate::telemetry;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    log: LogFlags,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = self.place.config()?;
        if let Some(format) = self.log.log_format {
            config.log.format = format;
        }
        telemetry::start_log(&config.log)?;
        allow_files();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let running = App::start(config).await?;
            greet(&running);
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
            running.stop().await
        })
    }
}

/// Lets this process have as many files, and so connections, as it may: the usual limit is a low one for old programs.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::debug!(%error, "the limit of open files stays at {:?}", limit.current);
    }
}

/// The lines that a person waits for; programs wait for the first.
fn greet(running: &Running) {
    say(&format!("Shoal is at {}", running.app.url));
    if let Some(link) = &running.first_sign_in {
        say(&format!(
            "Sign in as {FIRST_ACCOUNT}, once, within three days: {link}"
        ));
    }
    tracing::info!(
        http = %running.http,
        metrics = ?running.metrics,
        udp = ?running.udp,
        tracker_http = ?running.tracker_http,
        "ready"
    );
}
