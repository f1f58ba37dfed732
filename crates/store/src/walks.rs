//! Everything of a kind in several steps, by ids in their order, hidden and removed things included: for whoever has to
//! look through all of it and may do only so much at once. Lists for people are in the files of the nouns.

use diesel::prelude::*;

use crate::accounts::AccountRef;
use crate::schema::{accounts, collection_datasets, datasets, uploads};
use crate::{Id, Millis, Paging, Store, StoreError};

/// How a dataset is in a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Since when.
    pub added_at: Millis,
    /// Who put it in.
    pub added_by: AccountRef,
}

/// Where a walk begins: behind an id, or before all of them.
fn behind(after: Option<Id>) -> String {
    after.map_or_else(String::new, String::from)
}

/// How far a step goes: 200 at most.
fn step(limit: u32) -> i64 {
    Paging::first(limit).bounded()
}

impl Store {
    /// The next datasets behind `after`, at most `limit` (200) of them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn walk_datasets(&self, after: Option<Id>, limit: u32) -> Result<Vec<Id>, StoreError> {
        self.read(|db| {
            Ok(datasets::table
                .filter(datasets::id.gt(behind(after)))
                .order(datasets::id)
                .limit(step(limit))
                .select(datasets::id)
                .load(db)?)
        })
    }

    /// The next uploads of a dataset behind `after`, at most `limit` (200) of them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn walk_uploads(&self, dataset: Id, after: Option<Id>, limit: u32) -> Result<Vec<Id>, StoreError> {
        self.read(|db| {
            Ok(uploads::table
                .filter(uploads::dataset_id.eq(dataset))
                .filter(uploads::id.gt(behind(after)))
                .order(uploads::id)
                .limit(step(limit))
                .select(uploads::id)
                .load(db)?)
        })
    }

    /// The next datasets in a collection behind `after`, at most `limit` (200) of them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn walk_members(&self, collection: Id, after: Option<Id>, limit: u32) -> Result<Vec<Id>, StoreError> {
        self.read(|db| {
            Ok(collection_datasets::table
                .filter(collection_datasets::collection_id.eq(collection))
                .filter(collection_datasets::dataset_id.gt(behind(after)))
                .order(collection_datasets::dataset_id)
                .limit(step(limit))
                .select(collection_datasets::dataset_id)
                .load(db)?)
        })
    }

    /// How a dataset is in a collection; `None` when it is not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn member(&self, collection: Id, dataset: Id) -> Result<Option<Member>, StoreError> {
        let found: Option<(Millis, Id, String)> = self.read(|db| {
            Ok(collection_datasets::table
                .inner_join(accounts::table.on(accounts::id.eq(collection_datasets::added_by)))
                .filter(collection_datasets::collection_id.eq(collection))
                .filter(collection_datasets::dataset_id.eq(dataset))
                .select((collection_datasets::added_at, accounts::id, accounts::name))
                .first(db)
                .optional()?)
        })?;
        Ok(found.map(|(added_at, id, name)| Member {
            added_at,
            added_by: AccountRef { id, name },
        }))
    }
}
