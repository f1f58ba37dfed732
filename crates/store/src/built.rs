//! What an event came to: activities, records and tombstones, and one delivery for each inbox, all in one transaction.
//!
//! An event is built once. Whoever comes second, because two processes tried or one died after the commit, changes
//! nothing. Who is meant is resolved here, with the followers as they are at that moment; what is said was decided
//! outside. Next: `deliveries.rs`, the way of each delivery.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use serde::{Deserialize, Serialize};

use crate::activities::end_of_outbox;
use crate::connection::Db;
use crate::events::{Event, record_event};
use crate::hosts::MORE_WAITS;
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

/// Who gets an activity. Each inbox gets it once, and of followers that share an inbox only that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The followers of the actor.
    Followers,
    /// The followers, and whoever may have been sent anything about this object by any actor here, also if they have
    /// left since.
    FollowersAndPastRecipients {
        /// The object's id.
        object_uri: String,
    },
    /// Of the followers of these actors those whose software understands records, and of such also everyone who was
    /// told of this record before, also if they have left since.
    KeepersOfRecords {
        /// The actors.
        followers_of: Vec<Id>,
        /// The record's id.
        record: String,
    },
    /// These inboxes, each with its host as [`crate::host_of`] gives it.
    Inboxes(Vec<(String, String)>),
    /// Nobody: it is only written down.
    Nobody,
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
        little_by_little = little_by_little || spreads::is_wide(db, activity)?;
        if little_by_little {
            note_recipients(db, seq, activity)?;
            spreads::begin(db, seq, activity)?;
        } else {
            queue_for(db, m.now, seq, activity)?;
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

/// The beginning of every statement that queues: one row for each inbox that the rest selects.
const QUEUE: &str = "INSERT INTO deliveries (activity, created_at, state, attempts, host, inbox)
    SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), 'waiting', 0, host, inbox FROM (";

/// The inboxes of an actor's followers. SQLite would rather look at each actor's row than at the index that has all it
/// takes, so there it is told.
fn followers(db: &Db) -> String {
    let by = match db {
        Db::Sqlite(_) => "INDEXED BY remote_actors_reached",
        Db::Postgres(_) => "",
    };
    format!(
        "SELECT DISTINCT r.delivery_host AS host, r.delivery_inbox AS inbox
         FROM followers f JOIN remote_actors r {by} ON r.id = f.follower_id
         WHERE f.actor_id = $3 AND r.gone_at IS NULL"
    )
}

/// The inboxes that may know of an object: those of the followers, present and past, of every actor that said something
/// of it, and those it was sent to by name.
const RECIPIENTS: &str = " UNION SELECT r.delivery_host, r.delivery_inbox
    FROM activities a JOIN followers f ON f.actor_id = a.actor_id JOIN remote_actors r ON r.id = f.follower_id
    WHERE (a.object_uri = $4 OR a.uri = $5) AND r.gone_at IS NULL
    UNION SELECT r.delivery_host, r.delivery_inbox
    FROM activities a JOIN past_followers p ON p.actor_id = a.actor_id AND p.until_seq >= a.seq
    JOIN remote_actors r ON r.id = p.follower_id
    WHERE (a.object_uri = $6 OR a.uri = $7) AND r.gone_at IS NULL
    UNION SELECT d.host, d.inbox FROM activities a JOIN deliveries d ON d.activity = a.seq
    WHERE a.addressed AND (a.object_uri = $8 OR a.uri = $9)";

/// The statement that selects hosts and inboxes of an audience, and what its placeholders stand for, from the third on;
/// `None` for those that need no search.
pub(crate) fn audience_of(db: &Db, actor: Id, audience: &Audience) -> Option<(String, Vec<String>)> {
    match audience {
        Audience::Nobody | Audience::Inboxes(_) => None,
        Audience::Followers => Some((followers(db), vec![actor.to_string()])),
        Audience::FollowersAndPastRecipients { object_uri } => {
            let mut given = vec![object_uri.clone(); 7];
            given[0] = actor.to_string();
            Some((format!("{} {RECIPIENTS}", followers(db)), given))
        }
        Audience::KeepersOfRecords { record, .. } => {
            Some((recipients::AUDIENCE.to_owned(), vec![record.clone(); 2]))
        }
    }
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

/// Queues an activity for its audience and counts it with the hosts.
fn queue_for(db: &mut Db, now: Millis, seq: i64, new: &NewActivity) -> Result<(), StoreError> {
    note_recipients(db, seq, new)?;
    if let Some((select, given)) = audience_of(db, new.actor, &new.audience) {
        let mut queue = sql_query(format!("{QUEUE} {select} ) AS audience"))
            .into_boxed()
            .bind::<BigInt, _>(seq)
            .bind::<BigInt, _>(now);
        for value in given {
            queue = queue.bind::<Text, _>(value);
        }
        kept(queue).execute(db)?;
    }
    match &new.audience {
        Audience::Nobody => Ok(()),
        Audience::Inboxes(inboxes) => {
            let distinct: BTreeMap<&str, &str> = inboxes
                .iter()
                .map(|(inbox, host)| (inbox.as_str(), host.as_str()))
                .collect();
            for (inbox, host) in distinct {
                queue_one(db, now, seq, (inbox, host))?;
            }
            count(db, now, seq..=seq)
        }
        _ => count(db, now, seq..=seq),
    }
}

fn queue_one(db: &mut Db, now: Millis, seq: i64, (inbox, host): (&str, &str)) -> Result<(), StoreError> {
    diesel::insert_into(deliveries::table)
        .values((
            deliveries::activity.eq(seq),
            deliveries::created_at.eq(now),
            deliveries::state.eq("waiting"),
            deliveries::attempts.eq(0),
            deliveries::host.eq(host),
            deliveries::inbox.eq(inbox),
        ))
        .execute(db)?;
    Ok(())
}

/// Counts what was just queued for activities with its hosts, and makes those due for which nothing waited. In the order
/// of names, so that no two who lock several hosts wait for each other.
fn count(db: &mut Db, now: Millis, seqs: RangeInclusive<i64>) -> Result<(), StoreError> {
    let statement = sql_query(format!(
        "INSERT INTO hosts (due_at, host, waiting, failures)
         SELECT CAST($1 AS BIGINT), host, COUNT(*), 0 FROM deliveries
         WHERE activity BETWEEN $2 AND $3 GROUP BY host ORDER BY host {MORE_WAITS}"
    ))
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(*seqs.start())
    .bind::<BigInt, _>(*seqs.end());
    kept(statement).execute(db)?;
    Ok(())
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
