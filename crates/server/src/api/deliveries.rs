//! `/admin/deliveries`: what is on its way to other servers, server by server and one by one; trying again, holding back,
//! letting go on, dropping. Sending is the federation's courier.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{
    DeliveryQuery, DeliveryRow, DeliveryState, HostOrder, HostQuery, Paging, QueuedHost, Scope, Shelved,
    StoreError,
};
use utoipa::{IntoParams, ToSchema};

use super::admin::Reason;
use super::paging::{self, PageQuery};
use crate::app::App;
use crate::auth::Caller;
use crate::clock::rfc3339;
use crate::error::Problem;

/// Most deliveries that one call drops; whoever wants more calls again.
pub(crate) const MOST_DROPPED: u32 = 100_000;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/admin/deliveries", web::get().to(deliveries))
        .route("/admin/deliveries/hosts", web::get().to(hosts))
        .route("/admin/deliveries/hosts/{host}", web::get().to(host))
        .route("/admin/deliveries/hosts/{host}/{act}", web::post().to(order))
        .route("/admin/deliveries/{id}/drop", web::post().to(drop_delivery));
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
    /// Deliveries that wait for it.
    waiting: i64,
    /// When the one that waits longest was queued.
    oldest_waiting_at: Option<String>,
    /// Failures in a row.
    failures: u32,
    failing_since: Option<String>,
    /// What it answered when it failed last.
    status: Option<u16>,
    /// Why it failed last.
    reason: Option<String>,
    /// When it is tried next, if it must wait.
    retry_at: Option<String>,
    /// Until when it asked to be left alone.
    asked_until: Option<String>,
    answered_at: Option<String>,
    /// Since when an administrator holds it back.
    paused_at: Option<String>,
    paused_by: Option<String>,
    paused_reason: Option<String>,
}

impl From<QueuedHost> for HostShape {
    fn from(row: QueuedHost) -> Self {
        let QueuedHost {
            host,
            oldest_waiting_at,
            paused_by,
        } = row;
        let (paused_at, paused_reason) = host.paused.map(|pause| (pause.at, pause.reason)).unzip();
        Self {
            host: host.host,
            waiting: host.waiting,
            oldest_waiting_at: oldest_waiting_at.map(rfc3339),
            failures: host.failures,
            failing_since: host.failing_since.map(rfc3339),
            status: host.last_status,
            reason: host.last_reason,
            retry_at: host.retry_at.map(rfc3339),
            asked_until: host.asked_until.map(rfc3339),
            answered_at: host.last_success_at.map(rfc3339),
            paused_at: paused_at.map(rfc3339),
            paused_by,
            paused_reason,
        }
    }
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

/// Each delivery, the newest first.
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

/// Gives one delivery up that waits.
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
    let (by, reason) = (caller.id(), Reason::of(reason)?);
    app.write(move |store, moment| store.drop_delivery(moment, id, by, &reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Which servers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HostsQuery {
    /// Entries of a page, 1 to 200; 50 when not given.
    limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    cursor: Option<String>,
    /// waiting (next to be tried first), failing (longest first) or paused (longest first); all by name when not given.
    state: Option<String>,
}

/// The queue by server: how much waits for each, since when, and how it is doing.
#[utoipa::path(get, path = "/api/v1/admin/deliveries/hosts", tag = "admin", params(HostsQuery), security(("token" = [])),
    responses((status = 200, body = inline(paging::List<HostShape>))))]
pub(super) async fn hosts(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<HostsQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let query = query.into_inner();
    let only = query.state.as_deref().map(|word| match Shelved::from_word(word) {
        Some(shelf) => Ok(shelf),
        None => Err(Problem::invalid("state must be waiting, failing or paused.")),
    });
    let wanted = HostQuery {
        only: only.transpose()?,
        paging: Paging::from(&PageQuery {
            limit: query.limit,
            cursor: query.cursor,
        }),
    };
    let page = app.read(move |store| store.hosts(&wanted)).await?;
    Ok(paging::answer(&request, &app, page, HostShape::from))
}

/// How one server is doing.
#[utoipa::path(get, path = "/api/v1/admin/deliveries/hosts/{host}", tag = "admin", params(("host" = String, Path)),
    security(("token" = [])), responses((status = 200, body = HostShape), (status = 404)))]
pub(super) async fn host(caller: Caller, host: web::Path<String>, app: web::Data<App>) -> Answer {
    caller.require(Scope::Admin)?;
    let host = host.into_inner();
    let found = app.read(move |store| store.queued_host(&host)).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(HostShape::from(found)))
}

/// How the order was carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Carried {
    /// Deliveries that were dropped by this call.
    dropped: usize,
    /// Deliveries that wait now.
    waiting: i64,
}

/// Tries a server now instead of at its next time, holds it back (pause), lets it go on (resume), or drops what waits for
/// it: at most 100,000 deliveries in one call, the oldest first.
#[utoipa::path(post, path = "/api/v1/admin/deliveries/hosts/{host}/{act}", tag = "admin", request_body = Reason,
    params(("host" = String, Path), ("act" = String, Path, description = "retry, pause, resume or drop")),
    security(("token" = [])), responses((status = 200, body = Carried), (status = 404)))]
pub(super) async fn order(
    caller: Caller,
    path: web::Path<(String, String)>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let (host, act) = path.into_inner();
    let order = HostOrder {
        host: host.clone(),
        by: caller.id(),
        reason: Reason::of(reason)?,
    };
    let done = app.write(move |store, moment| {
        let dropped = match act.as_str() {
            "retry" => store.retry_now(moment, &order.host).map(|()| 0),
            "pause" => store.pause_host(moment, order).map(|()| 0),
            "resume" => store.resume_host(moment, order).map(|()| 0),
            "drop" => store.drop_deliveries_to(moment, order, MOST_DROPPED),
            _ => Err(StoreError::Invalid(
                "The act must be retry, pause, resume or drop.".into(),
            )),
        }?;
        let waiting = store.host(&host)?.map_or(0, |host| host.waiting);
        Ok(Carried { dropped, waiting })
    });
    Ok(HttpResponse::Ok().json(done.await?))
}
