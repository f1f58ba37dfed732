//! The log: every activity that was made here, once, in order, never rewritten.
//!
//! `seq` grows in the order of commits, so whoever reads an outbox from any point misses nothing. Activities are
//! written when an event is built; this file reads them. Next: `built.rs`, which writes them.

use diesel::prelude::*;

use crate::schema::{activities, records};
use crate::{Id, Millis, Store, StoreError};

/// An activity of an actor here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    /// Its place in the log.
    pub seq: i64,
    /// Its id in the fediverse.
    pub uri: String,
    /// The actor that made it.
    pub actor: Id,
    /// Its type, as `Create`.
    pub kind: String,
    /// The id of its object.
    pub object_uri: Option<String>,
    /// Its exact JSON, as it was sent.
    pub json: String,
    /// When it was made.
    pub at: Millis,
    /// Whether the record it carries was removed since, so that the body must not be shown any more.
    pub tombstoned: bool,
}

/// The most activities one call gives.
const MOST: i64 = 200;

/// An activity's columns; the last comes from the record that it carries.
macro_rules! columns {
    () => {
        (
            (
                activities::seq,
                activities::uri,
                activities::actor_id,
                activities::kind,
            ),
            (
                activities::object_uri,
                activities::json,
                activities::at,
                records::tombstoned_at.nullable(),
            ),
        )
    };
}

impl Store {
    /// How many activities an actor's outbox has.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn outbox_count(&self, actor: Id) -> Result<i64, StoreError> {
        self.read(move |db| {
            Ok(activities::table
                .filter(activities::actor_id.eq(actor).and(activities::in_outbox.eq(true)))
                .count()
                .get_result(db)?)
        })
    }

    /// A part of an actor's outbox, the newest first: at most `limit` (200 at most) activities older than `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn outbox(&self, actor: Id, before: Option<i64>, limit: u32) -> Result<Vec<ActivityRow>, StoreError> {
        self.read(move |db| {
            let rows: Vec<Row> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::actor_id.eq(actor).and(activities::in_outbox.eq(true)))
                .filter(activities::seq.lt(before.unwrap_or(i64::MAX)))
                .order(activities::seq.desc())
                .limit(i64::from(limit).clamp(1, MOST))
                .select(columns!())
                .load(db)?;
            Ok(rows.into_iter().map(from_row).collect())
        })
    }

    /// The activity with this id, in an outbox or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn activity(&self, uri: &str) -> Result<Option<ActivityRow>, StoreError> {
        let uri = uri.to_owned();
        self.read(move |db| {
            let row: Option<Row> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::uri.eq(uri))
                .select(columns!())
                .first(db)
                .optional()?;
            Ok(row.map(from_row))
        })
    }

    /// The Announces of an object by actors here that were not undone, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn announces_of(&self, object_uri: &str) -> Result<Vec<ActivityRow>, StoreError> {
        let object_uri = object_uri.to_owned();
        self.read(move |db| {
            let rows: Vec<Row> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(
                    activities::object_uri
                        .eq(object_uri)
                        .and(activities::kind.eq("Announce")),
                )
                .order(activities::seq)
                .limit(MOST)
                .select(columns!())
                .load(db)?;
            let uris: Vec<&str> = rows.iter().map(|row| row.0.1.as_str()).collect();
            let undone: Vec<Option<String>> = activities::table
                .filter(
                    activities::kind
                        .eq("Undo")
                        .and(activities::object_uri.eq_any(uris)),
                )
                .select(activities::object_uri)
                .load(db)?;
            let stands = |row: &Row| !undone.iter().flatten().any(|uri| *uri == row.0.1);
            Ok(rows.into_iter().filter(stands).map(from_row).collect())
        })
    }
}

type Row = (
    (i64, String, Id, String),
    (Option<String>, String, Millis, Option<Millis>),
);

fn from_row(row: Row) -> ActivityRow {
    let ((seq, uri, actor, kind), (object_uri, json, at, removed)) = row;
    let tombstoned = removed.is_some() && kind != "Delete" && kind != "Undo";
    ActivityRow {
        seq,
        uri,
        actor,
        kind,
        object_uri,
        json,
        at,
        tombstoned,
    }
}
