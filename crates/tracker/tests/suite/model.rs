//! The tracker against a naive one that keeps everything in maps: any sequence of announces, silences, sweeps, changes of
//! the listing and restarts gives the same counts, and tells each client of as many peers as it may be told of.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use shoal_tracker::{AnnounceRequest, Event, Mode, Refusal, Seconds, Settings, SwarmKeys, Tracker};

use super::{Sea, hybrid, key, told};

/// What happens.
#[derive(Clone, Debug)]
enum Deed {
    Announce {
        torrent: u32,
        /// By its second hash, while it has one.
        second: bool,
        host: u8,
        port: u16,
        left: Option<u64>,
        event: Event,
        numwant: u32,
    },
    /// Many leechers or seeders come at once.
    Crowd {
        torrent: u32,
        hosts: u8,
        seeders: bool,
    },
    Wait(u32),
    Sweep,
    List(u32),
    Forbid(u32),
    Unlist(u32),
    Restart,
}

const TORRENTS: u32 = 3;

/// Between the first key of a torrent and the second that it has while it is listed: all are hybrids.
const ALIAS: u32 = 100;

fn keys(n: u32) -> SwarmKeys {
    hybrid(n, n + ALIAS)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::None),
        2 => Just(Event::Started),
        2 => Just(Event::Stopped),
        2 => Just(Event::Completed),
        1 => Just(Event::Paused),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let left = prop_oneof![Just(None), Just(Some(0)), Just(Some(5))];
    let which = (0..TORRENTS, any::<bool>());
    let announce = (which, any::<u8>(), 0..3_u16, left, event(), 0..80_u32);
    prop_oneof![
        30 => announce.prop_map(|((torrent, second), host, port, left, event, numwant)| {
            Deed::Announce { torrent, second, host, port, left, event, numwant }
        }),
        4 => (0..TORRENTS, 1..120_u8, any::<bool>())
            .prop_map(|(torrent, hosts, seeders)| Deed::Crowd { torrent, hosts, seeders }),
        3 => (0..2000_u32).prop_map(Deed::Wait),
        3 => Just(Deed::Sweep),
        2 => (0..TORRENTS).prop_map(Deed::List),
        1 => (0..TORRENTS).prop_map(Deed::Forbid),
        1 => (0..TORRENTS).prop_map(Deed::Unlist),
        1 => Just(Deed::Restart),
    ]
}

/// From where an address can be reached, by how it was made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    Public,
    Local,
    Reserved,
}

fn host(n: u8) -> (IpAddr, Reach) {
    let (text, reach) = match n % 8 {
        0..=2 => (format!("8.8.8.{n}"), Reach::Public),
        3 => (format!("::ffff:9.9.9.{n}"), Reach::Public),
        4 => (format!("2606:0:0:{n:x}::1"), Reach::Public),
        5 => (format!("10.0.0.{n}"), Reach::Local),
        6 => (format!("fd00:0:0:{n:x}::1"), Reach::Local),
        _ => (format!("203.0.113.{n}"), Reach::Reserved),
    };
    (text.parse().expect("an address"), reach)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Leecher,
    PartialSeed,
    Seeder,
}

#[derive(Clone, Debug)]
struct Peer {
    kind: Kind,
    reach: Reach,
    seen: u32,
    counted: bool,
    /// Whether it has announced by the first hash, and by the second.
    ways: [bool; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Listing {
    #[default]
    Unlisted,
    Listed,
    Forbidden,
}

#[derive(Default)]
struct Torrent {
    listing: Listing,
    peers: BTreeMap<SocketAddr, Peer>,
    departed: BTreeSet<SocketAddr>,
    completed: u32,
}

/// The naive tracker beside the real one.
struct Pair {
    sea: Sea,
    bounds: Bounds,
    /// Until when what each address, and each network, has asked is paid for.
    paid: [BTreeMap<IpAddr, u64>; 2],
    torrents: BTreeMap<u32, Torrent>,
}

/// What the tracker takes. Below 16 peers in all, nothing is given up before the cap.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    mode: Mode,
    peers: u32,
    per_torrent: u32,
    per_address: u32,
    /// Requests in a second of an address, and of a network.
    rates: [u32; 2],
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let modes = prop_oneof![Just(Mode::Open), Just(Mode::Listed)];
    let peers = prop_oneof![3 => Just(0_u32), 1 => Just(15)];
    let per_torrent = prop_oneof![3 => Just(0_u32), 1 => Just(9), 1 => Just(60)];
    let per_address = prop_oneof![Just(64_u32), Just(2)];
    let rates = prop_oneof![2 => Just([0, 0]), 1 => Just([1, 0]), 1 => Just([1, 2]), 1 => Just([0, 3])];
    (modes, peers, per_torrent, per_address, rates).prop_map(
        |(mode, peers, per_torrent, per_address, rates)| Bounds {
            mode,
            peers,
            per_torrent,
            per_address,
            rates,
        },
    )
}

fn settings(bounds: Bounds) -> Settings {
    Settings {
        mode: bounds.mode,
        max_peers: bounds.peers,
        max_peers_per_torrent: bounds.per_torrent,
        max_peers_per_address: bounds.per_address,
        requests_per_second_per_address: bounds.rates[0],
        requests_per_second_per_network: bounds.rates[1],
        ..Settings::new(99)
    }
}

/// Whether so many are as many as may be; 0 is no limit.
fn is_reached(limit: u32, count: usize) -> bool {
    limit > 0 && count >= limit as usize
}

/// An address without all but its first bits, of IPv4 and of IPv6.
fn first_bits(ip: IpAddr, (four, six): (u32, u32)) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() >> (32 - four) << (32 - four)).into()),
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> (128 - six) << (128 - six)).into()),
    }
}

impl Pair {
    fn new(bounds: Bounds) -> Self {
        let torrents = (0..TORRENTS).map(|n| (n, Torrent::default())).collect();
        Self {
            sea: Sea::new(settings(bounds)),
            bounds,
            paid: Default::default(),
            torrents,
        }
    }

    fn run(&mut self, deed: &Deed) {
        match *deed {
            Deed::Announce {
                torrent,
                second,
                host,
                port,
                left,
                event,
                numwant,
            } => {
                let numwant = Some(numwant);
                let second = second && self.torrent(torrent).listing != Listing::Unlisted;
                let asked = if second { torrent + ALIAS } else { torrent };
                let request = AnnounceRequest {
                    left,
                    event,
                    numwant,
                    ..AnnounceRequest::new(key(asked), [0; 20], port)
                };
                self.announce(torrent, host, &request);
            }
            Deed::Crowd {
                torrent,
                hosts,
                seeders,
            } => {
                for host in 0..hosts {
                    let left = Some(u64::from(!seeders));
                    let request = AnnounceRequest {
                        left,
                        ..AnnounceRequest::new(key(torrent), [0; 20], 7)
                    };
                    self.announce(torrent, host, &request);
                }
            }
            Deed::Wait(seconds) => self.sea.now += seconds,
            Deed::Sweep => self.sweep(),
            Deed::List(n) => {
                self.sea.tracker.list(keys(n));
                self.torrent(n).listing = Listing::Listed;
            }
            Deed::Forbid(n) => {
                self.sea.tracker.forbid(keys(n));
                let torrent = self.torrent(n);
                torrent.listing = Listing::Forbidden;
                torrent.peers.clear();
            }
            Deed::Unlist(n) => self.unlist(n),
            Deed::Restart => self.restart(),
        }
        self.compare();
    }

    fn torrent(&mut self, n: u32) -> &mut Torrent {
        self.torrents
            .get_mut(&n)
            .expect("all torrents are there from the start")
    }

    fn announce(&mut self, n: u32, from: u8, request: &AnnounceRequest) {
        let (source, reach) = host(from);
        let at = SocketAddr::new(source.to_canonical(), request.port);
        let (now, bounds) = (self.sea.now, self.bounds);
        let answer = self.sea.ask(source, request);
        if !self.may_ask(source.to_canonical()) {
            assert_eq!(answer, Err(Refusal::TooFast));
            return;
        }
        let all = self.torrents.values().map(|torrent| torrent.peers.len()).sum();
        let torrent = self.torrent(n);
        let refused = match (torrent.listing, bounds.mode) {
            (Listing::Forbidden, _) => Err(Refusal::Forbidden),
            (Listing::Unlisted, Mode::Listed) => Err(Refusal::NotListed),
            _ => Ok(()),
        };
        assert_eq!(answer, refused);
        if answer.is_err() {
            return;
        }
        let near = |other: &SocketAddr| first_bits(other.ip(), (32, 64)) == first_bits(at.ip(), (32, 64));
        let crowd = torrent.peers.keys().filter(|other| near(other)).count();
        let is_full = is_reached(bounds.peers, all)
            || is_reached(bounds.per_torrent, torrent.peers.len())
            || is_reached(bounds.per_address, crowd);
        let stays_out = is_full && !torrent.peers.contains_key(&at);
        let way = usize::from(request.key != key(n));
        let kind = torrent.enter((at, reach, stays_out), (now, way), request);
        let mut eligible: BTreeSet<SocketAddr> = BTreeSet::new();
        for (other, peer) in torrent.peers.iter().filter(|(other, _)| **other != at) {
            let hidden = match peer.reach {
                Reach::Public => false,
                Reach::Local => reach != Reach::Local,
                Reach::Reserved => reach == Reach::Public,
            };
            if !hidden && peer.ways[way] && (kind == Kind::Leecher || peer.kind == Kind::Leecher) {
                eligible.insert(*other);
            }
        }
        if request.event == Event::Stopped {
            eligible.clear();
        }
        let wanted = request.numwant.unwrap_or(50) as usize;
        let told = told(&self.sea.reply);
        assert!(told.is_subset(&eligible), "{:?}", told.difference(&eligible));
        assert!(told.len() <= wanted);
        // In a large swarm, those that may not be told of take part in how an answer is divided; and one that was large is
        // treated as such down to sixteen.
        let peers = &self.torrents[&n].peers;
        if peers.len() <= 15
            || wanted >= peers.len()
            || peers
                .values()
                .all(|peer| peer.reach == Reach::Public && peer.ways[way])
        {
            assert_eq!(told.len(), wanted.min(eligible.len()), "of {}", peers.len());
        }
    }

    /// Counts a request, if it may be: in steps of a second's 262,144th part, since that is how the tracker counts.
    fn may_ask(&mut self, source: IpAddr) -> bool {
        let now = u64::from(self.sea.now) << 18;
        let groups = [first_bits(source, (32, 64)), first_bits(source, (24, 48))];
        for (at, (group, burst)) in groups.into_iter().zip([60_u64, 20]).enumerate() {
            if self.bounds.rates[at] == 0 {
                continue;
            }
            let paid = self.paid[at].entry(group).or_default();
            let then = now.max(*paid) + (1 << 18) / u64::from(self.bounds.rates[at]);
            if then > now + (burst << 18) {
                return false;
            }
            *paid = then;
        }
        true
    }

    fn sweep(&mut self) {
        self.sea.sweep();
        let now = self.sea.now;
        let mode = self.bounds.mode;
        for torrent in self.torrents.values_mut() {
            // 2700 seconds, counted in units of 32.
            torrent.peers.retain(|_, peer| now / 32 - peer.seen / 32 <= 85);
            if mode == Mode::Open && torrent.peers.is_empty() && torrent.listing == Listing::Unlisted {
                torrent.completed = 0;
            }
        }
    }

    fn unlist(&mut self, n: u32) {
        self.sea.tracker.unlist(keys(n));
        let mode = self.bounds.mode;
        let torrent = self.torrent(n);
        torrent.listing = Listing::Unlisted;
        if mode != Mode::Open {
            torrent.peers.clear();
        }
        if torrent.peers.is_empty() {
            torrent.completed = 0;
        }
    }

    /// Writes a snapshot, begins anew and reads it back.
    fn restart(&mut self) {
        let mut bytes = Vec::new();
        self.sea
            .tracker
            .snapshot(Seconds(self.sea.now), &mut bytes)
            .expect("a vector takes all");
        self.sea.tracker = Tracker::new(settings(self.bounds));
        self.paid = Default::default();
        for (n, torrent) in &mut self.torrents {
            match torrent.listing {
                Listing::Listed => {
                    self.sea.tracker.list(keys(*n));
                    self.sea.tracker.set_completed(keys(*n), torrent.completed.into());
                }
                Listing::Forbidden => self.sea.tracker.forbid(keys(*n)),
                Listing::Unlisted => {}
            }
            if torrent.listing != Listing::Listed {
                torrent.completed = 0;
            }
            torrent.departed.clear();
        }
        self.sea
            .tracker
            .restore(Seconds(self.sea.now), &bytes[..])
            .expect("it was just written");
    }

    fn compare(&self) {
        let (mut four, mut six, mut seeders) = (0, 0, 0);
        for (n, torrent) in &self.torrents {
            let of = |kind: Kind| torrent.peers.values().filter(|peer| peer.kind == kind).count() as u32;
            let counts = self.sea.tracker.counts(keys(*n));
            if torrent.listing == Listing::Listed || !torrent.peers.is_empty() {
                assert_eq!(counts.complete, of(Kind::Seeder));
                assert_eq!(counts.downloaders, of(Kind::Leecher));
                assert_eq!(counts.incomplete, of(Kind::Leecher) + of(Kind::PartialSeed));
                assert_eq!(counts.completed, torrent.completed);
            }
            four += torrent.peers.keys().filter(|at| at.is_ipv4()).count() as u64;
            six += torrent.peers.keys().filter(|at| at.is_ipv6()).count() as u64;
            seeders += u64::from(of(Kind::Seeder));
        }
        let totals = self.sea.tracker.totals();
        assert_eq!(
            (totals.peers4, totals.peers6, totals.seeders),
            (four, six, seeders)
        );
        assert_eq!(
            totals.seeders + totals.leechers + totals.partial_seeds,
            four + six
        );
        let swarms = self
            .torrents
            .values()
            .filter(|torrent| !torrent.peers.is_empty())
            .count();
        assert_eq!(totals.torrents, swarms as u64);
    }
}

impl Torrent {
    /// Does with one peer what it announces, unless it has to stay out, and says what it is.
    fn enter(
        &mut self,
        (at, reach, stays_out): (SocketAddr, Reach, bool),
        (now, way): (u32, usize),
        request: &AnnounceRequest,
    ) -> Kind {
        let completes = request.event == Event::Completed && matches!(request.left, None | Some(0));
        let kind = match (request.left, request.event) {
            (Some(0), _) => Kind::Seeder,
            _ if completes => Kind::Seeder,
            (_, Event::Paused) => Kind::PartialSeed,
            _ => Kind::Leecher,
        };
        if request.port == 0 || stays_out {
            return kind;
        }
        let old = self.peers.remove(&at);
        let was_counted = old.as_ref().is_some_and(|old| old.counted);
        let mut ways = old.as_ref().map_or([false; 2], |old| old.ways);
        ways[way] = true;
        if request.event == Event::Stopped {
            self.departed.extend(was_counted.then_some(at));
            return kind;
        }
        let was_seeder = old.is_some_and(|old| old.kind == Kind::Seeder);
        if completes && !was_counted && !was_seeder && !self.departed.contains(&at) {
            self.completed += 1;
        }
        self.peers.insert(
            at,
            Peer {
                kind,
                reach,
                seen: now,
                counted: was_counted || completes,
                ways,
            },
        );
        kind
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tracker_does_what_a_naive_one_does(
        bounds in bounds(),
        deeds in prop::collection::vec(deed(), 1..250),
    ) {
        let mut pair = Pair::new(bounds);
        if bounds.mode == Mode::Listed {
            pair.run(&Deed::List(0));
            pair.run(&Deed::List(1));
        }
        deeds.iter().for_each(|deed| pair.run(deed));
    }
}
