//! What deliveries carry, at hand: the same bytes for all deliveries of an activity. Answers lie here from the moment they
//! were written; the rest is laid out when it is claimed (`courier/desk.rs`). What is not here is read again.

use crate::sign::Body;
use moka::sync::Cache;
use shoal_store::Id;
use std::sync::Arc;

/// How many bytes of letters are kept at hand.
const KEPT: u64 = 8 * 1024 * 1024;

/// What is carried.
pub(crate) struct Letter {
    /// The local actor that sends it.
    pub(crate) actor: Id,
    /// Its exact JSON.
    pub(crate) body: Body,
}

/// Letters by the numbers of their activities; the least used are forgotten.
pub(crate) struct Letters(Cache<i64, Arc<Letter>>);

impl Letters {
    /// None yet.
    pub(crate) fn new() -> Self {
        let kept = Cache::builder()
            .max_capacity(KEPT)
            .weigher(|_, letter: &Arc<Letter>| {
                u32::try_from(letter.body.bytes().len() + 384).unwrap_or(u32::MAX)
            });
        Self(kept.build())
    }

    /// The letter of an activity.
    pub(crate) fn get(&self, activity: i64) -> Option<Arc<Letter>> {
        self.0.get(&activity)
    }

    /// Lays at hand what deliveries of an activity carry.
    pub(crate) fn lay_out(&self, activity: i64, letter: shoal_store::Letter) -> Arc<Letter> {
        let letter = Arc::new(Letter {
            actor: letter.actor,
            body: Body::new(letter.json),
        });
        self.0.insert(activity, Arc::clone(&letter));
        letter
    }
}
