//! Lists of uploads: which, in what order, page by page. Next: `uploads.rs`, the things themselves.

use diesel::prelude::*;

use crate::connection::MultiBackend;
use crate::paging::whole;
use crate::schema::{accounts, collection_datasets, collections, datasets, uploads};
use crate::uploads::{COLUMNS, Upload, joined, of_row};
use crate::visibility::VISIBLE;
use crate::{Page, Paging, Store, StoreError};

/// The order of a list of uploads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UploadSort {
    /// The one published last comes first.
    #[default]
    Newest,
    /// The largest comes first.
    Size,
    /// The one downloaded most often comes first.
    Completed,
}

impl UploadSort {
    /// All orders.
    pub const ALL: [Self; 3] = [Self::Newest, Self::Size, Self::Completed];

    /// The word for it in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Size => "size",
            Self::Completed => "completed",
        }
    }

    /// The order with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.word() == word)
    }
}

/// Which uploads are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct UploadQuery {
    /// Which part of the list.
    pub paging: Paging,
    /// In what order.
    pub sort: UploadSort,
    /// Of the dataset with this slug.
    pub dataset: Option<String>,
    /// Published by the account of this name.
    pub account: Option<String>,
    /// Of a dataset in the collection of this name.
    pub collection: Option<String>,
    /// Also those that moderators hid or removed, by themselves or with their dataset.
    pub include_hidden: bool,
}

impl Store {
    /// The uploads of a query.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list.
    pub fn uploads(&self, query: &UploadQuery) -> Result<Page<Upload>, StoreError> {
        let mut rows = joined().into_boxed::<MultiBackend>();
        if !query.include_hidden {
            rows = rows.filter(uploads::state.eq(VISIBLE).and(datasets::state.eq(VISIBLE)));
        }
        if let Some(slug) = &query.dataset {
            rows = rows.filter(datasets::slug.eq(slug.to_owned()));
        }
        if let Some(name) = &query.account {
            rows = rows.filter(accounts::name.eq(name.to_ascii_lowercase()));
        }
        if let Some(name) = &query.collection {
            let inside = collection_datasets::table
                .inner_join(collections::table)
                .filter(collections::name.eq(name.to_ascii_lowercase()));
            rows = rows.filter(datasets::id.eq_any(inside.select(collection_datasets::dataset_id)));
        }
        /// Goes on after the cursor, in the order of a number, the greatest first.
        macro_rules! by_number {
            ($column:expr) => {{
                if let Some([number, id]) = query.paging.after::<2>()? {
                    let number = whole(&number)?;
                    rows = rows.filter(
                        $column
                            .lt(number)
                            .or($column.eq(number).and(uploads::id.lt(id))),
                    );
                }
                rows.order(($column.desc(), uploads::id.desc()))
            }};
        }
        let rows = match query.sort {
            UploadSort::Newest => {
                if let Some([_, id]) = query.paging.after::<2>()? {
                    rows = rows.filter(uploads::id.lt(id));
                }
                rows.order(uploads::id.desc())
            }
            UploadSort::Size => by_number!(uploads::total_size),
            UploadSort::Completed => by_number!(uploads::completed),
        };
        let rows = rows.limit(query.paging.bounded() + 1).select(COLUMNS);
        let found = self.read(|db| {
            rows.load(db)?
                .into_iter()
                .map(of_row)
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Page::of(found, &query.paging, |last: &Upload| {
            [place(last, query.sort), last.id.to_string()]
        }))
    }
}

/// What an upload is sorted by, for the cursor.
fn place(upload: &Upload, sort: UploadSort) -> String {
    match sort {
        UploadSort::Newest => String::new(),
        UploadSort::Size => upload.total_size.to_string(),
        UploadSort::Completed => upload.completed.to_string(),
    }
}
