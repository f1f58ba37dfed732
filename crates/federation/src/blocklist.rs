//! The servers that moderators blocked, at hand for every request that comes in and every one that goes out. The
//! decisions are the store's; here they are read again when a second has passed, so that a block takes effect on every
//! process within that time, and at once on the one where it was decided.

use crate::{Federation, policy};
use shoal_store::{Blocks, Millis, Store, StoreError};
use std::sync::{Arc, PoisonError, RwLock};
use url::Url;

/// How long what was read is believed.
const FRESH: Millis = 1000;

/// All decisions as they were a moment ago.
pub(crate) struct Blocklist {
    store: Arc<Store>,
    kept: RwLock<(Arc<Blocks>, Option<Millis>)>,
}

impl Blocklist {
    /// Nothing is read yet.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            kept: RwLock::default(),
        }
    }

    /// Whether the host of a URL is blocked.
    ///
    /// # Errors
    /// When the store does not answer: then nobody knows.
    pub(crate) async fn covers(&self, now: Millis, url: &Url) -> Result<bool, StoreError> {
        let blocks = self.fresh(now).await?;
        Ok(blocks.is_blocked(url.host_str().unwrap_or_default()))
    }

    /// Whether nothing is decided about anybody.
    ///
    /// # Errors
    /// As [`Self::covers`].
    pub(crate) async fn is_empty(&self, now: Millis) -> Result<bool, StoreError> {
        Ok(self.fresh(now).await?.is_empty())
    }

    async fn fresh(&self, now: Millis) -> Result<Arc<Blocks>, StoreError> {
        let (blocks, read_at) = self.kept();
        let fresh = read_at.is_some_and(|at| (at..at + FRESH).contains(&now));
        if fresh {
            Ok(blocks)
        } else {
            self.read_again(now).await
        }
    }

    /// Looks whether anything changed.
    pub(crate) async fn read_again(&self, now: Millis) -> Result<Arc<Blocks>, StoreError> {
        let (store, (known, _)) = (Arc::clone(&self.store), self.kept());
        let read = move || Ok(store.blocks(&known)?.map_or(known, Arc::new));
        let blocks = crate::federation::blocking(read).await?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        *kept = (Arc::clone(&blocks), Some(now));
        Ok(blocks)
    }

    fn kept(&self) -> (Arc<Blocks>, Option<Millis>) {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Federation {
    /// Heeds what moderators just decided about other servers, before their next request.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn heed_blocks(&self) -> Result<(), StoreError> {
        let shared = self.shared();
        shared.blocklist.read_again(shared.now()).await.map(drop)
    }

    /// The name under which a server is blocked or allowed, from whatever a moderator typed or pasted: `Bücher.example`,
    /// `https://evil.example:8443/@spam`, `@ann@evil.example`. `None` when it names no server, or this one.
    pub fn instance_named(&self, text: &str) -> Option<String> {
        let domain = policy::domain(text)?;
        let ours = self.urls().authority();
        let ours = policy::domain(&ours)?;
        let is_ours = ours == domain || ours.ends_with(&format!(".{domain}"));
        (!is_ours).then_some(domain)
    }
}
