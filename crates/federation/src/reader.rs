//! Who reads: requests for posts, activities, outboxes and lists, signed or not. Everyone may read them, but whose server
//! is blocked; with authorised fetch only who signs may. Actors and keys are shown to everyone, since two servers that
//! both asked for signatures there could never check any. Writing is `inbox/`, whose rules and budgets hold here too.

use crate::{
    Federation, Receipt,
    inbox::{DEADLINE, InboxError, sender},
    policy, remote,
    verify::{self, Claim, Head},
};
use http::HeaderMap;
use std::sync::Arc;
use url::Url;

/// A GET, as the server hands it over.
#[derive(Debug)]
pub struct Asked {
    /// Path with query, as on the request line.
    pub path_and_query: String,
    /// All headers; `Host` is the public one.
    pub headers: HeaderMap,
    /// Whether it asks for what is shown to everyone: an actor with its keys.
    pub for_all: bool,
}

impl Federation {
    /// Whether whoever asks may read that.
    ///
    /// # Errors
    /// What to answer instead: 401 for a signature that is missing where it is needed or does not hold, 403 for a blocked
    /// server, 429 or 503 where the signature cannot be checked now and is needed.
    pub async fn may_read(self: &Arc<Self>, asked: Asked) -> Result<(), Receipt> {
        let judged = tokio::time::timeout(DEADLINE, Box::pin(self.admit_reader(&asked))).await;
        judged
            .unwrap_or(Err(InboxError::TooSlow))
            .map_err(|refusal| Receipt::from(&refusal))
    }

    async fn admit_reader(self: &Arc<Self>, asked: &Asked) -> Result<(), InboxError> {
        let needed = self.settings().authorized_fetch && !asked.for_all;
        if !needed && !asked.headers.contains_key("signature") {
            return Ok(());
        }
        let head = Head {
            method: "GET",
            path_and_query: &asked.path_and_query,
            headers: &asked.headers,
            body: &[],
        };
        let claims = match verify::read(head, self.urls().base(), self.shared().now()) {
            Ok(claims) => claims,
            Err(_) if asked.for_all => return Ok(()),
            Err(refusal) => return Err(refusal.into()),
        };
        self.refuse_the_blocked(&claims).await?;
        if asked.for_all {
            return Ok(());
        }
        match self.identify_reader(&claims).await {
            // Whoever cannot be asked now is nobody in particular, and reads what anybody may.
            Err(InboxError::Unreachable(_) | InboxError::TooMany) if !needed => Ok(()),
            judged => judged,
        }
    }

    /// Whether an actor at the key's own host lists the key that signed.
    async fn identify_reader(self: &Arc<Self>, claims: &[Claim]) -> Result<(), InboxError> {
        let key_id = claims.first().map_or("", |claim| &claim.key_id).to_owned();
        let key = Url::parse(&key_id).map_err(|_| InboxError::Key("is not named by an address"))?;
        if self.urls().is_ours(&key) {
            return Err(InboxError::Key("is one of this server's own"));
        }
        let known = move |store: &shoal_store::Store| store.remote_actor_by_key(&key_id);
        let kept = self.shared().with_store(known).await?;
        let actor = match &kept {
            Some(kept) => Url::parse(&kept.uri).map_err(|_| InboxError::Key("belongs to nobody"))?,
            None => self.owner(key.clone()).await?,
        };
        if !policy::same_origin(&actor, &key) {
            return Err(InboxError::Key("is not on the host of its owner"));
        }
        self.refuse_if_blocked(&actor).await?;
        sender::confirm(self, claims, &actor).await.map(drop)
    }

    /// The actor that a key's id leads to: what stands before the `#`, or, where there is none, the owner that the document
    /// there names (GoToSocial).
    async fn owner(&self, mut key: Url) -> Result<Url, InboxError> {
        if key.fragment().is_some() {
            key.set_fragment(None);
            return Ok(key);
        }
        let asking = remote::owner_of_key(self, &key);
        sender::ask(self, &key, asking).await
    }
}
