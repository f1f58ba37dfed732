//! Memory asked for ahead of its use. Swarms do not fit into the processor's caches, and an announce goes through one place
//! after the other: the shard, its table, the torrent, the list of leaves, the leaf. A door that has many announces at hand
//! goes through these places for all of them, step by step, before it answers the first, so that the waits fall together.
//! Changes nothing and decides nothing; `tracker.rs` answers as it would without.

#![expect(unsafe_code, reason = "the standard library has no prefetch")]

use std::net::IpAddr;

use shoal_torrent::SwarmKey;

use crate::mix::Spot;
use crate::peer::{Kind, Meta, Peer};
use crate::swarm::Swarm;
use crate::time::Tick;
use crate::torrents::{Holding, Torrents};
use crate::tracker::Tracker;

/// Bytes that come from memory together.
const LINE: usize = 64;

/// Asks for the memory of something, without waiting for it.
pub(crate) fn prefetch<T>(what: &T) {
    let first = std::ptr::from_ref(what).cast::<i8>();
    for at in (0..size_of::<T>().max(1)).step_by(LINE) {
        ask(first.wrapping_add(at));
    }
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

/// An announce that will be answered soon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coming {
    key: SwarmKey,
    spot: Spot,
    peer: Peer,
}

impl Tracker {
    /// Looks at an announce that will be answered soon.
    pub(crate) fn expect(&self, key: [u8; 20], ip: IpAddr, port: u16) -> Coming {
        let key = SwarmKey::new(key);
        let coming = Coming {
            key,
            spot: self.house.mixer.spot(&key),
            peer: Peer::new(ip, port, Meta::new(Kind::Leecher, Tick::default())),
        };
        prefetch(&self.shards[coming.spot.shard()]);
        coming
    }

    /// Asks for the next places on the way of some announces, until all are asked for.
    pub(crate) fn foresee(&self, coming: &[Coming]) {
        for coming in coming {
            self.shards[coming.spot.shard()]
                .0
                .lock()
                .torrents
                .foresee(coming.spot);
        }
        for step in [Swarm::foresee, Swarm::foresee_list, Swarm::foresee_leaf] {
            for coming in coming {
                let shard = self.shards[coming.spot.shard()].0.lock();
                if let Some(swarm) = find(&shard.torrents, coming) {
                    step(swarm, &coming.peer, &self.house.mixer);
                }
            }
        }
    }
}

fn find<'a>(torrents: &'a Torrents, coming: &Coming) -> Option<&'a Swarm> {
    let at = torrents.find(coming.spot, &coming.key)?;
    match &torrents.get(at)?.holding {
        Holding::Swarm(swarm) => Some(swarm),
        Holding::Alias(_) => None,
    }
}
