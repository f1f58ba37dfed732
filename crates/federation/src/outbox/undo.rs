//! `Undo` of a boost, of a Follow of ours, and of a record's `Delete`, each with the whole activity that is undone inside.

use super::{
    draft::{Deed, Draft, everyone, internal},
    entry::Entry,
    follow,
};
use crate::vocab;
use serde_json::json;
use shoal_store::{ActivityRow, Audience, Id, LocalActor, StoreError};

/// Takes a boost back.
pub(super) fn undo_announce(
    draft: &mut Draft<'_>,
    actor: &LocalActor,
    announce: &ActivityRow,
) -> Result<(), StoreError> {
    let object = json!({
        "id": announce.uri,
        "type": "Announce",
        "actor": draft.actor_uri(actor),
        "object": announce.object_uri,
    });
    let deed = Deed {
        kind: "Undo",
        context: vocab::plain_context(),
        to: everyone(),
        cc: vec![draft.followers_uri(actor)],
        object,
        object_uri: Some(announce.uri.clone()),
        audience: Audience::FollowersAndPastRecipients {
            object_uri: announce.uri.clone(),
        },
        in_outbox: true,
        target: None,
    };
    draft.tell(actor, deed).map(drop)
}

/// Takes the removal of a record back: it is served again at its id.
pub(super) fn undo_delete(draft: &mut Draft<'_>, entry: &Entry<'_>) -> Result<(), StoreError> {
    draft.unbury(entry.uri.to_owned());
    let last = draft.store().last_about(entry.uri)?;
    let Some(delete) = last.filter(|activity| activity.kind == "Delete") else {
        return Ok(());
    };
    let object = serde_json::from_str(&delete.json).map_err(internal)?;
    let deed = entry.deed(draft, "Undo", (object, &delete.uri));
    draft.tell(entry.author, deed).map(drop)
}

/// Takes a Follow of ours back.
pub(super) fn undo_follow(draft: &mut Draft<'_>, following: Id) -> Result<(), StoreError> {
    let Some((following, actor)) = follow::subject(draft, following)? else {
        return Ok(());
    };
    let object = follow::object(&draft.actor_uri(&actor), &following);
    let deed = Deed {
        kind: "Undo",
        context: vocab::plain_context(),
        to: vec![following.target.uri.clone()],
        cc: Vec::new(),
        object,
        object_uri: Some(following.follow_uri.clone()),
        audience: follow::only(&following.target.inbox),
        in_outbox: false,
        target: None,
    };
    draft.tell(&actor, deed).map(drop)
}
