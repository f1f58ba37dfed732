//! Lists of uploads: the newest, those of a dataset or an account, and those that need copies. Next in the flow:
//! `upload.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{StoreError, UploadQuery, UploadSort};

use super::cards::{self, UploadCard};
use super::frame::{Answer, Frame, render};
use super::lists::{List, ListQuery};
use super::scarce::{MOST_KEPT, Scarcity};
use crate::app::App;
use crate::auth::Visitor;
use crate::clock;
use crate::view::address::{ListAddress, segment};
use crate::view::size::counted;
use crate::view::threat::Danger;
use crate::view::words;

#[derive(Template)]
#[template(path = "uploads.html")]
pub(crate) struct UploadsPage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) introduction: String,
    pub(crate) list: List,
    pub(crate) uploads: Vec<UploadCard>,
    pub(crate) empty_heading: &'static str,
    pub(crate) empty_words: &'static str,
}

/// Uploads by age, size or name; `?dataset=` and `?account=` narrow them.
pub(crate) async fn uploads(app: web::Data<App>, visitor: Visitor, query: web::Query<ListQuery>) -> Answer {
    let address = ListAddress::new("/uploads")
        .with("dataset", &query.dataset)
        .with("account", &query.account)
        .with("sort", &query.sort);
    let wanted = UploadQuery {
        paging: query.paging(),
        sort: UploadSort::from_word(&query.sort).unwrap_or_default(),
        dataset: Some(query.dataset.clone()).filter(|slug| !slug.is_empty()),
        account: Some(query.account.clone()).filter(|name| !name.is_empty()),
        ..UploadQuery::default()
    };
    let found = app.read(move |store| {
        let page = store.uploads(&wanted)?;
        let dangers = cards::dangers(store, &page.items)?;
        Ok::<_, StoreError>((page, dangers))
    });
    let ((page, dangers), now) = (found.await?, clock::now());
    let (heading, feed) = heading_and_feed(&query);
    let view = UploadsPage {
        frame: Frame::new(&app, &visitor, "/uploads", &heading)
            .within("/datasets")
            .feeding(heading.clone(), feed.clone()),
        introduction: "Concrete copies of datasets, one torrent each.".to_owned(),
        list: List::of(&address, &query, &page, ("upload", "uploads"))
            .choosing(
                &address,
                "sort",
                "Sort",
                &[
                    ("", "Newest"),
                    ("size", "Largest"),
                    ("completed", "Most downloaded"),
                ],
            )
            .feeding(feed),
        uploads: page
            .items
            .iter()
            .map(|one| UploadCard::of(&app, one, cards::danger_of(&dangers, one), now))
            .collect(),
        empty_heading: "No uploads yet",
        empty_words: "Uploads stand here when someone publishes a torrent into a dataset.",
        heading,
    };
    render(StatusCode::OK, &view)
}

/// What the list is called, and the feed that comes nearest to it.
fn heading_and_feed(query: &ListQuery) -> (String, String) {
    match (query.dataset.as_str(), query.account.as_str()) {
        ("", "") => ("Uploads".to_owned(), "/feeds/all".to_owned()),
        (slug, "") => (
            format!("Uploads of {}", words::line(slug)),
            format!("/feeds/datasets/{}", segment(slug)),
        ),
        (_, name) => (
            format!("Uploads by {}", words::line(name)),
            format!("/feeds/accounts/{}", segment(name)),
        ),
    }
}

/// Uploads with few complete copies, rarest and most endangered first; `?threat=` narrows them.
pub(crate) async fn needs_seeds(
    app: web::Data<App>,
    scarcity: web::Data<Scarcity>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Answer {
    let scarce = scarcity.list(&app, MOST_KEPT).await?;
    let (danger, now) = (Danger::from_key(&query.threat), clock::now());
    let address = ListAddress::new("/needs-seeds").with("threat", &query.threat);
    let uploads: Vec<_> = scarce
        .iter()
        .filter(|one| danger.is_none_or(|danger| danger == one.danger))
        .map(|one| UploadCard::of(&app, &one.upload, one.danger, now))
        .collect();
    let options: Vec<_> = [("", "All")]
        .into_iter()
        .chain(
            Danger::ALL
                .into_iter()
                .filter(|danger| danger.is_known())
                .map(|danger| (danger.key(), danger.word())),
        )
        .collect();
    let count = counted(uploads.len() as u64, "upload", "uploads");
    let list = List {
        count: if scarce.len() < MOST_KEPT {
            count
        } else {
            format!("The {count} that need it most")
        },
        ..List::default()
    };
    let view = UploadsPage {
        frame: Frame::new(&app, &visitor, "/needs-seeds", "Needs copies")
            .within("/needs-seeds")
            .about("Uploads with few complete copies: what would be lost first.")
            .feeding("What needs copies", "/feeds/needs-seeds"),
        heading: "Needs copies".to_owned(),
        introduction: "What would be lost first: the fewest complete copies, then the greatest danger. Give the feed to a BitTorrent program that reads feeds, and it keeps what is needed most."
            .to_owned(),
        list: list.choosing(&address, "threat", "Source", &options).filtered(danger.is_some()).feeding("/feeds/needs-seeds"),
        uploads,
        empty_heading: "Nothing needs copies here",
        empty_words: "Uploads with fewer than five complete copies stand here. At the moment there are none in this list.",
    };
    render(StatusCode::OK, &view)
}
