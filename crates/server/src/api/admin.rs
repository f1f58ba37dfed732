//! `/admin`: what moderators decide and administrators watch. Every decision takes effect before it is answered.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{
    DeliveryQuery, DeliveryRow, DeliveryState, Host, Id, LogEntry, Paging, Scope, Store, StoreError, Target,
};
use utoipa::{IntoParams, ToSchema};

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
        .route("/admin/deliveries", web::get().to(deliveries))
        .route("/admin/deliveries/{id}/drop", web::post().to(drop_delivery))
        .route("/admin/instances", web::get().to(instances))
        .route("/admin/instances/{host}/retry", web::post().to(retry))
        .route("/admin/{kind}/{id}/{act}", web::post().to(decide));
}

/// Why something is done; told to the person concerned and kept in the log.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// At most 2,000 characters.
    #[serde(default)]
    reason: String,
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

/// One activity on its way to one inbox.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryShape {
    id: i64,
    activity: String,
    /// Create, Update, Delete, Accept …
    kind: String,
    host: String,
    inbox: String,
    /// waiting, delivered or refused.
    state: &'static str,
    attempts: u32,
    /// What the inbox answered last.
    status: Option<u16>,
    /// Why it failed last.
    reason: Option<String>,
    created_at: String,
    tried_at: Option<String>,
    done_at: Option<String>,
}

impl From<DeliveryRow> for DeliveryShape {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            activity: row.activity_uri,
            kind: row.kind,
            host: row.host,
            inbox: row.inbox,
            state: row.state.word(),
            attempts: row.attempts,
            status: row.status,
            reason: row.reason,
            created_at: rfc3339(row.created_at),
            tried_at: row.tried_at.map(rfc3339),
            done_at: row.done_at.map(rfc3339),
        }
    }
}

/// A server that we send to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HostShape {
    host: String,
    waiting: i64,
    /// Failures in a row.
    failures: u32,
    failing_since: Option<String>,
    /// What it answered when it failed last.
    status: Option<u16>,
    /// Why it failed last.
    reason: Option<String>,
    retry_at: Option<String>,
    answered_at: Option<String>,
}

impl From<Host> for HostShape {
    fn from(row: Host) -> Self {
        Self {
            host: row.host,
            waiting: row.waiting,
            failures: row.failures,
            failing_since: row.failing_since.map(rfc3339),
            status: row.last_status,
            reason: row.last_reason,
            retry_at: row.retry_at.map(rfc3339),
            answered_at: row.last_success_at.map(rfc3339),
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
    let reason = reason.map(|r| r.into_inner().reason).unwrap_or_default();
    if reason.chars().count() > 2000 {
        return Err(Problem::invalid("A reason has at most 2,000 characters."));
    }
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

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// Entries of a page, 1 to 200; 50 when not given.
    limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    cursor: Option<String>,
    /// Only to this host.
    host: Option<String>,
    /// waiting, delivered or refused.
    state: Option<String>,
}

#[utoipa::path(get, path = "/api/v1/admin/deliveries", tag = "admin", params(DeliveriesQuery), security(("token" = [])),
    responses((status = 200, body = inline(paging::List<DeliveryShape>))))]
pub(super) async fn deliveries(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<DeliveriesQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let query = query.into_inner();
    let state = query
        .state
        .as_deref()
        .map(|word| DeliveryState::from_word(word).ok_or(()))
        .transpose();
    let wanted = DeliveryQuery {
        paging: Paging::from(&PageQuery {
            limit: query.limit,
            cursor: query.cursor,
        }),
        host: query.host,
        state: state.map_err(|()| Problem::invalid("state must be waiting, delivered or refused."))?,
    };
    let page = app.read(move |store| store.deliveries(&wanted)).await?;
    Ok(paging::answer(&request, &app, page, DeliveryShape::from))
}

#[utoipa::path(post, path = "/api/v1/admin/deliveries/{id}/drop", tag = "admin", params(("id" = String, Path)),
    request_body = Reason, security(("token" = [])), responses((status = 204)))]
pub(super) async fn drop_delivery(
    caller: Caller,
    id: web::Path<String>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let id: i64 = id.parse().map_err(|_| Problem::not_found())?;
    let (by, reason) = (
        caller.id(),
        reason.map(|r| r.into_inner().reason).unwrap_or_default(),
    );
    app.write(move |store, moment| store.drop_delivery(moment, id, by, &reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[utoipa::path(get, path = "/api/v1/admin/instances", tag = "admin", params(PageQuery), security(("token" = [])),
    responses((status = 200, body = inline(paging::List<HostShape>))))]
pub(super) async fn instances(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.hosts(&paging)).await?;
    Ok(paging::answer(&request, &app, page, HostShape::from))
}

/// Tries a server again now instead of at its next time.
#[utoipa::path(post, path = "/api/v1/admin/instances/{host}/retry", tag = "admin", params(("host" = String, Path)),
    security(("token" = [])), responses((status = 204)))]
pub(super) async fn retry(caller: Caller, host: web::Path<String>, app: web::Data<App>) -> Answer {
    caller.require(Scope::Admin)?;
    let host = host.into_inner();
    app.write(move |store, moment| store.retry_now(moment, &host))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
