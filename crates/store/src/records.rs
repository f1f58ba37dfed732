//! The signed record of everything published: its exact JSON, what it is about, and that it is gone when it is.
//!
//! A record is written when an event is built (`built.rs`); an edit replaces its body, a removal leaves a tombstone.
//! What the JSON says is not known here. Next: `activities.rs`, the log in which the records were told.

use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::schema::records;
use crate::uris::{check_uri, host_of};
use crate::{Id, Millis, Store, StoreError};

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable, Selectable)]
#[diesel(table_name = records)]
pub struct Subject {
    /// The upload, if it is about one.
    #[diesel(column_name = upload_id)]
    pub upload: Option<Id>,
    /// The dataset, if it is about one.
    #[diesel(column_name = dataset_id)]
    pub dataset: Option<Id>,
}

/// A record to be published, or a new body of one that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its id in the fediverse.
    pub uri: String,
    /// Its type, as `Note`.
    pub kind: String,
    /// The actor that publishes it.
    pub actor: Id,
    /// What it is about.
    pub subject: Subject,
    /// Its exact JSON.
    pub json: String,
    /// The key of its proof, when it has one (FEP-8b32).
    pub proof_key: Option<String>,
}

/// A published record.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = records)]
pub struct Record {
    /// Its id in the fediverse.
    pub uri: String,
    /// Its type, as `Note`.
    pub kind: String,
    /// The actor that published it.
    #[diesel(column_name = actor_id)]
    pub actor: Id,
    /// What it is about.
    #[diesel(embed)]
    pub subject: Subject,
    /// Its exact JSON, as last published.
    pub json: String,
    /// The key of its proof, when it has one (FEP-8b32).
    pub proof_key: Option<String>,
    /// The host it comes from.
    pub origin: String,
    /// When it was first published.
    pub created_at: Millis,
    /// When its body was last replaced.
    pub updated_at: Millis,
    /// When it was removed; its body must not be shown from then on.
    pub tombstoned_at: Option<Millis>,
}

impl Store {
    /// The record with this id, removed or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn record(&self, uri: &str) -> Result<Option<Record>, StoreError> {
        self.read(|db| {
            Ok(records::table
                .find(uri)
                .select(Record::as_select())
                .first(db)
                .optional()?)
        })
    }

    /// The posts about an upload that stand, the oldest first: one for each actor that posted it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn live_posts(&self, upload: Id) -> Result<Vec<Record>, StoreError> {
        self.read(move |db| {
            Ok(records::table
                .filter(records::upload_id.eq(upload))
                .filter(records::kind.eq("Note"))
                .filter(records::tombstoned_at.is_null())
                .order((records::created_at, records::uri))
                .select(Record::as_select())
                .load(db)?)
        })
    }

    /// The posts by an actor that stand, the oldest first; at most `limit` of them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn live_posts_by(&self, actor: Id, limit: u32) -> Result<Vec<Record>, StoreError> {
        self.read(move |db| {
            Ok(records::table
                .filter(records::actor_id.eq(actor))
                .filter(records::kind.eq("Note"))
                .filter(records::tombstoned_at.is_null())
                .order((records::created_at, records::uri))
                .limit(i64::from(limit))
                .select(Record::as_select())
                .load(db)?)
        })
    }
}

/// Writes a record, or the new body of one that stands; a removed one stays removed.
pub(crate) fn save_record(db: &mut Db, now: Millis, new: &NewRecord) -> Result<(), StoreError> {
    check_uri("record's id", &new.uri)?;
    let body = (
        records::json.eq(&new.json),
        records::proof_key.eq(&new.proof_key),
        records::updated_at.eq(now),
    );
    let row = (
        records::uri.eq(&new.uri),
        records::kind.eq(&new.kind),
        records::actor_id.eq(new.actor),
        records::upload_id.eq(new.subject.upload.map(String::from)),
        records::dataset_id.eq(new.subject.dataset.map(String::from)),
        records::origin.eq(host_of(&new.uri)?),
        records::created_at.eq(now),
    );
    let known = diesel::update(records::table.find(&new.uri))
        .set(body)
        .execute(db)?;
    if known == 0 {
        each!(db, conn => diesel::insert_into(records::table).values((row, body)).execute(conn))?;
    }
    Ok(())
}

/// Marks a record as removed; false when there is none or it was removed before.
pub(crate) fn tombstone(db: &mut Db, now: Millis, uri: &str) -> Result<bool, StoreError> {
    let gone = diesel::update(records::table.find(uri))
        .filter(records::tombstoned_at.is_null())
        .set(records::tombstoned_at.eq(now))
        .execute(db)?;
    Ok(gone > 0)
}
