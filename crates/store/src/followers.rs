//! Who follows the actors here: the Follow as it comes in, and the list that results.
//!
//! In whatever order Follow, Undo and Follow arrive, the list ends right; that is the work of `standing.rs`. Some
//! servers give each Follow of the same pair the same id: a known id counts again when it was signed after what undid
//! it. Next: `standing.rs`, which Follows stand; `unfollow.rs`, how they end.

use diesel::prelude::*;

use crate::connection::Db;
use crate::events::{Event, record_event};
use crate::received::{Effect, Received, remember};
use crate::schema::{
    accounts, actors, collections, followers, past_followers, remote_actors, undone_follows,
};
use crate::standing::{REORDERING, Standing, is_undone, lock_remote_actor, stand};
use crate::uris::check_uri;
use crate::visibility::VISIBLE;
use crate::{Id, Moment, Page, Paging, Store, StoreError};

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
                    .and(collections::state.ne(VISIBLE)),
            )
            .count()
            .get_result(db)?,
        "account" => accounts::table
            .filter(accounts::actor_id.eq(actor).and(accounts::state.ne(VISIBLE)))
            .count()
            .get_result(db)?,
        _ => 0,
    };
    Ok(followable && stopped == 0)
}
