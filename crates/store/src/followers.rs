//! Who follows the actors here: Follow and Undo as they come in, and the list that results.
//!
//! In whatever order they arrive, the list ends right; that is the work of `standing.rs`. Next: `arrivals.rs`, which takes
//! them in.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::answers::Answer;
use crate::connection::Db;
use crate::schema::{accounts, actors, collections, followers, past_followers, remote_actors};
use crate::visibility::VISIBLE;
use crate::{Id, Page, Paging, Store, StoreError};

/// A Follow that came in for an actor here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFollower {
    /// The local actor that is to be followed.
    pub actor: Id,
    /// The row of the remote actor that follows.
    pub follower: Id,
    /// The Follow activity's id.
    pub follow_uri: String,
    /// What its sender is told once it follows.
    pub accept: Answer,
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

impl Store {
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

/// Whether an actor here takes followers now: it says so itself, and no moderator hid or suspended it. `None` when there
/// is no such actor.
pub(crate) fn may_be_followed(db: &mut Db, actor: Id) -> Result<Option<bool>, StoreError> {
    let hidden = collections::table.filter(collections::actor_id.eq(actor));
    let hidden = hidden.filter(collections::state.ne(VISIBLE));
    let suspended = accounts::table.filter(accounts::actor_id.eq(actor));
    let suspended = suspended.filter(accounts::state.ne(VISIBLE));
    let row: Option<(bool, bool, bool)> = actors::table
        .find(actor)
        .select((actors::followable, exists(hidden), exists(suspended)))
        .first(db)
        .optional()?;
    Ok(row.map(|(followable, hidden, suspended)| followable && !hidden && !suspended))
}
