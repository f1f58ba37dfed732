//! What stands around every list: the choices above it, all in the address, and the way on below it. Next in the flow:
//! `templates/controls.html` and `templates/onward.html`.

use serde::Deserialize;
use shoal_store::{Page, Paging};

use crate::view::address::ListAddress;
use crate::view::size::counted;

/// Entries on a page of a list.
pub(crate) const PER_PAGE: u32 = 30;

/// What a list's address can say. Lists read what they know and ignore the rest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    pub(crate) cursor: Option<String>,
    pub(crate) sort: String,
    pub(crate) threat: String,
    pub(crate) tag: String,
    pub(crate) account: String,
    pub(crate) dataset: String,
    pub(crate) state: String,
    pub(crate) host: String,
    pub(crate) kind: String,
    pub(crate) q: String,
    pub(crate) done: Option<String>,
}

impl ListQuery {
    /// Which page of the list is wanted.
    pub(crate) fn paging(&self) -> Paging {
        Paging {
            limit: PER_PAGE,
            cursor: self.cursor.clone().filter(|cursor| !cursor.is_empty()),
        }
    }
}

/// One choice: a word and the address of the list that has it.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

/// Choices of which one is in force.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) label: &'static str,
    pub(crate) options: Vec<Choice>,
}

/// The surroundings of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    /// `30 datasets on this page`, `3 datasets`.
    pub(crate) count: String,
    /// Whether fewer than all are asked for.
    pub(crate) is_filtered: bool,
    pub(crate) choices: Vec<Choices>,
    /// Path of the list's feed without its ending; empty when it has none.
    pub(crate) feed: String,
    /// What follows the ending of the feed's address, such as `?q=tides`.
    pub(crate) feed_query: String,
    /// Address of the first page; empty on it.
    pub(crate) first: String,
    /// Address of the next page; empty on the last.
    pub(crate) next: String,
}

impl List {
    /// The surroundings of a page of rows at `address`, which are called `one` or `many`.
    pub(crate) fn of<T>(
        address: &ListAddress,
        query: &ListQuery,
        page: &Page<T>,
        (one, many): (&str, &str),
    ) -> Self {
        let count = counted(page.items.len() as u64, one, many);
        let is_first = query.cursor.is_none();
        Self {
            count: if is_first && page.next.is_none() {
                count
            } else {
                format!("{count} on this page")
            },
            first: if is_first {
                String::new()
            } else {
                address.to_string()
            },
            next: page
                .next
                .as_ref()
                .map(|cursor| address.with("cursor", cursor).to_string())
                .unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The same list, told how many there are in all; a negative number is not known.
    pub(crate) fn out_of(mut self, total: i64, (one, many): (&str, &str)) -> Self {
        let is_part = !self.next.is_empty() || !self.first.is_empty();
        if is_part && let Ok(total) = u64::try_from(total) {
            self.count = format!("{}, {}", counted(total, one, many), self.count);
        }
        self
    }

    /// The same list with a group of choices for one key of its address; an empty value lifts the filter.
    pub(crate) fn choosing(
        mut self,
        address: &ListAddress,
        key: &'static str,
        label: &'static str,
        options: &[(&'static str, &'static str)],
    ) -> Self {
        let now = address.get(key).to_owned();
        let options = options.iter().map(|(value, word)| Choice {
            word,
            href: address.with(key, value).to_string(),
            is_current: *value == now,
        });
        self.choices.push(Choices {
            label,
            options: options.collect(),
        });
        self
    }

    /// The same list with its feed.
    pub(crate) fn feeding(self, path: impl Into<String>) -> Self {
        Self {
            feed: path.into(),
            ..self
        }
    }

    /// The same list, told that a filter is in force.
    pub(crate) fn filtered(self, is_filtered: bool) -> Self {
        Self { is_filtered, ..self }
    }
}
