//! `Delete` of a post or a record, which leaves a Tombstone at its id, and of an actor that moderators removed for good.

use super::{
    draft::{Deed, Draft, everyone, internal},
    entry::Entry,
};
use crate::{records, vocab};
use serde_json::Value;
use shoal_store::{Audience, LocalActor, Record, StoreError};

/// Takes a post back from everyone who was ever sent it.
pub(super) fn delete_note(
    draft: &mut Draft<'_>,
    actor: &LocalActor,
    record: &Record,
) -> Result<(), StoreError> {
    let object =
        serde_json::to_value(records::tombstone(&record.uri, "Note", draft.at, None)).map_err(internal)?;
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
        target: None,
    };
    draft.tell(actor, deed).map(drop)
}

/// Takes a record back from everyone who was ever told of it.
pub(super) fn delete_record(draft: &mut Draft<'_>, entry: &Entry<'_>) -> Result<(), StoreError> {
    let stone = bury(draft, entry)?;
    let deed = entry.deed(draft, "Delete", (stone, entry.uri));
    draft.tell(entry.author, deed).map(drop)
}

/// Puts a Tombstone in a record's place; gives it.
pub(super) fn bury(draft: &mut Draft<'_>, entry: &Entry<'_>) -> Result<Value, StoreError> {
    draft.bury(entry.uri.to_owned());
    serde_json::to_value(records::tombstone(entry.uri, entry.kind, draft.at, None)).map_err(internal)
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
        target: None,
    };
    draft.tell(actor, deed).map(drop)
}
