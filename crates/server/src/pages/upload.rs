//! An upload's page: one concrete copy, its files, hashes and swarm. The list of all its files, page by page, is
//! `files.rs`; making and changing uploads is `upload_form.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{AccountRef, Dataset, Id, Paging, Store, StoreError, Threat, Upload, UploadFile};

use super::cards;
use super::dataset::may_edit;
use super::frame::{Answer, Frame, Link, go_to, render};
use super::keep::Keep;
use super::lists::ListQuery;
use super::moderate::{Sheet, open_to};
use crate::announce_keys;
use crate::app::App;
use crate::auth::Visitor;
use crate::clock;
use crate::error::Problem;
use crate::view::hash::Hash;
use crate::view::markdown::Prose;
use crate::view::size::{Size, counted};
use crate::view::threat::Danger;
use crate::view::time::When;
use crate::view::tree::{self, Extent, Leaf, Line};
use crate::view::words;

/// Most files whose tree is shown whole on the upload's page.
const WHOLE_TREE: usize = 1_000;
/// Most trackers and web seeds named.
const MOST_ADDRESSES: usize = 20;
/// Files shown of a larger torrent.
const FIRST_FILES: usize = 100;

#[derive(Template)]
#[template(path = "upload.html")]
pub(crate) struct UploadPage {
    pub(crate) frame: Frame,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) dataset: Link,
    pub(crate) account: Link,
    pub(crate) created: When,
    pub(crate) updated: Option<When>,
    pub(crate) danger: Danger,
    pub(crate) keep: Keep,
    pub(crate) prose: Prose,
    pub(crate) method: Prose,
    pub(crate) files: String,
    pub(crate) tree: Vec<Line>,
    pub(crate) shown_files: String,
    pub(crate) more_files: String,
    pub(crate) hashes: Vec<Hash>,
    pub(crate) format: &'static str,
    pub(crate) piece_length: Size,
    pub(crate) torrent_size: Size,
    pub(crate) is_private: bool,
    /// Members who seed it now and want to be named.
    pub(crate) hosts: Vec<Link>,
    pub(crate) web_seeds: Vec<Link>,
    pub(crate) trackers: Vec<String>,
    pub(crate) may_edit: bool,
    pub(crate) withheld: String,
    pub(crate) moderation: Option<Sheet>,
}

struct Found {
    upload: Upload,
    dataset: Option<Dataset>,
    files: Vec<UploadFile>,
    is_whole: bool,
    post: Option<String>,
    hosts: Vec<AccountRef>,
}

fn find(store: &Store, upload: Upload, since: i64) -> Result<Found, StoreError> {
    let is_whole = upload.file_count.unsigned_abs() <= WHOLE_TREE as u64;
    let most = if is_whole { 2 * WHOLE_TREE } else { FIRST_FILES };
    let mut files = Vec::new();
    let mut paging = Paging::first(Paging::MOST.min(most as u32));
    loop {
        let page = store.upload_files(upload.id, &paging)?;
        files.extend(page.items.into_iter().filter(|file| !file.pad));
        match page.next {
            Some(cursor) if files.len() < most => paging.cursor = Some(cursor),
            _ => break,
        }
    }
    files.truncate(most);
    let post = store
        .live_posts(upload.id)?
        .into_iter()
        .next()
        .map(|record| record.uri);
    Ok(Found {
        hosts: store.hosts_of(upload.id, since)?,
        dataset: store.dataset_by_id(upload.dataset.id)?,
        upload,
        files,
        is_whole,
        post,
    })
}

/// The upload with this id; an info-hash leads to the id's address.
pub(crate) async fn upload(
    app: web::Data<App>,
    visitor: Visitor,
    name: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Answer {
    let Ok(id) = name.parse::<Id>() else {
        let found = app
            .read(move |store| store.upload_by_hash(&name))
            .await?
            .ok_or_else(Problem::not_found)?;
        return Ok(go_to(format!("/uploads/{}", found.id)));
    };
    let since = announce_keys::there_since(&app);
    let found = app.read(move |store| {
        let upload = store.upload(id)?;
        upload.map(|upload| find(store, upload, since)).transpose()
    });
    let found = found.await?;
    let found = found.ok_or_else(Problem::not_found)?;
    open_to(&visitor, &found.upload.state)?;
    render(StatusCode::OK, &page(&app, &visitor, &query, found))
}

fn page(app: &App, visitor: &Visitor, query: &ListQuery, found: Found) -> UploadPage {
    let Found {
        upload,
        dataset,
        files,
        is_whole,
        post,
        hosts,
    } = found;
    let now = clock::now();
    let href = format!("/uploads/{}", upload.id);
    let keep = Keep::of(app, &upload);
    let frame = frame(app, visitor, &upload, &keep).noticing(query.done.as_deref());
    let shown = counted(files.len() as u64, "file is", "files are");
    let (extent, shown_files, more_files) = match is_whole {
        true => (Extent::Whole, String::new(), String::new()),
        false => (
            Extent::Beginning,
            format!("{shown} shown here"),
            format!("{href}/files"),
        ),
    };
    let hashes = [
        upload.info_hash_v2.map(Hash::v2),
        upload.info_hash_v1.map(Hash::v1),
    ];
    let web_seeds = upload.web_seeds.iter().take(MOST_ADDRESSES);
    let trackers = upload.trackers.iter().take(MOST_ADDRESSES);
    UploadPage {
        frame: Frame {
            activities: post.into_iter().chain(app.record(upload.id)).collect(),
            ..frame
        },
        title: words::line(&upload.name),
        moderation: Sheet::of(visitor, "upload", upload.id, &upload.state, &href),
        dataset: cards::dataset_link(&upload),
        account: cards::account_link(&upload.account),
        created: When::new(upload.created_at, now),
        updated: (upload.updated_at > upload.created_at).then(|| When::new(upload.updated_at, now)),
        danger: Danger(dataset.map_or(Threat::Unknown, |dataset| dataset.threat)),
        prose: Prose::render(&upload.description),
        method: Prose::render(&upload.method),
        files: counted(upload.file_count.unsigned_abs(), "file", "files"),
        tree: tree::lines(files.into_iter().map(leaf), extent),
        shown_files,
        more_files,
        hashes: hashes.into_iter().flatten().collect(),
        format: format_words(upload.format.as_str()),
        piece_length: Size::stored(upload.piece_length),
        torrent_size: Size::stored(upload.torrent_size),
        is_private: upload.private,
        hosts: hosts.iter().map(cards::account_link).collect(),
        web_seeds: web_seeds.map(|url| Link::typed(&words::line(url))).collect(),
        trackers: trackers.map(|url| words::line(url)).collect(),
        may_edit: may_edit(visitor, upload.account.id),
        withheld: cards::withheld(&upload.state),
        href,
        keep,
    }
}

fn frame(app: &App, visitor: &Visitor, upload: &Upload, keep: &Keep) -> Frame {
    let summary = format!(
        "{}, {}. A copy of “{}”. {}",
        keep.swarm.sentence(),
        keep.size.short(),
        words::line(&upload.dataset.title),
        Prose::plain(&upload.description)
    );
    let frame = Frame::new(app, visitor, &format!("/uploads/{}", upload.id), &upload.name);
    Frame {
        picture: Some(keep.preview(app)),
        ..frame.within("/datasets").about(&summary)
    }
}

/// A file with its place in the tree.
pub(crate) fn leaf(file: UploadFile) -> Leaf {
    Leaf {
        path: file.path.iter().map(|part| words::line(part)).collect(),
        size: Size::stored(file.size),
    }
}

fn format_words(format: &str) -> &'static str {
    match format {
        "v1" => "BitTorrent v1",
        "v2" => "BitTorrent v2",
        _ => "Hybrid: BitTorrent v1 and v2",
    }
}
