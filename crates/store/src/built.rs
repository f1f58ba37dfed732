//! What an event came to: activities, records and tombstones, and one delivery for each inbox, all in one transaction.
//!
//! An event is built once. Whoever comes second, because two processes tried or one died after the commit, changes
//! nothing. What is said was decided outside. Next: `spreads.rs`, which queues it for all who are meant.

use diesel::prelude::*;

use crate::activities::end_of_outbox;
use crate::audience::Audience;
use crate::connection::Db;
use crate::events::{Event, record_event};
use crate::kept::kept;
use crate::records::{NewRecord, bring_back, save_record, tombstone};
use crate::schema::{activities, deliveries, events};
use crate::uris::check_uri;
use crate::{Id, Millis, Moment, Store, StoreError, queue, recipients, spreads};

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Built {
    /// What is to be said, in order.
    pub activities: Vec<NewActivity>,
    /// The records that are new or have a new body.
    pub records: Vec<NewRecord>,
    /// The ids of the records that are gone.
    pub tombstones: Vec<String>,
    /// The ids of the records that were gone and are back.
    pub returned: Vec<String>,
    /// What was too much for one event and comes later.
    pub left: Vec<Event>,
}

/// An activity to be written into the log and delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivity {
    /// Its id in the fediverse.
    pub uri: String,
    /// The local actor that makes it.
    pub actor: Id,
    /// Its type, as `Create`.
    pub kind: String,
    /// The id of its object.
    pub object_uri: Option<String>,
    /// Its exact JSON.
    pub json: String,
    /// Whether it shows in the actor's outbox.
    pub in_outbox: bool,
    /// Who gets it.
    pub audience: Audience,
}

/// Why a delivery is given up whose object is gone before it was sent.
const WITHDRAWN: &str = "withdrawn: what it carries was removed before it could be delivered";

impl Store {
    /// Writes down what an event came to and queues the deliveries. False, and nothing written, when the event was
    /// built already or there is none.
    ///
    /// # Errors
    /// `Invalid` for an id or inbox that cannot be stored; otherwise when the database does not answer.
    pub fn record_built(&self, mut m: Moment, event: Id, built: Built) -> Result<bool, StoreError> {
        self.write(move |tx| record(tx.db, &mut m, event, &built))
    }
}

fn record(db: &mut Db, m: &mut Moment, event: Id, built: &Built) -> Result<bool, StoreError> {
    let first = diesel::update(events::table.filter(events::id.eq(event)))
        .filter(events::built_at.is_null())
        .set(events::built_at.eq(m.now));
    let first = kept(first).execute(db)?;
    if first == 0 {
        return Ok(false);
    }
    for uri in &built.tombstones {
        if tombstone(db, m.now, uri)? {
            withdraw(db, m.now, uri)?;
        }
    }
    for uri in &built.returned {
        bring_back(db, uri)?;
    }
    for record in &built.records {
        save_record(db, m.now, record)?;
    }
    let mut little_by_little = false;
    for activity in &built.activities {
        let seq = log(db, m.now, event, activity)?;
        // What comes after one that takes its time must not overtake it.
        note_recipients(db, seq, activity)?;
        little_by_little = little_by_little || !spreads::at_once(db, m.now, seq, activity)?;
        if little_by_little {
            spreads::begin(db, seq, activity)?;
        }
    }
    for event in &built.left {
        record_event(db, m, event)?;
    }
    Ok(true)
}

fn log(db: &mut Db, now: Millis, event: Id, new: &NewActivity) -> Result<i64, StoreError> {
    check_uri("activity's id", &new.uri)?;
    if let Some(object_uri) = &new.object_uri {
        check_uri("object's id", object_uri)?;
    }
    if let Audience::Inboxes(inboxes) = &new.audience {
        for (inbox, host) in inboxes {
            check_uri("inbox", inbox)?;
            check_uri("inbox's host", host)?;
        }
    }
    let position = if new.in_outbox {
        Some(end_of_outbox(db, new.actor)? + 1)
    } else {
        None
    };
    let logged = diesel::insert_into(activities::table)
        .values((
            activities::position.eq(position),
            activities::uri.eq(&new.uri),
            activities::event_id.eq(event),
            activities::actor_id.eq(new.actor),
            activities::kind.eq(&new.kind),
            activities::object_uri.eq(&new.object_uri),
            activities::json.eq(&new.json),
            activities::in_outbox.eq(new.in_outbox),
            activities::addressed.eq(matches!(new.audience, Audience::Inboxes(_))),
            activities::at.eq(now),
        ))
        .returning(activities::seq);
    Ok(kept(logged).get_result(db)?)
}

/// Remembers whose followers are told of a record.
fn note_recipients(db: &mut Db, seq: i64, new: &NewActivity) -> Result<(), StoreError> {
    match &new.audience {
        Audience::KeepersOfRecords { followers_of, record } => {
            recipients::note(db, seq, record, followers_of)
        }
        _ => Ok(()),
    }
}

/// Gives up what waits to be told about an object that is gone; those who may know of it are told that instead.
fn withdraw(db: &mut Db, now: Millis, object_uri: &str) -> Result<(), StoreError> {
    let said: Vec<i64> = activities::table
        .filter(activities::object_uri.eq(object_uri))
        .select(activities::seq)
        .load(db)?;
    // By activity alone: an index on states would be all that waits.
    let told: Vec<(String, i64, String)> = deliveries::table
        .filter(deliveries::activity.eq_any(said))
        .order((deliveries::host, deliveries::seq))
        .select((deliveries::host, deliveries::seq, deliveries::state))
        .load(db)?;
    let waiting: Vec<(String, i64)> = told
        .into_iter()
        .filter(|(_, _, state)| state == "waiting")
        .map(|(host, seq, _)| (host, seq))
        .collect();
    for of_one_host in waiting.chunk_by(|a, b| a.0 == b.0) {
        let Some(mut host) = crate::hosts::lock(db, &of_one_host[0].0)? else {
            continue;
        };
        let which: Vec<i64> = of_one_host.iter().map(|(_, seq)| *seq).collect();
        queue::give_up(db, now, &mut host, &which, WITHDRAWN)?;
    }
    Ok(())
}
