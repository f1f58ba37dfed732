//! What each event means to others: who posts, edits, withdraws or answers. The wording is in the files of one activity
//! each; what of this is promised to other servers stands in FEDERATION.md.

use super::{announce, create, delete, draft::Draft, follow, settle, undo, update};
use shoal_store::{
    ActorKind, Collection, Dataset, Event, Id, LocalActor, Paging, Record, StoreError, Upload, UploadQuery,
    Visibility,
};

/// The most uploads of one dataset that one event edits, withdraws or posts again.
const MOST_UPLOADS: usize = 1_000;
/// The most posts that a hidden collection takes back.
const MOST_POSTS: u32 = 5_000;
/// How far it is looked ahead for uploads that are posted soon.
const MOST_WAITING: u32 = 1_000;
/// The most posts that a restored collection makes again: the newest upload of each of so many datasets.
const MOST_AGAIN: usize = 20;

/// Adds what an event means to the draft: to records first, then to posts. An event about something that is gone by now
/// means nothing.
pub(super) fn plan(draft: &mut Draft<'_>, event: &Event) -> Result<(), StoreError> {
    match event {
        Event::UploadPublished { upload } | Event::UploadRestored { upload } => {
            settle::upload(draft, *upload)?;
            published(draft, *upload)
        }
        Event::UploadEdited { upload } => {
            settle::upload(draft, *upload)?;
            edited(draft, *upload)
        }
        Event::UploadHidden { upload } | Event::UploadRemoved { upload } => {
            settle::upload(draft, *upload)?;
            withdrawn(draft, *upload)
        }
        Event::DatasetCreated { dataset } => settle::dataset(draft, *dataset),
        Event::DatasetEdited { dataset } => {
            settle::dataset(draft, *dataset)?;
            each_upload(draft, *dataset, edited)
        }
        Event::DatasetHidden { dataset } | Event::DatasetRemoved { dataset } => {
            settle::whole_dataset(draft, *dataset)?;
            each_upload(draft, *dataset, withdrawn)
        }
        Event::DatasetRestored { dataset } => {
            settle::whole_dataset(draft, *dataset)?;
            each_upload(draft, *dataset, published)
        }
        Event::DatasetPut { collection, dataset } => {
            settle::membership(draft, *collection, *dataset)?;
            put(draft, *collection, *dataset)
        }
        // What a collection posted when it had the dataset stays true.
        Event::DatasetTaken { collection, dataset } => settle::membership(draft, *collection, *dataset),
        Event::DatasetsLeft { after } => settle::datasets(draft, *after),
        Event::UploadsLeft { dataset, after } => settle::uploads(draft, *dataset, *after),
        Event::MembershipsLeft { collection, after } => settle::memberships(draft, *collection, *after),
        Event::CollectionEdited { collection } => collection_edited(draft, *collection),
        Event::CollectionHidden { collection } => collection_hidden(draft, *collection).map(drop),
        Event::CollectionRestored { collection } => collection_restored(draft, *collection),
        Event::CollectionRemoved { collection } => collection_removed(draft, *collection),
        Event::AccountEdited { account } => account_edited(draft, *account),
        Event::FollowRequested { following } => follow::follow(draft, *following),
        Event::FollowWithdrawn { following } => undo::undo_follow(draft, *following),
    }
}

/// Every visible collection of the dataset posts; without any the account does. The account boosts the first.
fn published(draft: &mut Draft<'_>, upload: Id) -> Result<(), StoreError> {
    let Some((upload, dataset)) = visible(draft, upload)? else {
        return Ok(());
    };
    let posted = draft.store().live_posts(upload.id)?;
    let account = draft.account_actor(&upload.account.name)?;
    let collections = draft.store().collections_of_dataset(dataset.id)?;
    let mut first = None;
    for collection in collections.into_iter().filter(is_visible) {
        let actor = draft.actor(collection.actor_id)?;
        if posted.iter().any(|record| record.actor == actor.id) {
            continue;
        }
        let note = create::create(draft, &actor, &upload, &dataset)?;
        first.get_or_insert((note, actor));
    }
    match first {
        Some((note, author)) if account.followable && is_seen(&account) => {
            announce::announce(draft, &account, &note, &author)
        }
        None if posted.is_empty() && is_seen(&account) => {
            create::create(draft, &account, &upload, &dataset).map(drop)
        }
        _ => Ok(()),
    }
}

/// A dataset that came into a collection: its newest visible upload is posted there, unless it was before or is soon.
fn put(draft: &mut Draft<'_>, collection: Id, dataset: Id) -> Result<(), StoreError> {
    let Some(collection) = draft.store().collection_by_id(collection)?.filter(is_visible) else {
        return Ok(());
    };
    let actor = draft.actor(collection.actor_id)?;
    post_newest(draft, &actor, dataset)
}

/// The newest of those that are not about to be posted by events of their own: what was published after this one happened
/// comes after what was published before.
fn post_newest(draft: &mut Draft<'_>, actor: &LocalActor, dataset: Id) -> Result<(), StoreError> {
    let Some(dataset) = draft.store().dataset_by_id(dataset)? else {
        return Ok(());
    };
    let query = UploadQuery {
        dataset: Some(dataset.slug.clone()),
        paging: Paging::first(Paging::MOST),
        ..UploadQuery::default()
    };
    let events = draft.store().unbuilt_events(MOST_WAITING)?;
    let is_to_come = |id: Id| {
        let mut waiting = events.iter().map(|pending| &pending.event);
        waiting.any(|event| matches!(event, Event::UploadPublished { upload } | Event::UploadRestored { upload } if *upload == id))
    };
    let uploads = draft.store().uploads(&query)?.items;
    let Some(newest) = uploads.into_iter().find(|upload| !is_to_come(upload.id)) else {
        return Ok(());
    };
    let Some((upload, dataset)) = visible(draft, newest.id)? else {
        return Ok(());
    };
    let posted = draft
        .store()
        .live_posts(upload.id)?
        .iter()
        .any(|record| record.actor == actor.id);
    if posted || draft.has_posted(actor.id, upload.id) {
        return Ok(());
    }
    create::create(draft, actor, &upload, &dataset).map(drop)
}

/// Every standing post about an upload says what is so now.
fn edited(draft: &mut Draft<'_>, upload: Id) -> Result<(), StoreError> {
    let Some((upload, dataset)) = visible(draft, upload)? else {
        return Ok(());
    };
    for record in draft.store().live_posts(upload.id)? {
        let actor = draft.actor(record.actor)?;
        if is_seen(&actor) {
            update::update_note(draft, &actor, &record, (&upload, &dataset))?;
        }
    }
    Ok(())
}

/// Every standing post about an upload is taken back, and every boost of it.
fn withdrawn(draft: &mut Draft<'_>, upload: Id) -> Result<(), StoreError> {
    for record in draft.store().live_posts(upload)? {
        withdraw_post(draft, &record)?;
    }
    Ok(())
}

fn withdraw_post(draft: &mut Draft<'_>, record: &Record) -> Result<(), StoreError> {
    for announce in draft.store().announces_of(&record.uri)? {
        let actor = draft.actor(announce.actor)?;
        undo::undo_announce(draft, &actor, &announce)?;
    }
    let actor = draft.actor(record.actor)?;
    delete::delete_note(draft, &actor, record)
}

/// Does something for each upload of a dataset, the hidden ones included; what it does looks for itself.
fn each_upload(
    draft: &mut Draft<'_>,
    dataset: Id,
    act: fn(&mut Draft<'_>, Id) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let Some(dataset) = draft.store().dataset_by_id(dataset)? else {
        return Ok(());
    };
    let mut query = UploadQuery {
        dataset: Some(dataset.slug),
        include_hidden: true,
        paging: Paging::first(Paging::MOST),
        ..UploadQuery::default()
    };
    let mut seen = 0;
    loop {
        let page = draft.store().uploads(&query)?;
        seen += page.items.len();
        for upload in page.items {
            act(draft, upload.id)?;
        }
        match page.next {
            Some(next) if seen < MOST_UPLOADS => query.paging.cursor = Some(next),
            _ => return Ok(()),
        }
    }
}

fn collection_edited(draft: &mut Draft<'_>, collection: Id) -> Result<(), StoreError> {
    match draft.store().collection_by_id(collection)?.filter(is_visible) {
        Some(collection) => {
            let actor = draft.actor(collection.actor_id)?;
            update::update_actor(draft, &actor)
        }
        None => Ok(()),
    }
}

/// A hidden collection's memberships and posts are taken back; the actor keeps its followers, for it may return.
fn collection_hidden(draft: &mut Draft<'_>, collection: Id) -> Result<Option<LocalActor>, StoreError> {
    settle::memberships(draft, collection, None)?;
    let Some(collection) = draft.store().collection_by_id(collection)? else {
        return Ok(None);
    };
    let actor = draft.actor(collection.actor_id)?;
    for record in draft.store().live_posts_by(actor.id, MOST_POSTS)? {
        withdraw_post(draft, &record)?;
    }
    Ok(Some(actor))
}

/// A collection that returns posts the newest upload of its newest datasets again.
fn collection_restored(draft: &mut Draft<'_>, collection: Id) -> Result<(), StoreError> {
    let Some(collection) = draft.store().collection_by_id(collection)?.filter(is_visible) else {
        return Ok(());
    };
    let actor = draft.actor(collection.actor_id)?;
    update::update_actor(draft, &actor)?;
    settle::memberships(draft, collection.id, None)?;
    let query = shoal_store::DatasetQuery {
        collection: Some(collection.name),
        paging: Paging::first(u32::try_from(MOST_AGAIN).unwrap_or(20)),
        ..shoal_store::DatasetQuery::default()
    };
    for dataset in draft.store().datasets(&query)?.items {
        post_newest(draft, &actor, dataset.id)?;
    }
    Ok(())
}

/// A removed collection takes its posts back and then itself.
fn collection_removed(draft: &mut Draft<'_>, collection: Id) -> Result<(), StoreError> {
    match collection_hidden(draft, collection)? {
        Some(actor) => delete::delete_actor(draft, &actor),
        None => Ok(()),
    }
}

fn account_edited(draft: &mut Draft<'_>, account: Id) -> Result<(), StoreError> {
    let Some(account) = draft.store().account_by_id(account)? else {
        return Ok(());
    };
    if account.suspended.is_some() {
        return Ok(());
    }
    let actor = draft.store().local_actor(ActorKind::Account, &account.name)?;
    actor.map_or(Ok(()), |actor| update::update_actor(draft, &actor))
}

/// An upload and its dataset, when both may be seen.
fn visible(draft: &Draft<'_>, upload: Id) -> Result<Option<(Upload, Dataset)>, StoreError> {
    let upload = draft
        .store()
        .upload(upload)?
        .filter(|upload| matches!(upload.state, Visibility::Visible));
    let Some(upload) = upload else { return Ok(None) };
    let dataset = draft.store().dataset_by_id(upload.dataset.id)?;
    let dataset = dataset.filter(|dataset| matches!(dataset.state, Visibility::Visible));
    Ok(dataset.map(|dataset| (upload, dataset)))
}

fn is_seen(actor: &LocalActor) -> bool {
    matches!(actor.state, Visibility::Visible)
}

fn is_visible(collection: &Collection) -> bool {
    matches!(collection.state, Visibility::Visible)
}
