//! The list of collections. Next in the flow: `collection.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::Scope;

use super::cards::CollectionCard;
use super::frame::{Answer, Frame, render};
use super::lists::{List, ListQuery};
use crate::app::App;
use crate::auth::Visitor;
use crate::view::address::ListAddress;

#[derive(Template)]
#[template(path = "collections.html")]
pub(crate) struct CollectionsPage {
    pub(crate) frame: Frame,
    pub(crate) list: List,
    pub(crate) collections: Vec<CollectionCard>,
    pub(crate) may_create: bool,
}

pub(crate) async fn collections(
    app: web::Data<App>,
    visitor: Visitor,
    query: web::Query<ListQuery>,
) -> Answer {
    let paging = query.paging();
    let (page, stats) = app
        .read(move |store| Ok((store.collections(&paging)?, store.stats()?)))
        .await?;
    let view = CollectionsPage {
        frame: Frame::new(&app, &visitor, "/collections", "Collections")
            .within("/collections")
            .about(
                "Collections of datasets that can be followed from Mastodon and any other fediverse server.",
            )
            .feeding("Everything new", "/feeds/all"),
        list: List::of(
            &ListAddress::new("/collections"),
            &query,
            &page,
            ("collection", "collections"),
        )
        .out_of(stats.collections, ("collection", "collections"))
        .feeding("/feeds/all"),
        collections: page
            .items
            .iter()
            .map(|one| CollectionCard::of(&app, one))
            .collect(),
        may_create: visitor.may(Scope::Submit),
    };
    render(StatusCode::OK, &view)
}
