//! The tracker's doors of its own, beside the web server's: opened with the settings of `config/`, closed when dropped. What
//! they answer is the tracker's; next in the flow: `crates/tracker/src/udp/` and `crates/tracker/src/http/`.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow};
use shoal_tracker::http::{HttpDoor, HttpSettings};
use shoal_tracker::udp::{ConnectionIds, UdpDoor, UdpSettings};
use shoal_tracker::{Clock, Tracker};

use crate::clock;
use crate::config::{Config, TrackerHttp, TrackerSettings, Udp};

/// What listens for torrent clients.
pub(crate) struct Doors {
    udp: Option<UdpDoor>,
    http: Option<HttpDoor>,
}

impl Doors {
    /// Opens those that are configured. `started` is when the tracker's time began, `web` the web server's port.
    pub(crate) fn open(
        config: &Config,
        tracker: &Arc<Tracker>,
        started: Instant,
        web: u16,
    ) -> anyhow::Result<Self> {
        let clock: Clock = Arc::new(move || started.elapsed());
        Ok(Self {
            udp: open_udp(&config.tracker.udp, tracker, &clock)?,
            http: open_http(&config.tracker, tracker, &clock, web)?,
        })
    }

    /// Where UDP is listened for.
    pub(crate) fn udp(&self) -> &[SocketAddr] {
        self.udp.as_ref().map_or(&[], UdpDoor::addresses)
    }

    /// Where HTTP is listened for, beside the web server.
    pub(crate) fn http(&self) -> &[SocketAddr] {
        self.http.as_ref().map_or(&[], HttpDoor::addresses)
    }
}

fn open_udp(config: &Udp, tracker: &Arc<Tracker>, clock: &Clock) -> anyhow::Result<Option<UdpDoor>> {
    if config.listen.is_empty() {
        return Ok(None);
    }
    let key = match config.connection_key().map_err(|fault| anyhow!(fault))? {
        Some(key) => key,
        None => rand::random(),
    };
    let now = u64::try_from(clock::now() / 1000).unwrap_or_default();
    let start = now.saturating_sub(clock().as_secs());
    let settings = UdpSettings {
        listen: config.listen.clone(),
        threads: threads(config.threads),
        backend: config.backend.into(),
        ids: ConnectionIds::new(&key, config.connection_lifetime, start),
        seed: rand::random(),
    };
    let door = match UdpDoor::open(&settings, tracker, clock) {
        Ok(door) => door,
        // Two archives on one machine must both start without any configuration.
        Err(error) if error.kind() == ErrorKind::AddrInUse && config.listen == Udp::default().listen => {
            tracing::warn!(%error, "tracker.udp.listen: in use, so there is no tracker over UDP");
            return Ok(None);
        }
        Err(error) => return Err(error).context("tracker.udp.listen"),
    };
    if let Some(why) = door.fallback() {
        tracing::info!(
            "the UDP tracker works by {}, not by the fastest way: {why}",
            door.backend()
        );
    }
    Ok(Some(door))
}

fn open_http(
    config: &TrackerSettings,
    tracker: &Arc<Tracker>,
    clock: &Clock,
    web: u16,
) -> anyhow::Result<Option<HttpDoor>> {
    let http = &config.http;
    if http.listen.is_empty() {
        return Ok(None);
    }
    let settings = HttpSettings {
        listen: http.listen.clone(),
        threads: threads(http.threads),
        max_connections: http.max_connections,
        max_connections_per_address: http.max_connections_per_address,
        trusted_proxies: config.trusted_proxies.clone(),
        elsewhere: format!("pages and WebSockets are on port {web}"),
        ..HttpSettings::new(rand::random())
    };
    match HttpDoor::open(&settings, tracker, clock) {
        Ok(door) => Ok(Some(door)),
        // Two archives on one machine must both start without any configuration.
        Err(error)
            if error.kind() == ErrorKind::AddrInUse && http.listen == TrackerHttp::default().listen =>
        {
            tracing::warn!(%error, "tracker.http.listen: in use, so there is HTTP on the web server's port only");
            Ok(None)
        }
        Err(error) => Err(error).context("tracker.http.listen"),
    }
}

/// The threads of a door; 0 means one per core.
fn threads(configured: usize) -> usize {
    match configured {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}
