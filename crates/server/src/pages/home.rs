//! The front page: what this is, what needs copies, what is new, what can be followed. Next in the flow: `datasets.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{Collection, DatasetQuery, Paging, Stats, StoreError};

use super::cards::{CollectionCard, Counted, DatasetCard, UploadCard};
use super::frame::{Answer, Frame, render};
use super::lists::ListQuery;
use super::scarce::Scarcity;
use crate::app::App;
use crate::auth::Visitor;
use crate::clock;
use crate::view::size::{Size, counted};

/// Most entries under each heading.
const SCARCE: usize = 5;
const RECENT: u32 = 6;
const COLLECTIONS: u32 = 4;

#[derive(Clone, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) description: String,
    pub(crate) figures: String,
    pub(crate) is_new: bool,
    pub(crate) scarce: Vec<UploadCard>,
    pub(crate) recent: Vec<DatasetCard>,
    pub(crate) collections: Vec<CollectionCard>,
}

struct Found {
    stats: Stats,
    recent: Vec<Counted>,
    collections: Vec<Collection>,
}

pub(crate) async fn home(
    app: web::Data<App>,
    scarcity: web::Data<Scarcity>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Answer {
    let scarce = scarcity.list(&app, SCARCE).await?;
    let found = app.read(|store| {
        let recent = store.datasets(&DatasetQuery {
            paging: Paging::first(RECENT),
            ..DatasetQuery::default()
        })?;
        Ok::<_, StoreError>(Found {
            stats: store.stats()?,
            recent: Counted::all(store, recent.items)?,
            collections: store.collections(&Paging::first(COLLECTIONS))?.items,
        })
    });
    let (found, now) = (found.await?, clock::now());
    let description = description(&app);
    let frame = Frame::new(&app, &visitor, "/", "")
        .about(&description)
        .noticing(query.done.as_deref());
    let page = HomePage {
        heading: frame.site.clone(),
        figures: figures(&app, &found.stats),
        is_new: found.stats.uploads == 0,
        scarce: scarce
            .iter()
            .map(|one| UploadCard::of(&app, &one.upload, one.danger, now))
            .collect(),
        recent: found
            .recent
            .iter()
            .map(|one| DatasetCard::of(&app, one, now))
            .collect(),
        collections: found
            .collections
            .iter()
            .map(|one| CollectionCard::of(&app, one))
            .collect(),
        frame: frame
            .feeding("Everything new", "/feeds/all")
            .feeding("What needs copies", "/feeds/needs-seeds"),
        description,
    };
    render(StatusCode::OK, &page)
}

/// What the archive says of itself, or what is true of each one.
pub(crate) fn description(app: &App) -> String {
    match app.config.instance.description.trim() {
        "" => "Public data, kept by everyone who keeps a copy.".to_owned(),
        text => text.to_owned(),
    }
}

/// What is kept here and how many copies are online, in two sentences.
pub(crate) fn figures(app: &App, stats: &Stats) -> String {
    let kept = format!(
        "{}, {}, {}, {}",
        counted(stats.datasets.unsigned_abs(), "dataset", "datasets"),
        counted(stats.uploads.unsigned_abs(), "upload", "uploads"),
        counted(stats.files.unsigned_abs(), "file", "files"),
        Size::stored(stats.total_size).short(),
    );
    let online = match app.tracker.totals().seeders {
        0 => "No complete copy is online at the moment".to_owned(),
        n => format!(
            "{} online now",
            counted(n, "complete copy is", "complete copies are")
        ),
    };
    match (stats.datasets, stats.uploads) {
        (0, 0) => "Nothing is kept here yet.".to_owned(),
        _ => format!("{kept}. {online}."),
    }
}
