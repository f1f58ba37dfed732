//! The collections of an actor as they are served: its log, its followers, whom it follows, and what is in it. A
//! collection says how many; its pages, newest first, say what. Blocks on the store, briefly.

use crate::{
    Federation, outbox,
    vocab::{
        CONTEXT,
        collection::{OrderedCollection, OrderedCollectionPage},
    },
};
use serde::Serialize;
use serde_json::Value;
use shoal_store::{ActivityRow, LocalActor, Paging, StoreError};

/// How many activities or actors a page holds.
const PAGE: i64 = 50;

/// Which page is asked for: absent, the collection itself; empty or anything unreadable, the newest page; else the page
/// that a `next` link named.
type Asked<'a> = Option<&'a str>;

impl Federation {
    /// An actor's outbox, or a page of it (`?page=`). Pages are numbered from the oldest and never change once they are
    /// full, but for bodies of what was removed since; so a full one always has a `prev`, though that may be empty yet.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn outbox(&self, actor: &LocalActor, page: Asked<'_>) -> Result<Value, StoreError> {
        let id = format!("{}/outbox", self.urls().actor(actor.kind, &actor.name));
        let total = self.store().outbox_count(actor.id)?;
        let newest = (total - 1).max(0) / PAGE + 1;
        let Some(page) = page else {
            return value(OrderedCollection {
                context: CONTEXT,
                kind: "OrderedCollection",
                total_items: total,
                first: format!("{id}?page={newest}"),
                last: Some(format!("{id}?page=1")),
                id,
            });
        };
        let number = page
            .parse()
            .ok()
            .filter(|number| (1..=newest + 1).contains(number));
        let number: i64 = number.unwrap_or(newest);
        let rows = self
            .store()
            .outbox(actor.id, (number - 1) * PAGE + 1..=number * PAGE)?;
        let full = i64::try_from(rows.len()) == Ok(PAGE);
        let items: Result<Vec<Value>, StoreError> = rows.into_iter().map(entry).collect();
        value(OrderedCollectionPage {
            context: CONTEXT,
            id: format!("{id}?page={number}"),
            kind: "OrderedCollectionPage",
            next: (number > 1).then(|| format!("{id}?page={}", number - 1)),
            prev: full.then(|| format!("{id}?page={}", number + 1)),
            part_of: id,
            ordered_items: items?,
        })
    }

    /// The records of the datasets in a collection, or a page of them (`?page=`).
    ///
    /// # Errors
    /// When the store does not answer, `NotFound` when the actor is no collection, `Invalid` for a page that no link
    /// named.
    pub fn datasets(&self, actor: &LocalActor, page: Asked<'_>) -> Result<Value, StoreError> {
        let id = format!("{}/datasets", self.urls().actor(actor.kind, &actor.name));
        let found = self.store().collection(&actor.name)?;
        let found = found.ok_or(StoreError::NotFound { what: "collection" })?;
        let Some(page) = page else {
            return collection(id, found.dataset_count);
        };
        let found = self.store().dataset_records(found.id, &paging(page))?;
        self::page(id, page, found.next, found.items)
    }

    /// An actor's followers, or a page of them (`?page=`).
    ///
    /// # Errors
    /// When the store does not answer, `Invalid` for a page that no link named.
    pub fn followers(&self, actor: &LocalActor, page: Asked<'_>) -> Result<Value, StoreError> {
        let id = format!("{}/followers", self.urls().actor(actor.kind, &actor.name));
        let Some(page) = page else {
            return collection(id, self.store().follower_count(actor.id)?);
        };
        let found = self.store().followers(actor.id, &paging(page))?;
        self::page(id, page, found.next, found.items)
    }

    /// Whom an actor follows, or a page of them (`?page=`).
    ///
    /// # Errors
    /// When the store does not answer, `Invalid` for a page that no link named.
    pub fn following(&self, actor: &LocalActor, page: Asked<'_>) -> Result<Value, StoreError> {
        let id = format!("{}/following", self.urls().actor(actor.kind, &actor.name));
        let Some(page) = page else {
            return collection(id, self.store().following_count(actor.id)?);
        };
        let found = self.store().following(actor.id, &paging(page))?;
        let items = found
            .items
            .into_iter()
            .map(|following| following.target.uri)
            .collect();
        self::page(id, page, found.next, items)
    }
}

/// The cursor in a `page` parameter; the first page of what a link calls `1`.
fn paging(page: &str) -> Paging {
    let cursor = (!page.is_empty() && page != FIRST).then(|| page.to_owned());
    Paging { limit: 50, cursor }
}

/// What the link to the first page calls it.
const FIRST: &str = "first";

fn collection(id: String, total: i64) -> Result<Value, StoreError> {
    let first = format!("{id}?page={FIRST}");
    let kind = "OrderedCollection";
    value(OrderedCollection {
        context: CONTEXT,
        id,
        kind,
        total_items: total,
        first,
        last: None,
    })
}

fn page<T: Serialize>(
    part_of: String,
    page: &str,
    next: Option<String>,
    items: Vec<T>,
) -> Result<Value, StoreError> {
    let link = |page: &str| {
        let safe: String = page
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .collect();
        format!("{part_of}?page={safe}")
    };
    value(OrderedCollectionPage {
        context: CONTEXT,
        id: link(page),
        kind: "OrderedCollectionPage",
        next: next.map(|next| link(&next)),
        prev: None,
        part_of: part_of.clone(),
        ordered_items: items,
    })
}

fn value(document: impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(document).map_err(|error| StoreError::Internal(error.to_string()))
}

/// An activity of the log as it was sent, or without the body that is gone.
fn entry(row: ActivityRow) -> Result<Value, StoreError> {
    match &row.buried {
        Some(buried) => outbox::buried(&row, buried),
        None => serde_json::from_str(&row.json).map_err(|error| StoreError::Internal(error.to_string())),
    }
}
