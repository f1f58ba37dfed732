//! Personal announce keys between the store, which says whose they are, and the tracker, which takes them: telling it of
//! changes, and keeping what it noted. The rows are the store's; how clients bring a key is `crates/tracker/src/pass.rs`.
//!
//! A key is shown once, when it is made, and written to no log.

use std::sync::Arc;

use shoal_store::{AnnounceKeyChange, AnnounceKeyCursor, AnnounceUse, Millis, Store, StoreError};
use shoal_tracker::{Pass, PassHash, Tracker};
use url::Url;

use crate::app::App;
use crate::clock;

/// Uses kept in one transaction.
const AT_ONCE: usize = 1000;

/// Seconds after which everything is compared, to heal what was missed.
const COMPARED_AFTER: u32 = 600;

/// A fresh key of 128 random bits.
pub(crate) fn fresh() -> Pass {
    Pass::new(rand::random())
}

/// The personal announce URL of a key, at the archive's public address.
pub(crate) fn url(base: &Url, key: &Pass) -> String {
    format!("{base}announce/{}", key.reveal())
}

/// Tells a new tracker every key that it takes, and has it hear of every change that this process makes.
pub(crate) fn load(tracker: &Arc<Tracker>, store: &Store) -> Result<(), StoreError> {
    let listener = Arc::clone(tracker);
    store.on_announce_key_change(Arc::new(move |changes: &[AnnounceKeyChange]| {
        hear(&listener, changes);
    }));
    store.for_each_announce_key(|hash| tracker.admit_pass(PassHash(hash)))?;
    Ok(())
}

fn hear(tracker: &Tracker, changes: &[AnnounceKeyChange]) {
    for change in changes {
        let hash = PassHash(change.key_hash);
        if change.valid {
            tracker.admit_pass(hash);
        } else {
            tracker.revoke_pass(hash);
        }
    }
}

/// What other processes changed: other nodes on the same database, and commands beside a serving process.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    heard: Option<AnnounceKeyCursor>,
    rounds: u32,
}

impl Ear {
    /// Hears what is new; to be called every second.
    pub(crate) fn listen(&mut self, app: &App) -> Result<(), StoreError> {
        let at = match self.heard {
            Some(at) if !self.rounds.is_multiple_of(COMPARED_AFTER) => at,
            _ => compare(app)?,
        };
        self.rounds = self.rounds.wrapping_add(1);
        let (changes, next) = app.store.announce_key_changes_since(at)?;
        hear(&app.tracker, &changes);
        self.heard = Some(next);
        Ok(())
    }
}

/// Brings the tracker to what is stored, and says where later changes begin.
fn compare(app: &App) -> Result<AnnounceKeyCursor, StoreError> {
    let mut comparison = app.tracker.compare_passes();
    let cursor = app
        .store
        .for_each_announce_key(|hash| comparison.valid(PassHash(hash)))?;
    comparison.finish();
    Ok(cursor)
}

/// Keeps what keys were used for since the last time; what cannot be kept now is kept for the next time.
pub(crate) fn keep_uses(app: &App) -> Result<(), StoreError> {
    let mut waiting = app.tracker.take_pass_uses();
    let (now, ticks) = (clock::now(), app.tracker_now());
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(AT_ONCE));
        let some: Vec<AnnounceUse> = (waiting.iter())
            .map(|used| AnnounceUse {
                key_hash: used.pass.0,
                torrent: used.torrent,
                seeding: used.seeding,
                seen_at: now - Millis::from(ticks.0.saturating_sub(used.seen.0)) * 1000,
            })
            .collect();
        if let Err(error) = app.store.add_announce_uses(clock::moment(), &some) {
            app.tracker.give_back_pass_uses(waiting);
            app.tracker.give_back_pass_uses(rest);
            return Err(error);
        }
        waiting = rest;
    }
    Ok(())
}

/// Since when a client must have announced to count as one that is there: about the longest that it may be silent, with
/// the time until that is stored.
pub(crate) fn there_since(app: &App) -> Millis {
    let longest = Millis::from(app.tracker.settings().interval) * 9 / 4 + 60;
    clock::now() - longest * 1000
}
