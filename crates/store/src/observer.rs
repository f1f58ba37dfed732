//! Who hears, after each commit and before its verb returns, what the tracker must know: what it may serve (`listing.rs`)
//! and which personal keys it takes (`announce_keys.rs`). Decides nothing of that. Next: `engine.rs`, which tells.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::Store;
use crate::announce_keys::AnnounceKeyChange;
use crate::listing::ListingChange;

/// Someone who wants to know of changes.
pub type Hearing<T> = Arc<dyn Fn(&[T]) + Send + Sync>;

/// What one transaction changes for the tracker, in order.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) listing: Vec<ListingChange>,
    pub(crate) announce_keys: Vec<AnnounceKeyChange>,
}

impl News {
    /// Takes over what another has to tell after this.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.listing.append(&mut later.listing);
        self.announce_keys.append(&mut later.announce_keys);
    }
}

/// Who hears of changes, once someone wants to.
#[derive(Default)]
pub(crate) struct Observer {
    listing: RwLock<Option<Hearing<ListingChange>>>,
    announce_keys: RwLock<Option<Hearing<AnnounceKeyChange>>>,
}

impl Observer {
    /// Tells what a committed transaction changed.
    pub(crate) fn tell(&self, news: &News) {
        tell(&self.listing, &news.listing);
        tell(&self.announce_keys, &news.announce_keys);
    }
}

fn tell<T>(hearing: &RwLock<Option<Hearing<T>>>, changes: &[T]) {
    if changes.is_empty() {
        return;
    }
    let hearing = hearing.read().clone();
    let Some(hearing) = hearing else { return };
    // The writer goes on whatever the listener does; the next resync heals what it missed.
    if catch_unwind(AssertUnwindSafe(|| hearing(changes))).is_err() {
        tracing::error!("the listener to what the tracker must know panicked");
    }
}

impl Store {
    /// Calls `hearing` with each change of what the tracker may serve, in the order of commits, before the verb that
    /// made it returns. It must be quick and must not write to the store.
    pub fn on_listing_change(&self, hearing: Hearing<ListingChange>) {
        *self.observer.listing.write() = Some(hearing);
    }

    /// Calls `hearing` with each change of which personal keys the tracker takes; as [`Store::on_listing_change`].
    pub fn on_announce_key_change(&self, hearing: Hearing<AnnounceKeyChange>) {
        *self.observer.announce_keys.write() = Some(hearing);
    }
}
