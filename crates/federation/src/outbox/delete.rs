//! `Delete` of a post, which leaves a Tombstone at its id, and of an actor that moderators removed for good.

use super::draft::{Deed, Draft, everyone, internal};
use crate::{
    records,
    vocab::{self, activity::Tombstone},
};
use serde_json::Value;
use shoal_store::{Audience, LocalActor, Millis, Record, StoreError};

/// The Tombstone of a post; with a context when it is served by itself.
pub(crate) fn tombstone(uri: &str, deleted: Millis, context: Option<Value>) -> Tombstone {
    records::tombstone(uri, "Note", deleted, context)
}

/// Takes a post back from everyone who was ever sent it.
pub(super) fn delete_note(
    draft: &mut Draft<'_>,
    actor: &LocalActor,
    record: &Record,
) -> Result<(), StoreError> {
    let object = serde_json::to_value(tombstone(&record.uri, draft.at, None)).map_err(internal)?;
    draft.bury(record.uri.clone());
    let deed = Deed {
        kind: "Delete",
        context: vocab::plain_context(),
        to: everyone(),
        cc: vec![draft.followers_uri(actor)],
        object,
        object_uri: Some(record.uri.clone()),
        audience: Audience::FollowersAndPastRecipients {
            object_uri: record.uri.clone(),
        },
        in_outbox: true,
    };
    draft.tell(actor, deed).map(drop)
}

/// Says that an actor is gone for good; servers drop it and everything it posted.
pub(super) fn delete_actor(draft: &mut Draft<'_>, actor: &LocalActor) -> Result<(), StoreError> {
    let uri = draft.actor_uri(actor);
    let deed = Deed {
        kind: "Delete",
        context: vocab::plain_context(),
        to: everyone(),
        cc: vec![draft.followers_uri(actor)],
        object: Value::from(uri.clone()),
        object_uri: Some(uri),
        audience: Audience::Followers,
        in_outbox: true,
    };
    draft.tell(actor, deed).map(drop)
}
