//! Everything that is well signed and means nothing here: remembered by its id, answered 202, and that is all.

use super::{Envelope, InboxError, take_in};
use crate::Shared;
use activitypub_federation::{config::Data, traits::Activity};
use shoal_store::CallsFor;
use std::sync::Arc;
use url::Url;

/// An activity without meaning here.
#[derive(Debug)]
pub(super) struct Nothing {
    envelope: Envelope,
}

impl Nothing {
    pub(super) fn new(envelope: Envelope) -> Self {
        Self { envelope }
    }
}

#[async_trait::async_trait]
impl Activity for Nothing {
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
        take_in(data, self.envelope.received, CallsFor::Nothing).await?;
        Ok(())
    }
}
