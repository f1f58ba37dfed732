//! `Undo` of a `Follow`: by the Follow's id, or by whom it followed, and only by the one who followed. An Undo that comes
//! before its Follow is remembered by the store. Other Undos mean nothing here yet.

use super::{Envelope, InboxError, take_in};
use crate::{Shared, policy, vocab::incoming::Object};
use activitypub_federation::{config::Data, traits::Activity};
use shoal_store::{CallsFor, Id, UndoFollow as Undone};
use std::sync::Arc;
use url::Url;

/// The Follow that is undone, and whom it followed, as far as the Undo says.
pub(super) type Meant = (Option<Url>, Option<Url>);

/// Somebody no longer follows.
#[derive(Debug)]
pub(super) struct UndoFollow {
    envelope: Envelope,
    follow: Option<Url>,
    followed: Option<Url>,
    sender: Id,
}

impl UndoFollow {
    /// An Undo that means what [`Self::read`] found.
    pub(super) fn new(envelope: Envelope, (follow, followed): Meant, sender: Id) -> Self {
        Self {
            envelope,
            follow,
            followed,
            sender,
        }
    }

    /// Reads an embedded Follow of the sender's, or a bare id on the sender's host; `None` for everything else.
    pub(super) fn read(envelope: &Envelope, object: Option<&Object>) -> Option<Meant> {
        let object = object?;
        let embedded = object.embedded.is_some();
        if embedded && object.kind().as_deref() != Some("Follow") {
            return None;
        }
        if object
            .member("actor")
            .is_some_and(|actor| actor != envelope.actor)
        {
            return None;
        }
        let follow = object
            .id
            .clone()
            .filter(|id| policy::same_origin(id, &envelope.actor));
        let followed = object.member("object");
        if follow.is_none() && followed.is_none() {
            return None;
        }
        Some((follow, followed))
    }
}

#[async_trait::async_trait]
impl Activity for UndoFollow {
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
        let actor = match &self.followed {
            Some(url) => data.local_at(url).await?,
            None => None,
        };
        let undone = Undone {
            actor,
            follower: self.sender,
            follow_uri: self.follow.map(String::from),
        };
        let calls_for = match (&undone.actor, &undone.follow_uri) {
            (None, None) => CallsFor::Nothing,
            _ => CallsFor::Undo(undone),
        };
        take_in(data, self.envelope.received, calls_for).await?;
        Ok(())
    }
}
