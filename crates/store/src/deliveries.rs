//! What waits to be delivered, host by host in the order in which it was queued, and what became of it.
//!
//! A delivery is one activity on its way to one inbox. Whoever holds the host takes the first that waits, and says how
//! it went: taken, refused for good, or not now. Nothing overtakes: while the first is delayed, its whole host is.
//! Queueing happens in `built.rs`; claims and the state of hosts are in `hosts.rs`; looking at the queue and clearing
//! it up is next, in `queue.rs`.

use diesel::prelude::*;

use crate::connection::Db;
use crate::hosts::{self, Host};
use crate::schema::{activities, deliveries};
use crate::shelf::Shelf;
use crate::{Id, Millis, Moment, Store, StoreError};

/// The longest reason that is kept, in characters; it comes from other servers.
const LONGEST_REASON: usize = 500;

/// The most deliveries one call gives.
const MOST: i64 = 200;

/// An activity on its way to an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number; within a host a later delivery has a larger one.
    pub id: i64,
    /// The activity's id.
    pub activity_uri: String,
    /// The local actor that sends it.
    pub actor: Id,
    /// Its exact JSON.
    pub json: String,
    /// Where it goes.
    pub inbox: String,
    /// The host of the inbox.
    pub host: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Millis,
}

/// How an attempt to deliver something went, told by the one who holds the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The delivery.
    pub delivery: i64,
    /// The owner of the claim.
    pub owner: String,
    /// For how many milliseconds from now the claim is renewed.
    pub lease: Millis,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What happened, in words for an admin; cut after 500 characters.
    pub reason: String,
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
        let host = host.to_owned();
        self.read(move |db| {
            let first = Shelf {
                host: Some(&host),
                state: DeliveryState::Waiting,
            };
            let first = first.first(db, i64::from(limit).clamp(1, MOST))?;
            let rows: Vec<Row> = deliveries::table
                .inner_join(activities::table)
                .filter(deliveries::seq.eq_any(first))
                .order(deliveries::seq)
                .select(Row::as_select())
                .load(db)?;
            Ok(rows.into_iter().map(from_row).collect())
        })
    }

    /// The other side took it: the host is well, and the claim is renewed. False when the claim is no longer the
    /// owner's, who must then send nothing more to this host.
    ///
    /// # Errors
    /// `NotFound` for a delivery that does not exist.
    pub fn delivered(&self, m: Moment, attempt: Attempt) -> Result<bool, StoreError> {
        self.write_beside(move |tx| {
            finish(tx.db, m.now, &attempt, DeliveryState::Delivered, |host| {
                host.recovered();
                host.last_success_at = Some(m.now);
            })
        })
    }

    /// It will never be taken: it is tried no more, and what is behind it goes on. False as for `delivered`.
    ///
    /// # Errors
    /// `NotFound` for a delivery that does not exist.
    pub fn refuse_delivery(&self, m: Moment, attempt: Attempt) -> Result<bool, StoreError> {
        self.write_beside(move |tx| {
            let well = attempt.status.is_some_and(|status| status < 500);
            let reason = bounded(&attempt.reason);
            finish(tx.db, m.now, &attempt, DeliveryState::Refused, |host| {
                if well {
                    host.recovered();
                }
                host.last_failure_at = Some(m.now);
                host.last_status = attempt.status;
                host.last_reason = Some(reason);
            })
        })
    }

    /// It cannot be taken now: its host is let go and not tried before `retry_at`. False when the claim was no longer
    /// the owner's; then only the attempt is noted.
    ///
    /// # Errors
    /// `NotFound` for a delivery that does not exist.
    pub fn delay_host(&self, m: Moment, attempt: Attempt, retry_at: Millis) -> Result<bool, StoreError> {
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let mut host = lock_host_of(db, attempt.delivery)?;
            let reason = bounded(&attempt.reason);
            diesel::update(deliveries::table.find(attempt.delivery))
                .filter(deliveries::state.eq("waiting"))
                .set((
                    deliveries::attempts.eq(deliveries::attempts + 1),
                    deliveries::tried_at.eq(m.now),
                    deliveries::status.eq(attempt.status.map(i64::from)),
                    deliveries::reason.eq(&reason),
                ))
                .execute(db)?;
            let held = host.is_held_by(&attempt.owner);
            if held {
                host.failures = host.failures.saturating_add(1);
                host.failing_since = host.failing_since.or(Some(m.now));
                host.retry_at = Some(retry_at);
                host.last_failure_at = Some(m.now);
                host.last_status = attempt.status;
                host.last_reason = Some(reason);
                host.claimed = None;
                hosts::save(db, m.now, &host)?;
            }
            Ok(held)
        })
    }
}

/// Ends a waiting delivery and renews the claim; one that has ended already stays as it is.
fn finish(
    db: &mut Db,
    now: Millis,
    attempt: &Attempt,
    state: DeliveryState,
    note: impl FnOnce(&mut Host),
) -> Result<bool, StoreError> {
    let mut host = lock_host_of(db, attempt.delivery)?;
    let reason = Some(bounded(&attempt.reason)).filter(|reason| !reason.is_empty());
    let ended = diesel::update(deliveries::table.find(attempt.delivery))
        .filter(deliveries::state.eq("waiting"))
        .set((
            deliveries::state.eq(state.word()),
            deliveries::attempts.eq(deliveries::attempts + 1),
            deliveries::tried_at.eq(now),
            deliveries::done_at.eq(now),
            deliveries::status.eq(attempt.status.map(i64::from)),
            deliveries::reason.eq(reason),
        ))
        .execute(db)?;
    host.waiting -= i64::try_from(ended).unwrap_or(0);
    note(&mut host);
    let held = host.is_held_by(&attempt.owner);
    if held {
        host.claimed = Some((attempt.owner.clone(), now.saturating_add(attempt.lease)));
    }
    hosts::save(db, now, &host)?;
    Ok(held)
}

fn lock_host_of(db: &mut Db, delivery: i64) -> Result<Host, StoreError> {
    let host: Option<String> = deliveries::table
        .find(delivery)
        .select(deliveries::host)
        .first(db)
        .optional()?;
    let host = host.ok_or(StoreError::NotFound { what: "delivery" })?;
    hosts::lock(db, &host)?.ok_or_else(|| StoreError::Internal(format!("no row for the host {host}")))
}

/// A reason as it may be kept: no control characters, not too long.
pub(crate) fn bounded(reason: &str) -> String {
    reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_REASON)
        .collect()
}

/// A row as it is stored, with what it carries.
#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct Row {
    seq: i64,
    inbox: String,
    host: String,
    attempts: i64,
    created_at: Millis,
    #[diesel(embed)]
    carried: Carried,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = activities)]
struct Carried {
    uri: String,
    actor_id: Id,
    json: String,
}

fn from_row(row: Row) -> Delivery {
    Delivery {
        id: row.seq,
        activity_uri: row.carried.uri,
        actor: row.carried.actor_id,
        json: row.carried.json,
        inbox: row.inbox,
        host: row.host,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        created_at: row.created_at,
    }
}
