//! What the tracker may serve: which swarms, and telling so. The observer hears each change after its commit and before
//! the verb that made it returns; other processes on the same database read the changes as rows. Holds no swarms.
//! Next: `publish.rs` and `moderation.rs`, which change it.

use diesel::prelude::*;
use shoal_torrent::{SwarmKey, SwarmKeys};

use crate::connection::Db;
use crate::engine::Tx;
use crate::schema::{datasets, listing_changes, uploads};
use crate::visibility::VISIBLE;
use crate::{Id, Millis, Store, StoreError, hash_blocks};

/// Rows read at once.
const STEP: i64 = 1000;
/// How long changes are kept for other processes; one that slept longer lists everything anew.
pub(crate) const KEPT: Millis = 24 * 60 * 60 * 1000;

/// Whether the tracker may serve a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listing {
    /// A visible upload has it.
    Listed,
    /// Moderators hid, removed or blocked it: refused in every mode of the tracker.
    Forbidden,
    /// Nothing is known of it any more.
    Unlisted,
}

impl Listing {
    fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Forbidden => "forbidden",
            Self::Unlisted => "unlisted",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "listed" => Self::Listed,
            "unlisted" => Self::Unlisted,
            _ => Self::Forbidden,
        }
    }
}

/// One change of what the tracker may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListingChange {
    /// The swarm, by all its keys.
    pub keys: SwarmKeys,
    /// What it is from now on.
    pub state: Listing,
    /// Whether it asks to be told only to those who may be in it (BEP 27).
    pub private: bool,
}

/// Where a reader stands in the changes: see [`Store::listing_changes_since`].
pub type ListingCursor = i64;

/// Writes a change down for other processes, and keeps it for the observer of this one.
pub(crate) fn change(tx: &mut Tx<'_>, now: Millis, change: ListingChange) -> Result<(), StoreError> {
    let ListingChange { keys, state, private } = change;
    diesel::insert_into(listing_changes::table)
        .values((
            listing_changes::at.eq(now),
            listing_changes::swarm_key.eq(keys.primary.to_string()),
            listing_changes::swarm_alias.eq(keys.alias.map(|alias| alias.to_string())),
            listing_changes::state.eq(state.word()),
            listing_changes::private.eq(private),
        ))
        .execute(tx.db)?;
    tx.news.listing.push(change);
    Ok(())
}

/// Deletes changes that every process has read.
pub(crate) fn sweep(db: &mut Db, now: Millis) -> Result<(), StoreError> {
    diesel::delete(listing_changes::table.filter(listing_changes::at.lt(now - KEPT))).execute(db)?;
    Ok(())
}

/// The keys in the columns `swarm_key` and `swarm_alias`.
pub(crate) fn keys_of(primary: &str, alias: Option<&str>) -> Result<SwarmKeys, StoreError> {
    let key = |text: &str| {
        text.parse::<SwarmKey>()
            .map_err(|error| StoreError::Internal(format!("swarm key {text:?}: {error}")))
    };
    Ok(SwarmKeys {
        primary: key(primary)?,
        alias: alias.map(key).transpose()?,
    })
}

impl Store {
    /// Calls `hear` with every swarm there is, and every hash that is blocked, and whether it may be served, at one
    /// instant, and returns where the changes after that instant begin. At the start, and now and then to heal a miss.
    ///
    /// # Errors
    /// `Unavailable`, possibly after `hear` was called for some.
    pub fn for_each_listing(&self, mut hear: impl FnMut(ListingChange)) -> Result<ListingCursor, StoreError> {
        self.read(|db| {
            let head: Option<i64> = listing_changes::table
                .select(diesel::dsl::max(listing_changes::seq))
                .first(db)?;
            let mut after = String::new();
            loop {
                let rows: Vec<(Id, String, Option<String>, bool, String, String)> = uploads::table
                    .inner_join(datasets::table)
                    .filter(uploads::id.gt(&after))
                    .order(uploads::id)
                    .limit(STEP)
                    .select((
                        uploads::id,
                        uploads::swarm_key,
                        uploads::swarm_alias,
                        uploads::private,
                        uploads::state,
                        datasets::state,
                    ))
                    .load(db)?;
                let Some(last) = rows.last() else {
                    break;
                };
                after = last.0.to_string();
                for (_, primary, alias, private, own, of_dataset) in rows {
                    let visible = own == VISIBLE && of_dataset == VISIBLE;
                    let state = if visible {
                        Listing::Listed
                    } else {
                        Listing::Forbidden
                    };
                    hear(ListingChange {
                        keys: keys_of(&primary, alias.as_deref())?,
                        state,
                        private,
                    });
                }
            }
            hash_blocks::for_each(db, &mut hear)?;
            Ok(head.unwrap_or(0))
        })
    }

    /// The changes since a cursor, by whatever process, at most 1,000, in order, and where the next ones begin.
    /// Changes are kept for a day.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn listing_changes_since(
        &self,
        cursor: ListingCursor,
    ) -> Result<(Vec<ListingChange>, ListingCursor), StoreError> {
        self.read(|db| {
            let rows: Vec<(i64, String, Option<String>, String, bool)> = listing_changes::table
                .filter(listing_changes::seq.gt(cursor))
                .order(listing_changes::seq)
                .limit(STEP)
                .select((
                    listing_changes::seq,
                    listing_changes::swarm_key,
                    listing_changes::swarm_alias,
                    listing_changes::state,
                    listing_changes::private,
                ))
                .load(db)?;
            let next = rows.last().map_or(cursor, |row| row.0);
            let changes = rows.into_iter().map(|(_, primary, alias, state, private)| {
                let keys = keys_of(&primary, alias.as_deref())?;
                Ok(ListingChange {
                    keys,
                    state: Listing::from_word(&state),
                    private,
                })
            });
            Ok((changes.collect::<Result<_, StoreError>>()?, next))
        })
    }
}
