//! `Remove` of a dataset that was taken out of a collection. It ends the membership for good: put in again, the dataset
//! gets another. The welcome is `add.rs`.

use super::{
    delete,
    draft::{Deed, Draft},
    entry::Entry,
};
use shoal_store::StoreError;

/// Tells that a membership is over.
pub(super) fn remove(draft: &mut Draft<'_>, entry: &Entry<'_>) -> Result<(), StoreError> {
    let stone = delete::bury(draft, entry)?;
    let deed = Deed {
        target: entry.target(draft),
        ..entry.deed(draft, "Remove", (stone, entry.uri))
    };
    draft.tell(entry.author, deed).map(drop)
}
