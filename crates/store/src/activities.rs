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
            let rows: Vec<(Row, Option<Millis>)> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::actor_id.eq(actor).and(activities::in_outbox.eq(true)))
                .filter(activities::seq.lt(before.unwrap_or(i64::MAX)))
                .order(activities::seq.desc())
                .limit(i64::from(limit).clamp(1, MOST))
                .select((Row::as_select(), records::tombstoned_at.nullable()))
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
            let row: Option<(Row, Option<Millis>)> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::uri.eq(uri))
                .select((Row::as_select(), records::tombstoned_at.nullable()))
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
            let rows: Vec<(Row, Option<Millis>)> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(
                    activities::object_uri
                        .eq(object_uri)
                        .and(activities::kind.eq("Announce")),
                )
                .order(activities::seq)
                .limit(MOST)
                .select((Row::as_select(), records::tombstoned_at.nullable()))
                .load(db)?;
            let uris: Vec<&str> = rows.iter().map(|row| row.0.uri.as_str()).collect();
            let undone: Vec<Option<String>> = activities::table
                .filter(
                    activities::kind
                        .eq("Undo")
                        .and(activities::object_uri.eq_any(uris)),
                )
                .select(activities::object_uri)
                .load(db)?;
            let stands = |row: &(Row, Option<Millis>)| !undone.iter().flatten().any(|uri| *uri == row.0.uri);
            Ok(rows.into_iter().filter(stands).map(from_row).collect())
        })
    }
}

/// A row as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = activities)]
struct Row {
    seq: i64,
    uri: String,
    actor_id: Id,
    kind: String,
    object_uri: Option<String>,
    json: String,
    at: Millis,
}

fn from_row((row, removed): (Row, Option<Millis>)) -> ActivityRow {
    ActivityRow {
        seq: row.seq,
        uri: row.uri,
        actor: row.actor_id,
        tombstoned: removed.is_some() && row.kind != "Delete" && row.kind != "Undo",
        kind: row.kind,
        object_uri: row.object_uri,
        json: row.json,
        at: row.at,
    }
}
