//! `/admin/instances`: blocking other servers, allowing one under a blocked domain, taking that back. How deliveries to
//! them go is `deliveries.rs`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use shoal_store::{Instance, Paging, Scope, Severed};
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
        .route("/admin/instances", web::get().to(list))
        .route("/admin/instances/{domain}/block", web::post().to(block))
        .route("/admin/instances/{domain}/allow", web::post().to(allow))
        .route("/admin/instances/{domain}/reset", web::post().to(reset));
}

/// What is decided about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Block,
    Allow,
    Reset,
}

/// A decision that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// The domain as it is kept; it covers what is under it, and every port.
    pub(crate) domain: String,
    /// Followers from there that follow no more.
    followers_ended: usize,
    /// Actors there that are followed no more.
    following_ended: usize,
    /// Deliveries that waited and are not sent.
    deliveries_ended: usize,
}

/// A decision in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionShape {
    domain: String,
    /// blocked or allowed.
    standing: &'static str,
    reason: String,
    /// The account that decided.
    by: Option<String>,
    at: String,
}

impl From<Instance> for DecisionShape {
    fn from(row: Instance) -> Self {
        Self {
            domain: row.domain,
            standing: row.standing.word(),
            reason: row.reason,
            by: row.by,
            at: rfc3339(row.at),
        }
    }
}

/// Decides about a server, however it was written; in force on this process before it returns. Also what the page's form
/// does.
///
/// # Errors
/// 400 for what is no server, this server, or a block without a reason; 404 for taking back what was not decided.
pub(crate) async fn decide(
    app: &App,
    who: &Identity,
    name: &str,
    (act, reason): (Act, String),
) -> Result<Done, Problem> {
    let domain = app.federation.instance_named(name).ok_or_else(|| {
        Problem::invalid(
            "Name another server, like evil.example. This server itself and what is above it cannot be blocked.",
        )
    })?;
    let (by, named) = (who.id(), domain.clone());
    let severed = app.write(move |store, moment| match act {
        Act::Block => store.block_instance(moment, &named, by, &reason),
        Act::Allow => (store.allow_instance(moment, &named, by, &reason)).map(|()| Severed::default()),
        Act::Reset => (store.reset_instance(moment, &named, by, &reason)).map(|()| Severed::default()),
    });
    let severed = severed.await?;
    let federation = app.federation.clone();
    app.outside(async move { federation.heed_blocks().await })
        .await??;
    Ok(Done {
        domain,
        followers_ended: severed.followers,
        following_ended: severed.followed,
        deliveries_ended: severed.deliveries,
    })
}

async fn decided(
    caller: &Caller,
    app: &App,
    domain: &str,
    (act, reason): (Act, Option<web::Json<Reason>>),
) -> Answer {
    caller.require(Scope::Review)?;
    let reason = reason.map(|given| given.into_inner().reason).unwrap_or_default();
    let done = decide(app, caller, domain, (act, reason)).await?;
    Ok(HttpResponse::Ok().json(done))
}

/// The servers that are blocked, or allowed under a blocked domain.
#[utoipa::path(get, path = "/api/v1/admin/instances", tag = "admin", params(PageQuery),
    security(("token" = [])), responses((status = 200, body = inline(paging::List<DecisionShape>))))]
pub(super) async fn list(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    caller.require(Scope::Review)?;
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.instances(&paging)).await?;
    Ok(paging::answer(&request, &app, page, DecisionShape::from))
}

/// Blocks a server with everything under its domain, on every port: nothing is taken from it, fetched from it or sent to
/// it, and who follows from there follows no more. Needs a reason.
#[utoipa::path(post, path = "/api/v1/admin/instances/{domain}/block", tag = "admin", params(("domain" = String, Path)),
    request_body = Reason, security(("token" = [])), responses((status = 200, body = Done), (status = 400)))]
pub(super) async fn block(
    caller: Caller,
    domain: web::Path<String>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    decided(&caller, &app, &domain, (Act::Block, reason)).await
}

/// Allows a server although a domain above it is blocked.
#[utoipa::path(post, path = "/api/v1/admin/instances/{domain}/allow", tag = "admin", params(("domain" = String, Path)),
    request_body = Reason, security(("token" = [])), responses((status = 200, body = Done), (status = 400)))]
pub(super) async fn allow(
    caller: Caller,
    domain: web::Path<String>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    decided(&caller, &app, &domain, (Act::Allow, reason)).await
}

/// Takes a decision back. Who followed before has to follow again.
#[utoipa::path(post, path = "/api/v1/admin/instances/{domain}/reset", tag = "admin", params(("domain" = String, Path)),
    request_body = Reason, security(("token" = [])), responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn reset(
    caller: Caller,
    domain: web::Path<String>,
    reason: Option<web::Json<Reason>>,
    app: web::Data<App>,
) -> Answer {
    decided(&caller, &app, &domain, (Act::Reset, reason)).await
}
