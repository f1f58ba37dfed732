//! `Follow` of somebody elsewhere by an actor of ours. Its id was given when it was asked for, so that the answer finds it.

use super::draft::{Deed, Draft};
use crate::{policy, vocab};
use serde_json::{Value, json};
use shoal_store::{Audience, Following, Id, LocalActor, StoreError};
use url::Url;

/// Asks to follow.
pub(super) fn follow(draft: &mut Draft<'_>, following: Id) -> Result<(), StoreError> {
    let Some((following, actor)) = subject(draft, following)? else {
        return Ok(());
    };
    let deed = Deed {
        kind: "Follow",
        context: vocab::plain_context(),
        to: vec![following.target.uri.clone()],
        cc: Vec::new(),
        object: Value::from(following.target.uri.clone()),
        object_uri: Some(following.target.uri.clone()),
        audience: only(&following.target.inbox),
        in_outbox: false,
        target: None,
    };
    draft.tell_as(&actor, following.follow_uri.clone(), deed)
}

/// The row and the actor that follows; `None` when either is gone.
pub(super) fn subject(draft: &Draft<'_>, id: Id) -> Result<Option<(Following, LocalActor)>, StoreError> {
    let following = match draft.store().following_by_id(id) {
        Ok(following) => following,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let actor = draft.store().local_actor_by_id(following.actor)?;
    Ok(actor.map(|actor| (following, actor)))
}

/// The Follow as it was sent, for embedding.
pub(super) fn object(actor: &str, following: &Following) -> Value {
    json!({ "id": following.follow_uri, "type": "Follow", "actor": actor, "object": following.target.uri })
}

/// One inbox and nobody else.
pub(super) fn only(inbox: &str) -> Audience {
    match Url::parse(inbox) {
        Ok(url) => Audience::Inboxes(vec![(inbox.to_owned(), policy::host_of(&url))]),
        Err(_) => Audience::Nobody,
    }
}
