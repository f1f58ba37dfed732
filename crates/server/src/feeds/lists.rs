//! What stands in each feed: everything new, what needs copies, and the uploads of a tag, a collection, a dataset, an
//! account, a step of danger or a search. At most 100 entries, the newest first. Next in the flow: `feed.rs`.

use std::collections::HashMap;

use actix_web::web;
use serde::Deserialize;
use shoal_store::{
    Dataset, DatasetQuery, HitKind, Id, Paging, SearchQuery, Store, StoreError, Upload, UploadQuery,
    Visibility,
};

use super::feed::{Entry, Feed, Format};
use crate::app::App;
use crate::clock;
use crate::error::Problem;
use crate::pages::scarce::Scarcity;
use crate::view::address::segment;
use crate::view::threat::Danger;
use crate::view::words;

/// Most entries of a feed.
const MOST: usize = 100;
/// Most datasets whose uploads are gathered for the feed of a tag or a danger.
const MOST_DATASETS: u32 = 100;

type Answer = Result<actix_web::HttpResponse, Problem>;

#[derive(Deserialize)]
pub(crate) struct Words {
    #[serde(default)]
    q: String,
}

/// What a feed shows before it is written.
struct Chosen {
    title: String,
    words: String,
    page: String,
    uploads: Vec<Upload>,
}

/// `all`, `needs-seeds` and `search`.
pub(crate) async fn whole(
    app: web::Data<App>,
    scarcity: web::Data<Scarcity>,
    name: web::Path<String>,
    query: web::Query<Words>,
) -> Answer {
    let (stem, format) = Format::split(&name).ok_or_else(Problem::not_found)?;
    let mut suffix = String::new();
    let chosen = match stem {
        "all" => app.read(everything).await?,
        "needs-seeds" => {
            let scarce = scarcity.list(&app, MOST).await?;
            Chosen {
                title: "What needs copies".to_owned(),
                words: "The fewest complete copies first, then the greatest danger.".to_owned(),
                page: "/needs-seeds".to_owned(),
                uploads: scarce.into_iter().map(|one| one.upload).collect(),
            }
        }
        "search" => {
            let text = words::excerpt(&query.q, 200);
            suffix = format!("?q={}", segment(&text));
            app.read(move |store| found_by(store, text)).await?
        }
        _ => return Err(Problem::not_found()),
    };
    write(&app, chosen, &format!("feeds/{stem}"), suffix, format).await
}

/// The feeds of a tag, a collection, a dataset, an account or a step of danger.
pub(crate) async fn shelf(app: web::Data<App>, path: web::Path<(String, String)>) -> Answer {
    let (shelf, name) = path.into_inner();
    let (stem, format) = Format::split(&name).ok_or_else(Problem::not_found)?;
    let (asked, stem) = (shelf.clone(), stem.to_owned());
    let here = format!("feeds/{shelf}/{}", segment(&stem));
    let chosen = app
        .read(move |store| on_shelf(store, &asked, &stem))
        .await?
        .ok_or_else(Problem::not_found)?;
    write(&app, chosen, &here, String::new(), format).await
}

fn everything(store: &Store) -> Result<Chosen, StoreError> {
    let uploads = newest(store, UploadQuery::default())?;
    let words = "Each upload as it is published.".to_owned();
    Ok(Chosen {
        title: "Everything new".to_owned(),
        words,
        page: "/uploads".to_owned(),
        uploads,
    })
}

fn newest(store: &Store, query: UploadQuery) -> Result<Vec<Upload>, StoreError> {
    Ok(store
        .uploads(&UploadQuery {
            paging: Paging::first(MOST as u32),
            ..query
        })?
        .items)
}

fn found_by(store: &Store, text: String) -> Result<Chosen, StoreError> {
    let mut uploads = Vec::new();
    if !text.is_empty() {
        let wanted = SearchQuery {
            q: text.clone(),
            kind: Some(HitKind::Upload),
            paging: Paging::first(MOST as u32),
        };
        for hit in store.search(&wanted)?.items {
            if let Some(upload) = store.upload(hit.id)? {
                uploads.push(upload);
            }
        }
    }
    Ok(Chosen {
        title: format!("Search: {text}"),
        words: "Uploads in which every word occurs.".to_owned(),
        page: format!("/search?q={}", segment(&text)),
        uploads,
    })
}

/// `None` for what is not there or not shown.
fn on_shelf(store: &Store, shelf: &str, name: &str) -> Result<Option<Chosen>, StoreError> {
    let chosen = match shelf {
        "tags" => {
            let query = DatasetQuery {
                tag: Some(name.to_owned()),
                ..DatasetQuery::default()
            };
            let words = "Uploads of datasets with this tag.".to_owned();
            let page = format!("/tags/{}", segment(name));
            Chosen {
                title: format!("Tagged “{}”", words::line(name)),
                words,
                page,
                uploads: of_datasets(store, query)?,
            }
        }
        "threat" => {
            let Some(danger) = Danger::from_key(name) else {
                return Ok(None);
            };
            let query = DatasetQuery {
                threat: Some(danger.0),
                ..DatasetQuery::default()
            };
            Chosen {
                title: danger.word().to_owned(),
                words: danger.sentence().to_owned(),
                page: format!("/datasets?threat={}", danger.key()),
                uploads: of_datasets(store, query)?,
            }
        }
        "collections" => {
            let Some(found) = store.collection(name)?.filter(|c| shown(&c.state)) else {
                return Ok(None);
            };
            let query = UploadQuery {
                collection: Some(found.name.clone()),
                ..UploadQuery::default()
            };
            chosen(
                store,
                &found.title,
                "Uploads of datasets in this collection.",
                format!("/collections/{name}"),
                query,
            )?
        }
        "datasets" => {
            let Some(found) = store.dataset(name)?.filter(|d| shown(&d.state)) else {
                return Ok(None);
            };
            let query = UploadQuery {
                dataset: Some(found.slug.clone()),
                ..UploadQuery::default()
            };
            chosen(
                store,
                &found.title,
                "Uploads of this dataset.",
                format!("/datasets/{name}"),
                query,
            )?
        }
        "accounts" => {
            let Some(found) = store.account(name)?.filter(|a| a.suspended.is_none()) else {
                return Ok(None);
            };
            let query = UploadQuery {
                account: Some(found.name.clone()),
                ..UploadQuery::default()
            };
            chosen(
                store,
                &found.name,
                "What this account publishes.",
                format!("/accounts/{name}"),
                query,
            )?
        }
        _ => return Ok(None),
    };
    Ok(Some(chosen))
}

fn chosen(
    store: &Store,
    title: &str,
    words: &str,
    page: String,
    query: UploadQuery,
) -> Result<Chosen, StoreError> {
    Ok(Chosen {
        title: words::line(title),
        words: words.to_owned(),
        page,
        uploads: newest(store, query)?,
    })
}

fn shown(state: &Visibility) -> bool {
    matches!(state, Visibility::Visible)
}

/// The newest uploads of the newest datasets that a query finds.
fn of_datasets(store: &Store, query: DatasetQuery) -> Result<Vec<Upload>, StoreError> {
    let found = store.datasets(&DatasetQuery {
        paging: Paging::first(MOST_DATASETS),
        ..query
    })?;
    let mut uploads = Vec::new();
    for dataset in found.items {
        uploads.extend(newest(
            store,
            UploadQuery {
                dataset: Some(dataset.slug),
                ..UploadQuery::default()
            },
        )?);
    }
    uploads.sort_by_key(|upload| std::cmp::Reverse(upload.created_at));
    uploads.truncate(MOST);
    Ok(uploads)
}

async fn write(app: &App, chosen: Chosen, here: &str, query: String, format: Format) -> Answer {
    let Chosen {
        title,
        words,
        page,
        uploads,
    } = chosen;
    let (uploads, datasets) = app.read(move |store| with_datasets(store, uploads)).await?;
    let now = clock::now();
    let site = words::line(&app.config.instance.title);
    let entry = |upload: &Upload| Entry::of(app, upload, datasets.get(&upload.dataset.id), now);
    let feed = Feed {
        title: format!("{} · {site}", words::line(&title)),
        site,
        words,
        page: app.link(&page),
        here: app.link(here),
        query,
        entries: uploads
            .iter()
            .filter(|upload| shown(&upload.state))
            .map(entry)
            .collect(),
        now,
    };
    feed.answer(format)
}

type WithDatasets = (Vec<Upload>, HashMap<Id, Dataset>);

fn with_datasets(store: &Store, uploads: Vec<Upload>) -> Result<WithDatasets, StoreError> {
    let mut datasets = HashMap::new();
    for id in uploads.iter().map(|upload| upload.dataset.id) {
        if !datasets.contains_key(&id) {
            if let Some(dataset) = store.dataset_by_id(id)? {
                datasets.insert(id, dataset);
            }
        }
    }
    Ok((uploads, datasets))
}
