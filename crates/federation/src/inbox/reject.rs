//! `Reject` of a Follow that one of our actors sent, at once or later (then it ends what was accepted). The store believes it
//! only from the actor that was asked. The welcome answer is `accept.rs`.

use super::{
    Envelope, InboxError,
    accept::{answered, follow_of_ours},
};
use crate::{Shared, vocab::incoming::Object};
use activitypub_federation::{config::Data, traits::Activity};
use std::sync::Arc;
use url::Url;

/// Somebody does not let one of our actors follow (any more).
#[derive(Debug)]
pub(super) struct Reject {
    envelope: Envelope,
    follow: Url,
}

impl Reject {
    /// Reads which Follow of ours is meant; `None` when it is none of ours.
    pub(super) fn read(
        envelope: &Envelope,
        object: Option<&Object>,
        data: &Data<Arc<Shared>>,
    ) -> Option<Self> {
        Some(Self {
            envelope: envelope.clone(),
            follow: follow_of_ours(object?, data)?,
        })
    }
}

#[async_trait::async_trait]
impl Activity for Reject {
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
        answered(data, self.envelope, &self.follow, false).await
    }
}
