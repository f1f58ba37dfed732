//! Datasets: the abstract things of which uploads are copies; wiki-like, edited over time. Lists of them are in
//! `dataset_lists.rs`, their tags in `tags.rs`. Next: `uploads.rs`.

use diesel::prelude::*;

use crate::accounts::{self, AccountRef};
use crate::connection::Db;
use crate::error::found;
use crate::events::{Event, record_event};
use crate::schema::{accounts as account_table, datasets, uploads};
use crate::slugs;
use crate::threat::Threat;
use crate::visibility::{VISIBLE, Visibility};
use crate::{Id, Millis, Moment, Store, StoreError, search, tags, text};

/// A dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its id.
    pub id: Id,
    /// Its name in addresses, which never changes.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// Who published it first.
    pub publisher: String,
    /// Where it is or was on the web; empty or a web address.
    pub homepage: String,
    /// Under which terms.
    pub licence: String,
    /// What it is and why it matters, in Markdown.
    pub description: String,
    /// How much in danger its source is.
    pub threat: Threat,
    /// Words to find it by, sorted.
    pub tags: Vec<String>,
    /// Who described it first.
    pub account: AccountRef,
    /// When it was described first.
    pub created_at: Millis,
    /// When its description changed last.
    pub updated_at: Millis,
    /// What moderators decided.
    pub state: Visibility,
    /// How many visible uploads it has.
    pub upload_count: i64,
    /// The bytes of these uploads together.
    pub total_size: i64,
}

/// A dataset to be made.
#[derive(Debug, Clone)]
pub struct NewDataset {
    /// `[a-z0-9]` with single `-` inside, 1 to 80 characters; made from the title when `None`.
    pub slug: Option<String>,
    /// Must not be empty.
    pub title: String,
    /// May be empty, as all that follows.
    pub publisher: String,
    /// A web address.
    pub homepage: String,
    /// Under which terms.
    pub licence: String,
    /// In Markdown.
    pub description: String,
    /// How much in danger its source is.
    pub threat: Threat,
    /// At most 30.
    pub tags: Vec<String>,
    /// Who makes it.
    pub account: Id,
}

/// Changes of a dataset; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetEdit {
    /// Its name for people.
    pub title: Option<String>,
    /// Who published it first.
    pub publisher: Option<String>,
    /// A web address or empty.
    pub homepage: Option<String>,
    /// Under which terms.
    pub licence: Option<String>,
    /// In Markdown.
    pub description: Option<String>,
    /// How much in danger its source is.
    pub threat: Option<Threat>,
    /// All tags it has from now on.
    pub tags: Option<Vec<String>>,
}

/// The columns that people write, checked; what is `None` stays as it is.
#[derive(AsChangeset)]
#[diesel(table_name = datasets)]
struct Written {
    title: Option<String>,
    title_key: Option<String>,
    publisher: Option<String>,
    homepage: Option<String>,
    licence: Option<String>,
    description: Option<String>,
    threat: Option<i64>,
}

impl Written {
    fn check(edit: DatasetEdit) -> Result<Self, StoreError> {
        let line = |what, value: Option<String>| {
            value
                .map(|value| text::line(what, &value, text::LINE))
                .transpose()
        };
        let title = edit.title.map(|title| text::title("title", &title)).transpose()?;
        Ok(Self {
            title_key: title.as_ref().map(|title| title.to_lowercase()),
            title,
            publisher: line("publisher", edit.publisher)?,
            homepage: edit
                .homepage
                .map(|address| text::web_address("homepage", &address))
                .transpose()?,
            licence: line("licence", edit.licence)?,
            description: edit
                .description
                .map(|description| text::prose("description", &description, text::PROSE))
                .transpose()?,
            threat: edit.threat.map(Threat::rank),
        })
    }
}

impl Store {
    /// Makes a dataset; others are told.
    ///
    /// # Errors
    /// `Taken` for a slug that another has; `Invalid` for text that cannot be kept; `NotFound` for the account.
    pub fn create_dataset(&self, mut moment: Moment, new: NewDataset) -> Result<Dataset, StoreError> {
        let wanted = new
            .slug
            .map(|slug| slugs::check(&slug).map(|()| slug))
            .transpose()?;
        let tags = tags::normal(&new.tags)?;
        let written = Written::check(DatasetEdit {
            title: Some(new.title),
            publisher: Some(new.publisher),
            homepage: Some(new.homepage),
            licence: Some(new.licence),
            description: Some(new.description),
            threat: Some(new.threat),
            tags: None,
        })?;
        self.write(move |tx| {
            let account = accounts::by_id(tx.db, new.account)?;
            let title = written.title.unwrap_or_default();
            let slug = match wanted {
                Some(slug) => slugs::free(tx.db, &slug)?.ok_or_else(|| slugs::taken(&slug))?,
                None => slugs::from_title(tx.db, &title)?,
            };
            let id = moment.id();
            diesel::insert_into(datasets::table)
                .values((
                    datasets::id.eq(id),
                    datasets::slug.eq(&slug),
                    (
                        datasets::title.eq(title),
                        datasets::title_key.eq(written.title_key.unwrap_or_default()),
                    ),
                    datasets::publisher.eq(written.publisher.unwrap_or_default()),
                    datasets::homepage.eq(written.homepage.unwrap_or_default()),
                    datasets::licence.eq(written.licence.unwrap_or_default()),
                    datasets::description.eq(written.description.unwrap_or_default()),
                    datasets::threat.eq(written.threat.unwrap_or_default()),
                    datasets::account_id.eq(account.id),
                    (
                        datasets::created_at.eq(moment.now),
                        datasets::updated_at.eq(moment.now),
                    ),
                    (
                        datasets::state.eq(VISIBLE),
                        datasets::state_at.eq(moment.now),
                        datasets::state_reason.eq(""),
                    ),
                    (datasets::upload_count.eq(0), datasets::total_size.eq(0)),
                ))
                .execute(tx.db)?;
            tags::set(tx.db, id, &tags)?;
            let dataset = by_id(tx.db, id)?;
            search::index_dataset(tx.db, &dataset)?;
            record_event(tx.db, &mut moment, &Event::DatasetCreated { dataset: id })?;
            Ok(dataset)
        })
    }

    /// The dataset with a slug, in whatever state.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn dataset(&self, slug: &str) -> Result<Option<Dataset>, StoreError> {
        self.read(|db| found(by_slug(db, slug)))
    }

    /// The dataset with an id, in whatever state.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn dataset_by_id(&self, id: Id) -> Result<Option<Dataset>, StoreError> {
        self.read(|db| found(by_id(db, id)))
    }

    /// Changes what is said of a dataset; others are told, unless nothing changed. `by` may be anyone whom the caller
    /// lets.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for a removed one; `Invalid` for text that cannot be kept.
    pub fn edit_dataset(
        &self,
        mut moment: Moment,
        slug: &str,
        edit: DatasetEdit,
        _by: Id,
    ) -> Result<Dataset, StoreError> {
        let tags = edit.tags.as_deref().map(tags::normal).transpose()?;
        let written = Written::check(DatasetEdit { tags: None, ..edit })?;
        let slug = slug.to_owned();
        self.write(move |tx| {
            let before = by_slug(tx.db, &slug)?;
            if let Visibility::Removed { reason, .. } = before.state {
                return Err(StoreError::Gone { reason });
            }
            diesel::update(datasets::table.find(before.id))
                .set((written, datasets::updated_at.eq(before.updated_at)))
                .execute(tx.db)?;
            if let Some(tags) = tags {
                tags::set(tx.db, before.id, &tags)?;
            }
            let after = by_id(tx.db, before.id)?;
            if after == before {
                return Ok(after);
            }
            let touched = datasets::updated_at.eq(moment.now);
            diesel::update(datasets::table.find(after.id))
                .set(touched)
                .execute(tx.db)?;
            search::index_dataset(tx.db, &after)?;
            record_event(tx.db, &mut moment, &Event::DatasetEdited { dataset: after.id })?;
            Ok(Dataset {
                updated_at: moment.now,
                ..after
            })
        })
    }
}

/// Counts a dataset's visible uploads anew, after one came or went.
pub(crate) fn recount(db: &mut Db, dataset: Id) -> Result<(), StoreError> {
    let visible = uploads::table.filter(uploads::dataset_id.eq(dataset).and(uploads::state.eq(VISIBLE)));
    let sizes: Vec<i64> = visible.select(uploads::total_size).load(db)?;
    let count = i64::try_from(sizes.len()).unwrap_or(i64::MAX);
    let total = sizes.into_iter().fold(0, i64::saturating_add);
    diesel::update(datasets::table.find(dataset))
        .set((datasets::upload_count.eq(count), datasets::total_size.eq(total)))
        .execute(db)?;
    Ok(())
}

/// The dataset, or `NotFound`.
pub(crate) fn by_id(db: &mut Db, id: Id) -> Result<Dataset, StoreError> {
    let row = datasets::table
        .inner_join(account_table::table)
        .filter(datasets::id.eq(id));
    let row = row.select(COLUMNS).first(db).optional()?;
    one(db, row)
}

/// The dataset, or `NotFound`.
pub(crate) fn by_slug(db: &mut Db, slug: &str) -> Result<Dataset, StoreError> {
    let row = datasets::table
        .inner_join(account_table::table)
        .filter(datasets::slug.eq(slug));
    let row = row.select(COLUMNS).first(db).optional()?;
    one(db, row)
}

fn one(db: &mut Db, row: Option<Row>) -> Result<Dataset, StoreError> {
    let row = row.ok_or(StoreError::NotFound { what: "dataset" })?;
    with_tags(db, vec![row])?
        .pop()
        .ok_or(StoreError::NotFound { what: "dataset" })
}

/// The datasets of some rows, at most a page of them, with their tags.
pub(crate) fn with_tags(db: &mut Db, rows: Vec<Row>) -> Result<Vec<Dataset>, StoreError> {
    let ids: Vec<Id> = rows.iter().map(|row| row.0.0).collect();
    let mut tags = tags::of(db, &ids)?;
    let datasets = rows.into_iter().map(|row| {
        let (
            (id, slug, title),
            (publisher, homepage, licence, description),
            (threat, upload_count, total_size),
            rest,
        ) = row;
        let ((account, name), (created_at, updated_at), (state, at, reason)) = rest;
        Dataset {
            id,
            slug,
            title,
            publisher,
            homepage,
            licence,
            description,
            threat: Threat::from_rank(threat),
            tags: tags.remove(&id).unwrap_or_default(),
            account: AccountRef { id: account, name },
            created_at,
            updated_at,
            state: Visibility::from_columns(&state, at, reason),
            upload_count,
            total_size,
        }
    });
    Ok(datasets.collect())
}

pub(crate) type Columns = (
    (datasets::id, datasets::slug, datasets::title),
    (
        datasets::publisher,
        datasets::homepage,
        datasets::licence,
        datasets::description,
    ),
    (datasets::threat, datasets::upload_count, datasets::total_size),
    (
        (account_table::id, account_table::name),
        (datasets::created_at, datasets::updated_at),
        (datasets::state, datasets::state_at, datasets::state_reason),
    ),
);
pub(crate) const COLUMNS: Columns = (
    (datasets::id, datasets::slug, datasets::title),
    (
        datasets::publisher,
        datasets::homepage,
        datasets::licence,
        datasets::description,
    ),
    (datasets::threat, datasets::upload_count, datasets::total_size),
    (
        (account_table::id, account_table::name),
        (datasets::created_at, datasets::updated_at),
        (datasets::state, datasets::state_at, datasets::state_reason),
    ),
);
pub(crate) type Row = (
    (Id, String, String),
    (String, String, String, String),
    (i64, i64, i64),
    ((Id, String), (Millis, Millis), (String, Millis, String)),
);
