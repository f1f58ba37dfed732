//! Lists of datasets: all of them, and those of a tag; sorted and filtered by their address. Also the list of tags.
//! Next in the flow: `dataset.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{DatasetQuery, DatasetSort, StoreError, Threat};

use super::cards::{Counted, DatasetCard};
use super::frame::{Answer, Frame, render};
use super::lists::{List, ListQuery};
use crate::app::App;
use crate::auth::Visitor;
use crate::clock;
use crate::view::address::{ListAddress, segment};
use crate::view::size::{counted, grouped};
use crate::view::threat::Danger;
use crate::view::words;

/// How lists of datasets can be sorted: the word in the address and the word people read.
pub(crate) const SORTS: [(&str, &str); 5] = [
    ("", "Newest"),
    ("updated", "Changed"),
    ("threat", "Most endangered"),
    ("title", "Title"),
    ("size", "Largest"),
];

#[derive(Template)]
#[template(path = "datasets.html")]
pub(crate) struct DatasetsPage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) introduction: String,
    pub(crate) list: List,
    pub(crate) datasets: Vec<DatasetCard>,
}

/// A tag in the list of tags.
#[derive(Clone, Debug)]
pub(crate) struct TagLink {
    pub(crate) href: String,
    pub(crate) text: String,
    pub(crate) count: String,
}

#[derive(Template)]
#[template(path = "tags.html")]
pub(crate) struct TagsPage {
    pub(crate) frame: Frame,
    pub(crate) count: String,
    pub(crate) tags: Vec<TagLink>,
}

/// The order that a list's address asks for.
pub(crate) fn sort_of(word: &str) -> DatasetSort {
    DatasetSort::from_word(word).unwrap_or_default()
}

/// All datasets.
pub(crate) async fn datasets(app: web::Data<App>, visitor: Visitor, query: web::Query<ListQuery>) -> Answer {
    list(&app, &visitor, &query, "").await
}

/// The datasets of a tag.
pub(crate) async fn tag(
    app: web::Data<App>,
    visitor: Visitor,
    tag: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Answer {
    list(&app, &visitor, &query, &tag).await
}

async fn list(app: &App, visitor: &Visitor, query: &ListQuery, tag: &str) -> Answer {
    let path = if tag.is_empty() {
        "/datasets".to_owned()
    } else {
        format!("/tags/{}", segment(tag))
    };
    let address = ListAddress::new(&path)
        .with("sort", &query.sort)
        .with("threat", &query.threat)
        .with("account", &query.account);
    let danger = Danger::from_key(&query.threat);
    let wanted = DatasetQuery {
        paging: query.paging(),
        sort: sort_of(&query.sort),
        tag: Some(tag.to_owned()).filter(|tag| !tag.is_empty()),
        account: Some(query.account.clone()).filter(|name| !name.is_empty()),
        threat: danger.map(|danger| danger.0),
        ..DatasetQuery::default()
    };
    let is_all = danger.is_none() && tag.is_empty() && query.account.is_empty();
    let found = app.read(move |store| {
        let page = store.datasets(&wanted)?;
        let total = if is_all { store.stats()?.datasets } else { -1 };
        Ok::<_, StoreError>((Counted::all(store, page.items)?, page.next, total))
    });
    let ((rows, next, total), now) = (found.await?, clock::now());
    let page = shoal_store::Page { items: rows, next };
    let heading = match (tag, query.account.as_str()) {
        ("", "") => "Datasets".to_owned(),
        ("", name) => format!("Datasets described by {}", words::line(name)),
        (tag, _) => format!("Tagged “{}”", words::line(tag)),
    };
    let feed = feed_of(tag, &query.account, danger);
    let frame = Frame::new(app, visitor, &path, &heading)
        .within("/datasets")
        .feeding(heading.clone(), feed.clone());
    let view = DatasetsPage {
        introduction: introduction(tag),
        list: List::of(&address, query, &page, ("dataset", "datasets"))
            .out_of(total, ("dataset", "datasets"))
            .choosing(&address, "sort", "Sort", &SORTS)
            .choosing(&address, "threat", "Source", &threats())
            .filtered(!is_all)
            .feeding(feed),
        datasets: page
            .items
            .iter()
            .map(|one| DatasetCard::of(app, one, now))
            .collect(),
        frame: frame.about(&introduction(tag)),
        heading,
    };
    render(StatusCode::OK, &view)
}

/// The filters by danger, with the one that lifts them.
fn threats() -> Vec<(&'static str, &'static str)> {
    let known = Danger::ALL
        .into_iter()
        .filter(|danger| danger.0 != Threat::Unknown);
    [("", "All")]
        .into_iter()
        .chain(known.map(|danger| (danger.key(), danger.word())))
        .collect()
}

fn introduction(tag: &str) -> String {
    if tag.is_empty() {
        "Bodies of public information, with what they are, who made them, and how many complete copies exist."
            .to_owned()
    } else {
        "Datasets with this tag, in one place and one feed.".to_owned()
    }
}

/// The feed that comes nearest to the list.
fn feed_of(tag: &str, account: &str, danger: Option<Danger>) -> String {
    match (tag, account, danger) {
        ("", "", Some(danger)) => format!("/feeds/threat/{}", danger.key()),
        ("", "", None) => "/feeds/all".to_owned(),
        ("", name, _) => format!("/feeds/accounts/{}", segment(name)),
        (tag, ..) => format!("/feeds/tags/{}", segment(tag)),
    }
}

/// All tags.
pub(crate) async fn tags(app: web::Data<App>, visitor: Visitor) -> Answer {
    let found = app.read(|store| store.tags()).await?;
    let page = TagsPage {
        frame: Frame::new(&app, &visitor, "/tags", "Tags"),
        count: counted(found.len() as u64, "tag", "tags"),
        tags: found
            .into_iter()
            .take(5_000)
            .map(|(tag, count)| TagLink {
                href: format!("/tags/{}", segment(&tag)),
                text: words::line(&tag),
                count: grouped(count.unsigned_abs()),
            })
            .collect(),
    };
    render(StatusCode::OK, &page)
}
