//! Who follows the actors here: Follow and Undo as they come in, in whatever order, and the list that results.
//!
//! A follower's server may send Follow, Undo and Follow again within a second, and they may arrive in any order. So a
//! follower has a set of standing Follows, each Undo takes away the one it names, even one that has yet to come, and
//! whoever has none left follows no more. A Follow that comes later than [`REORDERING`] after another is no straggler
//! but stands in for it. Some servers give each Follow of the same pair the same id: a known id counts again when it
//! was signed after what undid it. Next: `following.rs` for the other direction, `built.rs` for what followers get.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::connection::{Db, each};
use crate::events::{Event, record_event};
use crate::received::{Effect, Received, remember};
use crate::schema::{
    accounts, activities, actors, collections, followers, past_followers, remote_actors, undone_follows,
};
use crate::uris::check_uri;
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError};

/// How far apart activities that were sent one after another may arrive in the wrong order.
pub const REORDERING: Millis = 10 * 60 * 1000;

/// The most Follows of one follower for one actor that stand at once; older ones count as undone.
const MOST_STANDING: usize = 16;

/// A Follow that came in for an actor here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFollower {
    /// The local actor that is to be followed.
    pub actor: Id,
    /// The row of the remote actor that follows.
    pub follower: Id,
    /// The Follow activity's id.
    pub follow_uri: String,
    /// The Follow activity as it came; it goes back inside the answer.
    pub follow_json: String,
}

/// An Undo of a Follow that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoFollow {
    /// The local actor that is no longer to be followed, when the Undo says so.
    pub actor: Option<Id>,
    /// The row of the remote actor that sent the Undo.
    pub follower: Id,
    /// The id of the Follow that is undone; without one every Follow of `actor` is.
    pub follow_uri: Option<String>,
}

/// A Follow that was not undone; `at` is when it was signed.
#[derive(Serialize, Deserialize)]
struct Standing {
    uri: String,
    at: Millis,
}

impl Store {
    /// Takes in a Follow: remembers the follower and writes `FollowAccepted`, or `FollowRejected` for an actor that is
    /// hidden or cannot be followed; nothing happens for a Follow that was undone before it came.
    ///
    /// # Errors
    /// `NotFound` for an actor that does not exist, `Invalid` for an id that cannot be stored.
    pub fn receive_follow(
        &self,
        mut m: Moment,
        received: Received,
        new: NewFollower,
    ) -> Result<Effect, StoreError> {
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let known = !remember(db, m.now, &received)?;
            lock_remote_actor(db, new.follower)?;
            if known && !comes_again(db, &received, &new)? {
                return Ok(Effect::Known);
            }
            follow(db, &mut m, &received, &new)?;
            Ok(Effect::Done)
        })
    }

    /// Takes in an Undo of a Follow; only Follows of the one who sent it can be undone.
    ///
    /// # Errors
    /// `NotFound` for a remote actor that does not exist, `Invalid` for an id that cannot be stored.
    pub fn receive_undo_follow(
        &self,
        m: Moment,
        received: Received,
        undo: UndoFollow,
    ) -> Result<Effect, StoreError> {
        // Not beside the building of an event: whoever leaves was sent all before and nothing after.
        self.write(move |tx| {
            let db = &mut *tx.db;
            let known = !remember(db, m.now, &received)?;
            lock_remote_actor(db, undo.follower)?;
            let past = End {
                signed_at: received.signed_at,
                follower: undo.follower,
            };
            if known && !concerns_a_later_follow(db, &past, &undo)? {
                return Ok(Effect::Known);
            }
            past.undo(db, &undo)?;
            Ok(Effect::Done)
        })
    }

    /// The URIs of an actor's followers, those known longest first.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn followers(&self, actor: Id, paging: &Paging) -> Result<Page<String>, StoreError> {
        let paging = paging.clone();
        self.read(move |db| {
            let mut query = followers::table
                .inner_join(remote_actors::table)
                .filter(followers::actor_id.eq(actor))
                .order(followers::follower_id)
                .limit(paging.bounded() + 1)
                .select((followers::follower_id, remote_actors::uri))
                .into_boxed();
            if let Some([after]) = paging.after()? {
                query = query.filter(followers::follower_id.gt(after));
            }
            let rows: Vec<(String, String)> = query.load(db)?;
            Ok(Page::of(rows, &paging, |(id, _)| [id.clone()]).map(|(_, uri)| uri))
        })
    }

    /// How many remote actors follow this one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn follower_count(&self, actor: Id) -> Result<i64, StoreError> {
        self.read(move |db| {
            Ok(followers::table
                .filter(followers::actor_id.eq(actor))
                .count()
                .get_result(db)?)
        })
    }

    /// Forgets every follower that is reached at this inbox, which is gone for good; says how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn drop_followers_at_inbox(&self, inbox: &str) -> Result<usize, StoreError> {
        let inbox = inbox.to_owned();
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let there = || {
                remote_actors::table
                    .filter(remote_actors::delivery_inbox.eq(&inbox))
                    .select(remote_actors::id)
            };
            diesel::delete(past_followers::table.filter(past_followers::follower_id.eq_any(there())))
                .execute(db)?;
            Ok(
                diesel::delete(followers::table.filter(followers::follower_id.eq_any(there())))
                    .execute(db)?,
            )
        })
    }

    /// Forgets at most `limit` Undos that came in before `before`; says how many went.
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

/// Whether a known Follow is a new wish: it was undone, and signed so much later that it is no straggler.
fn comes_again(db: &mut Db, received: &Received, new: &NewFollower) -> Result<bool, StoreError> {
    let undone = undone_follows::table
        .find((new.follower, &new.follow_uri))
        .filter(undone_follows::undone_at.lt(received.signed_at.saturating_sub(REORDERING)));
    Ok(diesel::delete(undone).execute(db)? > 0)
}

fn follow(db: &mut Db, m: &mut Moment, received: &Received, new: &NewFollower) -> Result<(), StoreError> {
    check_uri("Follow's id", &new.follow_uri)?;
    if is_undone(db, new.follower, &new.follow_uri)? {
        return Ok(());
    }
    let (actor, follower) = (new.actor, new.follower);
    let (follow_uri, follow_json) = (new.follow_uri.clone(), new.follow_json.clone());
    let event = if may_be_followed(db, actor)? {
        let one = Standing {
            uri: follow_uri.clone(),
            at: received.signed_at,
        };
        stand(db, m.now, (actor, follower), one)?;
        Event::FollowAccepted {
            actor,
            follower,
            follow_uri,
            follow_json,
        }
    } else {
        Event::FollowRejected {
            actor,
            follower,
            follow_uri,
            follow_json,
        }
    };
    record_event(db, m, &event)
}

/// Adds a Follow to those that stand already and makes its sender a follower.
fn stand(db: &mut Db, now: Millis, (actor, follower): (Id, Id), new: Standing) -> Result<(), StoreError> {
    let before = standing(db, actor, follower)?;
    let known = before.is_some();
    let (mut kept, mut replaced): (Vec<_>, Vec<_>) = before
        .unwrap_or_default()
        .into_iter()
        .filter(|other| other.uri != new.uri)
        .partition(|other| new.at.saturating_sub(other.at) <= REORDERING);
    let (follow_uri, signed_at) = (new.uri.clone(), new.at);
    kept.push(new);
    replaced.extend(kept.drain(..kept.len().saturating_sub(MOST_STANDING)));
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

/// Whether a known Undo names a Follow that stands and was signed before it: ids used a second time.
fn concerns_a_later_follow(db: &mut Db, past: &End, undo: &UndoFollow) -> Result<bool, StoreError> {
    let Some(uri) = &undo.follow_uri else {
        return Ok(false);
    };
    for actor in past.followed(db, undo.actor)? {
        let standing = standing(db, actor, past.follower)?.unwrap_or_default();
        if standing
            .iter()
            .any(|one| one.uri == *uri && one.at < past.signed_at)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The end of something that one remote actor followed.
struct End {
    signed_at: Millis,
    follower: Id,
}

impl End {
    fn undo(&self, db: &mut Db, undo: &UndoFollow) -> Result<(), StoreError> {
        let Some(uri) = &undo.follow_uri else {
            let Some(actor) = undo.actor else { return Ok(()) };
            return match standing(db, actor, self.follower)? {
                Some(standing) => self.end(db, actor, &standing),
                None => Ok(()),
            };
        };
        check_uri("Follow's id", uri)?;
        if !remember_undone(db, self.signed_at, self.follower, uri)? {
            return Ok(());
        }
        for actor in self.followed(db, undo.actor)? {
            let Some(mut standing) = standing(db, actor, self.follower)? else {
                continue;
            };
            let before = standing.len();
            standing.retain(|one| one.uri != *uri);
            let found = standing.len() < before;
            // Some servers name another Follow than the one they sent: once no straggler can be meant, the Undo is
            // taken for the follower's present wish.
            let newest = standing.last().map_or(self.signed_at, |one| one.at);
            let settled = self.signed_at.saturating_sub(newest) > REORDERING;
            if standing.is_empty() || (!found && undo.actor.is_some() && settled) {
                self.end(db, actor, &standing)?;
            } else if found {
                save_standing(db, actor, self.follower, &standing)?;
            }
        }
        Ok(())
    }

    /// The local actors an Undo may concern: the one it names, or all that its sender follows.
    fn followed(&self, db: &mut Db, named: Option<Id>) -> Result<Vec<Id>, StoreError> {
        match named {
            Some(actor) => Ok(vec![actor]),
            None => Ok(followers::table
                .filter(followers::follower_id.eq(self.follower))
                .select(followers::actor_id)
                .load(db)?),
        }
    }

    /// Ends a following; what was posted meanwhile can still be withdrawn there, so it is remembered as past.
    fn end(&self, db: &mut Db, actor: Id, standing: &[Standing]) -> Result<(), StoreError> {
        for one in standing {
            remember_undone(db, self.signed_at, self.follower, &one.uri)?;
        }
        diesel::delete(followers::table.find((actor, self.follower))).execute(db)?;
        let newest: Option<i64> = activities::table
            .select(diesel::dsl::max(activities::seq))
            .first(db)?;
        let newest = newest.unwrap_or(0);
        let row = (
            past_followers::actor_id.eq(actor),
            past_followers::follower_id.eq(self.follower),
            past_followers::until_seq.eq(newest),
        );
        each!(db, conn => diesel::insert_into(past_followers::table)
            .values(row)
            .on_conflict((past_followers::actor_id, past_followers::follower_id))
            .do_update()
            .set(past_followers::until_seq.eq(newest))
            .execute(conn))?;
        Ok(())
    }
}

fn standing(db: &mut Db, actor: Id, follower: Id) -> Result<Option<Vec<Standing>>, StoreError> {
    let json: Option<String> = followers::table
        .find((actor, follower))
        .select(followers::standing)
        .first(db)
        .optional()?;
    json.map(|json| serde_json::from_str(&json))
        .transpose()
        .map_err(|e| StoreError::Internal(format!("standing follows: {e}")))
}

fn save_standing(db: &mut Db, actor: Id, follower: Id, standing: &[Standing]) -> Result<(), StoreError> {
    let newest = standing.last().map(|one| one.uri.clone()).unwrap_or_default();
    diesel::update(followers::table.find((actor, follower)))
        .set((
            followers::follow_uri.eq(newest),
            followers::standing.eq(to_json(standing)?),
        ))
        .execute(db)?;
    Ok(())
}

fn to_json(standing: &[Standing]) -> Result<String, StoreError> {
    serde_json::to_string(standing).map_err(|e| StoreError::Internal(format!("standing follows: {e}")))
}

fn is_undone(db: &mut Db, follower: Id, uri: &str) -> Result<bool, StoreError> {
    Ok(diesel::select(diesel::dsl::exists(undone_follows::table.find((follower, uri)))).get_result(db)?)
}

/// Writes down that a Follow is undone; false when it stood there already.
fn remember_undone(db: &mut Db, at: Millis, follower: Id, uri: &str) -> Result<bool, StoreError> {
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
fn lock_remote_actor(db: &mut Db, id: Id) -> Result<(), StoreError> {
    let row = remote_actors::table.find(id).select(remote_actors::id);
    let found: Option<String> = match db {
        Db::Sqlite(conn) => row.first(conn).optional()?,
        Db::Postgres(conn) => row.for_update().first(conn).optional()?,
    };
    found
        .map(|_| ())
        .ok_or(StoreError::NotFound { what: "remote actor" })
}

/// Whether an actor here takes followers now: it says so itself, and no moderator hid or suspended it.
fn may_be_followed(db: &mut Db, actor: Id) -> Result<bool, StoreError> {
    let row: Option<(String, bool)> = actors::table
        .find(actor)
        .select((actors::kind, actors::followable))
        .first(db)
        .optional()?;
    let (kind, followable) = row.ok_or(StoreError::NotFound { what: "actor" })?;
    let stopped: i64 = match kind.as_str() {
        "collection" => collections::table
            .filter(
                collections::actor_id
                    .eq(actor)
                    .and(collections::state.ne("visible")),
            )
            .count()
            .get_result(db)?,
        "account" => accounts::table
            .filter(accounts::actor_id.eq(actor).and(accounts::state.ne("visible")))
            .count()
            .get_result(db)?,
        _ => 0,
    };
    Ok(followable && stopped == 0)
}
