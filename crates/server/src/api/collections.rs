//! `/collections`: curated, followable sets of datasets.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use shoal_store::{Collection, CollectionEdit, NewCollection, Paging, Scope, Visibility};
use utoipa::ToSchema;

use super::paging::{self, PageQuery};
use super::shapes::CollectionShape;
use crate::app::App;
use crate::auth::{Caller, Identity};
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/collections")
                .route(web::get().to(list))
                .route(web::post().to(create)),
        )
        .service(
            web::resource("/collections/{name}")
                .route(web::get().to(show))
                .route(web::patch().to(edit)),
        )
        .service(
            web::resource("/collections/{name}/datasets/{slug}")
                .route(web::put().to(put_dataset))
                .route(web::delete().to(take_dataset)),
        );
}

/// A collection as it is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectionInput {
    /// Its name in its handle: a-z, 0-9, _, and single - or . inside; never given out again.
    name: String,
    title: String,
    #[serde(default)]
    summary: String,
}

/// What changes of a collection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectionChange {
    title: Option<String>,
    summary: Option<String>,
}

/// A collection that anyone may see, else 404 or 410.
pub(crate) async fn visible(app: &App, name: &str) -> Result<Collection, Problem> {
    let name = name.to_owned();
    let row = app
        .read(move |store| store.collection(&name))
        .await?
        .ok_or_else(Problem::not_found)?;
    match row.state {
        Visibility::Visible => Ok(row),
        Visibility::Hidden { .. } | Visibility::Removed { .. } => Err(Problem::gone("")),
    }
}

/// Its own account and reviewers may change a collection.
fn may_change(caller: &Identity, row: &Collection) -> Result<(), Problem> {
    if row.account.id == caller.id() {
        Ok(())
    } else {
        caller.require(Scope::Review)
    }
}

#[utoipa::path(get, path = "/api/v1/collections", tag = "collections", params(PageQuery),
    responses((status = 200, body = inline(paging::List<CollectionShape>))))]
pub(super) async fn list(request: HttpRequest, query: web::Query<PageQuery>, app: web::Data<App>) -> Answer {
    let paging = Paging::from(&*query);
    let page = app.read(move |store| store.collections(&paging)).await?;
    Ok(paging::answer(&request, &app, page, |row| {
        CollectionShape::of(&app, row)
    }))
}

#[utoipa::path(post, path = "/api/v1/collections", tag = "collections", request_body = CollectionInput,
    security(("token" = [])),
    responses((status = 201, body = CollectionShape), (status = 409, description = "The name is taken")))]
pub(super) async fn create(caller: Caller, input: web::Json<CollectionInput>, app: web::Data<App>) -> Answer {
    caller.require(Scope::Submit)?;
    app.limits.change(caller.id())?;
    let (input, account) = (input.into_inner(), caller.id());
    let row = app.write(move |store, moment| {
        let keys = shoal_federation::keys::generate();
        let new = NewCollection {
            name: input.name,
            title: input.title,
            summary: input.summary,
            account,
            keys,
        };
        store.create_collection(moment, new)
    });
    let row = row.await?;
    Ok(HttpResponse::Created().json(CollectionShape::of(&app, row)))
}

#[utoipa::path(get, path = "/api/v1/collections/{name}", tag = "collections", params(("name" = String, Path)),
    responses((status = 200, body = CollectionShape), (status = 404), (status = 410)))]
pub(super) async fn show(name: web::Path<String>, app: web::Data<App>) -> Answer {
    let row = visible(&app, &name).await?;
    Ok(HttpResponse::Ok().json(CollectionShape::of(&app, row)))
}

#[utoipa::path(patch, path = "/api/v1/collections/{name}", tag = "collections", params(("name" = String, Path)),
    request_body = CollectionChange, security(("token" = [])), responses((status = 200, body = CollectionShape)))]
pub(super) async fn edit(
    caller: Caller,
    name: web::Path<String>,
    change: web::Json<CollectionChange>,
    app: web::Data<App>,
) -> Answer {
    let row = visible(&app, &name).await?;
    may_change(&caller, &row)?;
    app.limits.change(caller.id())?;
    let change = change.into_inner();
    let (edit, by) = (
        CollectionEdit {
            title: change.title,
            summary: change.summary,
        },
        caller.id(),
    );
    let row = app
        .write(move |store, moment| store.edit_collection(moment, &row.name, edit, by))
        .await?;
    Ok(HttpResponse::Ok().json(CollectionShape::of(&app, row)))
}

type Member = web::Path<(String, String)>;

#[utoipa::path(put, path = "/api/v1/collections/{name}/datasets/{slug}", tag = "collections",
    params(("name" = String, Path), ("slug" = String, Path)), security(("token" = [])), responses((status = 204)))]
pub(super) async fn put_dataset(caller: Caller, path: Member, app: web::Data<App>) -> Answer {
    let (name, slug) = path.into_inner();
    let row = visible(&app, &name).await?;
    may_change(&caller, &row)?;
    super::datasets::visible(&app, &slug).await?;
    app.limits.change(caller.id())?;
    let by = caller.id();
    app.write(move |store, moment| store.put_dataset(moment, &name, &slug, by))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[utoipa::path(delete, path = "/api/v1/collections/{name}/datasets/{slug}", tag = "collections",
    params(("name" = String, Path), ("slug" = String, Path)), security(("token" = [])), responses((status = 204)))]
pub(super) async fn take_dataset(caller: Caller, path: Member, app: web::Data<App>) -> Answer {
    let (name, slug) = path.into_inner();
    let row = visible(&app, &name).await?;
    may_change(&caller, &row)?;
    app.limits.change(caller.id())?;
    let by = caller.id();
    app.write(move |store, moment| store.take_dataset(moment, &name, &slug, by))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
