//! Which activities came in already: a known id is answered and has no second effect.
//!
//! Each verb that takes an activity in writes the id and the effect in one transaction, so that of any number of
//! copies, one after another or all at once, exactly one counts. The effects themselves live with their nouns; next:
//! `arrivals.rs`.

use std::collections::HashSet;

use diesel::prelude::*;

use crate::connection::Db;
use crate::kept::{kept, steps};
use crate::schema::received;
use crate::uris::check_uri;
use crate::{Millis, Store, StoreError};

/// How long the ids of received activities are kept; signatures older than hours are refused long before.
pub const RECEIVED_KEPT: Millis = 90 * 24 * 60 * 60 * 1000;

/// An activity that came in, its sender's right to send it already proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The activity's id.
    pub activity_id: String,
    /// The host that sent it.
    pub host: String,
    /// Its type, as `Follow`.
    pub kind: String,
    /// When its sender signed it, by the sender's clock: a resend is signed anew, a replay is not.
    pub signed_at: Millis,
}

/// Whether an activity that came in was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was new; whatever it calls for here is done.
    Done,
    /// Its id was known already; nothing was done.
    Known,
    /// What it asks for is not to be had here: it is to be answered so, and nothing was done yet.
    Refused,
}

/// Runs `effect` if the activity is new, in the same transaction that remembers its id.
pub(crate) fn once(
    db: &mut Db,
    now: Millis,
    received: &Received,
    effect: impl FnOnce(&mut Db) -> Result<(), StoreError>,
) -> Result<Effect, StoreError> {
    check_uri("activity's id", &received.activity_id)?;
    if remember(db, now, vec![received])?.is_empty() {
        return Ok(Effect::Known);
    }
    effect(db)?;
    Ok(Effect::Done)
}

/// Writes activities' ids down, which can be stored; gives those that are new. Copies that come at once wait here for
/// the first.
pub(crate) fn remember(
    db: &mut Db,
    now: Millis,
    received: Vec<&Received>,
) -> Result<HashSet<String>, StoreError> {
    let row = |one: &'_ Received| {
        (
            received::activity_id.eq(one.activity_id.clone()),
            received::host.eq(one.host.clone()),
            received::kind.eq(one.kind.clone()),
            received::received_at.eq(now),
        )
    };
    match db {
        Db::Sqlite(conn) => {
            let mut new = HashSet::new();
            for one in received {
                let insert = diesel::insert_into(received::table).values(row(one));
                if kept(insert.on_conflict_do_nothing()).execute(conn)? > 0 {
                    new.insert(one.activity_id.clone());
                }
            }
            Ok(new)
        }
        Db::Postgres(conn) => {
            // In one order, so that no two who remember the same wait for each other.
            let mut sorted = received;
            sorted.sort_unstable_by_key(|one| &one.activity_id);
            let (mut new, mut rows) = (HashSet::new(), sorted.into_iter().map(row));
            for step in steps(rows.len()) {
                let some: Vec<_> = rows.by_ref().take(step).collect();
                let insert = diesel::insert_into(received::table).values(some);
                let insert = insert.on_conflict_do_nothing().returning(received::activity_id);
                new.extend(kept(insert).get_results::<String>(conn)?);
            }
            Ok(new)
        }
    }
}

impl Store {
    /// Whether an activity of this id came in before; a cheap question to ask before any work.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn was_received(&self, activity_id: &str) -> Result<bool, StoreError> {
        let activity_id = activity_id.to_owned();
        self.read(move |db| {
            Ok(diesel::select(diesel::dsl::exists(received::table.find(activity_id))).get_result(db)?)
        })
    }

    /// Forgets at most `limit` ids that came in before `before`; says how many went.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_received(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let old: Vec<String> = received::table
                .filter(received::received_at.lt(before))
                .order(received::received_at)
                .limit(i64::from(limit))
                .select(received::activity_id)
                .load(db)?;
            Ok(diesel::delete(received::table.filter(received::activity_id.eq_any(old))).execute(db)?)
        })
    }
}
