//! Sockets against a naive record of who was asked and who was handed what: whatever they do, in whatever order, nobody
//! gets what was not meant for it, and when all have gone nothing is left.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use shoal_tracker::{Mode, Settings};

use super::exchange::{Hall, announce, answer, binary, with};
use super::key;

#[derive(Clone, Debug)]
enum Deed {
    Enter(u64),
    Leave(u64),
    Announce {
        socket: u64,
        torrent: u32,
        offers: usize,
        numwant: usize,
        event: usize,
        left: u64,
    },
    /// Answers one of the offers that came, as somebody else if so.
    Answer {
        socket: u64,
        which: usize,
        as_other: bool,
    },
    /// Answers an offer that another was handed.
    Steal {
        socket: u64,
        which: usize,
    },
    Forbid(u32),
    List(u32),
    Wait(u32),
}

const EVENTS: [&str; 4] = ["started", "stopped", "completed", ""];

fn deed() -> impl Strategy<Value = Deed> {
    let announce = (0..8_u64, 0..3_u32, 0..6_usize, 0..6_usize, 0..4_usize, 0..2_u64);
    prop_oneof![
        4 => (0..8_u64).prop_map(Deed::Enter),
        2 => (0..8_u64).prop_map(Deed::Leave),
        20 => announce.prop_map(|(socket, torrent, offers, numwant, event, left)| {
            Deed::Announce { socket, torrent, offers, numwant, event, left }
        }),
        8 => (0..8_u64, any::<usize>(), any::<bool>())
            .prop_map(|(socket, which, as_other)| Deed::Answer { socket, which, as_other }),
        2 => (0..8_u64, any::<usize>()).prop_map(|(socket, which)| Deed::Steal { socket, which }),
        1 => (0..3_u32).prop_map(Deed::Forbid),
        1 => (0..3_u32).prop_map(Deed::List),
        1 => (0..200_u32).prop_map(Deed::Wait),
    ]
}

/// Who is where, and which offers each was handed: the socket that made them with the letter.
#[derive(Default)]
struct Naive {
    /// Of each torrent, the sockets in it and whether they seed.
    swarms: BTreeMap<u32, BTreeMap<u64, bool>>,
    handed: BTreeMap<u64, Vec<(u64, Value)>>,
    open: BTreeSet<u64>,
}

struct Pair {
    hall: Hall,
    naive: Naive,
    offers: u32,
}

fn name(socket: u64) -> String {
    format!("peer{socket}")
}

impl Pair {
    fn run(&mut self, deed: &Deed) {
        match *deed {
            Deed::Enter(socket) if self.naive.open.insert(socket) => {
                self.hall.enter(socket);
            }
            Deed::Leave(socket) if self.naive.open.remove(&socket) => {
                self.hall.leave(socket);
                self.naive.handed.remove(&socket);
                for swarm in self.naive.swarms.values_mut() {
                    swarm.remove(&socket);
                }
            }
            Deed::Forbid(torrent) => {
                self.hall.sea.tracker.forbid(key(torrent).into());
                self.naive.swarms.remove(&torrent);
            }
            Deed::List(torrent) => self.hall.sea.tracker.list(key(torrent).into()),
            Deed::Wait(seconds) => self.hall.sea.now += seconds,
            Deed::Announce { socket, .. } if self.naive.open.contains(&socket) => self.announce(deed),
            Deed::Answer {
                socket,
                which,
                as_other,
            } if self.naive.open.contains(&socket) => self.answer(socket, socket, which, as_other),
            Deed::Steal { socket, which } if self.naive.open.contains(&socket) => {
                self.answer(socket, (socket + 1) % 8, which, false);
            }
            _ => {}
        }
        for (torrent, swarm) in &self.naive.swarms {
            let seeders = swarm.values().filter(|seeds| **seeds).count();
            let counts = self.hall.sea.counts(key(*torrent));
            assert_eq!(
                (counts.0, counts.1),
                (seeders as u32, (swarm.len() - seeders) as u32)
            );
        }
    }

    fn announce(&mut self, deed: &Deed) {
        let Deed::Announce {
            socket,
            torrent,
            offers,
            numwant,
            event,
            left,
        } = *deed
        else {
            return;
        };
        let fields = json!({ "numwant": numwant, "event": EVENTS[event], "left": left });
        let mut message = with(announce(key(torrent), &name(socket), offers), fields);
        for offer in message["offers"].as_array_mut().into_iter().flatten() {
            self.offers += 1;
            offer["offer_id"] = json!(format!("{:020}", self.offers));
        }
        self.hall.say(socket, &message);
        let own = self.hall.told(socket);
        assert_eq!(own.len(), 1);
        let served = own[0].get("failure reason").is_none();
        let swarm = self.naive.swarms.entry(torrent).or_default();
        if served && EVENTS[event] == "stopped" {
            swarm.remove(&socket);
        } else if served {
            swarm.insert(socket, left == 0);
        }
        let (wanted, mut handed) = (offers.min(numwant), 0);
        let may_have = |other: u64| {
            served && EVENTS[event] != "stopped" && swarm.get(&other).is_some_and(|seeds| left > 0 || !seeds)
        };
        let eligible = self
            .naive
            .open
            .iter()
            .filter(|other| **other != socket && may_have(**other));
        let eligible = eligible.count();
        for other in self.naive.open.iter().filter(|other| **other != socket) {
            for letter in self.hall.told(*other) {
                assert!(may_have(*other), "{letter}");
                assert_eq!(letter["peer_id"], format!("{:-<20}", name(socket)));
                assert_eq!(letter["info_hash"], binary(key(torrent).as_bytes()));
                assert!(letter.get("offer").is_some());
                handed += 1;
                self.naive
                    .handed
                    .entry(*other)
                    .or_default()
                    .push((socket, letter));
            }
        }
        assert_eq!(handed, wanted.min(eligible));
    }

    /// `socket` answers an offer that `whose` was handed.
    fn answer(&mut self, socket: u64, whose: u64, which: usize, as_other: bool) {
        let handed = self.naive.handed.get(&whose).map_or(&[][..], Vec::as_slice);
        let Some((from, offer)) = handed.get(which % handed.len().max(1)).cloned() else {
            return;
        };
        let by = if as_other {
            "other".to_owned()
        } else {
            name(socket)
        };
        self.hall.say(socket, &answer(&offer, &by));
        for other in self.naive.open.clone() {
            let told = self.hall.told(other);
            let is_meant = other == from && socket == whose && !as_other;
            assert!(
                told.is_empty() || (is_meant && told.len() == 1),
                "{other}: {told:?}"
            );
            for letter in told {
                assert_eq!(letter["offer_id"], offer["offer_id"]);
                assert_eq!(letter["peer_id"], format!("{:-<20}", name(socket)));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_what_was_not_meant_for_it(deeds in prop::collection::vec(deed(), 1..200)) {
        let settings = Settings { mode: Mode::Open, ..Settings::new(5) };
        let mut pair = Pair { hall: Hall::new(settings), naive: Naive::default(), offers: 0 };
        deeds.iter().for_each(|deed| pair.run(deed));
        for socket in pair.naive.open.clone() {
            pair.hall.leave(socket);
        }
        (0..3).for_each(|torrent| pair.hall.sea.tracker.unlist(key(torrent).into()));
        pair.hall.sea.sweep();
        let totals = pair.hall.sea.tracker.totals();
        prop_assert_eq!((totals.guests, totals.torrents, totals.known), (0, 0, 0));
    }
}
