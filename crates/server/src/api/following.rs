//! `/following`: whom one's account follows on other servers.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_federation::FetchError;
use shoal_store::{Following, Id, Paging, Scope, StoreError};
use utoipa::ToSchema;

use super::paging::{self, PageQuery};
use crate::app::App;
use crate::auth::{Caller, Identity};
use crate::clock::rfc3339;
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/following")
                .route(web::get().to(list))
                .route(web::post().to(follow)),
        )
        .route("/following/{id}", web::delete().to(unfollow));
}

/// Whom to follow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowInput {
    /// A handle such as `@climate@archive.example`, or the URL of an actor.
    actor: String,
}

/// Someone followed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FollowingShape {
    id: String,
    /// The actor's ActivityPub id.
    actor: String,
    handle: String,
    title: String,
    /// requested, accepted or rejected.
    state: &'static str,
    created_at: String,
}

impl From<Following> for FollowingShape {
    fn from(row: Following) -> Self {
        Self {
            id: row.id.to_string(),
            handle: format!("@{}@{}", row.target.name, row.target.domain),
            actor: row.target.uri,
            title: row.target.title,
            state: row.state.word(),
            created_at: rfc3339(row.created_at),
        }
    }
}

/// Follows in the name of a person's account; also what the page's form does.
///
/// # Errors
/// 400 when nobody is found under that handle, 502 when their server does not answer as it should.
pub(crate) async fn begin(app: &App, who: &Identity, actor: String) -> Result<Following, Problem> {
    app.limits.change(who.id())?;
    let actor_id = who.account.actor_id;
    let local = app
        .read(move |store| store.local_actor_by_id(actor_id))
        .await?
        .ok_or_else(Problem::not_found)?;
    let federation = app.federation.clone();
    let followed = app
        .outside(async move { federation.follow(&local, &actor).await })
        .await?;
    app.federation.wake();
    followed.map_err(|error: FetchError| {
        let status = actix_web::http::StatusCode::BAD_GATEWAY;
        Problem::new(
            status,
            "remote",
            format!("That actor cannot be followed: {error}"),
        )
    })
}

#[utoipa::path(get, path = "/api/v1/following", tag = "following", params(PageQuery), security(("token" = [])),
    responses((status = 200, body = inline(paging::List<FollowingShape>))))]
pub(super) async fn list(
    request: HttpRequest,
    caller: Caller,
    query: web::Query<PageQuery>,
    app: web::Data<App>,
) -> Answer {
    let (actor, paging) = (caller.account.actor_id, Paging::from(&*query));
    let page = app
        .read(move |store| store.follow_requests(actor, &paging))
        .await?;
    Ok(paging::answer(&request, &app, page, FollowingShape::from))
}

#[utoipa::path(post, path = "/api/v1/following", tag = "following", request_body = FollowInput, security(("token" = [])),
    responses((status = 202, body = FollowingShape), (status = 502, description = "Their server cannot be used")))]
pub(super) async fn follow(caller: Caller, input: web::Json<FollowInput>, app: web::Data<App>) -> Answer {
    caller.require(Scope::Submit)?;
    let row = begin(&app, &caller, input.into_inner().actor).await?;
    Ok(HttpResponse::Accepted().json(FollowingShape::from(row)))
}

#[utoipa::path(delete, path = "/api/v1/following/{id}", tag = "following", params(("id" = String, Path)),
    security(("token" = [])), responses((status = 204)))]
pub(super) async fn unfollow(caller: Caller, id: web::Path<String>, app: web::Data<App>) -> Answer {
    let id: Id = id.parse().map_err(|_| Problem::not_found())?;
    let actor = caller.account.actor_id;
    let withdrawn = app.write(move |store, moment| {
        if store.following_by_id(id)?.actor != actor {
            return Err(StoreError::NotFound { what: "follow" });
        }
        store.withdraw_follow(moment, id)
    });
    withdrawn.await?;
    Ok(HttpResponse::NoContent().finish())
}
