//! `Announce` (a boost) of a collection's post by the account that published the upload. The object is an id: servers
//! fetch what they boost from its origin. Taken back by `undo.rs`.

use super::draft::{Deed, Draft, everyone};
use crate::vocab;
use serde_json::Value;
use shoal_store::{Audience, LocalActor, StoreError};

/// The account boosts a post of `author`.
pub(super) fn announce(
    draft: &mut Draft<'_>,
    account: &LocalActor,
    note: &str,
    author: &LocalActor,
) -> Result<(), StoreError> {
    let deed = Deed {
        kind: "Announce",
        context: vocab::plain_context(),
        to: everyone(),
        cc: vec![draft.followers_uri(account), draft.actor_uri(author)],
        object: Value::from(note),
        object_uri: Some(note.to_owned()),
        audience: Audience::Followers,
        in_outbox: true,
        target: None,
    };
    draft.tell(account, deed).map(drop)
}
