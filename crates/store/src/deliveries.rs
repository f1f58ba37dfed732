//! What waits to be delivered, host by host in the order in which it was queued.
//!
//! A delivery is one activity on its way to one inbox. Whoever holds the host takes the first that waits, and says how
//! it went. Queueing happens in `built.rs`; the state of hosts is in `hosts.rs`, claims in `claims.rs`; what attempts
//! came to is next, in `settle.rs`.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::connection::Db;
use crate::kept::{kept, padded};
use crate::schema::activities;
use crate::shelf::Shelf;
use crate::{Id, Millis, Store, StoreError};

/// The longest reason that is kept, in characters; it comes from other servers.
const LONGEST_REASON: usize = 500;

/// The most deliveries one call gives.
const MOST: i64 = 200;

/// An activity on its way to an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number; within a host a later delivery has a larger one.
    pub id: i64,
    /// The activity's number, by which [`Store::letter`] finds it.
    pub activity: i64,
    /// Where it goes.
    pub inbox: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Millis,
}

/// What a delivery carries, the same for all deliveries of an activity.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Letter {
    /// The activity's id.
    pub activity_uri: String,
    /// The local actor that sends it.
    pub actor: Id,
    /// Its exact JSON.
    pub json: String,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be tried, for the first time or again.
    Waiting,
    /// The other side took it.
    Delivered,
    /// The other side will not take it, or it was given up.
    Refused,
}

impl DeliveryState {
    pub(crate) const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Refused];

    /// The word for it in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
        }
    }

    /// The state with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let found = Self::from_word(text);
        found.ok_or_else(|| StoreError::Internal(format!("unknown state of a delivery “{text}”")))
    }
}

impl Store {
    /// The first deliveries that wait for a host, in the order to send them in; at most `limit` and 200.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn next_deliveries(&self, host: &str, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.glance(|db| Shelf::waiting(db, host, i64::from(limit).clamp(1, MOST)))
    }

    /// What deliveries of an activity carry.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn letter(&self, activity: i64) -> Result<Option<Letter>, StoreError> {
        self.glance(|db| {
            Ok(activities::table
                .find(activity)
                .select((activities::uri, activities::actor_id, activities::json))
                .first(db)
                .optional()?)
        })
    }
}

/// What deliveries of these activities carry, by their numbers.
pub(crate) fn letters(db: &mut Db, activities: Vec<i64>) -> Result<HashMap<i64, Letter>, StoreError> {
    if activities.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = activities::table
        .filter(activities::seq.eq_any(padded(activities)))
        .select((
            activities::seq,
            (activities::uri, activities::actor_id, activities::json),
        ));
    Ok(kept(rows).load::<(i64, Letter)>(db)?.into_iter().collect())
}

/// A reason as it may be kept: no control characters, not too long.
pub(crate) fn bounded(reason: &str) -> String {
    reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_REASON)
        .collect()
}
