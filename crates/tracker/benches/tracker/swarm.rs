//! What an announce costs in memory and time, without sockets. Each crowd is measured in a process of its own, since memory
//! once used is not given back; times are processor times of the thread, so that other programs disturb less. 30 peers are
//! wanted. Next in the flow: `udp.rs`, the same over a socket.

use std::process::Command;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use shoal_tracker::wire::http;
use shoal_tracker::{
    AnnounceReply, AnnounceRequest, Caller, Families, Mode, Seconds, Settings, Totals, Tracker,
};

use crate::crowd::{CROWDS, Crowd, key, port};
use crate::machine::{resident, worked};
use crate::{Fault, go_on, say};

/// Measures each crowd in a process of its own.
pub(crate) fn measure_each_apart() -> Result<(), Fault> {
    let this = std::env::current_exe()?;
    for crowd in &CROWDS {
        let ended = Command::new(&this).env("SHOAL_BENCH_PART", crowd.name).status()?;
        if !ended.success() {
            return Err(format!("the crowd {} was not measured: {ended}", crowd.name).into());
        }
    }
    Ok(())
}

/// A tracker and whom it serves.
struct Scene<'a> {
    tracker: Tracker,
    crowd: &'a Crowd,
    /// The torrent of each peer.
    homes: Vec<u32>,
}

/// What one thread needs to announce.
struct Client {
    rng: SmallRng,
    reply: AnnounceReply,
    query: Vec<u8>,
    out: Vec<u8>,
}

impl Client {
    fn new(seed: u64) -> Self {
        let rng = SmallRng::seed_from_u64(seed);
        Self {
            rng,
            reply: AnnounceReply::new(),
            query: Vec::new(),
            out: Vec::new(),
        }
    }
}

/// Fills a tracker and takes all figures of one crowd.
pub(crate) fn measure(crowd: &Crowd) -> Result<(), Fault> {
    let settings = Settings {
        mode: Mode::Open,
        max_torrents: 0,
        max_peers: 0,
        requests_per_second_per_address: 200,
        requests_per_second_per_network: 2000,
        ..Settings::new(0x5ea1)
    };
    let tracker = Tracker::new(Settings {
        max_peers_per_torrent: 0,
        ..settings
    });
    let scene = Scene {
        tracker,
        crowd,
        homes: crowd.homes(),
    };
    let mut client = Client::new(1);
    scene.announce(0, &mut client);
    let (before, start) = (resident()?, worked()?);
    (0..crowd.peers).for_each(|peer| scene.announce(peer, &mut client));
    let filled = worked()? - start;
    let Totals {
        torrents,
        peers4,
        peers6,
        ..
    } = scene.tracker.totals();
    let peers = peers4 + peers6;
    go_on(&scene.tracker, Seconds(60));
    let held = (resident()? - before) as f64 / peers as f64;
    let whom = format!("{peers} peers in {torrents} torrents");
    crowd.say(
        "memory",
        &format!("{held:.1} bytes per peer"),
        &format!("resident, {whom}"),
    )?;
    crowd.say_time(
        "announce of a new peer",
        nanos(filled, crowd.peers),
        "while the tracker fills",
    )?;
    scene.measure_times()
}

/// The median of three runs.
fn median(run: impl Fn(u64) -> Result<f64, Fault>) -> Result<f64, Fault> {
    Ok(crate::median(vec![run(2)?, run(3)?, run(4)?]))
}

impl Scene<'_> {
    fn measure_times(&self) -> Result<(), Fault> {
        let crowd = self.crowd;
        let how = "30 peers wanted, median of three runs of a million";
        crowd.say_time(
            "announce of a known peer",
            median(|seed| self.time(seed, Self::announce))?,
            how,
        )?;
        let with_wire = median(|seed| self.time(seed, Self::announce_as_http))?;
        crowd.say_time(
            "the same with query and answer",
            with_wire,
            "a query of some 280 bytes, compact",
        )?;
        crowd.say_time(
            "the same on two threads",
            self.time_two_threads()?,
            "of each thread, without query and answer",
        )?;
        let mut steps = self.time_sweep();
        steps.sort_unstable();
        let (all, usual) = (steps.iter().sum::<Duration>(), steps[steps.len() / 2]);
        crowd.say(
            "sweep of all",
            &format!("{:.1} ms", all.as_secs_f64() * 1e3),
            "by the clock",
        )?;
        let longest = steps[steps.len() - 1];
        let how = format!(
            "by the clock; the longest took {:.0} µs",
            longest.as_secs_f64() * 1e6
        );
        crowd.say(
            "usual step of a sweep",
            &format!("{:.0} µs", usual.as_secs_f64() * 1e6),
            &how,
        )
    }

    /// Nanoseconds of an announce of a peer that is known.
    fn time(&self, seed: u64, announce: impl Fn(&Self, usize, &mut Client)) -> Result<f64, Fault> {
        const COUNT: usize = 1_000_000;
        let mut client = Client::new(seed);
        let peers: Vec<usize> = (0..COUNT)
            .map(|_| client.rng.random_range(0..self.crowd.peers))
            .collect();
        let start = worked()?;
        peers
            .into_iter()
            .for_each(|peer| announce(self, peer, &mut client));
        Ok(nanos(worked()? - start, COUNT))
    }

    /// Nanoseconds of an announce when two threads announce at once.
    fn time_two_threads(&self) -> Result<f64, Fault> {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.time(5, Self::announce));
            let this = self.time(6, Self::announce)?;
            Ok((this + other.join().map_err(|_| "the other thread panicked")??) / 2.0)
        })
    }

    /// The times of the steps of a round of sweeping, by the clock: this program should be alone.
    fn time_sweep(&self) -> Vec<Duration> {
        let mut steps = Vec::new();
        let mut is_done = false;
        while !is_done {
            let start = Instant::now();
            is_done = self.tracker.sweep(Seconds(60), 2048).round_ended;
            steps.push(start.elapsed());
        }
        steps
    }

    fn caller(&self, peer: usize) -> Caller {
        Caller::new(Seconds(60), self.crowd.address(peer))
    }

    fn announce(&self, peer: usize, client: &mut Client) {
        let request = AnnounceRequest {
            left: Some(u64::from(peer.is_multiple_of(4))),
            numwant: Some(30),
            families: Families::Own,
            ..AnnounceRequest::new(key(self.homes[peer]), *b"-qB5000-abcdefghijkl", port(peer))
        };
        // An open tracker refuses nobody.
        let _ = self
            .tracker
            .announce(self.caller(peer), &request, &mut client.rng, &mut client.reply);
    }

    fn announce_as_http(&self, peer: usize, client: &mut Client) {
        let query = &mut client.query;
        query.clear();
        query.extend_from_slice(b"info_hash=");
        for byte in key(self.homes[peer]).as_bytes() {
            let digit = |half: u8| b"0123456789ABCDEF"[usize::from(half)];
            query.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
        query.extend_from_slice(
            b"&peer_id=-qB5000-abcdefghijkl&uploaded=0&downloaded=0&corrupt=0&key=5D2C8E51",
        );
        query.extend_from_slice(
            b"&event=started&numwant=30&compact=1&no_peer_id=1&supportcrypto=1&redundant=0&left=",
        );
        query.push(b'0' + u8::from(peer.is_multiple_of(4)));
        query.extend_from_slice(b"&port=");
        query.extend_from_slice(port(peer).to_string().as_bytes());
        client.out.clear();
        if let Ok(request) = http::parse_announce(query) {
            let _ = self
                .tracker
                .announce(self.caller(peer), &request, &mut client.rng, &mut client.reply);
            http::write_announce(&client.reply, &mut client.out);
        }
    }
}

impl Crowd {
    /// Prints one figure.
    fn say(&self, what: &str, figure: &str, how: &str) -> Result<(), Fault> {
        say(&format!("{}: {what}", self.name), figure, how)
    }

    fn say_time(&self, what: &str, nanos: f64, how: &str) -> Result<(), Fault> {
        self.say(what, &format!("{nanos:.0} ns"), how)
    }
}

fn nanos(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e9 / count as f64
}
