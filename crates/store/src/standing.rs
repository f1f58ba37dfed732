//! The Follows of one remote actor for one actor here that stand, and those that are undone.
//!
//! A follower's server may send Follow, Undo and Follow again within a second, and they may arrive in any order. So a
//! follower has a set of standing Follows, each Undo takes away the one it names, even one that has yet to come, and
//! whoever has none left follows no more. A Follow that comes later than [`REORDERING`] after another is no straggler
//! but stands in for it. All times here are of the sender's clock. Next: `unfollow.rs`, how Follows end.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::connection::{Db, each};
use crate::schema::{followers, remote_actors, undone_follows};
use crate::{Id, Millis, Store, StoreError};

/// How far apart activities that were sent one after another may arrive in the wrong order.
pub const REORDERING: Millis = 10 * 60 * 1000;

/// The most Follows of one follower for one actor that stand at once; older ones count as undone.
const MOST: usize = 16;

/// A Follow that was not undone; `at` is when it was signed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) uri: String,
    pub(crate) at: Millis,
}

/// The Follows that stand, the newest last; `None` when the remote actor does not follow.
pub(crate) fn standing(db: &mut Db, actor: Id, follower: Id) -> Result<Option<Vec<Standing>>, StoreError> {
    let json: Option<String> = followers::table
        .find((actor, follower))
        .select(followers::standing)
        .first(db)
        .optional()?;
    json.map(|json| serde_json::from_str(&json))
        .transpose()
        .map_err(unreadable)
}

/// Writes down which Follows of a follower stand; at least one must.
pub(crate) fn save_standing(
    db: &mut Db,
    actor: Id,
    follower: Id,
    standing: &[Standing],
) -> Result<(), StoreError> {
    let newest = standing.last().map(|one| one.uri.clone()).unwrap_or_default();
    diesel::update(followers::table.find((actor, follower)))
        .set((
            followers::follow_uri.eq(newest),
            followers::standing.eq(to_json(standing)?),
        ))
        .execute(db)?;
    Ok(())
}

/// Adds a Follow to those that stand already and makes its sender a follower.
pub(crate) fn stand(
    db: &mut Db,
    now: Millis,
    (actor, follower): (Id, Id),
    new: Standing,
) -> Result<(), StoreError> {
    let before = standing(db, actor, follower)?;
    let known = before.is_some();
    let (mut kept, mut replaced): (Vec<_>, Vec<_>) = before
        .unwrap_or_default()
        .into_iter()
        .filter(|other| other.uri != new.uri)
        .partition(|other| new.at.saturating_sub(other.at) <= REORDERING);
    let (follow_uri, signed_at) = (new.uri.clone(), new.at);
    kept.push(new);
    replaced.extend(kept.drain(..kept.len().saturating_sub(MOST)));
    for old in &replaced {
        remember_undone(db, signed_at, follower, &old.uri)?;
    }
    if known {
        return save_standing(db, actor, follower, &kept);
    }
    diesel::insert_into(followers::table)
        .values((
            followers::actor_id.eq(actor),
            followers::follower_id.eq(follower),
            followers::follow_uri.eq(follow_uri),
            followers::standing.eq(to_json(&kept)?),
            followers::created_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Whether a Follow was undone, before it came or since.
pub(crate) fn is_undone(db: &mut Db, follower: Id, uri: &str) -> Result<bool, StoreError> {
    let row = undone_follows::table.find((follower, uri));
    Ok(diesel::select(diesel::dsl::exists(row)).get_result(db)?)
}

/// Writes down that a Follow is undone; false when it stood there already.
pub(crate) fn remember_undone(db: &mut Db, at: Millis, follower: Id, uri: &str) -> Result<bool, StoreError> {
    let row = (
        undone_follows::follower_id.eq(follower),
        undone_follows::follow_uri.eq(uri),
        undone_follows::undone_at.eq(at),
    );
    let new = each!(db, conn => diesel::insert_into(undone_follows::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(new > 0)
}

/// Makes everything that concerns one remote actor happen one after another; on SQLite it does anyway.
pub(crate) fn lock_remote_actor(db: &mut Db, id: Id) -> Result<(), StoreError> {
    let row = remote_actors::table.find(id).select(remote_actors::id);
    let found: Option<String> = match db {
        Db::Sqlite(conn) => row.first(conn).optional()?,
        Db::Postgres(conn) => row.for_update().first(conn).optional()?,
    };
    found
        .map(|_| ())
        .ok_or(StoreError::NotFound { what: "remote actor" })
}

impl Store {
    /// Forgets at most `limit` Undos that were signed before `before`; says how many went.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_undone_follows(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let old: Vec<(String, String)> = undone_follows::table
                .filter(undone_follows::undone_at.lt(before))
                .order(undone_follows::undone_at)
                .limit(i64::from(limit))
                .select((undone_follows::follower_id, undone_follows::follow_uri))
                .load(db)?;
            for key in &old {
                diesel::delete(undone_follows::table.find((&key.0, &key.1))).execute(db)?;
            }
            Ok(old.len())
        })
    }
}

fn to_json(standing: &[Standing]) -> Result<String, StoreError> {
    serde_json::to_string(standing).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Internal(format!("standing follows: {error}"))
}
