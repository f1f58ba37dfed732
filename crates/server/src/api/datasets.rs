//! `/datasets`: the abstract things, edited over time. Their copies are in `uploads.rs`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use shoal_store::{
    Dataset, DatasetEdit, DatasetQuery, DatasetSort, NewDataset, Paging, Scope, Target, Threat, Visibility,
};
use utoipa::{IntoParams, ToSchema};

use super::paging::{self, PageQuery};
use super::shapes::DatasetShape;
use crate::app::App;
use crate::auth::{Caller, Identity};
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/datasets")
                .route(web::get().to(list))
                .route(web::post().to(create)),
        )
        .service(
            web::resource("/datasets/{slug}")
                .route(web::get().to(show))
                .route(web::patch().to(edit))
                .route(web::delete().to(withdraw)),
        );
}

/// A dataset as it is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetInput {
    /// Name in addresses; made from the title when not given.
    slug: Option<String>,
    /// 3 to 512 characters.
    title: String,
    #[serde(default)]
    publisher: String,
    /// An http or https URL.
    #[serde(default)]
    homepage: String,
    #[serde(default)]
    licence: String,
    /// Markdown.
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: Vec<String>,
    /// unknown, indefinite, watchlist, endangered, takedown-issued or extinct.
    #[serde(default)]
    threat: Option<String>,
}

/// What changes of a dataset; what is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetChange {
    title: Option<String>,
    publisher: Option<String>,
    homepage: Option<String>,
    licence: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    threat: Option<String>,
}

/// Which datasets, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DatasetsQuery {
    /// Entries of a page, 1 to 200; 50 when not given.
    limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    cursor: Option<String>,
    /// newest (usual), updated, title, threat or size.
    sort: Option<String>,
    /// Only with this tag.
    tag: Option<String>,
    /// Only of this collection.
    collection: Option<String>,
    /// Only of this account.
    account: Option<String>,
    /// Only under this threat.
    threat: Option<String>,
}

fn threat(word: Option<&str>) -> Result<Option<Threat>, Problem> {
    word.map(|w| w.parse::<Threat>().map_err(|e| Problem::invalid(e.to_string())))
        .transpose()
}

/// A dataset that anyone may see, else 404 or 410.
pub(super) async fn visible(app: &App, slug: &str) -> Result<Dataset, Problem> {
    let slug = slug.to_owned();
    let row = app
        .read(move |store| store.dataset(&slug))
        .await?
        .ok_or_else(Problem::not_found)?;
    match row.state {
        Visibility::Visible => Ok(row),
        Visibility::Hidden { .. } | Visibility::Removed { .. } => Err(Problem::gone("")),
    }
}

/// Its own account and reviewers may change a dataset.
fn may_change(caller: &Identity, row: &Dataset) -> Result<(), Problem> {
    if row.account.id == caller.id() {
        Ok(())
    } else {
        caller.require(Scope::Review)
    }
}

#[utoipa::path(get, path = "/api/v1/datasets", tag = "datasets", params(DatasetsQuery),
    responses((status = 200, body = inline(paging::List<DatasetShape>))))]
pub(super) async fn list(
    request: HttpRequest,
    query: web::Query<DatasetsQuery>,
    app: web::Data<App>,
) -> Answer {
    let query = query.into_inner();
    let sort = query
        .sort
        .as_deref()
        .map(|word| DatasetSort::from_word(word).ok_or(()))
        .transpose();
    let wanted = DatasetQuery {
        paging: Paging::from(&PageQuery {
            limit: query.limit,
            cursor: query.cursor,
        }),
        sort: sort
            .map_err(|()| Problem::invalid("sort must be newest, updated, title, threat or size."))?
            .unwrap_or_default(),
        tag: query.tag,
        collection: query.collection,
        account: query.account,
        threat: threat(query.threat.as_deref())?,
        include_hidden: false,
    };
    let page = app.read(move |store| store.datasets(&wanted)).await?;
    Ok(paging::answer(&request, &app, page, |row| {
        DatasetShape::of(&app, row)
    }))
}

#[utoipa::path(post, path = "/api/v1/datasets", tag = "datasets", request_body = DatasetInput, security(("token" = [])),
    responses((status = 201, body = DatasetShape), (status = 409, description = "The slug is taken")))]
pub(super) async fn create(caller: Caller, input: web::Json<DatasetInput>, app: web::Data<App>) -> Answer {
    caller.require(Scope::Submit)?;
    app.limits.change(caller.id())?;
    let input = input.into_inner();
    let new = NewDataset {
        slug: input.slug,
        title: input.title,
        publisher: input.publisher,
        homepage: input.homepage,
        licence: input.licence,
        description: input.description,
        threat: threat(input.threat.as_deref())?.unwrap_or_default(),
        tags: input.tags,
        account: caller.id(),
    };
    let row = app
        .write(move |store, moment| store.create_dataset(moment, new))
        .await?;
    let shape = DatasetShape::of(&app, row);
    Ok(HttpResponse::Created().json(shape))
}

#[utoipa::path(get, path = "/api/v1/datasets/{slug}", tag = "datasets", params(("slug" = String, Path)),
    responses((status = 200, body = DatasetShape), (status = 404), (status = 410)))]
pub(super) async fn show(slug: web::Path<String>, app: web::Data<App>) -> Answer {
    let row = visible(&app, &slug).await?;
    Ok(HttpResponse::Ok().json(DatasetShape::of(&app, row)))
}

#[utoipa::path(patch, path = "/api/v1/datasets/{slug}", tag = "datasets", params(("slug" = String, Path)),
    request_body = DatasetChange, security(("token" = [])), responses((status = 200, body = DatasetShape)))]
pub(super) async fn edit(
    caller: Caller,
    slug: web::Path<String>,
    change: web::Json<DatasetChange>,
    app: web::Data<App>,
) -> Answer {
    let row = visible(&app, &slug).await?;
    may_change(&caller, &row)?;
    app.limits.change(caller.id())?;
    let change = change.into_inner();
    let edit = DatasetEdit {
        title: change.title,
        publisher: change.publisher,
        homepage: change.homepage,
        licence: change.licence,
        description: change.description,
        threat: threat(change.threat.as_deref())?,
        tags: change.tags,
    };
    let by = caller.id();
    let row = app
        .write(move |store, moment| store.edit_dataset(moment, &row.slug, edit, by))
        .await?;
    Ok(HttpResponse::Ok().json(DatasetShape::of(&app, row)))
}

/// Hides a dataset with all its uploads, at the wish of its account or of a reviewer; a reviewer can restore it.
#[utoipa::path(delete, path = "/api/v1/datasets/{slug}", tag = "datasets", params(("slug" = String, Path)),
    security(("token" = [])), responses((status = 204)))]
pub(super) async fn withdraw(caller: Caller, slug: web::Path<String>, app: web::Data<App>) -> Answer {
    let row = visible(&app, &slug).await?;
    may_change(&caller, &row)?;
    app.limits.change(caller.id())?;
    let (by, target) = (caller.id(), Target::Dataset(row.id));
    let reason = if row.account.id == by {
        "withdrawn by its author"
    } else {
        "withdrawn"
    };
    app.write(move |store, moment| store.hide(moment, target, by, reason))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
