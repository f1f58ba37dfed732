//! What is in a collection: curators put datasets in and take them out. Next: `events.rs`, which tells others.

use diesel::prelude::*;

use crate::collections::{MOST_OF_A_DATASET, still_there, touch};
use crate::datasets;
use crate::events::{Event, record_event};
use crate::schema::collection_datasets;
use crate::visibility::Visibility;
use crate::{Id, Moment, Store, StoreError};

impl Store {
    /// Puts a dataset into a collection; others are told. One that is in it already is no error.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for what was removed; `Refused` for a hidden dataset or one that is in 200 collections.
    pub fn put_dataset(
        &self,
        mut moment: Moment,
        collection: &str,
        slug: &str,
        by: Id,
    ) -> Result<(), StoreError> {
        let (name, slug) = (collection.to_owned(), slug.to_owned());
        self.write(move |tx| {
            let collection = still_there(tx.db, &name)?;
            let dataset = datasets::by_slug(tx.db, &slug)?;
            match dataset.state {
                Visibility::Visible => {}
                Visibility::Removed { reason, .. } => return Err(StoreError::Gone { reason }),
                Visibility::Hidden { reason, .. } => {
                    let sentence = format!("The moderators have hidden this dataset: {reason}");
                    return Err(StoreError::Refused(sentence));
                }
            }
            let with: Vec<Id> = collection_datasets::table
                .filter(collection_datasets::dataset_id.eq(dataset.id))
                .select(collection_datasets::collection_id)
                .load(tx.db)?;
            if with.contains(&collection.id) {
                return Ok(());
            }
            if i64::try_from(with.len()).is_ok_and(|count| count >= MOST_OF_A_DATASET) {
                let sentence =
                    format!("{slug} is in {MOST_OF_A_DATASET} collections, which is as many as may be.");
                return Err(StoreError::Refused(sentence));
            }
            diesel::insert_into(collection_datasets::table)
                .values((
                    collection_datasets::collection_id.eq(collection.id),
                    collection_datasets::dataset_id.eq(dataset.id),
                    collection_datasets::added_at.eq(moment.now),
                    collection_datasets::added_by.eq(by),
                ))
                .execute(tx.db)?;
            touch(tx.db, collection.id, moment.now)?;
            let event = Event::DatasetPut {
                collection: collection.id,
                dataset: dataset.id,
            };
            record_event(tx.db, &mut moment, &event)
        })
    }

    /// Takes a dataset out of a collection; others are told. One that is not in it is no error.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for a removed collection.
    pub fn take_dataset(
        &self,
        mut moment: Moment,
        collection: &str,
        slug: &str,
        _by: Id,
    ) -> Result<(), StoreError> {
        let (name, slug) = (collection.to_owned(), slug.to_owned());
        self.write(move |tx| {
            let collection = still_there(tx.db, &name)?;
            let dataset = datasets::by_slug(tx.db, &slug)?;
            let inside = collection_datasets::table.find((collection.id, dataset.id));
            if diesel::delete(inside).execute(tx.db)? == 0 {
                return Ok(());
            }
            touch(tx.db, collection.id, moment.now)?;
            let event = Event::DatasetTaken {
                collection: collection.id,
                dataset: dataset.id,
            };
            record_event(tx.db, &mut moment, &event)
        })
    }
}
