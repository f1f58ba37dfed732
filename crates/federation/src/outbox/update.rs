//! `Update` of a post, a record or an actor. A post's `updated` is always later than the one before, or servers ignore
//! the edit.

use super::{
    draft::{Deed, Draft, everyone, internal},
    entry::Entry,
    note::{Post, note},
};
use crate::{time::parse_rfc3339, vocab};
use serde_json::Value;
use shoal_store::{Audience, Dataset, LocalActor, Millis, Record, StoreError, Upload};

/// Says of a standing post what is so now. Nothing is told when a reader would see no difference.
pub(super) fn update_note(
    draft: &mut Draft<'_>,
    actor: &LocalActor,
    record: &Record,
    (upload, dataset): (&Upload, &Dataset),
) -> Result<(), StoreError> {
    let before: Value = serde_json::from_str(&record.json).map_err(internal)?;
    let time = |name: &str| before.get(name).and_then(Value::as_str).and_then(parse_rfc3339);
    let published = time("published").unwrap_or(record.created_at);
    let author = draft.actor_uri(actor);
    let post = Post {
        urls: draft.urls(),
        id: &record.uri,
        author: &author,
        upload,
        dataset,
        record: &draft.urls().record(upload.id),
        published,
        updated: Some(later(draft.at, time("updated").unwrap_or(published))),
    };
    let after = serde_json::to_value(note(&post)).map_err(internal)?;
    if same_but_for_time(&before, &after) {
        return Ok(());
    }
    let object = draft.prove(actor, after)?;
    draft.keep(actor, record.uri.clone(), record.subject, &object);
    let deed = Deed {
        kind: "Update",
        context: vocab::note_context(),
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

/// Tells of a record's next version and keeps it.
pub(super) fn update_record(
    draft: &mut Draft<'_>,
    entry: &Entry<'_>,
    (version, document): (i64, Value),
) -> Result<(), StoreError> {
    draft.keep_record(entry.author, entry.kept(version), &document);
    let deed = entry.deed(draft, "Update", (document, entry.uri));
    draft.tell(entry.author, deed).map(drop)
}

/// The event's time, but at least a second after the last.
fn later(at: Millis, last: Millis) -> Millis {
    at.max(last + 1_000)
}

fn same_but_for_time(before: &Value, after: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "updated" | "proof"));
        }
        value
    };
    plain(before) == plain(after)
}

/// Says of an actor what is so now.
pub(super) fn update_actor(draft: &mut Draft<'_>, actor: &LocalActor) -> Result<(), StoreError> {
    let object = draft.federation.actor_document(actor)?;
    let uri = draft.actor_uri(actor);
    let deed = Deed {
        kind: "Update",
        context: vocab::actor_context(),
        to: everyone(),
        cc: vec![draft.followers_uri(actor)],
        object,
        object_uri: Some(uri),
        audience: Audience::Followers,
        in_outbox: true,
        target: None,
    };
    draft.tell(actor, deed).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_edit_is_later_than_the_one_before() {
        assert_eq!(later(5_000, 1_000), 5_000);
        assert_eq!(later(5_000, 4_900), 5_900);
        assert_eq!(later(1_000, 5_000), 6_000);
    }

    #[test]
    fn a_difference_that_nobody_sees_is_none() {
        let before = json!({ "content": "a", "updated": "x", "proof": {} });
        assert!(same_but_for_time(
            &before,
            &json!({ "content": "a", "updated": "y" })
        ));
        assert!(!same_but_for_time(
            &before,
            &json!({ "content": "b", "updated": "x" })
        ));
    }
}
