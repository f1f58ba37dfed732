//! `Add` of a dataset to a collection: the collection's own record of it, which is the countersignature of what an account
//! put in. Taken back by `remove.rs`.

use super::{
    draft::{Deed, Draft},
    entry::Entry,
};
use serde_json::Value;
use shoal_store::StoreError;

/// Tells of a new membership and keeps it.
pub(super) fn add(draft: &mut Draft<'_>, entry: &Entry<'_>, membership: Value) -> Result<(), StoreError> {
    draft.keep_record(entry.author, entry.kept(1), &membership);
    let deed = Deed {
        target: entry.target(draft),
        ..entry.deed(draft, "Add", (membership, entry.uri))
    };
    draft.tell(entry.author, deed).map(drop)
}
