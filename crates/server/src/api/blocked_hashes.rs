//! `/admin/blocked-hashes`: forbidding torrents that nobody has uploaded here, and taking that back. What is here is hidden
//! or removed instead, `admin.rs`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use shoal_store::{BlockedHash, Paging, Scope};
use utoipa::ToSchema;

use super::admin::Reason;
use super::paging::{self, PageQuery};
use crate::app::App;
use crate::auth::{Caller, Identity};
use crate::clock::rfc3339;
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/admin/blocked-hashes", web::get().to(list))
        .route("/admin/blocked-hashes/{hash}/block", web::post().to(block))
        .route("/admin/blocked-hashes/{hash}/unblock", web::post().to(unblock));
}

/// What is decided about a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Block,
    Unblock,
}

/// A hash that is blocked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BlockedHashShape {
    /// As it was given: 40 or 64 hexadecimal digits.
    hash: String,
    reason: String,
    /// The account that decided.
    by: Option<String>,
    at: String,
}

impl From<BlockedHash> for BlockedHashShape {
    fn from(row: BlockedHash) -> Self {
        Self {
            hash: row.hash,
            reason: row.reason,
            by: row.by,
            at: rfc3339(row.at),
        }
    }
}

/// Decides about a hash; the tracker heeds it before this returns. Also what the page's form does.
///
/// # Errors
/// 400 for what is no hash, and for a block without a reason; 403 if an upload has it; 404 for taking back what was not
/// decided.
pub(crate) async fn decide(
    app: &App,
    who: &Identity,
    hash: String,
    (act, reason): (Act, String),
) -> Result<(), Problem> {
    let by = who.id();
    let decided = app.write(move |store, moment| match act {
        Act::Block => store.block_hash(moment, &hash, by, &reason),
        Act::Unblock => store.unblock_hash(moment, &hash, by, &reason),
    });
    Ok(decided.await?)
}

async fn decided(
    caller: &Caller,
    app: &App,
    hash: web::Path<String>,
    (act, reason): (Act, Option<web::Json<Reason>>),
) -> Answer {
    caller.require(Scope::Review)?;
    decide(app, caller, hash.into_inner(), (act, Reason::of(reason)?)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The hashes that are blocked although no upload here has them.
#[utoipa::path(get, path = "/api/v1/admin/blocked-hashes", tag = "admin", params(PageQuery),
    security(("token" = [])), responses((status = 200, body = inline(paging::List<BlockedHashShape>))))]
pub(super) async fn list(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Review)?;
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.blocked_hashes(&paging)).await?;
    Ok(paging::answer(&request, &app, page, BlockedHashShape::from))
}

/// Blocks a hash: the tracker refuses it in every mode and drops its swarm, and no upload with it is taken. A hybrid torrent
/// has two, each of which is blocked for itself. Needs a reason.
#[utoipa::path(post, path = "/api/v1/admin/blocked-hashes/{hash}/block", tag = "admin",
    params(("hash" = String, Path, description = "40 hexadecimal digits of a v1 hash or a v2 hash cut short, or 64 of a v2 hash")),
    request_body = Reason, security(("token" = [])),
    responses((status = 204), (status = 400), (status = 403, description = "An upload here has it")))]
pub(super) async fn block(
    caller: Caller,
    hash: web::Path<String>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    decided(&caller, &app, hash, (Act::Block, reason)).await
}

/// Takes the block of a hash back. That of a removed upload's hash stays.
#[utoipa::path(post, path = "/api/v1/admin/blocked-hashes/{hash}/unblock", tag = "admin",
    params(("hash" = String, Path)), request_body = Reason, security(("token" = [])),
    responses((status = 204), (status = 404)))]
pub(super) async fn unblock(
    caller: Caller,
    hash: web::Path<String>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    decided(&caller, &app, hash, (Act::Unblock, reason)).await
}
