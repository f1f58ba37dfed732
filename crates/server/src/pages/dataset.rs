//! A dataset's page: what it is, whether it is in danger, how to get it or help keep it. Next in the flow:
//! `dataset_form.rs`, where it is described, and `upload.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{Collection, Dataset, Id, Paging, Scope, Store, StoreError, Upload, UploadQuery};

use super::cards::{self, UploadCard};
use super::frame::{Answer, Frame, Link, render};
use super::keep::Keep;
use super::lists::ListQuery;
use super::moderate::{Sheet, open_to};
use crate::app::App;
use crate::auth::Visitor;
use crate::clock;
use crate::error::Problem;
use crate::view::address::segment;
use crate::view::markdown::Prose;
use crate::view::size::{Size, counted};
use crate::view::threat::Danger;
use crate::view::time::When;
use crate::view::words;

/// Most uploads on the page; the rest are in the list of uploads.
const MOST_UPLOADS: u32 = 20;

/// What the visitor may do with the dataset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct May {
    pub(crate) edit: bool,
    pub(crate) upload: bool,
}

#[derive(Template)]
#[template(path = "dataset.html")]
pub(crate) struct DatasetPage {
    pub(crate) frame: Frame,
    pub(crate) href: String,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) publisher: String,
    pub(crate) homepage: Option<Link>,
    pub(crate) licence: String,
    pub(crate) danger: Danger,
    pub(crate) prose: Prose,
    pub(crate) tags: Vec<Link>,
    pub(crate) account: Link,
    pub(crate) created: When,
    pub(crate) updated: Option<When>,
    pub(crate) total: Size,
    pub(crate) keep: Option<Keep>,
    pub(crate) upload_count: String,
    pub(crate) uploads: Vec<UploadCard>,
    pub(crate) more_uploads: String,
    pub(crate) collections: Vec<Link>,
    /// Collections of the visitor's that it can be put into.
    pub(crate) shelves: Vec<Link>,
    pub(crate) feed: String,
    pub(crate) may: May,
    pub(crate) withheld: String,
    pub(crate) moderation: Option<Sheet>,
}

struct Found {
    dataset: Dataset,
    uploads: Vec<Upload>,
    has_more: bool,
    collections: Vec<Collection>,
    shelves: Vec<Collection>,
}

fn find(store: &Store, slug: &str, visitor: &Visitor) -> Result<Option<Found>, StoreError> {
    let Some(dataset) = store.dataset(slug)? else {
        return Ok(None);
    };
    let uploads = store.uploads(&UploadQuery {
        paging: Paging::first(MOST_UPLOADS),
        dataset: Some(dataset.slug.clone()),
        include_hidden: visitor.may(Scope::Review),
        ..UploadQuery::default()
    })?;
    let collections = store.collections_of_dataset(dataset.id)?;
    let shelves = match &visitor.0 {
        Some(identity) => own_shelves(store, identity.id(), &collections)?,
        None => Vec::new(),
    };
    Ok(Some(Found {
        dataset,
        has_more: uploads.next.is_some(),
        uploads: uploads.items,
        collections,
        shelves,
    }))
}

/// The account's visible collections that a dataset is not in yet, among the first 200 of the archive.
fn own_shelves(store: &Store, account: Id, taken: &[Collection]) -> Result<Vec<Collection>, StoreError> {
    let all = store.collections(&Paging::first(Paging::MOST))?.items;
    let is_free = |one: &Collection| {
        one.account.id == account && one.state.is_visible() && !taken.iter().any(|other| other.id == one.id)
    };
    Ok(all.into_iter().filter(is_free).collect())
}

pub(crate) async fn dataset(
    app: web::Data<App>,
    visitor: Visitor,
    slug: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Answer {
    let viewer = visitor.clone();
    let found = app
        .read(move |store| find(store, &slug, &viewer))
        .await?
        .ok_or_else(Problem::not_found)?;
    open_to(&visitor, &found.dataset.state)?;
    render(StatusCode::OK, &page(&app, &visitor, &query, found))
}

/// Whether a visitor may change what an account described.
pub(crate) fn may_edit(visitor: &Visitor, owner: Id) -> bool {
    visitor.0.as_ref().is_some_and(|identity| {
        identity.may(Scope::Review) || (identity.id() == owner && identity.may(Scope::Submit))
    })
}

fn page(app: &App, visitor: &Visitor, query: &ListQuery, found: Found) -> DatasetPage {
    let Found {
        dataset,
        uploads,
        has_more,
        collections,
        shelves,
    } = found;
    let now = clock::now();
    let danger = Danger(dataset.threat);
    let slug = segment(&dataset.slug);
    let keep = uploads
        .iter()
        .find(|upload| upload.state.is_visible())
        .map(|newest| Keep::of(app, newest));
    let card = |one: &Upload| UploadCard::of(app, one, danger, now).within_dataset();
    let shelf = |one: &Collection| Link {
        href: one.name.clone(),
        ..cards::collection_link(one)
    };
    let tag = |tag: &String| Link::new(format!("/tags/{}", segment(tag)), words::line(tag));
    DatasetPage {
        frame: frame(app, visitor, &dataset, keep.as_ref()).noticing(query.done.as_deref()),
        href: format!("/datasets/{slug}"),
        title: words::line(&dataset.title),
        moderation: Sheet::of(
            visitor,
            "dataset",
            dataset.id,
            &dataset.state,
            &format!("/datasets/{slug}"),
        ),
        publisher: words::line(&dataset.publisher),
        homepage: Some(Link::typed(&words::line(&dataset.homepage))).filter(|link| !link.text.is_empty()),
        licence: words::line(&dataset.licence),
        prose: Prose::render(&dataset.description),
        tags: dataset.tags.iter().map(tag).collect(),
        account: cards::account_link(&dataset.account),
        created: When::new(dataset.created_at, now),
        updated: (dataset.updated_at > dataset.created_at).then(|| When::new(dataset.updated_at, now)),
        total: Size::stored(dataset.total_size),
        upload_count: counted(dataset.upload_count.unsigned_abs(), "upload", "uploads"),
        uploads: uploads.iter().map(card).collect(),
        more_uploads: if has_more {
            format!("/uploads?dataset={slug}")
        } else {
            String::new()
        },
        collections: collections.iter().map(cards::collection_link).collect(),
        shelves: shelves.iter().map(shelf).collect(),
        feed: format!("/feeds/datasets/{slug}"),
        may: May {
            edit: may_edit(visitor, dataset.account.id),
            upload: visitor.may(Scope::Upload),
        },
        withheld: cards::withheld(&dataset.state),
        slug: dataset.slug,
        danger,
        keep,
    }
}

fn frame(app: &App, visitor: &Visitor, dataset: &Dataset, keep: Option<&Keep>) -> Frame {
    let slug = segment(&dataset.slug);
    let frame = Frame::new(app, visitor, &format!("/datasets/{slug}"), &dataset.title)
        .within("/datasets")
        .about(&summary(dataset, keep))
        .feeding(
            format!("New uploads of {}", words::line(&dataset.title)),
            format!("/feeds/datasets/{slug}"),
        );
    Frame {
        picture: keep.map(|keep| keep.preview(app)),
        activities: app.record(dataset.id).into_iter().collect(),
        ..frame
    }
}

/// What previews of the page say: the danger, the copies, the beginning of the description.
fn summary(dataset: &Dataset, keep: Option<&Keep>) -> String {
    let mut parts = Vec::new();
    let danger = Danger(dataset.threat);
    if danger.is_known() {
        parts.push(format!("{}.", danger.word()));
    }
    if let Some(keep) = keep {
        parts.push(format!("{}, {}.", keep.swarm.sentence(), keep.size.short()));
    }
    parts.push(Prose::plain(&dataset.description));
    parts.join(" ")
}
