//! A week on virtual time: peers come, announce when they were told to, complete, leave or vanish; the tracker restarts
//! each day, and somebody asks without end. At the end everybody goes and nothing is left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::IpAddr;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shoal_tracker::{AnnounceRequest, Event, Seconds, Settings, Tracker};

use super::{MUCH, NOTHING, Sea, key};

const TORRENTS: u32 = 12;
const WEEK: u32 = 7 * 24 * 3600;

struct Life {
    torrent: u32,
    completes_at: u32,
    goes_at: u32,
    /// Goes without a word.
    vanishes: bool,
    completed: bool,
}

fn settings() -> Settings {
    Settings {
        max_peers_per_address: 0,
        requests_per_second_per_address: 1,
        requests_per_second_per_network: 20,
        ..Settings::new(8)
    }
}

/// The tracker and all who live now.
struct World {
    sea: Sea,
    dice: StdRng,
    lives: BTreeMap<u32, Life>,
    /// Who announces next, and when.
    due: BinaryHeap<Reverse<(u32, u32)>>,
    born: u32,
    completed: u64,
    stored: u64,
}

#[test]
fn a_week_passes_without_drift() {
    let mut world = World::new(settings());
    world.pass_a_week(World::compare);
    assert_eq!(world.stored, world.completed);
    assert!(world.completed > 500, "{}", world.completed);
    world.ends_empty();
}

/// As many come as in any week, but there is room for less than half of them.
#[test]
fn a_week_of_want_passes_within_bounds() {
    const ROOM: u32 = 240;
    let mut world = World::new(Settings {
        max_peers: ROOM,
        ..settings()
    });
    world.pass_a_week(|world, minute| {
        let totals = world.sea.tracker.totals();
        let peers = totals.peers4 + totals.peers6;
        assert!(peers <= u64::from(ROOM), "minute {minute}: {peers}");
        let is_late = minute > 2 * 24 * 60;
        assert!(
            !is_late || peers > u64::from(ROOM) * 3 / 4,
            "minute {minute}: {peers}"
        );
    });
    assert!(world.stored <= world.completed && world.stored > 0);
    world.ends_empty();
}

impl World {
    fn new(settings: Settings) -> Self {
        let seed = rand::random();
        eprintln!("seed {seed}");
        let sea = Sea::new(settings);
        (0..TORRENTS).for_each(|n| sea.tracker.list(key(n).into()));
        Self {
            sea,
            dice: StdRng::seed_from_u64(seed),
            lives: BTreeMap::new(),
            due: BinaryHeap::new(),
            born: 0,
            completed: 0,
            stored: 0,
        }
    }

    /// Lives through a week, looking at the swarms each hour.
    fn pass_a_week(&mut self, look: impl Fn(&Self, u32)) {
        let start = self.sea.now;
        for minute in 0..WEEK / 60 {
            self.sea.now = start + minute * 60;
            self.somebody_may_come();
            self.somebody_never_stops();
            self.all_announce_who_are_due();
            self.sea.tracker.sweep(Seconds(self.sea.now), 3000);
            if minute % (24 * 60) == 24 * 60 - 1 {
                self.store_completions();
                self.restart();
            }
            if minute % 60 == 0 {
                look(self, minute);
            }
        }
        self.store_completions();
    }

    fn ends_empty(&mut self) {
        self.sea.now += 2800;
        self.sea.sweep();
        let totals = self.sea.tracker.totals();
        assert_eq!((totals.peers4, totals.peers6, totals.torrents), (0, 0, 0));
        assert_eq!(totals.known, u64::from(TORRENTS));
    }

    /// Asks much more than it may, from where nobody else is.
    fn somebody_never_stops(&mut self) {
        let request = AnnounceRequest::new(key(0), [0; 20], 0);
        let served = (0..70)
            .filter(|_| self.sea.ask(IpAddr::from([9, 9, 9, 9]), &request).is_ok())
            .count();
        assert_eq!(served, 60, "a minute's worth");
    }

    fn somebody_may_come(&mut self) {
        let (dice, now) = (&mut self.dice, self.sea.now);
        if dice.random_range(0..3) > 0 {
            return;
        }
        self.born += 1;
        // Some torrents are loved more than others.
        let torrent = dice.random_range(0..TORRENTS).min(dice.random_range(0..TORRENTS));
        let completes_at = now + dice.random_range(600..40_000);
        let goes_at = now + dice.random_range(300..200_000);
        let vanishes = dice.random_range(0..4) == 0;
        self.lives.insert(
            self.born,
            Life {
                torrent,
                completes_at,
                goes_at,
                vanishes,
                completed: false,
            },
        );
        self.due.push(Reverse((now, self.born)));
    }

    fn all_announce_who_are_due(&mut self) {
        while let Some(Reverse((at, who))) = self.due.pop() {
            if at > self.sea.now {
                self.due.push(Reverse((at, who)));
                return;
            }
            self.live_on(at, who);
        }
    }

    fn live_on(&mut self, at: u32, who: u32) {
        let Some(life) = self.lives.get_mut(&who) else {
            return;
        };
        let goes = life.goes_at <= at;
        let completes = !life.completed && life.completes_at <= at && !goes;
        life.completed |= completes;
        self.completed += u64::from(completes);
        let event = match (goes, completes) {
            (true, _) => Event::Stopped,
            (_, true) => Event::Completed,
            _ => Event::None,
        };
        if !(goes && life.vanishes) {
            let left = if life.completed { NOTHING } else { MUCH };
            self.sea.announce(
                key(life.torrent),
                &format!("8.0.{}.{}:1", who / 250, who % 250),
                left,
                event,
            );
        }
        if goes {
            self.lives.remove(&who);
        } else {
            let began = self.sea.tracker.settings().started.0;
            let least = if self.sea.now < began + 1800 { 900 } else { 1800 };
            assert!((least..=2025).contains(&self.sea.reply.interval));
            self.due
                .push(Reverse((self.sea.now + self.sea.reply.interval, who)));
        }
    }

    /// Those who vanished within the last 46 minutes are still counted: seldom more than a handful.
    fn compare(&self, minute: u32) {
        for n in 0..TORRENTS {
            let (complete, incomplete, _) = self.sea.counts(key(n));
            let here = (complete + incomplete) as usize;
            let alive = self.lives.values().filter(|life| life.torrent == n).count();
            assert!(
                (alive..=alive + 12).contains(&here),
                "minute {minute}, torrent {n}: {here} of {alive}"
            );
        }
    }

    fn store_completions(&mut self) {
        self.stored += self
            .sea
            .tracker
            .take_completions()
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>();
    }

    fn restart(&mut self) {
        let mut bytes = Vec::new();
        let now = Seconds(self.sea.now);
        self.sea
            .tracker
            .snapshot(now, &mut bytes)
            .expect("a vector takes all");
        let anew = Tracker::new(Settings {
            started: now,
            ..self.sea.tracker.settings().clone()
        });
        let old = std::mem::replace(&mut self.sea.tracker, anew);
        for n in 0..TORRENTS {
            self.sea.tracker.list(key(n).into());
            self.sea
                .tracker
                .set_completed(key(n).into(), old.counts(key(n).into()).completed.into());
        }
        self.sea
            .tracker
            .restore(now, &bytes[..])
            .expect("it was just written");
    }
}
