//! `Create` of a post or a record, with the whole of it inside: servers do not fetch what they are not given.

use super::{
    draft::{Deed, Draft, everyone, internal},
    entry::Entry,
    note::{Post, note},
};
use crate::vocab;
use serde_json::Value;
use shoal_store::{Audience, Dataset, LocalActor, StoreError, Subject, Upload};

/// Posts about an upload; gives the post's id.
pub(super) fn create(
    draft: &mut Draft<'_>,
    actor: &LocalActor,
    upload: &Upload,
    dataset: &Dataset,
) -> Result<String, StoreError> {
    let uri = draft.urls().object(draft.id());
    let author = draft.actor_uri(actor);
    let post = Post {
        urls: draft.urls(),
        id: &uri,
        author: &author,
        upload,
        dataset,
        record: &draft.urls().record(upload.id),
        published: draft.at,
        updated: None,
    };
    let object = draft.prove(actor, serde_json::to_value(note(&post)).map_err(internal)?)?;
    let subject = Subject {
        upload: Some(upload.id),
        dataset: Some(dataset.id),
        collection: None,
    };
    draft.keep(actor, uri.clone(), subject, &object);
    let deed = Deed {
        kind: "Create",
        context: vocab::note_context(),
        to: everyone(),
        cc: vec![draft.followers_uri(actor)],
        object,
        object_uri: Some(uri.clone()),
        audience: Audience::Followers,
        in_outbox: true,
        target: None,
    };
    draft.tell(actor, deed)?;
    Ok(uri)
}

/// Tells of a new record and keeps it.
pub(super) fn create_record(
    draft: &mut Draft<'_>,
    entry: &Entry<'_>,
    document: Value,
) -> Result<(), StoreError> {
    draft.keep_record(entry.author, entry.kept(1), &document);
    let deed = entry.deed(draft, "Create", (document, entry.uri));
    draft.tell(entry.author, deed).map(drop)
}
