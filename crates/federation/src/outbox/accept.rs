//! `Accept` of a Follow that came in, with the whole Follow inside, signed by the actor that is followed. Refusals are
//! `reject.rs`.

use super::draft::{Deed, Draft, internal};
use crate::vocab;
use serde_json::Value;
use shoal_store::{Id, StoreError};

/// Tells a follower that it follows now.
pub(super) fn accept(draft: &mut Draft<'_>, actor: Id, follower: Id, follow: &str) -> Result<(), StoreError> {
    answer(draft, "Accept", (actor, follower), follow)
}

/// An answer of either kind, to the follower alone.
pub(super) fn answer(
    draft: &mut Draft<'_>,
    kind: &'static str,
    (actor, follower): (Id, Id),
    follow: &str,
) -> Result<(), StoreError> {
    let Some(follower) = draft.store().remote_actor_by_id(follower)? else {
        return Ok(());
    };
    let actor = draft.actor(actor)?;
    let follow: Value = serde_json::from_str(follow).map_err(internal)?;
    let follow_uri = follow.get("id").and_then(Value::as_str).map(str::to_owned);
    let deed = Deed {
        kind,
        context: vocab::plain_context(),
        to: vec![follower.uri.clone()],
        cc: Vec::new(),
        object: follow,
        object_uri: follow_uri,
        audience: super::follow::only(&follower.inbox),
        in_outbox: false,
        target: None,
    };
    draft.tell(&actor, deed).map(drop)
}
