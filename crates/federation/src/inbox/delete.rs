//! `Delete` of an actor by itself: it follows nobody here any more, and nothing is sent to it. Deletes of anything else
//! mean nothing here yet. Deletes by actors never heard of do not come this far (`sender.rs`).

use super::{Envelope, InboxError};
use crate::{Shared, vocab::incoming::Object};
use activitypub_federation::{config::Data, traits::Activity};
use std::sync::Arc;
use url::Url;

/// Somebody left for good.
#[derive(Debug)]
pub(super) struct Delete {
    envelope: Envelope,
}

/// Whether an activity is about the very actor that sent it.
pub(super) fn is_of_the_actor(envelope: &Envelope, object: Option<&Object>) -> bool {
    object.and_then(|object| object.id.as_ref()) == Some(&envelope.actor)
}

impl Delete {
    pub(super) fn new(envelope: Envelope) -> Self {
        Self { envelope }
    }
}

#[async_trait::async_trait]
impl Activity for Delete {
    type DataType = Arc<Shared>;
    type Error = InboxError;

    fn id(&self) -> &Url {
        &self.envelope.id
    }

    fn actor(&self) -> &Url {
        &self.envelope.actor
    }

    async fn verify(&self, _: &Data<Arc<Shared>>) -> Result<(), InboxError> {
        Ok(())
    }

    async fn receive(self, data: &Data<Arc<Shared>>) -> Result<(), InboxError> {
        let moment = data.moment();
        let actor = self.envelope.actor.to_string();
        data.with_store(move |store| {
            store.receive_actor_gone(moment, self.envelope.received, self.envelope.actor.as_str())
        })
        .await?;
        data.known.forget(&actor);
        Ok(())
    }
}
