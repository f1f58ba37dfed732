//! `Follow` of an actor here: kept, and answered with `Accept` (or `Reject`) by the courier, from the event that the store
//! writes in the same transaction. A repeated Follow is answered again. Its undoing is `undo.rs`.

use super::{Envelope, InboxError};
use crate::{Shared, vocab::incoming::Object};
use activitypub_federation::{config::Data, traits::Activity};
use serde_json::Value;
use shoal_store::{Id, NewFollower};
use std::sync::Arc;
use url::Url;

/// Somebody wants to follow one of our actors.
#[derive(Debug)]
pub(super) struct Follow {
    envelope: Envelope,
    as_written: Value,
    object: Url,
    sender: Id,
}

impl Follow {
    /// Reads what is followed.
    pub(super) fn read(
        envelope: Envelope,
        (object, as_written): (Option<Object>, Value),
        sender: Id,
    ) -> Result<Self, InboxError> {
        let object = object.and_then(|object| object.id);
        let object = object.ok_or(InboxError::NotHere("The Follow does not say whom to follow."))?;
        Ok(Self {
            envelope,
            as_written,
            object,
            sender,
        })
    }
}

#[async_trait::async_trait]
impl Activity for Follow {
    type DataType = Arc<Shared>;
    type Error = InboxError;

    fn id(&self) -> &Url {
        &self.envelope.id
    }

    fn actor(&self) -> &Url {
        &self.envelope.actor
    }

    async fn verify(&self, data: &Data<Arc<Shared>>) -> Result<(), InboxError> {
        match data.urls.read_actor(&self.object) {
            Some(_) => Ok(()),
            None => Err(InboxError::NotHere("There is no such actor here.")),
        }
    }

    async fn receive(self, data: &Data<Arc<Shared>>) -> Result<(), InboxError> {
        let shared = Arc::clone(data.app_data());
        let moment = data.moment();
        data.with_store(move |store| {
            let local = shared.local_id_at(&self.object)?;
            let new = NewFollower {
                actor: local.ok_or(shoal_store::StoreError::NotFound { what: "actor" })?,
                follower: self.sender,
                follow_uri: self.envelope.id.to_string(),
                // In the sender's own spelling, or it might not know it again.
                follow_json: self.as_written.to_string(),
            };
            store.receive_follow(moment, self.envelope.received, new)
        })
        .await?;
        data.woken.notify_one();
        Ok(())
    }
}
