//! The tracker's doors of its own, beside the web server's: opened with the settings of `config/`, closed when dropped. What
//! they answer is the tracker's; next in the flow: `crates/tracker/src/udp/`.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow};
use shoal_tracker::udp::{ConnectionIds, UdpDoor, UdpSettings};
use shoal_tracker::{Clock, Tracker};

use crate::clock;
use crate::config::{Config, Udp};

/// What listens for torrent clients.
pub(crate) struct Doors {
    udp: Option<UdpDoor>,
}

impl Doors {
    /// Opens those that are configured. `started` is when the tracker's time began.
    pub(crate) fn open(config: &Config, tracker: &Arc<Tracker>, started: Instant) -> anyhow::Result<Self> {
        let clock: Clock = Arc::new(move || started.elapsed());
        let udp = open_udp(&config.tracker.udp, tracker, &clock)?;
        Ok(Self { udp })
    }

    /// Where UDP is listened for.
    pub(crate) fn udp(&self) -> &[SocketAddr] {
        self.udp.as_ref().map_or(&[], UdpDoor::addresses)
    }
}

fn open_udp(config: &Udp, tracker: &Arc<Tracker>, clock: &Clock) -> anyhow::Result<Option<UdpDoor>> {
    let listen = free_ones(&config.listen, &Udp::default().listen);
    if listen.is_empty() {
        return Ok(None);
    }
    let key = match config.connection_key().map_err(|fault| anyhow!(fault))? {
        Some(key) => key,
        None => rand::random(),
    };
    let now = u64::try_from(clock::now() / 1000).unwrap_or_default();
    let start = now.saturating_sub(clock().as_secs());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let settings = UdpSettings {
        listen,
        threads: if config.threads == 0 {
            cores
        } else {
            config.threads
        },
        backend: config.backend.into(),
        ids: ConnectionIds::new(&key, config.connection_lifetime, start),
        seed: rand::random(),
    };
    let door = UdpDoor::open(&settings, tracker, clock).context("tracker.udp")?;
    if let Some(why) = door.fallback() {
        tracing::info!(
            "the UDP tracker works by {}, not by the fastest way: {why}",
            door.backend()
        );
    }
    Ok(Some(door))
}

/// The addresses to listen at. Two archives on one machine must both start without any configuration, so a default address
/// that is taken is left to whoever has it.
fn free_ones(listen: &[SocketAddr], defaults: &[SocketAddr]) -> Vec<SocketAddr> {
    if listen != defaults {
        return listen.to_vec();
    }
    let is_free = |address: &&SocketAddr| match UdpSocket::bind(address) {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "tracker.udp.listen: {address} is in use, so there is no tracker over UDP");
            false
        }
    };
    defaults.iter().filter(is_free).copied().collect()
}
