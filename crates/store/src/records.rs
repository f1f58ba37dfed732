//! The signed record of everything published: its exact JSON, what it is about, and that it is gone when it is.
//!
//! A record is written when an event is built (`built.rs`); a removal leaves a tombstone, from which a record may be
//! brought back. What the JSON says is not known here, nor what it said before: that is `versions.rs`. Next:
//! `activities.rs`, the log in which the records were told.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::upsert::excluded;

use crate::connection::{Db, each};
use crate::kept::kept;
use crate::schema::{collection_datasets, datasets, records};
use crate::uris::{check_uri, host_of};
use crate::visibility::VISIBLE;
use crate::{Id, Millis, Page, Paging, Store, StoreError, versions};

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
    /// The collection, if it is about what is in one.
    #[diesel(column_name = collection_id)]
    pub collection: Option<Id>,
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
    /// Which version this is, counted from 1. A later one than that which is kept takes its place, and that is kept
    /// beside it; the same once more (posts have no others) takes its place for good.
    pub version: i64,
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
    /// Which version the body is, counted from 1.
    pub version: i64,
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

    /// The torrent record of an upload, removed or not: its id, and since when it is removed. Without its body, which
    /// may be large.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn torrent_record(&self, upload: Id) -> Result<Option<(String, Option<Millis>)>, StoreError> {
        self.read(move |db| {
            Ok(records::table
                .filter(records::upload_id.eq(upload))
                .filter(records::kind.eq("Torrent"))
                .select((records::uri, records::tombstoned_at))
                .first(db)
                .optional()?)
        })
    }

    /// The newest record of a dataset's membership in a collection, removed or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn membership(&self, collection: Id, dataset: Id) -> Result<Option<Record>, StoreError> {
        self.read(move |db| {
            Ok(records::table
                .filter(records::collection_id.eq(collection))
                .filter(records::dataset_id.eq(dataset))
                .filter(records::kind.eq("Membership"))
                .order((records::created_at.desc(), records::uri.desc()))
                .select(Record::as_select())
                .first(db)
                .optional()?)
        })
    }

    /// The ids of the records of the visible datasets in a collection, the dataset described last first.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn dataset_records(&self, collection: Id, paging: &Paging) -> Result<Page<String>, StoreError> {
        let before = paging.after::<1>()?.map_or_else(|| "~".to_owned(), |[id]| id);
        let found: Vec<(Id, String)> = self.read(|db| {
            Ok(records::table
                .inner_join(datasets::table.on(records::dataset_id.eq(datasets::id.nullable())))
                .inner_join(collection_datasets::table.on(collection_datasets::dataset_id.eq(datasets::id)))
                .filter(collection_datasets::collection_id.eq(collection))
                .filter(datasets::id.lt(before).and(datasets::state.eq(VISIBLE)))
                .filter(records::kind.eq("Dataset").and(records::tombstoned_at.is_null()))
                .order(datasets::id.desc())
                .limit(paging.bounded() + 1)
                .select((datasets::id, records::uri))
                .load(db)?)
        })?;
        let page = Page::of(found, paging, |last| [last.0.to_string()]);
        Ok(page.map(|(_, uri)| uri))
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
                // Written out: an index that holds nothing but posts serves no statement whose text leaves the kind open.
                .filter(sql::<Bool>("kind = 'Note'"))
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
    if new.version > 1 {
        versions::keep_former(db, &new.uri, new.version)?;
    }
    let row = (
        records::uri.eq(&new.uri),
        records::kind.eq(&new.kind),
        records::actor_id.eq(new.actor),
        records::upload_id.eq(new.subject.upload.map(String::from)),
        records::dataset_id.eq(new.subject.dataset.map(String::from)),
        records::collection_id.eq(new.subject.collection.map(String::from)),
        records::json.eq(&new.json),
        records::proof_key.eq(&new.proof_key),
        records::origin.eq(host_of(&new.uri)?),
        records::version.eq(new.version),
        records::created_at.eq(now),
        records::updated_at.eq(now),
    );
    // The new body is what the row would have been: bound once, though it is named twice.
    let body = (
        records::json.eq(excluded(records::json)),
        records::proof_key.eq(excluded(records::proof_key)),
        records::version.eq(excluded(records::version)),
        records::updated_at.eq(excluded(records::updated_at)),
    );
    each!(db, conn => kept(
        diesel::insert_into(records::table)
            .values(row)
            .on_conflict(records::uri)
            .do_update()
            .set(body)
    )
    .execute(conn))?;
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

/// Takes the mark away again.
pub(crate) fn bring_back(db: &mut Db, uri: &str) -> Result<(), StoreError> {
    diesel::update(records::table.find(uri))
        .set(records::tombstoned_at.eq(None::<Millis>))
        .execute(db)?;
    Ok(())
}
