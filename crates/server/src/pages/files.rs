//! All files of a large upload, page by page in the order of the torrent, so that no page grows with the torrent.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{Id, Page, Paging};

use super::frame::{Answer, Frame, render};
use super::lists::{List, ListQuery};
use super::moderate::open_to;
use super::upload::leaf;
use crate::app::App;
use crate::auth::Visitor;
use crate::error::Problem;
use crate::view::address::ListAddress;
use crate::view::size::counted;
use crate::view::tree::{self, Extent, Line};
use crate::view::words;

#[derive(Template)]
#[template(path = "files.html")]
pub(crate) struct FilesPage {
    pub(crate) frame: Frame,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) files: String,
    pub(crate) per_page: u32,
    pub(crate) tree: Vec<Line>,
    pub(crate) list: List,
}

pub(crate) async fn files(
    app: web::Data<App>,
    visitor: Visitor,
    id: web::Path<Id>,
    query: web::Query<ListQuery>,
) -> Answer {
    let id = id.into_inner();
    let paging = Paging {
        limit: Paging::MOST,
        ..query.paging()
    };
    let found = app.read(move |store| {
        let Some(upload) = store.upload(id)? else {
            return Ok(None);
        };
        Ok(Some((upload, store.upload_files(id, &paging)?)))
    });
    let (upload, page) = found.await?.ok_or_else(Problem::not_found)?;
    open_to(&visitor, &upload.state)?;
    let href = format!("/uploads/{id}");
    let path = format!("{href}/files");
    let title = words::line(&upload.name);
    let page = Page {
        items: page
            .items
            .into_iter()
            .filter(|file| !file.pad)
            .collect::<Vec<_>>(),
        next: page.next,
    };
    let view = FilesPage {
        frame: Frame::new(&app, &visitor, &path, &format!("Files of {title}")).within("/datasets"),
        files: counted(upload.file_count.unsigned_abs(), "file", "files"),
        per_page: Paging::MOST,
        list: List::of(&ListAddress::new(&path), &query, &page, ("file", "files")),
        tree: tree::lines(page.items.into_iter().map(leaf), Extent::Page),
        href,
        title,
    };
    render(StatusCode::OK, &view)
}
