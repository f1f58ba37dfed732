//! What happened here and may have to be told to others: one row, written in the transaction of the thing itself.
//!
//! It holds the words for what can happen, the queue of events that nobody has yet turned into activities, and the
//! leases by which several processes agree who does a shared piece of work. It does not know what is sent for an
//! event or to whom: that is built outside and comes back through `built.rs`, the next file in the flow.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::connection::{Db, each};
use crate::kept::kept;
use crate::schema::{events, leases};
use crate::{Id, Millis, Moment, Store, StoreError};

/// Something that happened, by the ids of the things concerned; stored as tagged JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An upload became visible for the first time.
    UploadPublished {
        /// The upload.
        upload: Id,
    },
    /// An upload's method or description changed.
    UploadEdited {
        /// The upload.
        upload: Id,
    },
    /// A dataset was described.
    DatasetCreated {
        /// The dataset.
        dataset: Id,
    },
    /// A dataset's description changed.
    DatasetEdited {
        /// The dataset.
        dataset: Id,
    },
    /// A moderator hid an upload.
    UploadHidden {
        /// The upload.
        upload: Id,
    },
    /// A moderator showed a hidden upload again.
    UploadRestored {
        /// The upload.
        upload: Id,
    },
    /// A moderator removed an upload for good.
    UploadRemoved {
        /// The upload.
        upload: Id,
    },
    /// A moderator hid a dataset and with it all its uploads.
    DatasetHidden {
        /// The dataset.
        dataset: Id,
    },
    /// A moderator showed a hidden dataset again.
    DatasetRestored {
        /// The dataset.
        dataset: Id,
    },
    /// A moderator removed a dataset for good, and with it all its uploads.
    DatasetRemoved {
        /// The dataset.
        dataset: Id,
    },
    /// A dataset was put into a collection.
    DatasetPut {
        /// The collection.
        collection: Id,
        /// The dataset.
        dataset: Id,
    },
    /// A dataset was taken out of a collection.
    DatasetTaken {
        /// The collection.
        collection: Id,
        /// The dataset.
        dataset: Id,
    },
    /// A collection's title or summary changed.
    CollectionEdited {
        /// The collection.
        collection: Id,
    },
    /// A moderator hid a collection.
    CollectionHidden {
        /// The collection.
        collection: Id,
    },
    /// A moderator showed a hidden collection again.
    CollectionRestored {
        /// The collection.
        collection: Id,
    },
    /// A moderator removed a collection for good.
    CollectionRemoved {
        /// The collection.
        collection: Id,
    },
    /// An account's title, summary or followability changed.
    AccountEdited {
        /// The account.
        account: Id,
    },
    /// More datasets than one event could be built for: their records and those of what is in them are yet to be made
    /// or looked through.
    DatasetsLeft {
        /// The last dataset that was; `None` before the first.
        after: Option<Id>,
    },
    /// The same of a dataset's uploads.
    UploadsLeft {
        /// The dataset.
        dataset: Id,
        /// The last upload that was looked through.
        after: Option<Id>,
    },
    /// The same of a collection's datasets.
    MembershipsLeft {
        /// The collection.
        collection: Id,
        /// The last dataset that was looked through.
        after: Option<Id>,
    },
    /// An actor here wants to follow a remote actor.
    FollowRequested {
        /// The row in `following`.
        following: Id,
    },
    /// An actor here no longer wants to follow a remote actor.
    FollowWithdrawn {
        /// The row in `following`.
        following: Id,
    },
}

/// An event that nobody has turned into activities yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEvent {
    /// Its place in the order of events; a later event has a larger number.
    pub seq: i64,
    /// The event's id.
    pub id: Id,
    /// When it happened.
    pub at: Millis,
    /// What happened.
    pub event: Event,
}

/// How long an event stays after it was built, for whoever looks into a fault afterwards.
pub const BUILT_EVENTS_KEPT: Millis = 30 * 24 * 60 * 60 * 1000;

/// Writes an event's row; to be called last in the transaction of what happened, so that events stand in the order
/// in which the rows they speak of were locked.
pub(crate) fn record_event(db: &mut Db, m: &mut Moment, event: &Event) -> Result<(), StoreError> {
    let body = serde_json::to_string(event).map_err(|e| StoreError::Internal(format!("event: {e}")))?;
    let written = diesel::insert_into(events::table).values((
        events::id.eq(m.id().to_string()),
        events::at.eq(m.now),
        events::body.eq(body),
    ));
    kept(written).execute(db)?;
    Ok(())
}

impl Store {
    /// The oldest events that nobody has turned into activities yet, in order, at most `limit` of them.
    ///
    /// # Errors
    /// When the database does not answer, or an event was written by a newer program.
    pub fn unbuilt_events(&self, limit: u32) -> Result<Vec<PendingEvent>, StoreError> {
        self.glance(move |db| {
            let rows: Vec<(i64, String, Millis, String)> = events::table
                .filter(events::built_at.is_null())
                .order(events::seq)
                .limit(i64::from(limit))
                .select((events::seq, events::id, events::at, events::body))
                .load(db)?;
            rows.into_iter()
                .map(|(seq, id, at, body)| {
                    let event = serde_json::from_str(&body)
                        .map_err(|e| StoreError::Internal(format!("event {id} cannot be read: {e}")))?;
                    Ok(PendingEvent {
                        seq,
                        id: id.parse()?,
                        at,
                        event,
                    })
                })
                .collect()
        })
    }

    /// Deletes at most `limit` events that were built before `before`; says how many went.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_events(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_behind(move |tx| {
            let db = &mut *tx.db;
            let old: Vec<i64> = events::table
                .filter(events::built_at.lt(before))
                .order(events::built_at)
                .limit(i64::from(limit))
                .select(events::seq)
                .load(db)?;
            Ok(diesel::delete(events::table.filter(events::seq.eq_any(old))).execute(db)?)
        })
    }

    /// Takes or renews the named lease for `owner` until `ttl` milliseconds from `now`; false while another holds it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn take_lease(&self, now: Millis, name: &str, owner: &str, ttl: Millis) -> Result<bool, StoreError> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write_behind(move |tx| {
            let db = &mut *tx.db;
            let until = now.saturating_add(ttl);
            let renewed = diesel::update(leases::table.find(&name))
                .filter(leases::owner.eq(&owner).or(leases::until.le(now)))
                .set((leases::owner.eq(&owner), leases::until.eq(until)))
                .execute(db)?;
            if renewed > 0 {
                return Ok(true);
            }
            let row = (
                leases::name.eq(&name),
                leases::owner.eq(&owner),
                leases::until.eq(until),
            );
            let taken = each!(db, conn => diesel::insert_into(leases::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(conn))?;
            Ok(taken > 0)
        })
    }

    /// Gives the named lease back if `owner` holds it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write_behind(move |tx| {
            let db = &mut *tx.db;
            diesel::delete(leases::table.find(&name))
                .filter(leases::owner.eq(&owner))
                .execute(db)?;
            Ok(())
        })
    }
}
