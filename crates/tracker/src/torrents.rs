//! The torrents of one shard: an open-addressing table that is kept seven eighths full at most and grows by a fifth, so
//! that a torrent costs little more than its own 48 bytes. One byte of each hash stands apart and is compared first.
//! Knows nothing of peers; `shard.rs` is next in the flow.

use shoal_torrent::SwarmKey;

use crate::mix::{Mixer, Spot};
use crate::swarm::Swarm;

/// Whether a torrent is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    Unlisted,
    Listed,
    Forbidden,
}

/// Listing, stamp, privacy, whether there are guests, and completed downloads, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ledger(u32);

impl Ledger {
    const LISTED: u32 = 1;
    const FORBIDDEN: u32 = 2;
    const STAMP: u32 = 4;
    const PRIVATE: u32 = 8;
    const ROOM: u32 = 16;
    const REST: u32 = 31;
    const COUNT_SHIFT: u32 = 5;
    const COUNT_MAX: u32 = u32::MAX >> Self::COUNT_SHIFT;

    pub(crate) fn new(listing: Listing, stamp: bool) -> Self {
        let mut ledger = Self(0);
        ledger.set(listing, stamp);
        ledger
    }

    pub(crate) fn listing(self) -> Listing {
        match self.0 & (Self::LISTED | Self::FORBIDDEN) {
            0 => Listing::Unlisted,
            Self::LISTED => Listing::Listed,
            _ => Listing::Forbidden,
        }
    }

    /// Which resync saw it last: true and false in turn.
    pub(crate) fn stamp(self) -> bool {
        self.0 & Self::STAMP != 0
    }

    pub(crate) fn set(&mut self, listing: Listing, stamp: bool) {
        let listing = match listing {
            Listing::Unlisted => 0,
            Listing::Listed => Self::LISTED,
            Listing::Forbidden => Self::FORBIDDEN,
        };
        let stamp = if stamp { Self::STAMP } else { 0 };
        self.0 = self.0 & !(Self::LISTED | Self::FORBIDDEN | Self::STAMP) | listing | stamp;
    }

    /// Whether only clients with a personal key are served (BEP 27).
    pub(crate) fn is_private(self) -> bool {
        self.0 & Self::PRIVATE != 0
    }

    pub(crate) fn set_private(&mut self, private: bool) {
        self.0 = self.0 & !Self::PRIVATE | if private { Self::PRIVATE } else { 0 };
    }

    /// Whether there are guests, who stand in a room beside the table.
    pub(crate) fn has_room(self) -> bool {
        self.0 & Self::ROOM != 0
    }

    pub(crate) fn set_room(&mut self, has_room: bool) {
        self.0 = self.0 & !Self::ROOM | if has_room { Self::ROOM } else { 0 };
    }

    pub(crate) fn completed(self) -> u32 {
        self.0 >> Self::COUNT_SHIFT
    }

    /// Sets the number of completed downloads; more than 134,217,727 are kept as that.
    pub(crate) fn set_completed(&mut self, count: u64) {
        let count = count.min(u64::from(Self::COUNT_MAX)) as u32;
        self.0 = self.0 & Self::REST | count << Self::COUNT_SHIFT;
    }
}

/// What stands behind a key.
#[derive(Debug)]
pub(crate) enum Holding {
    Swarm(Swarm),
    /// The second key of a hybrid: its swarm is under the first.
    Alias(SwarmKey),
}

#[derive(Debug)]
pub(crate) struct Torrent {
    pub(crate) key: SwarmKey,
    pub(crate) ledger: Ledger,
    pub(crate) holding: Holding,
}

const _: () = assert!(size_of::<Torrent>() == 48);

impl Torrent {
    pub(crate) fn new(key: SwarmKey, listing: Listing, stamp: bool) -> Self {
        Self {
            key,
            ledger: Ledger::new(listing, stamp),
            holding: Holding::Swarm(Swarm::default()),
        }
    }

    fn free() -> Self {
        Self::new(SwarmKey::new([0; 20]), Listing::Unlisted, false)
    }

    /// Whether nothing would be lost without it.
    pub(crate) fn is_idle(&self) -> bool {
        self.ledger.listing() == Listing::Unlisted
            && !self.ledger.has_room()
            && matches!(&self.holding, Holding::Swarm(swarm) if swarm.len() == 0)
    }
}

/// A tag of this value marks a free place.
const FREE: u8 = 0;

#[derive(Debug, Default)]
pub(crate) struct Torrents {
    tags: Box<[u8]>,
    slots: Box<[Torrent]>,
    len: usize,
}

impl Torrents {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many places there are; each `index` is below that.
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    /// The tags and the places, the free ones too.
    pub(crate) fn parts(&self) -> (&[u8], &[Torrent]) {
        (&self.tags, &self.slots)
    }

    pub(crate) fn find(&self, spot: Spot, key: &SwarmKey) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let mut at = spot.home(self.tags.len());
        loop {
            let tag = self.tags[at];
            if tag == spot.tag() && self.slots[at].key == *key {
                return Some(at);
            }
            if tag == FREE {
                return None;
            }
            at = self.after(at);
        }
    }

    /// The torrent at a place, unless it is free.
    pub(crate) fn get(&self, index: usize) -> Option<&Torrent> {
        (*self.tags.get(index)? != FREE).then(|| &self.slots[index])
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Torrent> {
        (*self.tags.get(index)? != FREE).then(|| &mut self.slots[index])
    }

    /// Puts in a torrent that is not there, and says where it stands now.
    pub(crate) fn insert(&mut self, torrent: Torrent, mixer: &Mixer) -> usize {
        if (self.len + 1) * 8 > self.slots.len() * 7 {
            self.resize(self.slots.len() * 6 / 5 + 4, mixer);
        }
        self.place(torrent, mixer)
    }

    /// Takes a torrent out. The places of others may change.
    pub(crate) fn remove(&mut self, index: usize, mixer: &Mixer) -> Torrent {
        let gone = std::mem::replace(&mut self.slots[index], Torrent::free());
        self.tags[index] = FREE;
        self.len -= 1;
        // Whoever stands beyond the gap and would be looked for before it moves into it.
        let (mut gap, mut at) = (index, self.after(index));
        while self.tags[at] != FREE {
            let home = mixer.spot(&self.slots[at].key).home(self.slots.len());
            if self.distance(home, at) >= self.distance(gap, at) {
                self.slots.swap(gap, at);
                self.tags.swap(gap, at);
                gap = at;
            }
            at = self.after(at);
        }
        gone
    }

    /// Gives room back when less than about a third is used.
    pub(crate) fn trim(&mut self, mixer: &Mixer) {
        let enough = self.len * 4 / 3 + 4;
        if enough * 2 < self.slots.len() {
            self.resize(enough, mixer);
        }
    }

    fn place(&mut self, torrent: Torrent, mixer: &Mixer) -> usize {
        let spot = mixer.spot(&torrent.key);
        let mut at = spot.home(self.tags.len());
        while self.tags[at] != FREE {
            at = self.after(at);
        }
        self.tags[at] = spot.tag();
        self.slots[at] = torrent;
        self.len += 1;
        at
    }

    fn resize(&mut self, places: usize, mixer: &Mixer) {
        let tags = std::mem::replace(&mut self.tags, vec![FREE; places].into());
        let slots = std::mem::replace(&mut self.slots, (0..places).map(|_| Torrent::free()).collect());
        self.len = 0;
        for (tag, torrent) in tags.into_iter().zip(slots) {
            if tag != FREE {
                self.place(torrent, mixer);
            }
        }
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.slots.len() - from
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn key(n: u16) -> SwarmKey {
        let mut key = [7; 20];
        key[..2].copy_from_slice(&n.to_be_bytes());
        SwarmKey::new(key)
    }

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let mixer = Mixer::new(3, 0);
        let mut rng = StdRng::seed_from_u64(11);
        let (mut torrents, mut model) = (Torrents::default(), BTreeSet::new());
        for step in 0..40_000 {
            let n = rng.random_range(0..if step < 20_000 { 700 } else { 60 });
            match torrents.find(mixer.spot(&key(n)), &key(n)) {
                Some(at) => {
                    assert!(model.remove(&n));
                    assert_eq!(torrents.remove(at, &mixer).key, key(n));
                    torrents.trim(&mixer);
                }
                None => {
                    assert!(model.insert(n));
                    let at = torrents.insert(Torrent::new(key(n), Listing::Listed, false), &mixer);
                    assert_eq!(torrents.get(at).map(|torrent| torrent.key), Some(key(n)));
                }
            }
            assert_eq!(torrents.len(), model.len());
        }
        assert!(
            model
                .iter()
                .all(|n| torrents.find(mixer.spot(&key(*n)), &key(*n)).is_some())
        );
        assert!(
            (0..torrents.places())
                .filter(|at| torrents.get(*at).is_some())
                .count()
                == model.len()
        );
    }

    #[test]
    fn a_ledger_keeps_its_parts_apart() {
        let mut ledger = Ledger::new(Listing::Listed, true);
        ledger.set_completed(77);
        ledger.set_room(true);
        assert_eq!(
            (ledger.listing(), ledger.stamp(), ledger.completed()),
            (Listing::Listed, true, 77)
        );
        ledger.set(Listing::Forbidden, false);
        assert_eq!(
            (ledger.listing(), ledger.stamp(), ledger.completed()),
            (Listing::Forbidden, false, 77)
        );
        assert!(ledger.has_room() && !ledger.is_private());
        ledger.set_room(false);
        ledger.set_private(true);
        ledger.set_completed(u64::MAX);
        ledger.set(Listing::Listed, false);
        assert_eq!(
            (ledger.listing(), ledger.completed(), ledger.is_private()),
            (Listing::Listed, (1 << 27) - 1, true)
        );
        ledger.set_private(false);
        assert_eq!(
            (ledger.listing(), ledger.completed(), ledger.is_private()),
            (Listing::Listed, (1 << 27) - 1, false)
        );
    }
}
