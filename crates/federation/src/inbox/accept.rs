//! `Accept` of a Follow that one of our actors sent. The store believes it only from the actor that was asked. Refusals
//! are `reject.rs`.

use super::{Envelope, InboxError};
use crate::{Shared, vocab::incoming::Object};
use activitypub_federation::{config::Data, traits::Activity};
use shoal_store::FollowAnswer;
use std::sync::Arc;
use url::Url;

/// Somebody lets one of our actors follow.
#[derive(Debug)]
pub(super) struct Accept {
    envelope: Envelope,
    follow: Url,
}

impl Accept {
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

/// The id of our own Follow that an answer is about, embedded or bare.
pub(super) fn follow_of_ours(object: &Object, data: &Data<Arc<Shared>>) -> Option<Url> {
    if object.embedded.is_some() && object.kind().as_deref() != Some("Follow") {
        return None;
    }
    object.id.clone().filter(|id| data.urls.is_ours(id))
}

/// Writes an answer down.
pub(super) async fn answered(
    data: &Data<Arc<Shared>>,
    envelope: Envelope,
    follow: &Url,
    accepted: bool,
) -> Result<(), InboxError> {
    let moment = data.moment();
    let answer = FollowAnswer {
        follow_uri: follow.to_string(),
        by_uri: envelope.actor.to_string(),
        accepted,
    };
    data.with_store(move |store| store.receive_follow_answer(moment, envelope.received, answer))
        .await?;
    Ok(())
}

#[async_trait::async_trait]
impl Activity for Accept {
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
        answered(data, self.envelope, &self.follow, true).await
    }
}
