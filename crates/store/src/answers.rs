//! Answers to what came in, logged and queued in the transaction of what they answer: they depend on no event, and
//! nothing that is told to followers afterwards can be sent before them. What is told of events is `built.rs`; next:
//! `deliveries.rs`, the way of each delivery.

use diesel::prelude::*;

use crate::connection::Db;
use crate::deliveries::Letter;
use crate::enqueue::{New, enqueue};
use crate::kept::{kept, steps};
use crate::schema::activities;
use crate::uris::check_uri;
use crate::{Id, Millis, StoreError};

/// An activity that answers another, for one inbox. It stands in no outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its id in the fediverse.
    pub uri: String,
    /// The local actor that answers.
    pub actor: Id,
    /// Its type, as `Accept`.
    pub kind: String,
    /// The id of what is answered.
    pub object_uri: String,
    /// Its exact JSON.
    pub json: String,
    /// Where it goes.
    pub inbox: String,
    /// The host of the inbox, as [`crate::host_of`] gives it.
    pub host: String,
}

impl Answer {
    fn letter(&self) -> Letter {
        Letter {
            activity_uri: self.uri.clone(),
            actor: self.actor,
            json: self.json.clone(),
        }
    }

    /// Whether it can be stored.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        check_uri("activity's id", &self.uri)?;
        check_uri("object's id", &self.object_uri)?;
        check_uri("inbox", &self.inbox)?;
        check_uri("inbox's host", &self.host)
    }
}

/// Logs answers and queues them, in order, as of `now` and under `no_event`; gives them as they are carried, by their
/// numbers. Only in a transaction beside which no other writes to the log.
pub(crate) fn queue(
    db: &mut Db,
    (now, no_event): (Millis, Id),
    answers: &[&Answer],
) -> Result<Vec<(i64, Letter)>, StoreError> {
    if answers.is_empty() {
        return Ok(Vec::new());
    }
    let logged = log(db, (now, no_event), answers)?;
    let new = answers.iter().zip(&logged);
    let new: Vec<New<'_>> = new
        .map(|(answer, seq)| New(*seq, &answer.host, &answer.inbox))
        .collect();
    enqueue(db, now, now, &new)?;
    let letters = answers.iter().map(|answer| answer.letter());
    Ok(logged.into_iter().zip(letters).collect())
}

/// Writes answers into the log; gives their places.
fn log(db: &mut Db, (now, no_event): (Millis, Id), answers: &[&Answer]) -> Result<Vec<i64>, StoreError> {
    let rows = answers.iter().map(|answer| {
        (
            activities::uri.eq(&answer.uri),
            activities::event_id.eq(no_event),
            activities::actor_id.eq(answer.actor),
            activities::kind.eq(&answer.kind),
            activities::object_uri.eq(&answer.object_uri),
            activities::json.eq(&answer.json),
            activities::in_outbox.eq(false),
            activities::addressed.eq(true),
            activities::at.eq(now),
        )
    });
    let mut places = Vec::with_capacity(answers.len());
    match db {
        Db::Sqlite(conn) => {
            for row in rows {
                let insert = diesel::insert_into(activities::table).values(row);
                places.push(kept(insert.returning(activities::seq)).get_result(conn)?);
            }
        }
        Db::Postgres(conn) => {
            let mut rows = rows;
            for step in steps(answers.len()) {
                let some: Vec<_> = rows.by_ref().take(step).collect();
                let insert = diesel::insert_into(activities::table).values(some);
                places.extend(kept(insert.returning(activities::seq)).get_results::<i64>(conn)?);
            }
            // Numbered in the order in which they were given, and not always told of in it.
            places.sort_unstable();
        }
    }
    Ok(places)
}
