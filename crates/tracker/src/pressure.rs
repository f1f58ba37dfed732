//! What happens before there is no room left, and when there is too much to do: swarms in which nobody downloads give up
//! their oldest peers, and intervals become longer. Decides only; `shard.rs` and `sweep.rs` act on it a step at a time.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::house::House;
use crate::swarm::Swarm;
use crate::time::{Seconds, TICK};
use crate::tracker::Tracker;

/// The most eighths by which an interval can be longer.
const MOST_EIGHTHS: u32 = 8;

/// How hard the doors work, and how long that has to be remembered: whoever was told to come later must not be forgotten
/// earlier.
#[derive(Debug, Default)]
pub(crate) struct Strain {
    /// Eighths by which intervals are longer now.
    now: AtomicU32,
    /// Eighths by which peers are kept longer.
    patience: AtomicU32,
    /// Until when nobody may be forgotten earlier, in seconds.
    until: AtomicU32,
}

impl Tracker {
    /// Says how hard the doors work: intervals become longer by so many eighths, at most eight together with those of
    /// large swarms. To be said again every few seconds.
    pub fn set_strain(&self, now: Seconds, eighths: u32) {
        let (strain, eighths) = (&self.house.strain, eighths.min(MOST_EIGHTHS));
        strain.now.store(eighths, Ordering::Relaxed);
        let patience = strain.patience.load(Ordering::Relaxed);
        if eighths >= patience || now.0 >= strain.until.load(Ordering::Relaxed) {
            let longest = self.house.settings.peer_timeout * 2;
            strain.patience.store(eighths, Ordering::Relaxed);
            strain
                .until
                .store(now.0.saturating_add(longest), Ordering::Relaxed);
        }
    }

    /// By how many eighths intervals are longer because of what was said last.
    pub fn strain(&self) -> u32 {
        self.house.strain.now.load(Ordering::Relaxed)
    }
}

impl House {
    /// Eighths by which the interval of a swarm of so many peers is longer: none up to 1023, then one more with each
    /// doubling; and as many as the doors are strained; at most eight.
    pub(crate) fn stretch(&self, peers: u32) -> u32 {
        (by_size(peers) + self.strain.now.load(Ordering::Relaxed)).min(MOST_EIGHTHS)
    }

    /// Ticks after which a peer of a swarm of so many peers is forgotten. When room becomes scarce, those who are overdue
    /// go sooner.
    pub(crate) fn timeout(&self, peers: u32) -> u16 {
        let stretch = (by_size(peers) + self.strain.patience.load(Ordering::Relaxed)).min(MOST_EIGHTHS);
        let timeout = match self.excess() {
            Some(_) => (self.settings.interval * 5 / 4).min(self.settings.peer_timeout),
            None => self.settings.peer_timeout,
        };
        (timeout * (8 + stretch) / 8).div_ceil(TICK) as u16
    }

    /// How many peers there are above fifteen sixteenths of what the tracker takes: nothing, as long as there are none.
    fn excess(&self) -> Option<u32> {
        let (peers, most) = (self.peers.0.load(Ordering::Relaxed), self.settings.max_peers);
        peers.checked_sub(most - most / 16).filter(|excess| *excess > 0)
    }

    /// How many peers a swarm in which nobody downloads may keep: 256 when room becomes scarce, two when there is hardly
    /// any.
    fn kept_when_idle(&self, excess: u32) -> usize {
        let margin = u64::from(self.settings.max_peers / 16).max(1);
        256 >> (u64::from(excess - 1) * 8 / margin).min(7)
    }

    /// Whether a swarm has enough peers for the time being, unless somebody comes to download.
    pub(crate) fn has_enough(&self, swarm: &Swarm) -> bool {
        self.excess()
            .is_some_and(|excess| swarm.len() >= self.kept_when_idle(excess))
            && swarm.members().leechers == 0
    }

    /// What a swarm has to give up: no more than are too many in all, and its oldest. Ages are spread over an interval, so
    /// a part of the peers is as old as the same part of the interval.
    pub(crate) fn surplus(&self, swarm: &Swarm) -> Surplus {
        let Some(excess) = self.excess() else {
            return Surplus::default();
        };
        let (kept, peers) = (self.kept_when_idle(excess), swarm.len());
        if peers <= kept || swarm.members().leechers > 0 {
            return Surplus::default();
        }
        let surplus = (peers - kept).min(excess as usize);
        let interval = self.settings.interval * (8 + self.stretch(peers as u32)) / 8 / TICK;
        Surplus {
            peers: surplus,
            older_than: (interval as usize * (peers - surplus) / peers) as u16,
        }
    }
}

/// Peers that a swarm has to give up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surplus {
    /// How many, at most.
    pub(crate) peers: usize,
    /// Only those whose last announce was so many ticks ago.
    pub(crate) older_than: u16,
}

fn by_size(peers: u32) -> u32 {
    peers.checked_ilog2().unwrap_or(0).saturating_sub(9)
}
