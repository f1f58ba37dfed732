//! How a Follow ends: the Undo as it comes in, which may be late, early, repeated, or name another Follow than it means.
//!
//! Whoever leaves is remembered as past, so that what was posted before can still be withdrawn there. Which Follows
//! stand is kept in `standing.rs`. Next: `built.rs`, what present and past followers are sent.

use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::received::{Effect, Received, remember};
use crate::schema::{activities, followers, past_followers};
use crate::standing::{REORDERING, Standing, lock_remote_actor, remember_undone, save_standing, standing};
use crate::uris::check_uri;
use crate::{Id, Millis, Moment, Store, StoreError};

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

impl Store {
    /// Takes in an Undo of a Follow; only Follows of the one who sent it can be undone. Its Follow need not have come
    /// yet: when it does, it has no effect.
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
            let end = End {
                signed_at: received.signed_at,
                follower: undo.follower,
            };
            if known && !end.concerns_a_later_follow(db, &undo)? {
                return Ok(Effect::Known);
            }
            end.undo(db, &undo)?;
            Ok(Effect::Done)
        })
    }
}

/// The end of something that one remote actor followed.
struct End {
    signed_at: Millis,
    follower: Id,
}

impl End {
    /// Whether a known Undo names a Follow that stands and was signed before it: ids used a second time.
    fn concerns_a_later_follow(&self, db: &mut Db, undo: &UndoFollow) -> Result<bool, StoreError> {
        let Some(uri) = &undo.follow_uri else {
            return Ok(false);
        };
        for actor in self.followed(db, undo.actor)? {
            let standing = standing(db, actor, self.follower)?.unwrap_or_default();
            if standing
                .iter()
                .any(|one| one.uri == *uri && one.at < self.signed_at)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

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

    /// Ends a following, with every Follow that still stands.
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
