//! Collections: curated sets of datasets that others follow, each an actor. Next: `followers.rs`.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::accounts::{self, AccountRef};
use crate::actors::{self as local, ActorKeys, ActorKind, NewActor};
use crate::connection::Db;
use crate::error::found;
use crate::events::{Event, record_event};
use crate::schema::{
    accounts as account_table, actors, collection_datasets, collections, datasets as dataset_table, followers,
};
use crate::visibility::{VISIBLE, Visibility};
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError, names, search, text};

/// Collections that one dataset may be in at most.
pub(crate) const MOST_OF_A_DATASET: i64 = 200;

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id.
    pub id: Id,
    /// Its actor.
    pub actor_id: Id,
    /// Its name, unique over all actors for ever.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is for, in Markdown.
    pub summary: String,
    /// Who made it.
    pub account: AccountRef,
    /// When it was made.
    pub created_at: Millis,
    /// When its words or its datasets changed last.
    pub updated_at: Millis,
    /// What moderators decided.
    pub state: Visibility,
    /// How many visible datasets are in it.
    pub dataset_count: i64,
    /// How many actors of other servers follow it.
    pub follower_count: i64,
}

/// A collection to be made.
#[derive(Debug, Clone)]
pub struct NewCollection {
    /// `[a-z0-9_]` with single `-` or `.` inside, 1 to 64 characters.
    pub name: String,
    /// Its name for people; the name itself if empty.
    pub title: String,
    /// What it is for, in Markdown.
    pub summary: String,
    /// Who makes it.
    pub account: Id,
    /// Its actor's keys.
    pub keys: ActorKeys,
}

/// Changes of a collection; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectionEdit {
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for, in Markdown.
    pub summary: Option<String>,
}

impl Store {
    /// Makes a collection and its actor.
    ///
    /// # Errors
    /// `Taken`, `Refused` or `Invalid` for a name that cannot be given; `NotFound` for the account.
    pub fn create_collection(
        &self,
        mut moment: Moment,
        new: NewCollection,
    ) -> Result<Collection, StoreError> {
        let title = text::line("title", &new.title, text::LINE)?;
        let title = if title.is_empty() { new.name.clone() } else { title };
        let summary = text::prose("summary", &new.summary, text::PROSE)?;
        self.write(move |tx| {
            let account = accounts::by_id(tx.db, new.account)?;
            names::give(tx.db, &new.name, ActorKind::Collection.word(), moment.now)?;
            let actor = NewActor {
                kind: ActorKind::Collection,
                name: &new.name,
                title: &title,
                summary: &summary,
                keys: new.keys,
                followable: true,
            };
            let actor_id = local::insert(tx.db, &mut moment, &actor)?;
            let id = moment.id();
            diesel::insert_into(collections::table)
                .values((
                    collections::id.eq(id),
                    collections::actor_id.eq(actor_id),
                    collections::name.eq(&new.name),
                    collections::account_id.eq(account.id),
                    (
                        collections::created_at.eq(moment.now),
                        collections::updated_at.eq(moment.now),
                    ),
                    collections::state.eq(VISIBLE),
                    collections::state_at.eq(moment.now),
                    collections::state_reason.eq(""),
                ))
                .execute(tx.db)?;
            let collection = by_id(tx.db, id)?;
            search::index_collection(tx.db, &collection)?;
            Ok(collection)
        })
    }

    /// The collection with a name, without regard to case, in whatever state.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn collection(&self, name: &str) -> Result<Option<Collection>, StoreError> {
        self.read(|db| found(by_name(db, name)))
    }

    /// The collection with an id, in whatever state.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn collection_by_id(&self, id: Id) -> Result<Option<Collection>, StoreError> {
        self.read(|db| found(by_id(db, id)))
    }

    /// The visible collections, by name.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn collections(&self, paging: &Paging) -> Result<Page<Collection>, StoreError> {
        let after = paging.after::<1>()?.map_or_else(String::new, |[name]| name);
        let found = self.read(|db| {
            let visible = collections::name.gt(after).and(collections::state.eq(VISIBLE));
            let rows = joined()
                .filter(visible)
                .order(collections::name)
                .limit(paging.bounded() + 1);
            let rows = rows.select(COLUMNS).load(db)?;
            with_counts(db, rows)
        })?;
        Ok(Page::of(found, paging, |last: &Collection| [last.name.clone()]))
    }

    /// The visible collections that a dataset is in, by name; at most 200.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn collections_of_dataset(&self, dataset: Id) -> Result<Vec<Collection>, StoreError> {
        self.read(|db| {
            let with = collection_datasets::table
                .filter(collection_datasets::dataset_id.eq(dataset))
                .select(collection_datasets::collection_id);
            let visible = collections::id.eq_any(with).and(collections::state.eq(VISIBLE));
            let rows = joined()
                .filter(visible)
                .order(collections::name)
                .limit(MOST_OF_A_DATASET);
            let rows = rows.select(COLUMNS).load(db)?;
            with_counts(db, rows)
        })
    }

    /// Changes what a collection says of itself; others are told, unless nothing changed.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for a removed one; `Invalid` for text that cannot be kept.
    pub fn edit_collection(
        &self,
        mut moment: Moment,
        name: &str,
        edit: CollectionEdit,
        _by: Id,
    ) -> Result<Collection, StoreError> {
        let title = edit.title.map(|title| text::title("title", &title)).transpose()?;
        let summary = edit
            .summary
            .map(|words| text::prose("summary", &words, text::PROSE))
            .transpose()?;
        let name = name.to_owned();
        self.write(move |tx| {
            let before = still_there(tx.db, &name)?;
            let title = title.unwrap_or_else(|| before.title.clone());
            let summary = summary.unwrap_or_else(|| before.summary.clone());
            if title == before.title && summary == before.summary {
                return Ok(before);
            }
            diesel::update(actors::table.find(before.actor_id))
                .set((actors::title.eq(&title), actors::summary.eq(&summary)))
                .execute(tx.db)?;
            touch(tx.db, before.id, moment.now)?;
            let after = Collection {
                title,
                summary,
                updated_at: moment.now,
                ..before
            };
            search::index_collection(tx.db, &after)?;
            record_event(
                tx.db,
                &mut moment,
                &Event::CollectionEdited { collection: after.id },
            )?;
            Ok(after)
        })
    }
}

/// Writes down what moderators decided.
pub(crate) fn set_state(
    db: &mut Db,
    id: Id,
    state: &str,
    at: Millis,
    reason: &str,
) -> Result<(), StoreError> {
    diesel::update(collections::table.find(id))
        .set((
            collections::state.eq(state),
            collections::state_at.eq(at),
            collections::state_reason.eq(reason),
        ))
        .execute(db)?;
    Ok(())
}

pub(crate) fn touch(db: &mut Db, id: Id, now: Millis) -> Result<(), StoreError> {
    diesel::update(collections::table.find(id))
        .set(collections::updated_at.eq(now))
        .execute(db)?;
    Ok(())
}

/// The collection with a name, unless it was removed.
pub(crate) fn still_there(db: &mut Db, name: &str) -> Result<Collection, StoreError> {
    let collection = by_name(db, name)?;
    match collection.state {
        Visibility::Removed { reason, .. } => Err(StoreError::Gone { reason }),
        _ => Ok(collection),
    }
}

pub(crate) fn by_id(db: &mut Db, id: Id) -> Result<Collection, StoreError> {
    let row = joined()
        .filter(collections::id.eq(id))
        .select(COLUMNS)
        .first(db)
        .optional()?;
    one(db, row)
}

fn by_name(db: &mut Db, name: &str) -> Result<Collection, StoreError> {
    let of_name = collections::name.eq(name.to_ascii_lowercase());
    let row = joined().filter(of_name).select(COLUMNS).first(db).optional()?;
    one(db, row)
}

#[diesel::dsl::auto_type]
fn joined() -> _ {
    collections::table
        .inner_join(actors::table)
        .inner_join(account_table::table.on(collections::account_id.eq(account_table::id)))
}

type Columns = (
    (
        collections::id,
        collections::actor_id,
        collections::name,
        actors::title,
        actors::summary,
    ),
    (account_table::id, account_table::name),
    (collections::created_at, collections::updated_at),
    (
        collections::state,
        collections::state_at,
        collections::state_reason,
    ),
);
const COLUMNS: Columns = (
    (
        collections::id,
        collections::actor_id,
        collections::name,
        actors::title,
        actors::summary,
    ),
    (account_table::id, account_table::name),
    (collections::created_at, collections::updated_at),
    (
        collections::state,
        collections::state_at,
        collections::state_reason,
    ),
);
type Row = (
    (Id, Id, String, String, String),
    (Id, String),
    (Millis, Millis),
    (String, Millis, String),
);

fn one(db: &mut Db, row: Option<Row>) -> Result<Collection, StoreError> {
    let missing = || StoreError::NotFound { what: "collection" };
    with_counts(db, vec![row.ok_or_else(missing)?])?
        .pop()
        .ok_or_else(missing)
}

/// The collections of some rows, at most a page of them, with their counts.
fn with_counts(db: &mut Db, rows: Vec<Row>) -> Result<Vec<Collection>, StoreError> {
    let ids: Vec<Id> = rows.iter().map(|row| row.0.0).collect();
    let actor_ids: Vec<Id> = rows.iter().map(|row| row.0.1).collect();
    let datasets: Vec<(Id, i64)> = collection_datasets::table
        .inner_join(dataset_table::table)
        .filter(
            collection_datasets::collection_id
                .eq_any(ids)
                .and(dataset_table::state.eq(VISIBLE)),
        )
        .group_by(collection_datasets::collection_id)
        .select((collection_datasets::collection_id, count_star()))
        .load(db)?;
    let following: Vec<(Id, i64)> = followers::table
        .filter(followers::actor_id.eq_any(actor_ids))
        .group_by(followers::actor_id)
        .select((followers::actor_id, count_star()))
        .load(db)?;
    let datasets: HashMap<Id, i64> = datasets.into_iter().collect();
    let following: HashMap<Id, i64> = following.into_iter().collect();
    let collections = rows.into_iter().map(
        |((id, actor_id, name, title, summary), account, times, state)| Collection {
            id,
            actor_id,
            name,
            title,
            summary,
            account: AccountRef {
                id: account.0,
                name: account.1,
            },
            created_at: times.0,
            updated_at: times.1,
            state: Visibility::from_columns(&state.0, state.1, state.2),
            dataset_count: datasets.get(&id).copied().unwrap_or(0),
            follower_count: following.get(&actor_id).copied().unwrap_or(0),
        },
    );
    Ok(collections.collect())
}
