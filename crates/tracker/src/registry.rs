//! What is listed: told by the store after each commit, and compared with it as a whole now and then. Holds no list of
//! its own: the listing stands with each torrent. Next in the flow: `sweep.rs`.

use std::sync::atomic::Ordering;

use parking_lot::{Mutex, MutexGuard};
use shoal_torrent::{SwarmKey, SwarmKeys};

use crate::house::House;
use crate::peer::Way;
use crate::settings::Mode;
use crate::shard::Shard;
use crate::swarm::Swarm;
use crate::torrents::{Holding, Listing};
use crate::tracker::Tracker;

/// The order of changes. Its lock is held by those who change a listing, never by an announce.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// The stamp of what has been said since the last resync began.
    stamp: Mutex<bool>,
    resync: Mutex<()>,
}

/// What a key is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    List { private: bool },
    Point { primary: SwarmKey, private: bool },
    Forbid,
    Unlist,
}

impl Change {
    fn is_private(self) -> bool {
        matches!(
            self,
            Self::List { private: true } | Self::Point { private: true, .. }
        )
    }
}

impl Tracker {
    /// Serves a torrent from now on. Both keys of a hybrid lead to one swarm.
    pub fn list(&self, keys: SwarmKeys) {
        let stamp = self.registry.stamp.lock();
        self.list_stamped(keys, false, *stamp, true);
    }

    /// Serves a private torrent (BEP 27) from now on, to clients with a valid personal key only.
    pub fn list_private(&self, keys: SwarmKeys) {
        let stamp = self.registry.stamp.lock();
        self.list_stamped(keys, true, *stamp, true);
    }

    /// Refuses a torrent from now on, in every mode, and drops its swarm.
    pub fn forbid(&self, keys: SwarmKeys) {
        let stamp = self.registry.stamp.lock();
        self.forbid_stamped(keys, *stamp, true);
    }

    /// Treats a torrent as one that nobody listed. Its swarm stays if the tracker is open.
    pub fn unlist(&self, keys: SwarmKeys) {
        let stamp = self.registry.stamp.lock();
        keys.iter()
            .for_each(|key| drop(self.change(key, Change::Unlist, *stamp, true)));
    }

    /// Sets how many downloads of a listed torrent were ever completed, as the store has it. What has been counted since
    /// and not been taken is added.
    pub fn set_completed(&self, keys: SwarmKeys, completed: u64) {
        let (place, mut shard) = self.lock(keys.primary);
        let waiting = shard
            .completions
            .iter()
            .find(|(key, _)| *key == place.key)
            .map_or(0, |(_, count)| *count);
        if let Some(at) = shard.torrents.find(place.spot, &place.key)
            && let Some(torrent) = shard.torrents.get_mut(at)
        {
            torrent.ledger.set_completed(completed.saturating_add(waiting));
        }
    }

    /// Begins to compare the whole listing with what is stored. To be begun before the store is read: what `list`,
    /// `forbid` and `unlist` say meanwhile is newer and stays. A second resync waits for the first.
    pub fn resync(&self) -> Resync<'_> {
        let only = self.registry.resync.lock();
        let mut stamp = self.registry.stamp.lock();
        *stamp = !*stamp;
        self.house.resyncing.store(true, Ordering::Relaxed);
        drop(stamp);
        Resync {
            tracker: self,
            _only: only,
            is_whole: false,
        }
    }

    fn list_stamped(&self, keys: SwarmKeys, private: bool, stamp: bool, is_newer: bool) {
        let primary = keys.primary;
        drop(self.change(primary, Change::List { private }, stamp, is_newer));
        let Some(alias) = keys.alias else { return };
        let own = self.change(alias, Change::Point { primary, private }, stamp, is_newer);
        let Some(mut own) = own.filter(|_| !private) else {
            return;
        };
        // An open tracker may have served the two as different torrents.
        own.drain_into(&mut |peer| {
            let peer = peer.with(peer.meta().by(Way::Second));
            self.follow(primary, |shard, place| shard.adopt(place, &peer, &self.house));
        });
    }

    fn forbid_stamped(&self, keys: SwarmKeys, stamp: bool, is_newer: bool) {
        keys.iter()
            .for_each(|key| drop(self.change(key, Change::Forbid, stamp, is_newer)));
    }

    /// Changes one key; gives back a swarm that was dropped, so that the lock need not be held while it is freed.
    fn change(&self, key: SwarmKey, change: Change, stamp: bool, is_newer: bool) -> Option<Swarm> {
        let (place, mut shard) = self.lock(key);
        let found = shard.torrents.find(place.spot, &place.key);
        let is_seen = found
            .and_then(|at| shard.torrents.get(at))
            .is_some_and(|known| known.ledger.stamp() == stamp);
        let says_nothing = found.is_none() && change == Change::Unlist && !self.house.is_resyncing();
        if (is_seen && !is_newer) || says_nothing {
            return None;
        }
        let at = found.unwrap_or_else(|| shard.begin(place.key, stamp, &self.house));
        shard.change_at(at, change, stamp, &self.house)
    }

    fn settle(&self, stamp: bool, unlist: bool) -> u64 {
        self.house.unseen.store(stamp, Ordering::Relaxed);
        self.house.resyncing.store(false, Ordering::Relaxed);
        let mut unlisted = 0;
        for shard in &self.shards {
            let dropped = shard.0.lock().settle(stamp, unlist, &self.house);
            unlisted += dropped.len() as u64;
        }
        unlisted
    }
}

impl Shard {
    fn change_at(&mut self, at: usize, change: Change, stamp: bool, house: &House) -> Option<Swarm> {
        let torrent = self.torrents.get_mut(at)?;
        let listing = match change {
            Change::List { .. } | Change::Point { .. } => Listing::Listed,
            Change::Forbid => Listing::Forbidden,
            Change::Unlist => Listing::Unlisted,
        };
        house.count_unlisted(is_unlisted(listing) - is_unlisted(torrent.ledger.listing()));
        torrent.ledger.set(listing, stamp);
        // Whoever came while nobody had to bring a key is not told of to those that do.
        let becomes_private = change.is_private() && !torrent.ledger.is_private();
        torrent.ledger.set_private(change.is_private());
        let keeps = match change {
            Change::List { .. } => matches!(torrent.holding, Holding::Swarm(_)) && !becomes_private,
            Change::Point { .. } | Change::Forbid => false,
            Change::Unlist => {
                matches!(torrent.holding, Holding::Swarm(_)) && house.settings.mode == Mode::Open
            }
        };
        let holding = match change {
            _ if keeps => None,
            Change::Point { primary, .. } => Some(Holding::Alias(primary)),
            _ => Some(Holding::Swarm(Swarm::default())),
        };
        let old = holding.map(|holding| std::mem::replace(&mut torrent.holding, holding));
        // Guests go with the swarm. Those of a second key come to the first with their next announce.
        if old.is_some() && torrent.ledger.has_room() {
            torrent.ledger.set_room(false);
            let guests = self.rooms.remove(&torrent.key).map_or(0, |room| room.len());
            house.count_peers(-(guests as i32));
        }
        let is_idle = torrent.is_idle() && !house.is_resyncing();
        let Some(Holding::Swarm(dropped)) = old else {
            self.forget_if(is_idle, at, house);
            return None;
        };
        self.members -= dropped.members();
        self.swarms -= u32::from(dropped.len() > 0);
        house.count_peers(-(dropped.len() as i32));
        self.forget_if(is_idle, at, house);
        Some(dropped)
    }

    /// Takes out an entry that says nothing.
    pub(crate) fn forget_if(&mut self, is_idle: bool, at: usize, house: &House) {
        if is_idle {
            self.torrents.remove(at, &house.mixer);
            house.count_unlisted(-1);
        }
    }

    /// Ends a resync: what it has not seen is unlisted, if it was whole. Gives back what was dropped.
    fn settle(&mut self, stamp: bool, unlist: bool, house: &House) -> Vec<Option<Swarm>> {
        let mut dropped = Vec::new();
        let mut at = 0;
        while at < self.torrents.places() {
            let known = self.torrents.len();
            if let Some(torrent) = self.torrents.get_mut(at) {
                let listing = torrent.ledger.listing();
                if unlist && torrent.ledger.stamp() != stamp && listing != Listing::Unlisted {
                    dropped.push(self.change_at(at, Change::Unlist, stamp, house));
                } else {
                    torrent.ledger.set(listing, stamp);
                    let is_idle = torrent.is_idle();
                    self.forget_if(is_idle, at, house);
                }
            }
            // Another may have moved to this place.
            at += usize::from(self.torrents.len() == known);
        }
        self.torrents.trim(&house.mixer);
        dropped
    }
}

fn is_unlisted(listing: Listing) -> i32 {
    i32::from(listing == Listing::Unlisted)
}

/// A comparison of the whole listing under way. Dropped without `finish`, it has unlisted nothing.
#[must_use = "nothing is unlisted until `finish`"]
#[derive(Debug)]
pub struct Resync<'a> {
    tracker: &'a Tracker,
    _only: MutexGuard<'a, ()>,
    is_whole: bool,
}

impl Resync<'_> {
    /// The store has this torrent listed.
    pub fn list(&mut self, keys: SwarmKeys) {
        let stamp = self.tracker.registry.stamp.lock();
        self.tracker.list_stamped(keys, false, *stamp, false);
    }

    /// The store has this private torrent listed.
    pub fn list_private(&mut self, keys: SwarmKeys) {
        let stamp = self.tracker.registry.stamp.lock();
        self.tracker.list_stamped(keys, true, *stamp, false);
    }

    /// The store has this torrent forbidden.
    pub fn forbid(&mut self, keys: SwarmKeys) {
        let stamp = self.tracker.registry.stamp.lock();
        self.tracker.forbid_stamped(keys, *stamp, false);
    }

    /// The store has no more: unlists what it did not name, and says how many keys that were.
    pub fn finish(mut self) -> u64 {
        self.is_whole = true;
        let stamp = self.tracker.registry.stamp.lock();
        self.tracker.settle(*stamp, true)
    }
}

impl Drop for Resync<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            let stamp = self.tracker.registry.stamp.lock();
            self.tracker.settle(*stamp, false);
        }
    }
}
