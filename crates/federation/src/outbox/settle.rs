//! Brings records to what is so now. Whatever happened, what should stand is compared with what was published last, and
//! only the difference is told: a first version, a later one, that it is gone, that it is back. So an event may come
//! late, twice or after another, and the log still ends at what the pages show. `plan.rs` says what an event touches;
//! how things read is in `records/`, how they are told in the files of one activity each.

use super::{
    add, create, delete,
    draft::{Draft, internal},
    entry::Entry,
    remove, undo, update,
};
use crate::records::{self, Edition, Member};
use serde_json::Value;
use shoal_store::{
    ActorKind, Collection, Dataset, Event, Id, LocalActor, Millis, Record, StoreError, Subject, Upload,
};

/// How many datasets one event looks through.
const DATASETS: u32 = 20;
/// How many uploads of a dataset.
const UPLOADS: u32 = 100;
/// How many datasets of a collection.
const MEMBERS: u32 = 100;

/// What a record should be.
struct Wanted<'w> {
    /// What was published last.
    former: Option<Record>,
    /// Whether it should be there at all.
    stands: bool,
    /// When the thing itself was made.
    made: Millis,
    /// How it reads.
    write: &'w dyn Fn(&Edition<'_>) -> Value,
}

fn settle(draft: &mut Draft<'_>, entry: &Entry<'_>, wanted: Wanted<'_>) -> Result<(), StoreError> {
    let author = draft.actor_uri(entry.author);
    let Some(former) = wanted.former else {
        if wanted.stands {
            let first = Edition::first(draft.urls(), entry.uri, &author, wanted.made);
            let document = draft.prove(entry.author, (wanted.write)(&first))?;
            return match entry.kind {
                "Membership" => add::add(draft, entry, document),
                _ => create::create_record(draft, entry, document),
            };
        }
        return Ok(());
    };
    let gone = former.tombstoned_at.is_some();
    if !wanted.stands {
        return if gone {
            Ok(())
        } else {
            delete::delete_record(draft, entry)
        };
    }
    let next = Edition::after(draft.urls(), entry.uri, &author, &former.json, draft.at);
    let document = (wanted.write)(&next.ok_or_else(|| internal("a kept record is none"))?);
    let before: Value = serde_json::from_str(&former.json).map_err(internal)?;
    if !gone && records::says_the_same(&before, &document) {
        return Ok(());
    }
    if gone {
        undo::undo_delete(draft, entry)?;
    }
    let document = draft.prove(entry.author, document)?;
    update::update_record(draft, entry, (former.version + 1, document))
}

/// A dataset's own record.
pub(super) fn dataset(draft: &mut Draft<'_>, id: Id) -> Result<(), StoreError> {
    let Some(dataset) = draft.store().dataset_by_id(id)? else {
        return Ok(());
    };
    let author = draft.account_actor(&dataset.account.name)?;
    let collections = draft.store().collections_of_dataset(id)?;
    let uri = draft.urls().record(id);
    let entry = Entry {
        author: &author,
        uri: &uri,
        kind: "Dataset",
        subject: Subject {
            dataset: Some(id),
            ..Subject::default()
        },
        followers_of: &keepers(&author, &collections),
    };
    let wanted = Wanted {
        former: draft.store().record(&uri)?,
        stands: dataset.state.is_visible(),
        made: dataset.created_at,
        write: &|edition| records::dataset(edition, &dataset),
    };
    settle(draft, &entry, wanted)
}

/// A dataset's record, and its memberships in the collections that show it.
fn dataset_and_memberships(draft: &mut Draft<'_>, id: Id) -> Result<(), StoreError> {
    dataset(draft, id)?;
    let Some(dataset) = draft.store().dataset_by_id(id)? else {
        return Ok(());
    };
    for collection in draft.store().collections_of_dataset(id)? {
        membership_of(draft, &collection, &dataset)?;
    }
    Ok(())
}

/// The records of an upload and of its torrent.
pub(super) fn upload(draft: &mut Draft<'_>, id: Id) -> Result<(), StoreError> {
    let Some(upload) = draft.store().upload(id)? else {
        return Ok(());
    };
    let author = draft.account_actor(&upload.account.name)?;
    let collections = draft.store().collections_of_dataset(upload.dataset.id)?;
    let uri = draft.urls().record(id);
    let entry = Entry {
        author: &author,
        uri: &uri,
        kind: "Upload",
        subject: Subject {
            upload: Some(id),
            dataset: Some(upload.dataset.id),
            collection: None,
        },
        followers_of: &keepers(&author, &collections),
    };
    let torrent = torrent(draft, &entry, &upload)?;
    let of = draft.urls().record(upload.dataset.id);
    let wanted = Wanted {
        former: draft.store().record(&uri)?,
        stands: upload.state.is_visible(),
        made: upload.created_at,
        write: &|edition| records::upload(edition, &upload, &of, &torrent),
    };
    settle(draft, &entry, wanted)
}

/// The torrent's record, which is kept beside the upload's and has no activity of its own until it goes; gives its id.
/// It never changes: when it comes back, it is as it was.
fn torrent(draft: &mut Draft<'_>, of: &Entry<'_>, upload: &Upload) -> Result<String, StoreError> {
    let (known, gone) = match draft.store().torrent_record(upload.id)? {
        Some((uri, gone)) => (Some(uri), gone.is_some()),
        None => (None, false),
    };
    let is_new = known.is_none();
    let uri = known.unwrap_or_else(|| draft.urls().object(draft.id()));
    let entry = Entry {
        uri: &uri,
        kind: "Torrent",
        ..*of
    };
    match (is_new, gone, upload.state.is_visible()) {
        (true, _, true) => {
            let author = draft.actor_uri(of.author);
            let first = Edition::first(draft.urls(), &uri, &author, upload.created_at);
            let bytes = draft.store().torrent_bytes(upload.id)?.unwrap_or_default();
            let document = draft.prove(of.author, records::torrent(&first, upload, &bytes))?;
            draft.keep_record(of.author, entry.kept(1), &document);
        }
        (false, true, true) => undo::undo_delete(draft, &entry)?,
        (false, false, false) => delete::delete_record(draft, &entry)?,
        _ => {}
    }
    Ok(uri)
}

/// A dataset's membership in a collection.
pub(super) fn membership(draft: &mut Draft<'_>, collection: Id, dataset: Id) -> Result<(), StoreError> {
    let collection = draft.store().collection_by_id(collection)?;
    let dataset = draft.store().dataset_by_id(dataset)?;
    match (collection, dataset) {
        (Some(collection), Some(dataset)) => membership_of(draft, &collection, &dataset),
        _ => Ok(()),
    }
}

fn membership_of(
    draft: &mut Draft<'_>,
    collection: &Collection,
    dataset: &Dataset,
) -> Result<(), StoreError> {
    let member = draft.store().member(collection.id, dataset.id)?;
    let former = match draft.store().membership(collection.id, dataset.id)? {
        Some(former) if former.tombstoned_at.is_some() && was_taken_out(draft, &former)? => None,
        other => other,
    };
    let stands = member.is_some() && collection.state.is_visible() && dataset.state.is_visible();
    let actor = draft.actor(collection.actor_id)?;
    let author = draft.account_actor(&dataset.account.name)?;
    let known = former.as_ref().map(|former| former.uri.clone());
    let uri = known.unwrap_or_else(|| draft.urls().object(draft.id()));
    let entry = Entry {
        author: &actor,
        uri: &uri,
        kind: "Membership",
        subject: Subject {
            upload: None,
            dataset: Some(dataset.id),
            collection: Some(collection.id),
        },
        followers_of: &[actor.id, author.id],
    };
    let Some(member) = member else {
        return match former {
            Some(former) if former.tombstoned_at.is_none() => remove::remove(draft, &entry),
            _ => Ok(()),
        };
    };
    let of = draft.urls().record(dataset.id);
    let author = draft.actor_uri(&author);
    let added_by = draft.urls().actor(ActorKind::Account, &member.added_by.name);
    let said = Member {
        dataset: &of,
        author: &author,
        added_by: &added_by,
    };
    let wanted = Wanted {
        former,
        stands,
        made: member.added_at,
        write: &|edition| records::membership(edition, &said),
    };
    settle(draft, &entry, wanted)
}

/// Whether a membership that is gone was ended, and not only hidden.
fn was_taken_out(draft: &Draft<'_>, former: &Record) -> Result<bool, StoreError> {
    let last = draft.store().last_about(&former.uri)?;
    Ok(last.is_some_and(|activity| activity.kind == "Remove"))
}

/// Everything about a dataset: its record, its memberships, its uploads.
pub(super) fn whole_dataset(draft: &mut Draft<'_>, id: Id) -> Result<(), StoreError> {
    dataset_and_memberships(draft, id)?;
    uploads(draft, id, None)
}

/// The uploads of a dataset behind `after`, some of them now.
pub(super) fn uploads(draft: &mut Draft<'_>, dataset: Id, after: Option<Id>) -> Result<(), StoreError> {
    let some = draft.store().walk_uploads(dataset, after, UPLOADS)?;
    for id in &some {
        upload(draft, *id)?;
    }
    if let Some(after) = last_of(&some, UPLOADS) {
        let after = Some(after);
        draft.leave(Event::UploadsLeft { dataset, after });
    }
    Ok(())
}

/// The memberships of a collection in the order of datasets behind `after`, some of them now.
pub(super) fn memberships(
    draft: &mut Draft<'_>,
    collection: Id,
    after: Option<Id>,
) -> Result<(), StoreError> {
    let some = draft.store().walk_members(collection, after, MEMBERS)?;
    for dataset in &some {
        membership(draft, collection, *dataset)?;
    }
    if let Some(after) = last_of(&some, MEMBERS) {
        let after = Some(after);
        draft.leave(Event::MembershipsLeft { collection, after });
    }
    Ok(())
}

/// All datasets behind `after`, some of them now; the uploads of each as events of their own.
pub(super) fn datasets(draft: &mut Draft<'_>, after: Option<Id>) -> Result<(), StoreError> {
    let some = draft.store().walk_datasets(after, DATASETS)?;
    for id in &some {
        dataset_and_memberships(draft, *id)?;
        draft.leave(Event::UploadsLeft {
            dataset: *id,
            after: None,
        });
    }
    if let Some(after) = last_of(&some, DATASETS) {
        draft.leave(Event::DatasetsLeft { after: Some(after) });
    }
    Ok(())
}

/// Where to go on, when a step was full.
fn last_of(step: &[Id], limit: u32) -> Option<Id> {
    let full = u32::try_from(step.len()) == Ok(limit);
    step.last().copied().filter(|_| full)
}

/// Whose followers hear of a record: its author's, and those of the collections that hold the dataset.
fn keepers(author: &LocalActor, collections: &[Collection]) -> Vec<Id> {
    let of_collections = collections.iter().map(|collection| collection.actor_id);
    std::iter::once(author.id).chain(of_collections).collect()
}
