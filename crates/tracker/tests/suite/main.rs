//! The tracker as its callers see it, on virtual time: rules one by one, a model, a week, attacks, restarts and the wire.
//! What is inside is tested where it stands. Here are the words in which the tests speak; the stories are in the modules.

mod attacks;
mod budgets;
mod cases;
mod census;
mod exchange;
mod http;
mod messages;
mod model;
mod parlour;
mod passes;
mod pressure;
mod registry;
mod restart;
mod rules;
mod udp;
mod udp_cases;
mod week;
mod wire;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use rand::SeedableRng;
use rand::rngs::SmallRng;
use shoal_tracker::{
    AnnounceReply, AnnounceRequest, Caller, Event, Mode, Pass, Refusal, Scraped, Seconds, Settings, SwarmKey,
    SwarmKeys, Tracker,
};

/// What a peer has left to download.
const NOTHING: Option<u64> = Some(0);
const MUCH: Option<u64> = Some(1_000_000);

/// A tracker with one client's view of it: the time, the dice and the last reply.
struct Sea {
    tracker: Tracker,
    now: u32,
    rng: SmallRng,
    reply: AnnounceReply,
}

impl Sea {
    fn new(settings: Settings) -> Self {
        let rng = SmallRng::seed_from_u64(settings.seed);
        Self {
            tracker: Tracker::new(settings),
            now: 10_000,
            rng,
            reply: AnnounceReply::new(),
        }
    }

    /// A tracker that takes any torrent.
    fn open() -> Self {
        Self::new(Settings {
            mode: Mode::Open,
            ..Settings::new(42)
        })
    }

    /// Announces by request.
    fn ask(&mut self, source: IpAddr, request: &AnnounceRequest) -> Result<(), Refusal> {
        let caller = Caller::new(Seconds(self.now), source);
        self.tracker
            .announce(caller, request, &mut self.rng, &mut self.reply)
    }

    /// Scrapes some torrents.
    fn scrape(&self, keys: &[SwarmKey]) -> Result<Vec<Scraped>, Refusal> {
        self.scrape_as(None, keys)
    }

    /// Scrapes some torrents with a personal key.
    fn scrape_as(&self, pass: Option<Pass>, keys: &[SwarmKey]) -> Result<Vec<Scraped>, Refusal> {
        let caller = Caller::new(Seconds(self.now), IpAddr::from([8, 0, 0, 1]));
        let mut scraped = Vec::new();
        self.tracker.scrape_as(caller, pass, keys, &mut scraped)?;
        Ok(scraped)
    }

    /// Announces a peer at `ip:port` and gives back whom it was told of.
    fn announce(&mut self, key: SwarmKey, at: &str, left: Option<u64>, event: Event) -> BTreeSet<SocketAddr> {
        let at: SocketAddr = at.parse().expect("the test names an address and a port");
        let request = AnnounceRequest {
            left,
            event,
            ..AnnounceRequest::new(key, [b'p'; 20], at.port())
        };
        self.ask(at.ip(), &request)
            .expect("the test announces what is served");
        told(&self.reply)
    }

    fn seed(&mut self, key: SwarmKey, at: &str) -> BTreeSet<SocketAddr> {
        self.announce(key, at, NOTHING, Event::Started)
    }

    fn leech(&mut self, key: SwarmKey, at: &str) -> BTreeSet<SocketAddr> {
        self.announce(key, at, MUCH, Event::Started)
    }

    /// Seeders, leechers and completed downloads of a swarm.
    fn counts(&self, key: SwarmKey) -> (u32, u32, u32) {
        let counts = self.tracker.counts(key.into());
        (counts.complete, counts.incomplete, counts.completed)
    }

    /// Ends the round of sweeping that is under way, and sweeps a whole one.
    fn sweep(&self) {
        for _ in 0..2 {
            while !self.tracker.sweep(Seconds(self.now), 10_000).round_ended {}
        }
    }
}

/// The peers of a reply. Fails if one is there twice.
fn told(reply: &AnnounceReply) -> BTreeSet<SocketAddr> {
    let port = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let four = reply
        .peers4
        .iter()
        .map(|[a, b, c, d, high, low]| SocketAddr::from(([*a, *b, *c, *d], port(*high, *low))));
    let six = reply.peers6.iter().map(|peer| {
        let ip: [u8; 16] = peer[..16].try_into().expect("sixteen bytes");
        SocketAddr::from((ip, port(peer[16], peer[17])))
    });
    let all: BTreeSet<SocketAddr> = four.chain(six).collect();
    assert_eq!(
        all.len(),
        reply.peers4.len() + reply.peers6.len(),
        "nobody is named twice"
    );
    all
}

fn peers(addresses: &[&str]) -> BTreeSet<SocketAddr> {
    addresses
        .iter()
        .map(|text| text.parse().expect("an address and a port"))
        .collect()
}

fn key(n: u32) -> SwarmKey {
    let mut key = [0xa5; 20];
    key[..4].copy_from_slice(&n.to_be_bytes());
    SwarmKey::new(key)
}

fn hybrid(v1: u32, v2: u32) -> SwarmKeys {
    SwarmKeys {
        primary: key(v1),
        alias: Some(key(v2)),
    }
}
