//! Collections as they are served: the outbox, the followers, the followed. Filled by `collections.rs`.

use serde::Serialize;

/// A collection, which says how many and where the first page is. Without `first` Mastodon takes it for hidden.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderedCollection {
    /// The ActivityStreams context.
    #[serde(rename = "@context")]
    pub context: &'static str,
    /// Its URL.
    pub id: String,
    /// `OrderedCollection`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// How many items there are in all.
    pub total_items: i64,
    /// The newest page.
    pub first: String,
    /// The oldest page, where a reader of the whole begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

/// One page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderedCollectionPage<T> {
    /// The ActivityStreams context.
    #[serde(rename = "@context")]
    pub context: &'static str,
    /// Its URL.
    pub id: String,
    /// `OrderedCollectionPage`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The collection.
    pub part_of: String,
    /// The next older page, until there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The next newer page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    /// At most as many as a page holds.
    pub ordered_items: Vec<T>,
}
