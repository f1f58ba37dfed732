//! Which personal announce keys are valid now, and what each was used for since that was last taken. Told by the store
//! after each commit, as listings are, and compared as a whole now and then. Holds hashes only, and no address. Next in
//! the flow: `tracker.rs`, which asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard};
use shoal_torrent::SwarmKey;

use crate::house::Padded;
use crate::pass::{Pass, PassHash};
use crate::time::Seconds;
use crate::tracker::Tracker;

/// Parts behind a lock of their own.
const SHELVES: usize = 64;

/// Torrents noted of one key until they are taken; what it does beyond that is served and not noted.
const MOST_OF_ONE: usize = 4096;

/// Torrents noted of all keys together until they are taken.
const MOST_OF_ALL: u32 = 1 << 16;

/// What a key was used for: the last announce with it of one torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassUse {
    /// The key.
    pub pass: PassHash,
    /// The torrent, by the key that the client named: of a hybrid it may be either.
    pub torrent: SwarmKey,
    /// Whether the client has everything and stays.
    pub seeding: bool,
    /// When it announced.
    pub seen: Seconds,
}

/// What was noted of one key, by torrent.
type Notes = BTreeMap<SwarmKey, (bool, Seconds)>;

/// Some of the valid keys.
type Shelf = BTreeMap<PassHash, Notes>;

/// All valid keys.
#[derive(Debug)]
pub(crate) struct Passes {
    shelves: Box<[Padded<Mutex<Shelf>>]>,
    noted: AtomicU32,
    /// Changes since a comparison began, while one is under way. Its lock is held by those who change what is valid.
    news: Mutex<Option<Vec<(PassHash, bool)>>>,
    comparing: Mutex<()>,
}

impl Default for Passes {
    fn default() -> Self {
        Self {
            shelves: (0..SHELVES).map(|_| Padded::default()).collect(),
            noted: AtomicU32::new(0),
            news: Mutex::default(),
            comparing: Mutex::default(),
        }
    }
}

impl Passes {
    /// The hash of a key, if that is valid.
    pub(crate) fn find(&self, pass: &Pass) -> Option<PassHash> {
        let hash = pass.hash();
        self.shelf(&hash).contains_key(&hash).then_some(hash)
    }

    /// Notes what a key was used for, unless there is no room or it was revoked meanwhile.
    pub(crate) fn note(&self, used: PassUse) {
        let mut shelf = self.shelf(&used.pass);
        let Some(notes) = shelf.get_mut(&used.pass) else {
            return;
        };
        let mark = (used.seeding, used.seen);
        if let Some(known) = notes.get_mut(&used.torrent) {
            *known = mark;
        } else if notes.len() < MOST_OF_ONE && self.noted.load(Ordering::Relaxed) < MOST_OF_ALL {
            notes.insert(used.torrent, mark);
            self.noted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn set(&self, hash: PassHash, valid: bool) {
        let mut shelf = self.shelf(&hash);
        if valid {
            shelf.entry(hash).or_default();
        } else if let Some(notes) = shelf.remove(&hash) {
            self.noted.fetch_sub(notes.len() as u32, Ordering::Relaxed);
        }
    }

    fn shelf(&self, hash: &PassHash) -> MutexGuard<'_, Shelf> {
        self.shelves[usize::from(hash.0[0]) % SHELVES].0.lock()
    }
}

impl Tracker {
    /// Takes announces with this key from now on.
    pub fn admit_pass(&self, hash: PassHash) {
        self.change_pass(hash, true);
    }

    /// Refuses announces with this key from now on. Peers that came with it stay until they fall silent.
    pub fn revoke_pass(&self, hash: PassHash) {
        self.change_pass(hash, false);
    }

    /// Whether announces with this key are taken now.
    pub fn is_valid_pass(&self, pass: &Pass) -> bool {
        self.passes.find(pass).is_some()
    }

    /// What keys were used for since the last call, to be added to what is stored; at most 65,536 torrents.
    pub fn take_pass_uses(&self) -> Vec<PassUse> {
        let mut uses = Vec::new();
        for shelf in &self.passes.shelves {
            for (pass, notes) in shelf.0.lock().iter_mut().filter(|(_, notes)| !notes.is_empty()) {
                self.passes.noted.fetch_sub(notes.len() as u32, Ordering::Relaxed);
                let notes = std::mem::take(notes).into_iter();
                uses.extend(notes.map(|(torrent, (seeding, seen))| PassUse {
                    pass: *pass,
                    torrent,
                    seeding,
                    seen,
                }));
            }
        }
        uses
    }

    /// Gives back uses that could not be stored, to be taken again; what was noted since is newer and stays.
    pub fn give_back_pass_uses(&self, uses: Vec<PassUse>) {
        for used in uses {
            let is_newer = (self.passes.shelf(&used.pass).get(&used.pass))
                .is_some_and(|notes| notes.contains_key(&used.torrent));
            if !is_newer {
                self.passes.note(used);
            }
        }
    }

    /// Begins to compare all keys with what is stored. To be begun before the store is read: what is admitted and
    /// revoked meanwhile is newer and stays. A second comparison waits for the first.
    pub fn compare_passes(&self) -> PassComparison<'_> {
        let only = self.passes.comparing.lock();
        *self.passes.news.lock() = Some(Vec::new());
        PassComparison {
            passes: &self.passes,
            valid: BTreeSet::new(),
            _only: only,
        }
    }

    fn change_pass(&self, hash: PassHash, valid: bool) {
        let mut news = self.passes.news.lock();
        if let Some(news) = news.as_mut() {
            news.push((hash, valid));
        }
        self.passes.set(hash, valid);
    }
}

/// A comparison of all keys under way. Dropped without `finish`, it has revoked nothing.
#[must_use = "nothing is revoked until `finish`"]
#[derive(Debug)]
pub struct PassComparison<'a> {
    passes: &'a Passes,
    valid: BTreeSet<PassHash>,
    _only: MutexGuard<'a, ()>,
}

impl PassComparison<'_> {
    /// The store has this key as valid.
    pub fn valid(&mut self, hash: PassHash) {
        self.valid.insert(hash);
    }

    /// The store has no more: revokes what it did not name.
    pub fn finish(mut self) {
        let mut news = self.passes.news.lock();
        for (hash, valid) in news.take().unwrap_or_default() {
            if valid {
                self.valid.insert(hash);
            } else {
                self.valid.remove(&hash);
            }
        }
        for shelf in &self.passes.shelves {
            let known: Vec<PassHash> = shelf.0.lock().keys().copied().collect();
            let gone = known.iter().filter(|hash| !self.valid.contains(hash));
            gone.for_each(|hash| self.passes.set(*hash, false));
        }
        self.valid.iter().for_each(|hash| self.passes.set(*hash, true));
    }
}

impl Drop for PassComparison<'_> {
    fn drop(&mut self) {
        *self.passes.news.lock() = None;
    }
}
