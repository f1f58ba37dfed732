//! The log: every activity that was made here, once, in order, never rewritten.
//!
//! `seq` grows in the order of commits, so whoever reads an outbox from any point misses nothing. Activities are
//! written when an event is built; this file reads them. Next: `built.rs`, which writes them.

use std::ops::RangeInclusive;

use diesel::prelude::*;

use crate::connection::Db;
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
    /// Set when the record it carries was removed since, so that the body must not be shown any more.
    pub buried: Option<Buried>,
}

/// What a removed record was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Its type, as `Note`.
    pub kind: String,
    /// When it was removed.
    pub at: Millis,
}

/// The most activities one call gives.
const MOST: i64 = 200;

impl Store {
    /// How many activities an actor's outbox has.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn outbox_count(&self, actor: Id) -> Result<i64, StoreError> {
        self.read(move |db| end_of_outbox(db, actor))
    }

    /// A part of an actor's outbox, the newest first: the activities at these positions, counted from 1; the last 200
    /// of them at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn outbox(&self, actor: Id, positions: RangeInclusive<i64>) -> Result<Vec<ActivityRow>, StoreError> {
        self.read(move |db| {
            let rows: Vec<Joined> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::actor_id.eq(actor))
                .filter(activities::position.between(*positions.start(), *positions.end()))
                .order(activities::position.desc())
                .limit(MOST)
                .select((
                    Row::as_select(),
                    (records::tombstoned_at.nullable(), records::kind.nullable()),
                ))
                .load(db)?;
            Ok(rows.into_iter().map(from_row).collect())
        })
    }

    /// The last activity whose object has this id, in an outbox or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn last_about(&self, object_uri: &str) -> Result<Option<ActivityRow>, StoreError> {
        self.read(|db| {
            let row: Option<Joined> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::object_uri.eq(object_uri))
                .order(activities::seq.desc())
                .select((
                    Row::as_select(),
                    (records::tombstoned_at.nullable(), records::kind.nullable()),
                ))
                .first(db)
                .optional()?;
            Ok(row.map(from_row))
        })
    }

    /// The activity with this id, in an outbox or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn activity(&self, uri: &str) -> Result<Option<ActivityRow>, StoreError> {
        let uri = uri.to_owned();
        self.read(move |db| {
            let row: Option<Joined> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(activities::uri.eq(uri))
                .select((
                    Row::as_select(),
                    (records::tombstoned_at.nullable(), records::kind.nullable()),
                ))
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
            let rows: Vec<Joined> = activities::table
                .left_join(records::table.on(records::uri.nullable().eq(activities::object_uri)))
                .filter(
                    activities::object_uri
                        .eq(object_uri)
                        .and(activities::kind.eq("Announce")),
                )
                .order(activities::seq)
                .limit(MOST)
                .select((
                    Row::as_select(),
                    (records::tombstoned_at.nullable(), records::kind.nullable()),
                ))
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
            let stands = |row: &Joined| !undone.iter().flatten().any(|uri| *uri == row.0.uri);
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

/// An activity, and since when its object is removed and what that was.
type Joined = (Row, (Option<Millis>, Option<String>));

fn from_row((row, (removed, kind)): Joined) -> ActivityRow {
    // These carry no more than the tombstone themselves.
    let bodiless = matches!(row.kind.as_str(), "Delete" | "Undo" | "Remove");
    ActivityRow {
        seq: row.seq,
        uri: row.uri,
        actor: row.actor_id,
        buried: removed
            .zip(kind)
            .filter(|_| !bodiless)
            .map(|(at, kind)| Buried { kind, at }),
        kind: row.kind,
        object_uri: row.object_uri,
        json: row.json,
        at: row.at,
    }
}

/// The last position in an actor's outbox; 0 when it is empty.
pub(crate) fn end_of_outbox(db: &mut Db, actor: Id) -> Result<i64, StoreError> {
    let last: Option<i64> = activities::table
        .filter(activities::actor_id.eq(actor))
        // Or the index, which has only these, is not used.
        .filter(activities::position.is_not_null())
        .select(diesel::dsl::max(activities::position))
        .first(db)?;
    Ok(last.unwrap_or(0))
}
