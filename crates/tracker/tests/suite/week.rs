//! A week on virtual time: peers come, announce when they were told to, complete, leave or vanish; the tracker restarts
//! each day. At the end everybody goes and nothing is left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shoal_tracker::{Event, Seconds, Settings, Tracker};

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
    let seed = rand::random();
    eprintln!("seed {seed}");
    let dice = StdRng::seed_from_u64(seed);
    let (lives, due) = (BTreeMap::new(), BinaryHeap::new());
    let mut world = World {
        sea: Sea::new(settings()),
        dice,
        lives,
        due,
        born: 0,
        completed: 0,
        stored: 0,
    };
    (0..TORRENTS).for_each(|n| world.sea.tracker.list(key(n).into()));
    let start = world.sea.now;
    for minute in 0..WEEK / 60 {
        world.sea.now = start + minute * 60;
        world.somebody_may_come();
        world.all_announce_who_are_due();
        world.sea.tracker.sweep(Seconds(world.sea.now), 3000);
        if minute % (24 * 60) == 24 * 60 - 1 {
            world.store_completions();
            world.restart();
        }
        if minute % 60 == 0 {
            world.compare(minute);
        }
    }
    world.store_completions();
    assert_eq!(world.stored, world.completed);
    assert!(world.completed > 500, "{}", world.completed);
    world.sea.now += 2800;
    world.sea.sweep();
    let totals = world.sea.tracker.totals();
    assert_eq!((totals.peers4, totals.peers6, totals.torrents), (0, 0, 0));
    assert_eq!(totals.known, u64::from(TORRENTS));
}

impl World {
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
            assert!((1800..=2025).contains(&self.sea.reply.interval));
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
        let old = std::mem::replace(&mut self.sea.tracker, Tracker::new(settings()));
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
