//! The collections of an actor as they are served: its log, its followers, whom it follows. A collection says how many;
//! its pages, newest first, say what. Blocks on the store, briefly.

use crate::{
    Federation, outbox,
    vocab::{
        CONTEXT,
        collection::{OrderedCollection, OrderedCollectionPage},
    },
};
use serde::Serialize;
use serde_json::Value;
use shoal_store::{LocalActor, Paging, StoreError};

/// How many activities or actors a page holds.
const PAGE: u32 = 50;

/// Which page is asked for: absent, the collection itself; empty or anything unreadable, the newest page; else the page
/// that a `next` link named.
type Asked<'a> = Option<&'a str>;

impl Federation {
    /// An actor's outbox, or a page of it (`?page=`).
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn outbox(&self, actor: &LocalActor, page: Asked<'_>) -> Result<Value, StoreError> {
        let id = format!("{}/outbox", self.urls().actor(actor.kind, &actor.name));
        let Some(page) = page else {
            return collection(id, self.store().outbox_count(actor.id)?);
        };
        let before = page.parse::<i64>().ok().filter(|before| *before > 0);
        let rows = self.store().outbox(actor.id, before, PAGE)?;
        let full = rows.len() == PAGE as usize;
        let next = rows.last().filter(|_| full).map(|row| row.seq.to_string());
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let item = if row.tombstoned {
                outbox::buried(&row)?
            } else {
                parse(&row.json)?
            };
            items.push(item);
        }
        self::page(id, page, next, items)
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
    Paging { limit: PAGE, cursor }
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
        part_of: part_of.clone(),
        ordered_items: items,
    })
}

fn value(document: impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(document).map_err(|error| StoreError::Internal(error.to_string()))
}

fn parse(json: &str) -> Result<Value, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Internal(error.to_string()))
}
