//! Search over datasets, uploads and collections. A whole info-hash leads straight to its upload.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{Hit, HitKind, SearchQuery};

use super::frame::{Answer, Frame, go_to, render};
use super::lists::{List, ListQuery};
use crate::app::App;
use crate::auth::Visitor;
use crate::view::address::{ListAddress, segment};
use crate::view::words;

/// Longest query, in characters.
const LONGEST: usize = 200;

/// Something found.
#[derive(Clone, Debug)]
pub(crate) struct HitCard {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) snippet: String,
    pub(crate) kind: &'static str,
}

#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage {
    pub(crate) frame: Frame,
    pub(crate) query: String,
    pub(crate) kind: String,
    pub(crate) list: List,
    pub(crate) hits: Vec<HitCard>,
}

pub(crate) async fn search(app: web::Data<App>, visitor: Visitor, query: web::Query<ListQuery>) -> Answer {
    let text: String = words::line(&query.q).chars().take(LONGEST).collect();
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash {
        let hash = text.to_ascii_lowercase();
        if let Some(upload) = app.read(move |store| store.upload_by_hash(&hash)).await? {
            return Ok(go_to(format!("/uploads/{}", upload.id)));
        }
    }
    let kind = HitKind::from_word(&query.kind);
    let address = ListAddress::new("/search")
        .with("q", &text)
        .with("kind", if kind.is_some() { &query.kind } else { "" });
    let frame = Frame::new(&app, &visitor, "/search", "Search")
        .within("/search")
        .private();
    let mut page = SearchPage {
        frame,
        query: text.clone(),
        kind: String::new(),
        list: List::default(),
        hits: Vec::new(),
    };
    if !text.is_empty() {
        let wanted = SearchQuery {
            q: text.clone(),
            kind,
            paging: query.paging(),
        };
        let found = app.read(move |store| store.search(&wanted)).await?;
        page.list = List::of(&address, &query, &found, ("hit", "hits"))
            .choosing(
                &address,
                "kind",
                "In",
                &[
                    ("", "Everything"),
                    ("dataset", "Datasets"),
                    ("upload", "Uploads"),
                    ("collection", "Collections"),
                ],
            )
            .filtered(kind.is_some())
            .feeding("/feeds/search");
        page.list.feed_query = format!("?q={}", segment(&text));
        page.hits = found.items.into_iter().map(card).collect();
        page.kind.clone_from(&query.kind);
    }
    render(StatusCode::OK, &page)
}

fn card(hit: Hit) -> HitCard {
    let (href, kind) = match hit.kind {
        HitKind::Dataset => (format!("/datasets/{}", segment(&hit.name)), "Dataset"),
        HitKind::Upload => (format!("/uploads/{}", hit.id), "Upload"),
        HitKind::Collection => (format!("/collections/{}", segment(&hit.name)), "Collection"),
    };
    HitCard {
        href,
        kind,
        title: words::line(&hit.title),
        snippet: words::excerpt(&hit.snippet, 240),
    }
}
