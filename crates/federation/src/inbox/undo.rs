//! `Undo` of a `Follow`: by the Follow's id, or by whom it followed, and only by the one who followed. An Undo that comes
//! before its Follow is remembered by the store. Other Undos mean nothing here yet.

use super::{Envelope, InboxError};
use crate::{Shared, policy, vocab::incoming::Object};
use activitypub_federation::{config::Data, traits::Activity};
use shoal_store::{Id, UndoFollow as Undone};
use std::sync::Arc;
use url::Url;

/// Somebody no longer follows.
#[derive(Debug)]
pub(super) struct UndoFollow {
    envelope: Envelope,
    follow: Option<Url>,
    followed: Option<Url>,
    sender: Id,
}

impl UndoFollow {
    /// Reads an embedded Follow of the sender's, or a bare id on the sender's host; `None` for everything else.
    pub(super) fn read(envelope: &Envelope, object: Option<&Object>, sender: Id) -> Option<Self> {
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
        Some(Self {
            envelope: envelope.clone(),
            follow,
            followed,
            sender,
        })
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
        let shared = Arc::clone(data.app_data());
        let moment = data.moment();
        data.with_store(move |store| {
            let local = self.followed.as_ref().map(|url| shared.local_id_at(url));
            let undone = Undone {
                actor: local.transpose()?.flatten(),
                follower: self.sender,
                follow_uri: self.follow.as_ref().map(Url::to_string),
            };
            if undone.actor.is_none() && undone.follow_uri.is_none() {
                return store.receive_nothing(moment, self.envelope.received).map(drop);
            }
            store
                .receive_undo_follow(moment, self.envelope.received, undone)
                .map(drop)
        })
        .await?;
        Ok(())
    }
}
