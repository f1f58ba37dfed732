//! Activities as they come in, as many as come at the same time in one transaction: each id is remembered with what it
//! brings about, so that of any number of copies exactly one counts.
//!
//! What is wrong with one of them is found before anything is written for it, and is its own trouble alone. Follows and
//! their ends go by the rules of `standing.rs`; a Follow is answered in the same breath, so that nothing that is told to
//! followers can overtake its answer. Next: `answers.rs`.

use std::collections::{HashMap, HashSet, hash_map::Entry};
use std::ops::Range;
use std::sync::Arc;

use diesel::prelude::*;

use crate::answers::{self, Answer};
use crate::connection::Db;
use crate::deliveries::Letter;
use crate::engine::Tx;
use crate::followers::{NewFollower, UndoFollow, may_be_followed};
use crate::kept::{kept, padded};
use crate::received::{Effect, Received, remember};
use crate::schema::remote_actors;
use crate::standing::{Book, Came};
use crate::uris::check_uri;
use crate::{Id, Millis, Moment, Store, StoreError, book};

/// The most that [`Store::receive`] takes at a time.
pub const ARRIVALS: usize = 64;

/// An activity that came in, its sender's right to send it already proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Itself.
    pub received: Received,
    /// What it calls for here.
    pub calls_for: CallsFor,
}

/// What an activity calls for here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallsFor {
    /// Nothing: its id is remembered.
    Nothing,
    /// A follower, and the answer that it is one.
    Follow(NewFollower),
    /// The end of a following.
    Undo(UndoFollow),
    /// This answer and nothing else.
    Answer(Answer),
}

/// What came of activities.
#[derive(Debug, Default)]
pub struct Taken {
    /// Of each, in their order.
    pub effects: Vec<Result<Effect, StoreError>>,
    /// The answers that were queued, by their numbers in the log: what [`Store::letter`] says of them.
    pub letters: Vec<(i64, Letter)>,
}

impl Store {
    /// Takes activities in, in order, and says for each what came of it: of a Follow that was undone before it came,
    /// nothing; of one whose actor is hidden or cannot be followed, [`Effect::Refused`], and its id is not remembered. An
    /// Undo ends only Follows of the one who sent it, and its Follow need not have come yet: when it does, it has no
    /// effect. At most [`ARRIVALS`].
    ///
    /// # Errors
    /// Of one activity: `NotFound` for an actor that does not exist, `Invalid` for an id that cannot be stored. Of all:
    /// when the database does not answer; then nothing was written.
    pub fn receive(&self, mut m: Moment, arrivals: Vec<Arrival>) -> Result<Taken, StoreError> {
        if arrivals.len() > ARRIVALS {
            return Err(StoreError::Invalid(format!("More than {ARRIVALS} at a time.")));
        }
        let arrivals: Arc<[Arrival]> = arrivals.into();
        // The log has a column for the event that an activity tells of; an answer tells of none.
        let at = (m.now, m.id());
        match self.receive_page(at, &arrivals, 0..arrivals.len()) {
            // The database refuses one of them for a reason that nobody foresaw: the others are not to suffer for it.
            Err(StoreError::Internal(why)) if arrivals.len() > 1 => {
                tracing::error!(%why, "activities that came together are taken in one by one");
                let mut all = Taken::default();
                for n in 0..arrivals.len() {
                    match self.receive_page(at, &arrivals, n..n + 1) {
                        Ok(one) => {
                            all.effects.extend(one.effects);
                            all.letters.extend(one.letters);
                        }
                        Err(error) => all.effects.push(Err(error)),
                    }
                }
                Ok(all)
            }
            taken => taken,
        }
    }

    fn receive_page(
        &self,
        at: (Millis, Id),
        arrivals: &Arc<[Arrival]>,
        these: Range<usize>,
    ) -> Result<Taken, StoreError> {
        let arrivals = Arc::clone(arrivals);
        let plain = |arrival: &Arrival| arrival.calls_for == CallsFor::Nothing;
        if arrivals[these.clone()].iter().all(plain) {
            return self.write_beside(move |tx| take_in(tx, at, &arrivals[these]));
        }
        // Not beside the building of an event: whoever leaves was sent all before and nothing after.
        self.write(move |tx| take_in(tx, at, &arrivals[these]))
    }
}

fn take_in(
    tx: &mut Tx<'_>,
    (now, no_event): (Millis, Id),
    arrivals: &[Arrival],
) -> Result<Taken, StoreError> {
    let db = &mut *tx.db;
    let judge = Judge::over(db, arrivals)?;
    let judged: Vec<_> = arrivals
        .iter()
        .map(|arrival| judge.verdict(arrival).transpose())
        .collect();
    let sound = arrivals
        .iter()
        .zip(&judged)
        .filter(|(_, judged)| judged.is_none());
    let mut new = remember(db, now, sound.map(|(arrival, _)| &arrival.received).collect())?;
    let before = Book::read(db, &wanted(arrivals))?;
    let (mut book, mut due) = (before.clone(), Vec::new());
    let mut effects = Vec::with_capacity(arrivals.len());
    for (arrival, judged) in arrivals.iter().zip(judged) {
        if let Some(verdict) = judged {
            effects.push(verdict);
            continue;
        }
        let came = Came {
            known: !new.remove(&arrival.received.activity_id),
            signed_at: arrival.received.signed_at,
        };
        effects.push(Ok(match &arrival.calls_for {
            CallsFor::Nothing if came.known => Effect::Known,
            CallsFor::Nothing => Effect::Done,
            CallsFor::Undo(undo) => book.undo(undo, came),
            CallsFor::Follow(follow) => {
                let (effect, stands) = book.follow((follow.actor, follow.follower), &follow.follow_uri, came);
                due.extend(stands.then_some(&follow.accept));
                effect
            }
            CallsFor::Answer(_) if came.known => Effect::Known,
            CallsFor::Answer(answer) => {
                due.push(answer);
                Effect::Done
            }
        }));
    }
    book.write(db, now, &before)?;
    let letters = answers::queue(db, (now, no_event), &due)?;
    Ok(Taken { effects, letters })
}

/// What has to be known of Follows.
fn wanted(arrivals: &[Arrival]) -> book::Wanted {
    let mut wanted = book::Wanted::default();
    for arrival in arrivals {
        match &arrival.calls_for {
            CallsFor::Follow(new) => {
                wanted.pairs.push((new.actor, new.follower));
                wanted.follows.push((new.follower, new.follow_uri.clone()));
            }
            CallsFor::Undo(undo) => {
                match undo.actor {
                    Some(actor) => wanted.pairs.push((actor, undo.follower)),
                    None => wanted.followers.push(undo.follower),
                }
                let uri = undo.follow_uri.clone();
                wanted.follows.extend(uri.map(|uri| (undo.follower, uri)));
            }
            CallsFor::Nothing | CallsFor::Answer(_) => {}
        }
    }
    wanted
}

/// Finds what is wrong with an activity, before anything is written.
struct Judge {
    /// The remote actors that are there, of those that follow or followed.
    present: HashSet<Id>,
    /// The local actors that were looked up, with whether they may be followed now; none for those that do not exist.
    followable: HashMap<Id, Option<bool>>,
}

impl Judge {
    fn over(db: &mut Db, arrivals: &[Arrival]) -> Result<Self, StoreError> {
        let (mut remote, mut followable) = (Vec::new(), HashMap::new());
        for arrival in arrivals {
            match &arrival.calls_for {
                CallsFor::Follow(new) => {
                    remote.push(new.follower);
                    if let Entry::Vacant(unknown) = followable.entry(new.actor) {
                        unknown.insert(may_be_followed(db, new.actor)?);
                    }
                }
                CallsFor::Undo(undo) => remote.push(undo.follower),
                CallsFor::Nothing | CallsFor::Answer(_) => {}
            }
        }
        let present = present(db, remote)?;
        Ok(Self { present, followable })
    }

    /// What has become of an activity already, or nothing.
    fn verdict(&self, arrival: &Arrival) -> Result<Option<Effect>, StoreError> {
        check_uri("activity's id", &arrival.received.activity_id)?;
        let is_there = |follower: &Id| match self.present.contains(follower) {
            true => Ok(()),
            false => Err(StoreError::NotFound { what: "remote actor" }),
        };
        match &arrival.calls_for {
            CallsFor::Nothing => Ok(None),
            CallsFor::Answer(answer) => answer.check().map(|()| None),
            CallsFor::Undo(undo) => {
                is_there(&undo.follower)?;
                let uri = undo.follow_uri.as_deref();
                uri.map_or(Ok(()), |uri| check_uri("Follow's id", uri))?;
                Ok(None)
            }
            CallsFor::Follow(new) => {
                is_there(&new.follower)?;
                check_uri("Follow's id", &new.follow_uri)?;
                new.accept.check()?;
                match self.followable.get(&new.actor).copied().flatten() {
                    None => Err(StoreError::NotFound { what: "actor" }),
                    Some(false) => Ok(Some(Effect::Refused)),
                    Some(true) => Ok(None),
                }
            }
        }
    }
}

/// Those of these remote actors that are there. Makes everything that concerns one of them happen one after another; on
/// SQLite it does anyway.
fn present(db: &mut Db, ids: Vec<Id>) -> Result<HashSet<Id>, StoreError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = remote_actors::table
        .filter(remote_actors::id.eq_any(padded(ids)))
        .order(remote_actors::id);
    let rows = rows.select(remote_actors::id);
    let found: Vec<Id> = match db {
        Db::Sqlite(conn) => kept(rows).load(conn)?,
        Db::Postgres(conn) => rows.for_update().load(conn)?,
    };
    Ok(found.into_iter().collect())
}
