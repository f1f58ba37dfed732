//! From what happened to what is told: an event of the store becomes activities, records and their audiences, all written
//! back in one transaction by `courier/expander.rs`. `plan.rs` decides what an event means, `settle.rs` what it means to
//! records; one file per activity says how it reads; `note.rs` writes the post itself, `records/` the records; `draft.rs`
//! numbers, proves and collects. Answers are no events: `answer.rs`. The mirror of `inbox/`.

mod add;
mod announce;
pub(crate) mod answer;
mod create;
mod delete;
mod draft;
mod entry;
mod follow;
pub mod note;
mod plan;
mod remove;
mod settle;
mod undo;
mod update;

use crate::{Federation, records};
use serde_json::Value;
use shoal_store::{ActivityRow, Built, Buried, PendingEvent, StoreError};

/// Everything that is to be told about one event. Blocks on the store.
///
/// # Errors
/// When the store does not answer or a stored key cannot be used; then the event stays unbuilt and is tried again.
pub fn build(federation: &Federation, pending: &PendingEvent) -> Result<Built, StoreError> {
    let mut draft = draft::Draft::new(federation, pending.at);
    plan::plan(&mut draft, &pending.event)?;
    Ok(draft.finish())
}

/// An activity of the log whose object was removed since: the same envelope around a Tombstone, without the proof, which
/// was over the removed body.
///
/// # Errors
/// When the stored JSON cannot be read.
pub(crate) fn buried(row: &ActivityRow, buried: &Buried) -> Result<Value, StoreError> {
    let mut activity: Value = serde_json::from_str(&row.json).map_err(draft::internal)?;
    let uri = row.object_uri.as_deref().unwrap_or_default();
    let stone = records::tombstone(uri, &buried.kind, buried.at, None);
    if let Some(members) = activity.as_object_mut() {
        members.insert(
            "object".to_owned(),
            serde_json::to_value(stone).map_err(draft::internal)?,
        );
        members.shift_remove("proof");
    }
    Ok(activity)
}
