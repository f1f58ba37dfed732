//! Whom the actors here follow elsewhere: what was asked, and what the other side answered.
//!
//! Each wish to follow is a row of its own, with the id of the Follow that carries it; a withdrawn or rejected one
//! stays as it was, and a new wish makes a new row. Only the answer of the actor that was asked counts. Next:
//! `events.rs`, through which the Follow and its Undo are told.

use diesel::prelude::*;

use crate::connection::Db;
use crate::events::{Event, record_event};
use crate::received::{Effect, Received, once};
use crate::schema::{following, remote_actors};
use crate::uris::check_uri;
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError};

/// How far a wish to follow has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowState {
    /// Asked and not answered yet.
    Requested,
    /// Accepted: what the target posts comes here.
    Accepted,
    /// Refused, or ended by the target later.
    Rejected,
    /// Ended from here.
    Withdrawn,
}

impl FollowState {
    /// The word for it in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Requested, Self::Accepted, Self::Rejected, Self::Withdrawn]
            .into_iter()
            .find(|state| state.word() == text)
            .ok_or_else(|| StoreError::Internal(format!("unknown state of following “{text}”")))
    }
}

/// What is said of a remote actor in a list.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = remote_actors)]
pub struct RemoteActorRef {
    /// Its row.
    pub id: Id,
    /// Its id in the fediverse.
    pub uri: String,
    /// The host of its handle.
    pub domain: String,
    /// The name of its handle.
    pub name: String,
    /// What it calls itself.
    pub title: String,
    /// Where it takes what is meant for it alone.
    pub inbox: String,
}

/// A wish of an actor here to follow a remote actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// The row.
    pub id: Id,
    /// The local actor that follows.
    pub actor: Id,
    /// The remote actor that is followed.
    pub target: RemoteActorRef,
    /// How far it has come.
    pub state: FollowState,
    /// The id of the Follow activity.
    pub follow_uri: String,
    /// When it was asked.
    pub created_at: Millis,
}

/// An Accept or Reject that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowAnswer {
    /// The id of the Follow that is answered.
    pub follow_uri: String,
    /// The id of the actor that answers.
    pub by_uri: String,
    /// Whether it accepts.
    pub accepted: bool,
}

/// The states in which a wish still holds.
const LIVE: [&str; 2] = ["requested", "accepted"];

impl Store {
    /// Asks to follow a remote actor; asking again while the first wish holds changes nothing and gives that one.
    ///
    /// # Errors
    /// `NotFound` for a remote actor that does not exist, `Invalid` for an id that cannot be stored.
    pub fn request_follow(
        &self,
        mut m: Moment,
        actor: Id,
        target: Id,
        follow_uri: &str,
    ) -> Result<Following, StoreError> {
        let follow_uri = follow_uri.to_owned();
        self.write(move |tx| {
            let db = &mut *tx.db;
            check_uri("Follow's id", &follow_uri)?;
            let live: Option<Id> = following::table
                .filter(following::actor_id.eq(actor).and(following::target_id.eq(target)))
                .filter(following::state.eq_any(LIVE))
                .select(following::id)
                .first(db)
                .optional()?;
            if let Some(id) = live {
                return one(db, id);
            }
            let id = m.id();
            diesel::insert_into(following::table)
                .values((
                    following::id.eq(id),
                    following::actor_id.eq(actor),
                    following::target_id.eq(target),
                    following::follow_uri.eq(&follow_uri),
                    following::state.eq(FollowState::Requested.word()),
                    following::created_at.eq(m.now),
                    following::updated_at.eq(m.now),
                ))
                .execute(db)?;
            let asked = one(db, id)?;
            record_event(db, &mut m, &Event::FollowRequested { following: id })?;
            Ok(asked)
        })
    }

    /// Ends a wish to follow, answered or not; ending one that has ended already changes nothing.
    ///
    /// # Errors
    /// `NotFound` for a row that does not exist.
    pub fn withdraw_follow(&self, mut m: Moment, id: Id) -> Result<(), StoreError> {
        self.write(move |tx| {
            let db = &mut *tx.db;
            one(db, id)?;
            if turn(db, m.now, id, &LIVE, FollowState::Withdrawn)? {
                record_event(db, &mut m, &Event::FollowWithdrawn { following: id })?;
            }
            Ok(())
        })
    }

    /// Takes in an Accept or Reject. One that we did not ask for, or that someone else gives, has no effect; a Reject
    /// after an Accept ends the following.
    ///
    /// # Errors
    /// `Invalid` for an id that cannot be stored; otherwise when the database does not answer.
    pub fn receive_follow_answer(
        &self,
        m: Moment,
        received: Received,
        answer: FollowAnswer,
    ) -> Result<Effect, StoreError> {
        self.write_beside(move |tx| {
            once(tx.db, m.now, &received, |db| {
                let asked: Option<Id> = following::table
                    .inner_join(remote_actors::table)
                    .filter(following::follow_uri.eq(&answer.follow_uri))
                    .filter(remote_actors::uri.eq(&answer.by_uri))
                    .select(following::id)
                    .first(db)
                    .optional()?;
                let (from, to) = match answer.accepted {
                    true => (&LIVE[..1], FollowState::Accepted),
                    false => (&LIVE[..], FollowState::Rejected),
                };
                if let Some(id) = asked {
                    turn(db, m.now, id, from, to)?;
                }
                Ok(())
            })
        })
    }

    /// A wish to follow, whatever became of it.
    ///
    /// # Errors
    /// `NotFound` for a row that does not exist.
    pub fn following_by_id(&self, id: Id) -> Result<Following, StoreError> {
        self.read(move |db| one(db, id))
    }

    /// The remote actors that accepted to be followed by this one, the first asked first.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn following(&self, actor: Id, paging: &Paging) -> Result<Page<Following>, StoreError> {
        self.listed(actor, paging, &[FollowState::Accepted.word()])
    }

    /// Every wish of this actor to follow that was not withdrawn, whatever the answer was, the first asked first.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn follow_requests(&self, actor: Id, paging: &Paging) -> Result<Page<Following>, StoreError> {
        self.listed(actor, paging, &["requested", "accepted", "rejected"])
    }

    /// How many remote actors accepted to be followed by this one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn following_count(&self, actor: Id) -> Result<i64, StoreError> {
        self.read(move |db| {
            Ok(following::table
                .filter(following::actor_id.eq(actor))
                .filter(following::state.eq(FollowState::Accepted.word()))
                .count()
                .get_result(db)?)
        })
    }

    fn listed(
        &self,
        actor: Id,
        paging: &Paging,
        states: &[&'static str],
    ) -> Result<Page<Following>, StoreError> {
        self.read(|db| {
            let mut query = following::table
                .inner_join(remote_actors::table)
                .filter(following::actor_id.eq(actor))
                .filter(following::state.eq_any(states.to_vec()))
                .order(following::id)
                .limit(paging.bounded() + 1)
                .select(Row::as_select())
                .into_boxed();
            if let Some([after]) = paging.after()? {
                query = query.filter(following::id.gt(after));
            }
            let rows: Vec<Row> = query.load(db)?;
            Page::of(rows, paging, |row| [row.id.to_string()]).try_map(from_row)
        })
    }
}

/// A row as it is stored, with its target.
#[derive(Queryable, Selectable)]
#[diesel(table_name = following)]
struct Row {
    id: Id,
    actor_id: Id,
    state: String,
    follow_uri: String,
    created_at: Millis,
    #[diesel(embed)]
    target: RemoteActorRef,
}

fn from_row(row: Row) -> Result<Following, StoreError> {
    Ok(Following {
        id: row.id,
        actor: row.actor_id,
        target: row.target,
        state: FollowState::parse(&row.state)?,
        follow_uri: row.follow_uri,
        created_at: row.created_at,
    })
}

fn one(db: &mut Db, id: Id) -> Result<Following, StoreError> {
    let row: Option<Row> = following::table
        .inner_join(remote_actors::table)
        .filter(following::id.eq(id))
        .select(Row::as_select())
        .first(db)
        .optional()?;
    row.map(from_row)
        .transpose()?
        .ok_or(StoreError::NotFound { what: "following" })
}

/// Moves a wish on if it is in one of the states `from`; false when it is not.
fn turn(
    db: &mut Db,
    now: Millis,
    id: Id,
    from: &[&'static str],
    to: FollowState,
) -> Result<bool, StoreError> {
    let moved = diesel::update(following::table.find(id))
        .filter(following::state.eq_any(from.to_vec()))
        .set((following::state.eq(to.word()), following::updated_at.eq(now)))
        .execute(db)?;
    Ok(moved > 0)
}
