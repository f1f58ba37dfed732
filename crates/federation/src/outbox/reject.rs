//! `Reject` of a Follow of an actor that cannot be followed. The welcome answer is `accept.rs`.

use super::{accept::answer, draft::Draft};
use shoal_store::{Id, StoreError};

/// Tells somebody that they cannot follow.
pub(super) fn reject(draft: &mut Draft<'_>, actor: Id, follower: Id, follow: &str) -> Result<(), StoreError> {
    answer(draft, "Reject", (actor, follower), follow)
}
