//! Lists of datasets: which, in what order, page by page. Next: `datasets.rs`, the things themselves.

use diesel::prelude::*;

use crate::connection::MultiBackend;
use crate::datasets::{COLUMNS, Dataset, with_tags};
use crate::paging::whole;
use crate::schema::{accounts, collection_datasets, collections, dataset_tags, datasets};
use crate::threat::Threat;
use crate::visibility::VISIBLE;
use crate::{Page, Paging, Store, StoreError};

/// The order of a list of datasets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DatasetSort {
    /// The one described last comes first.
    #[default]
    Newest,
    /// The one changed last comes first.
    Updated,
    /// By title, without regard to case.
    Title,
    /// The one most in danger comes first.
    Threat,
    /// The largest comes first.
    Size,
}

impl DatasetSort {
    /// All orders.
    pub const ALL: [Self; 5] = [Self::Newest, Self::Updated, Self::Title, Self::Threat, Self::Size];

    /// The word for it in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Updated => "updated",
            Self::Title => "title",
            Self::Threat => "threat",
            Self::Size => "size",
        }
    }

    /// The order with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.word() == word)
    }
}

/// Which datasets are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct DatasetQuery {
    /// Which part of the list.
    pub paging: Paging,
    /// In what order.
    pub sort: DatasetSort,
    /// With this tag.
    pub tag: Option<String>,
    /// In the collection of this name.
    pub collection: Option<String>,
    /// Described first by the account of this name.
    pub account: Option<String>,
    /// In this danger.
    pub threat: Option<Threat>,
    /// Also those that moderators hid or removed.
    pub include_hidden: bool,
}

#[diesel::dsl::auto_type]
fn joined() -> _ {
    datasets::table.inner_join(accounts::table)
}

impl Store {
    /// The datasets of a query.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list.
    pub fn datasets(&self, query: &DatasetQuery) -> Result<Page<Dataset>, StoreError> {
        let mut rows = joined().into_boxed::<MultiBackend>();
        if !query.include_hidden {
            rows = rows.filter(datasets::state.eq(VISIBLE));
        }
        if let Some(tag) = &query.tag {
            let tagged = dataset_tags::table.filter(dataset_tags::tag.eq(tag.to_lowercase()));
            rows = rows.filter(datasets::id.eq_any(tagged.select(dataset_tags::dataset_id)));
        }
        if let Some(name) = &query.collection {
            let inside = collection_datasets::table
                .inner_join(collections::table)
                .filter(collections::name.eq(name.to_ascii_lowercase()));
            rows = rows.filter(datasets::id.eq_any(inside.select(collection_datasets::dataset_id)));
        }
        if let Some(name) = &query.account {
            rows = rows.filter(accounts::name.eq(name.to_ascii_lowercase()));
        }
        if let Some(threat) = query.threat {
            rows = rows.filter(datasets::threat.eq(threat.rank()));
        }
        /// Goes on after the cursor, in the order of a number, the greatest first.
        macro_rules! by_number {
            ($column:expr) => {{
                if let Some([number, id]) = query.paging.after::<2>()? {
                    let number = whole(&number)?;
                    rows = rows.filter(
                        $column
                            .lt(number)
                            .or($column.eq(number).and(datasets::id.lt(id))),
                    );
                }
                rows.order(($column.desc(), datasets::id.desc()))
            }};
        }
        let rows = match query.sort {
            DatasetSort::Newest => {
                if let Some([_, id]) = query.paging.after::<2>()? {
                    rows = rows.filter(datasets::id.lt(id));
                }
                rows.order(datasets::id.desc())
            }
            DatasetSort::Title => {
                if let Some([title, id]) = query.paging.after::<2>()? {
                    let same = datasets::title_key.eq(title.clone()).and(datasets::id.gt(id));
                    rows = rows.filter(datasets::title_key.gt(title).or(same));
                }
                rows.order((datasets::title_key, datasets::id))
            }
            DatasetSort::Updated => by_number!(datasets::updated_at),
            DatasetSort::Threat => by_number!(datasets::threat),
            DatasetSort::Size => by_number!(datasets::total_size),
        };
        let found = self.read(|db| {
            let rows = rows.limit(query.paging.bounded() + 1).select(COLUMNS).load(db)?;
            with_tags(db, rows)
        })?;
        Ok(Page::of(found, &query.paging, |last: &Dataset| {
            [place(last, query.sort), last.id.to_string()]
        }))
    }
}

/// What a dataset is sorted by, for the cursor.
fn place(dataset: &Dataset, sort: DatasetSort) -> String {
    match sort {
        DatasetSort::Newest => String::new(),
        DatasetSort::Updated => dataset.updated_at.to_string(),
        DatasetSort::Title => dataset.title.to_lowercase(),
        DatasetSort::Threat => dataset.threat.rank().to_string(),
        DatasetSort::Size => dataset.total_size.to_string(),
    }
}
