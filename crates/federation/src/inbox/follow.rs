//! `Follow` of an actor here: kept together with its answer, `Accept` or `Reject` (`outbox/answer.rs`), which the courier
//! then carries. A repeated Follow is answered again. Its undoing is `undo.rs`.

use super::{Envelope, InboxError, known::Sender, take_in};
use crate::{
    Shared,
    outbox::answer::{Asked, answer},
    vocab::incoming::Object,
};
use activitypub_federation::{config::Data, traits::Activity};
use serde_json::Value;
use shoal_store::{CallsFor, Effect, NewFollower, StoreError};
use std::sync::Arc;
use url::Url;

/// What a follower has to have, or it could not be answered.
const NO_INBOX: InboxError = InboxError::Forbidden("The actor has no usable inbox.");

/// Somebody wants to follow one of our actors.
pub(super) struct Follow {
    envelope: Envelope,
    as_written: Value,
    object: Url,
    sender: Arc<Sender>,
}

impl Follow {
    /// Reads what is followed.
    pub(super) fn read(
        envelope: Envelope,
        (object, as_written): (Option<Object>, Value),
        sender: Arc<Sender>,
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
        let shared = data.app_data();
        let nobody = StoreError::NotFound { what: "actor" };
        let Some(actor) = shared.local_at(&self.object).await? else {
            return Err(nobody.into());
        };
        let identity = shared.identity_of(actor).await?.ok_or(nobody)?;
        let (inbox, host) = self.sender.inbox.as_ref().ok_or(NO_INBOX)?;
        let asked = Asked {
            actor,
            identity: &identity,
            follower_uri: self.envelope.actor.as_str(),
            inbox: (inbox, host),
            follow_uri: self.envelope.id.as_str(),
            // In the sender's own spelling, or it might not know it again.
            follow: &self.as_written,
        };
        let new = NewFollower {
            actor,
            follower: self.sender.id,
            follow_uri: asked.follow_uri.to_owned(),
            accept: answer(shared, "Accept", &asked)?,
        };
        let received = self.envelope.received.clone();
        let effect = take_in(data, received, CallsFor::Follow(new)).await?;
        if effect == Effect::Refused {
            let reject = answer(shared, "Reject", &asked)?;
            take_in(data, self.envelope.received.clone(), CallsFor::Answer(reject)).await?;
        }
        data.queued.notify_one();
        Ok(())
    }
}
