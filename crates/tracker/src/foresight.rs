//! Memory asked for ahead of its use. Swarms do not fit into the processor's caches, and an announce goes through one place
//! after the other: the shard with its table, the torrent, the list of leaves, the leaf. A door that has many requests at hand
//! goes through these places for all of them, step by step, before it answers the first, so that the waits fall together.
//! Each step costs a lock, so the first is taken without one, and none is taken for what a request will not look at.
//! Changes nothing and decides nothing; `tracker.rs` answers as it would without.

#![expect(unsafe_code, reason = "the standard library has no prefetch")]

use std::net::IpAddr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use shoal_torrent::SwarmKey;

use crate::mix::Spot;
use crate::peer::{Kind, Meta, Peer, Record};
use crate::swarm::{Ahead, Swarm};
use crate::time::Tick;
use crate::torrents::{Holding, Torrent, Torrents};
use crate::tracker::Tracker;

/// Bytes that come from memory together.
const LINE: usize = 64;

/// Asks for the memory of something, without waiting for it: for each line of which it has a part.
pub(crate) fn prefetch<T>(what: &T) {
    let first = std::ptr::from_ref(what).cast::<i8>();
    let before = first.addr() % LINE;
    for at in (0..before + size_of::<T>()).step_by(LINE) {
        ask(first.wrapping_sub(before).wrapping_add(at));
    }
}

/// Asks for the line in which something begins.
pub(crate) fn prefetch_head<T>(what: &T) {
    ask(std::ptr::from_ref(what).cast());
}

#[cfg(target_arch = "x86_64")]
fn ask(place: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing and faults on no address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place) }
}

/// Other processors find out by themselves.
#[cfg(not(target_arch = "x86_64"))]
fn ask(_: *const i8) {}

/// Where the table of a shard was when it was seen last: enough to ask for a place in it without its lock. Nothing is read by
/// these pointers.
#[derive(Debug, Default)]
pub(crate) struct Chart {
    tags: AtomicPtr<u8>,
    slots: AtomicPtr<Torrent>,
    places: AtomicUsize,
}

impl Chart {
    fn note(&self, torrents: &Torrents) {
        let (tags, slots) = torrents.parts();
        let slots_at = slots.as_ptr().cast_mut();
        if self.slots.load(Ordering::Relaxed) != slots_at
            || self.places.load(Ordering::Relaxed) != slots.len()
        {
            self.tags.store(tags.as_ptr().cast_mut(), Ordering::Relaxed);
            self.slots.store(slots_at, Ordering::Relaxed);
            self.places.store(slots.len(), Ordering::Relaxed);
        }
    }

    /// Asks for the place where a torrent would be looked for first.
    fn foresee(&self, spot: Spot) {
        let at = spot.home(self.places.load(Ordering::Relaxed));
        ask(self.tags.load(Ordering::Relaxed).wrapping_add(at).cast());
        let slot = self.slots.load(Ordering::Relaxed).wrapping_add(at).cast::<i8>();
        ask(slot);
        // It lies on two lines as often as not.
        ask(slot.wrapping_add(size_of::<Torrent>() - 1));
    }
}

/// An announce that will be answered soon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coming {
    key: SwarmKey,
    spot: Spot,
    /// Where its torrent stood when that was looked for.
    at: usize,
    ahead: Ahead,
}

impl Tracker {
    /// Looks at an announce that will be answered soon.
    pub(crate) fn expect(&self, key: [u8; 20], (ip, port): (IpAddr, u16), has_all: bool) -> Coming {
        let key = SwarmKey::new(key);
        let kind = if has_all { Kind::Seeder } else { Kind::Leecher };
        let peer = Peer::new(ip, port, Meta::new(kind, Tick::default()));
        let mixer = &self.house.mixer;
        Coming {
            key,
            spot: self.expect_torrent(&key),
            at: 0,
            ahead: Ahead {
                hash: peer
                    .four
                    .map_or_else(|| peer.six.hash(mixer), |four| four.hash(mixer)),
                is_four: peer.is_four(),
                is_source: has_all,
            },
        }
    }

    /// Looks at a torrent that will be asked for soon.
    pub(crate) fn expect_torrent(&self, key: &SwarmKey) -> Spot {
        let spot = self.house.mixer.spot(key);
        prefetch_head(&self.shards[spot.shard()]);
        self.charts[spot.shard()].foresee(spot);
        spot
    }

    /// Asks for the next places on the way of some announces, until all are asked for. Leaves those of large swarms.
    pub(crate) fn foresee(&self, coming: &mut Vec<Coming>) {
        coming.retain_mut(|coming| {
            let place = (coming.spot, coming.key);
            let found = self.torrents_of(coming, |torrents| {
                self.charts[place.0.shard()].note(torrents);
                let at = torrents.find(place.0, &place.1)?;
                swarm_at(torrents, at)?.foresee().then_some(at)
            });
            coming.at = found.unwrap_or_default();
            found.is_some()
        });
        for step in [Swarm::foresee_list, Swarm::foresee_leaf] {
            for coming in &*coming {
                // By now another torrent may stand there: then the wrong memory is asked for, which changes nothing.
                self.torrents_of(coming, |torrents| {
                    if let Some(swarm) = swarm_at(torrents, coming.at) {
                        step(swarm, coming.ahead);
                    }
                });
            }
        }
    }

    fn torrents_of<T>(&self, coming: &Coming, look: impl FnOnce(&Torrents) -> T) -> T {
        look(&self.shards[coming.spot.shard()].0.lock().torrents)
    }
}

fn swarm_at(torrents: &Torrents, at: usize) -> Option<&Swarm> {
    match &torrents.get(at)?.holding {
        Holding::Swarm(swarm) => Some(swarm),
        Holding::Alias(_) => None,
    }
}
