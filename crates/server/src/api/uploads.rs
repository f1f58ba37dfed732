//! `/uploads`: concrete copies, each exactly one torrent.

use actix_multipart::Multipart;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{Id, Paging, Scope, Upload, UploadEdit, UploadFile, UploadQuery, UploadSort, Visibility};
use utoipa::{IntoParams, ToSchema};

use super::paging::{self, PageQuery};
use super::shapes::UploadShape;
use crate::announce_keys;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Problem;
use crate::publishing::{self, UploadForm};

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/datasets/{slug}/uploads")
                .route(web::get().to(of_dataset))
                .route(web::post().to(create)),
        )
        .route("/uploads", web::get().to(list))
        .service(
            web::resource("/uploads/{id}")
                .route(web::get().to(show))
                .route(web::patch().to(edit)),
        )
        .route("/uploads/{id}/files", web::get().to(files))
        .route("/uploads/{id}/hosts", web::get().to(hosts))
        .route("/uploads/{id}/torrent", web::get().to(torrent));
}

/// The multipart form of an upload.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the form for OpenAPI; it is read field by field"
)]
pub(super) struct UploadInput {
    /// The `.torrent`, at most 10,000,000 bytes.
    #[schema(format = Binary, content_media_type = "application/x-bittorrent")]
    torrent: Vec<u8>,
    /// How the copy was acquired, Markdown.
    method: Option<String>,
    /// What is particular about this copy, Markdown.
    description: Option<String>,
}

/// What changes of an upload; its torrent never does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadChange {
    method: Option<String>,
    description: Option<String>,
}

/// Which uploads, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadsQuery {
    /// Entries of a page, 1 to 200; 50 when not given.
    limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    cursor: Option<String>,
    /// newest (usual), size or completed.
    sort: Option<String>,
    /// Only of this account.
    account: Option<String>,
    /// Only of datasets in this collection.
    collection: Option<String>,
}

/// A file of an upload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileShape {
    path: Vec<String>,
    size: i64,
    /// BEP 52 Merkle root, hexadecimal.
    pieces_root: Option<String>,
    pad: bool,
}

impl From<UploadFile> for FileShape {
    fn from(row: UploadFile) -> Self {
        Self {
            path: row.path,
            size: row.size,
            pieces_root: row.pieces_root,
            pad: row.pad,
        }
    }
}

/// An upload that anyone may see, by its id or an info-hash, else 404 or 410.
pub(crate) async fn visible(app: &App, name: &str) -> Result<Upload, Problem> {
    let name = name.to_owned();
    let found = app.read(move |store| match name.parse::<Id>() {
        Ok(id) => store.upload(id),
        Err(_) => store.upload_by_hash(&name),
    });
    let row = found.await?.ok_or_else(Problem::not_found)?;
    match row.state {
        Visibility::Visible => Ok(row),
        Visibility::Hidden { .. } | Visibility::Removed { .. } => Err(Problem::gone("")),
    }
}

async fn page(
    request: HttpRequest,
    query: UploadsQuery,
    dataset: Option<String>,
    app: web::Data<App>,
) -> Answer {
    let sort = query
        .sort
        .as_deref()
        .map(|word| UploadSort::from_word(word).ok_or(()))
        .transpose();
    let wanted = UploadQuery {
        paging: Paging::from(&PageQuery {
            limit: query.limit,
            cursor: query.cursor,
        }),
        sort: sort
            .map_err(|()| Problem::invalid("sort must be newest, size or completed."))?
            .unwrap_or_default(),
        dataset,
        account: query.account,
        collection: query.collection,
        ..UploadQuery::default()
    };
    let page = app.read(move |store| store.uploads(&wanted)).await?;
    Ok(paging::answer(&request, &app, page, |row| {
        UploadShape::of(&app, row)
    }))
}

#[utoipa::path(get, path = "/api/v1/uploads", tag = "uploads", params(UploadsQuery),
    responses((status = 200, body = inline(paging::List<UploadShape>))))]
pub(super) async fn list(
    request: HttpRequest,
    query: web::Query<UploadsQuery>,
    app: web::Data<App>,
) -> Answer {
    page(request, query.into_inner(), None, app).await
}

#[utoipa::path(get, path = "/api/v1/datasets/{slug}/uploads", tag = "uploads",
    params(("slug" = String, Path), UploadsQuery),
    responses((status = 200, body = inline(paging::List<UploadShape>))))]
pub(super) async fn of_dataset(
    request: HttpRequest,
    slug: web::Path<String>,
    query: web::Query<UploadsQuery>,
    app: web::Data<App>,
) -> Answer {
    let dataset = super::datasets::visible(&app, &slug).await?;
    page(request, query.into_inner(), Some(dataset.slug), app).await
}

#[utoipa::path(post, path = "/api/v1/datasets/{slug}/uploads", tag = "uploads", params(("slug" = String, Path)),
    request_body(content = UploadInput, content_type = "multipart/form-data"), security(("token" = [])),
    responses((status = 201, body = UploadShape), (status = 400, description = "The torrent is refused; detail says why"),
        (status = 409, description = "The torrent is here already; existing names its upload")))]
pub(super) async fn create(
    caller: Caller,
    slug: web::Path<String>,
    parts: Multipart,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Upload)?;
    app.limits.change(caller.id())?;
    let form = UploadForm::read(parts, &app).await?;
    let row = publishing::publish(&app, caller.id(), &slug, form).await?;
    Ok(HttpResponse::Created().json(UploadShape::of(&app, row)))
}

#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "Its id, or an info-hash")),
    responses((status = 200, body = UploadShape), (status = 404), (status = 410)))]
pub(super) async fn show(id: web::Path<String>, app: web::Data<App>) -> Answer {
    let row = visible(&app, &id).await?;
    Ok(HttpResponse::Ok().json(UploadShape::of(&app, row)))
}

#[utoipa::path(patch, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    request_body = UploadChange, security(("token" = [])), responses((status = 200, body = UploadShape)))]
pub(super) async fn edit(
    caller: Caller,
    id: web::Path<String>,
    change: web::Json<UploadChange>,
    app: web::Data<App>,
) -> Answer {
    let row = visible(&app, &id).await?;
    if row.account.id != caller.id() {
        caller.require(Scope::Review)?;
    }
    app.limits.change(caller.id())?;
    let change = change.into_inner();
    let (edit, by) = (
        UploadEdit {
            method: change.method,
            description: change.description,
        },
        caller.id(),
    );
    let row = app
        .write(move |store, moment| store.edit_upload(moment, row.id, edit, by))
        .await?;
    Ok(HttpResponse::Ok().json(UploadShape::of(&app, row)))
}

#[utoipa::path(get, path = "/api/v1/uploads/{id}/files", tag = "uploads", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = inline(paging::List<FileShape>))))]
pub(super) async fn files(
    request: HttpRequest,
    id: web::Path<String>,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    let row = visible(&app, &id).await?;
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.upload_files(row.id, &paging)).await?;
    Ok(paging::answer(&request, &app, page, FileShape::from))
}

#[utoipa::path(get, path = "/api/v1/uploads/{id}/hosts", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, body = Vec<String>,
        description = "Accounts that seed it now and want to be named, by name; at most 20")))]
pub(super) async fn hosts(id: web::Path<String>, app: web::Data<App>) -> Answer {
    let row = visible(&app, &id).await?;
    let since = announce_keys::there_since(&app);
    let hosts = app.read(move |store| store.hosts_of(row.id, since)).await?;
    let names: Vec<String> = hosts.into_iter().map(|host| host.name).collect();
    Ok(HttpResponse::Ok().json(names))
}

#[utoipa::path(get, path = "/api/v1/uploads/{id}/torrent", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/x-bittorrent", description = "Byte for byte as it was uploaded")))]
pub(super) async fn torrent(id: web::Path<String>, app: web::Data<App>) -> Answer {
    let row = visible(&app, &id).await?;
    let id = row.id;
    let bytes = app
        .read(move |store| store.torrent_bytes(id))
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/x-bittorrent"))
        .insert_header((header::CONTENT_DISPOSITION, attachment(&row.name)))
        .body(bytes))
}

/// A file name for the download: plain ASCII for old readers, the whole name in UTF-8 beside it (RFC 6266).
fn attachment(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._- ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let whole = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}.torrent\"; filename*=UTF-8''{whole}.torrent")
}
