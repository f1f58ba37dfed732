//! `/admin`: what moderators decide and administrators watch. Every decision takes effect before it is answered. What is
//! on its way to other servers is `deliveries.rs`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{Id, LogEntry, Paging, Scope, Store, StoreError, Target};
use utoipa::ToSchema;

use super::paging::{self, PageQuery};
use super::shapes::AccountShape;
use crate::app::App;
use crate::auth::Caller;
use crate::clock::rfc3339;
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/admin/log", web::get().to(log))
        .route("/admin/accounts", web::get().to(accounts))
        .route("/admin/{kind}/{id}/{act}", web::post().to(decide));
}

/// Why something is done; told to the person concerned and kept in the log.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// At most 2,000 characters.
    #[serde(default)]
    pub(super) reason: String,
}

impl Reason {
    /// The reason in a request, empty when there is none.
    pub(super) fn of(given: Option<web::Json<Self>>) -> Result<String, Problem> {
        let reason = given.map(|given| given.into_inner().reason).unwrap_or_default();
        if reason.chars().count() > 2000 {
            return Err(Problem::invalid("A reason has at most 2,000 characters."));
        }
        Ok(reason)
    }
}

/// An entry of the moderation log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogShape {
    id: String,
    at: String,
    /// The account that decided; none for the command line.
    by: Option<String>,
    act: String,
    target_kind: String,
    target_id: String,
    target: String,
    reason: String,
}

impl From<LogEntry> for LogShape {
    fn from(row: LogEntry) -> Self {
        Self {
            id: row.id.to_string(),
            at: rfc3339(row.at),
            by: row.by,
            act: row.act,
            target_kind: row.target_kind,
            target_id: row.target_id,
            target: row.target_label,
            reason: row.reason,
        }
    }
}

/// What a decision is about; named by id, slug, name or info-hash.
fn target(store: &Store, kind: &str, name: &str) -> Result<Target, StoreError> {
    let id = name.parse::<Id>().ok();
    let found = match kind {
        "uploads" => match id {
            Some(id) => store.upload(id)?,
            None => store.upload_by_hash(name)?,
        }
        .map(|row| Target::Upload(row.id)),
        "datasets" => match id {
            Some(id) => store.dataset_by_id(id)?,
            None => store.dataset(name)?,
        }
        .map(|row| Target::Dataset(row.id)),
        "collections" => store.collection(name)?.map(|row| Target::Collection(row.id)),
        "accounts" => match id {
            Some(id) => store.account_by_id(id)?,
            None => store.account(name)?,
        }
        .map(|row| Target::Account(row.id)),
        _ => None,
    };
    found.ok_or(StoreError::NotFound {
        what: "thing to decide about",
    })
}

/// Hides (reversible), restores or removes (final) an upload, dataset or collection; suspends or restores an account.
#[utoipa::path(post, path = "/api/v1/admin/{kind}/{id}/{act}", tag = "admin", request_body = Reason,
    params(("kind" = String, Path, description = "uploads, datasets, collections or accounts"),
        ("id" = String, Path, description = "Id, slug, name or info-hash"),
        ("act" = String, Path, description = "hide, restore or remove; suspend or restore for accounts")),
    security(("token" = [])), responses((status = 204), (status = 403), (status = 404)))]
pub(super) async fn decide(
    caller: Caller,
    path: web::Path<(String, String, String)>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    let (kind, name, act) = path.into_inner();
    caller.require(if kind == "accounts" {
        Scope::Admin
    } else {
        Scope::Review
    })?;
    let reason = Reason::of(reason)?;
    let by = caller.id();
    let decided = app.write(move |store, moment| {
        let target = target(store, &kind, &name)?;
        match (act.as_str(), target) {
            ("suspend" | "hide", Target::Account(id)) => store.suspend_account(moment, id, Some(by), &reason),
            ("restore", Target::Account(id)) => store.restore_account(moment, id, Some(by)),
            ("hide", target) => store.hide(moment, target, by, &reason),
            ("restore", target) => store.restore(moment, target, by, &reason),
            ("remove", target) => store.remove(moment, target, by, &reason),
            _ => Err(StoreError::Invalid(
                "The act must be hide, restore or remove.".into(),
            )),
        }
    });
    decided.await?;
    Ok(HttpResponse::NoContent().finish())
}

#[utoipa::path(get, path = "/api/v1/admin/log", tag = "admin", params(PageQuery), security(("token" = [])),
    responses((status = 200, body = inline(paging::List<LogShape>))))]
pub(super) async fn log(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Review)?;
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.moderation_log(&paging)).await?;
    Ok(paging::answer(&request, &app, page, LogShape::from))
}

#[utoipa::path(get, path = "/api/v1/admin/accounts", tag = "admin", params(PageQuery), security(("token" = [])),
    responses((status = 200, body = inline(paging::List<AccountShape>))))]
pub(super) async fn accounts(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Review)?;
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.accounts(&paging)).await?;
    Ok(paging::answer(&request, &app, page, |row| {
        AccountShape::of(&app, row, true)
    }))
}
