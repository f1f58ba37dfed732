//! The HTTP listener beside its floor: announces of a million known peers over kept connections, and over a new connection
//! each. The set-up is the usual one: 100,000 torrents, long-tailed, 30 peers wanted, 64 connections. The client is in
//! `http/load.rs`, the floor in `http/floor.rs`.

mod floor;
mod load;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use shoal_tracker::http::{HttpDoor, HttpSettings};
use shoal_tracker::{
    AnnounceReply, AnnounceRequest, Caller, Clock, Mode, Seconds, Settings, SwarmKey, Tracker,
};

use crate::machine::{pin, pin_this, worked_by};
use crate::{Fault, go_on};
use load::{Load, Run};

const TORRENTS: usize = 100_000;
const PEERS: usize = 1_000_000;

/// Connections at a time, each from an address of its own, at which an equal part of the peers is.
const CONNECTIONS: usize = 64;

/// Requests of a run: over kept connections, and over new ones.
const KEPT: usize = 300_000;
const NEW: usize = 40_000;

/// Opens the floor and says where.
pub(crate) fn open_floor() -> Result<(), Fault> {
    let address = floor::open()?;
    crate::say("constant answer", &address.to_string(), "over HTTP")
}

/// Prints the figures of the HTTP listener.
pub(crate) fn measure() -> Result<(), Fault> {
    let crowd = Crowd::new();
    let tracker = Arc::new(crowd.tracker());
    go_on(&tracker, Seconds(0));
    let door = open(&tracker)?;
    let floor = floor::open()?;
    pin("http-tracker-0", &[0])?;
    // Those that are started by this thread stay on its core.
    pin_this(1)?;
    let ours = Server {
        address: door.addresses()[0],
        thread: "http-tracker-0",
    };
    let floor = Server {
        address: floor,
        thread: floor::NAME,
    };
    for (what, requests, keeps) in [
        ("kept connections", KEPT, true),
        ("a new connection each", NEW, false),
    ] {
        let run = Run { requests, keeps };
        let mut ratios = Vec::new();
        for seed in 0..3 {
            let least = floor.cost(&crowd, run, seed)?;
            let cost = ours.cost(&crowd, run, seed)?;
            ratios.push((cost / least, cost, least));
        }
        ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (ratio, cost, least) = ratios[1];
        writeln!(
            std::io::stdout(),
            "figure: HTTP announce, {what} | {ratio:.2} × the floor | {:.2} µs of processor time, the floor {:.2} µs; {requests} \
            announces of {PEERS} peers, median of three",
            cost / 1e3,
            least / 1e3
        )?;
    }
    Ok(())
}

fn open(tracker: &Arc<Tracker>) -> Result<HttpDoor, Fault> {
    let start = Instant::now();
    let clock: Clock = Arc::new(move || start.elapsed());
    let settings = HttpSettings {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        ..HttpSettings::new(1)
    };
    Ok(HttpDoor::open(&settings, tracker, &clock)?)
}

/// A server of this process that answers in one thread.
struct Server {
    address: SocketAddr,
    thread: &'static str,
}

impl Server {
    /// Nanoseconds of the server's thread for a request.
    fn cost(&self, crowd: &Crowd, run: Run, seed: u64) -> Result<f64, Fault> {
        let before = worked_by(self.thread)?;
        let mut load = Load::new(self.address, crowd, run, seed)?;
        load.run()?;
        // What the server has yet to do when the last answer is there is a few calls.
        Ok((worked_by(self.thread)? - before).as_nanos() as f64 / run.requests as f64)
    }
}

/// Who announces what.
pub(crate) struct Crowd {
    /// The torrent of each peer.
    homes: Vec<u32>,
}

impl Crowd {
    fn new() -> Self {
        let mut rng = SmallRng::seed_from_u64(9);
        let floor = TORRENTS as f64 / PEERS as f64;
        let mut sum = 0.0;
        let sums: Vec<f64> = (0..TORRENTS)
            .map(|torrent| {
                sum += floor + (6.5 - 500.0 * torrent as f64 / TORRENTS as f64).exp();
                sum
            })
            .collect();
        let home = |mark: f64| sums.partition_point(|sum| *sum < mark).min(TORRENTS - 1) as u32;
        Self {
            homes: (0..PEERS).map(|_| home(rng.random::<f64>() * sum)).collect(),
        }
    }

    /// A tracker that has them all.
    fn tracker(&self) -> Tracker {
        let limits = Settings {
            max_torrents: 0,
            max_peers: 0,
            ..Settings::new(0x5ea1)
        };
        let tracker = Tracker::new(Settings {
            mode: Mode::Open,
            max_peers_per_torrent: 0,
            max_peers_per_address: 0,
            ..limits
        });
        let (mut rng, mut reply) = (SmallRng::seed_from_u64(1), AnnounceReply::new());
        for (peer, home) in self.homes.iter().enumerate() {
            let request = AnnounceRequest {
                left: Some(left(peer)),
                numwant: Some(0),
                ..AnnounceRequest::new(key(*home), [0; 20], port(peer))
            };
            let caller = Caller::new(Seconds(0), IpAddr::V4(address(peer)));
            // An open tracker refuses nobody.
            let _ = tracker.announce(caller, &request, &mut rng, &mut reply);
        }
        tracker
    }

    /// Writes the announce of some peer at the address of a connection.
    fn write_request(&self, connection: usize, keeps: bool, rng: &mut SmallRng, out: &mut Vec<u8>) {
        let peer = rng.random_range(0..PEERS / CONNECTIONS) * CONNECTIONS + connection;
        out.extend_from_slice(b"GET /announce?info_hash=");
        for byte in key(self.homes[peer]).as_bytes() {
            if byte.is_ascii_alphanumeric() {
                out.push(*byte);
            } else {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
        out.extend_from_slice(b"&peer_id=-qB5000-%f0%17%9a%21b%8c%0eK%d5%02%b3x&port=");
        out.extend_from_slice(port(peer).to_string().as_bytes());
        out.extend_from_slice(b"&uploaded=0&downloaded=0&left=");
        out.extend_from_slice(left(peer).to_string().as_bytes());
        out.extend_from_slice(
            b"&corrupt=0&key=5D2C8E51&numwant=30&compact=1&no_peer_id=1&supportcrypto=1&redundant=0 HTTP/1.1\r\n\
            Host: 127.0.0.1\r\nUser-Agent: qBittorrent/5.0.0\r\nConnection: ",
        );
        out.extend_from_slice(if keeps {
            b"keep-alive\r\n\r\n"
        } else {
            b"close\r\n\r\n"
        });
    }
}

/// Three quarters are seeders.
fn left(peer: usize) -> u64 {
    u64::from((peer / CONNECTIONS).is_multiple_of(4))
}

fn address(peer: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 2 + (peer % CONNECTIONS) as u8)
}

fn port(peer: usize) -> u16 {
    1 + (peer.wrapping_mul(2_654_435_761) % 65_535) as u16
}

fn key(torrent: u32) -> SwarmKey {
    let mut rng = SmallRng::seed_from_u64(torrent.into());
    SwarmKey::new(rng.random())
}
