//! The feeds of the whole archive, and how any feed is put together: everything new, what needs copies, what a search
//! finds. At most 100 entries. The feeds of single things are `shelves.rs`; next in the flow: `feed.rs`.

use std::collections::HashMap;

use actix_web::web;
use serde::Deserialize;
use shoal_store::{Dataset, HitKind, Id, Paging, SearchQuery, Store, StoreError, Upload, UploadQuery};

use super::feed::{Entry, Feed, Format};
use super::shelves;
use crate::app::App;
use crate::clock;
use crate::error::Problem;
use crate::pages::scarce::Scarcity;
use crate::view::address::segment;
use crate::view::words;

/// Most entries of a feed.
pub(super) const MOST: usize = 100;

type Answer = Result<actix_web::HttpResponse, Problem>;

#[derive(Deserialize)]
pub(crate) struct Words {
    #[serde(default)]
    q: String,
}

/// What a feed shows before it is written.
pub(super) struct Chosen {
    pub(super) title: String,
    pub(super) words: String,
    /// Path of the page that shows the same.
    pub(super) page: String,
    pub(super) uploads: Vec<Upload>,
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
        .read(move |store| shelves::chosen(store, &asked, &stem))
        .await?
        .ok_or_else(Problem::not_found)?;
    write(&app, chosen, &here, String::new(), format).await
}

fn everything(store: &Store) -> Result<Chosen, StoreError> {
    let uploads = shelves::newest(store, UploadQuery::default())?;
    let words = "Each upload as it is published.".to_owned();
    Ok(Chosen {
        title: "Everything new".to_owned(),
        words,
        page: "/uploads".to_owned(),
        uploads,
    })
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
            .filter(|upload| upload.state.is_visible())
            .map(entry)
            .collect(),
        now,
    };
    feed.answer(format)
}

type WithDatasets = (Vec<Upload>, HashMap<Id, Dataset>);

/// The dataset of each upload, read once.
fn with_datasets(store: &Store, uploads: Vec<Upload>) -> Result<WithDatasets, StoreError> {
    let mut ids: Vec<Id> = uploads.iter().map(|upload| upload.dataset.id).collect();
    ids.sort();
    ids.dedup();
    let mut datasets = HashMap::new();
    for id in ids {
        datasets.extend(store.dataset_by_id(id)?.map(|dataset| (id, dataset)));
    }
    Ok((uploads, datasets))
}
