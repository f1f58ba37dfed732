//! The feeds of single things: a tag, a step of danger, a collection, a dataset, an account. What is not there or not shown
//! has no feed. Next in the flow: `lists.rs`, which writes what is chosen here.

use shoal_store::{DatasetQuery, Paging, Store, StoreError, Upload, UploadQuery};

use super::lists::{Chosen, MOST};
use crate::view::address::segment;
use crate::view::threat::Danger;
use crate::view::words;

/// Most datasets whose uploads are gathered for the feed of a tag or a danger, and most uploads of each.
const MOST_DATASETS: u32 = 100;
const MOST_OF_EACH: u32 = 20;

type Found = Result<Option<Chosen>, StoreError>;

/// What the feed of `name` on a shelf shows; `None` for what is not there or not shown.
pub(super) fn chosen(store: &Store, shelf: &str, name: &str) -> Found {
    match shelf {
        "tags" => of_tag(store, name),
        "threat" => of_danger(store, name),
        "collections" => of_collection(store, name),
        "datasets" => of_dataset(store, name),
        "accounts" => of_account(store, name),
        _ => Ok(None),
    }
}

/// The newest uploads that a query finds.
pub(super) fn newest(store: &Store, query: UploadQuery) -> Result<Vec<Upload>, StoreError> {
    let paging = Paging::first(MOST as u32);
    Ok(store.uploads(&UploadQuery { paging, ..query })?.items)
}

fn of_tag(store: &Store, tag: &str) -> Found {
    let query = DatasetQuery {
        tag: Some(tag.to_owned()),
        ..DatasetQuery::default()
    };
    Ok(Some(Chosen {
        title: format!("Tagged “{}”", words::line(tag)),
        words: "Uploads of datasets with this tag.".to_owned(),
        page: format!("/tags/{}", segment(tag)),
        uploads: of_datasets(store, query)?,
    }))
}

fn of_danger(store: &Store, key: &str) -> Found {
    let Some(danger) = Danger::from_key(key) else {
        return Ok(None);
    };
    let query = DatasetQuery {
        threat: Some(danger.0),
        ..DatasetQuery::default()
    };
    Ok(Some(Chosen {
        title: danger.word().to_owned(),
        words: danger.sentence().to_owned(),
        page: format!("/datasets?threat={}", danger.key()),
        uploads: of_datasets(store, query)?,
    }))
}

fn of_collection(store: &Store, name: &str) -> Found {
    let Some(found) = store.collection(name)?.filter(|c| c.state.is_visible()) else {
        return Ok(None);
    };
    let page = format!("/collections/{}", found.name);
    let query = UploadQuery {
        collection: Some(found.name),
        ..UploadQuery::default()
    };
    let words = "Uploads of datasets in this collection.".to_owned();
    Ok(Some(Chosen {
        title: found.title,
        words,
        page,
        uploads: newest(store, query)?,
    }))
}

fn of_dataset(store: &Store, slug: &str) -> Found {
    let Some(found) = store.dataset(slug)?.filter(|d| d.state.is_visible()) else {
        return Ok(None);
    };
    let page = format!("/datasets/{}", found.slug);
    let query = UploadQuery {
        dataset: Some(found.slug),
        ..UploadQuery::default()
    };
    let words = "Uploads of this dataset.".to_owned();
    Ok(Some(Chosen {
        title: found.title,
        words,
        page,
        uploads: newest(store, query)?,
    }))
}

fn of_account(store: &Store, name: &str) -> Found {
    let Some(found) = store.account(name)?.filter(|a| a.suspended.is_none()) else {
        return Ok(None);
    };
    let page = format!("/accounts/{}", segment(&found.name));
    let query = UploadQuery {
        account: Some(found.name.clone()),
        ..UploadQuery::default()
    };
    let words = "What this account publishes.".to_owned();
    Ok(Some(Chosen {
        title: found.name,
        words,
        page,
        uploads: newest(store, query)?,
    }))
}

/// The newest uploads of the newest datasets that a query finds.
fn of_datasets(store: &Store, query: DatasetQuery) -> Result<Vec<Upload>, StoreError> {
    let found = store.datasets(&DatasetQuery {
        paging: Paging::first(MOST_DATASETS),
        ..query
    })?;
    let mut uploads = Vec::new();
    for dataset in found.items {
        let paging = Paging::first(MOST_OF_EACH);
        let query = UploadQuery {
            paging,
            dataset: Some(dataset.slug),
            ..UploadQuery::default()
        };
        uploads.extend(store.uploads(&query)?.items);
    }
    uploads.sort_by_key(|upload| std::cmp::Reverse(upload.created_at));
    uploads.truncate(MOST);
    Ok(uploads)
}
