//! `/search`, `/stats` and `/tags`: the whole catalogue at a glance.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{Hit, HitKind, Paging, SearchQuery, Stats};
use utoipa::{IntoParams, ToSchema};

use super::paging::{self, PageQuery};
use crate::app::App;
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/search", web::get().to(search))
        .route("/stats", web::get().to(stats))
        .route("/tags", web::get().to(tags));
}

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Words that must all be there, at most 200 characters.
    q: String,
    /// Only dataset, upload or collection.
    kind: Option<String>,
    /// Entries of a page, 1 to 200; 50 when not given.
    limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    cursor: Option<String>,
}

/// Something found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HitShape {
    /// dataset, upload or collection.
    kind: &'static str,
    /// The slug of a dataset, the id of an upload, the name of a collection.
    name: String,
    title: String,
    snippet: String,
    url: String,
}

impl HitShape {
    fn of(app: &App, hit: Hit) -> Self {
        Self {
            kind: hit.kind.word(),
            url: app.link(&format!("{}s/{}", hit.kind.word(), hit.name)),
            name: hit.name,
            title: hit.title,
            snippet: hit.snippet,
        }
    }
}

/// Figures of the catalogue and of the swarms now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatsShape {
    datasets: i64,
    uploads: i64,
    collections: i64,
    accounts: i64,
    files: i64,
    total_size: i64,
    /// Complete copies that announce here now.
    seeders: u64,
    /// All peers that announce here now.
    peers: u64,
}

/// A tag and how many datasets have it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagShape {
    tag: String,
    datasets: i64,
}

#[utoipa::path(get, path = "/api/v1/search", tag = "catalogue", params(Search),
    responses((status = 200, body = inline(paging::List<HitShape>))))]
pub(super) async fn search(request: HttpRequest, query: web::Query<Search>, app: web::Data<App>) -> Answer {
    let query = query.into_inner();
    let kind = query
        .kind
        .as_deref()
        .map(|word| HitKind::from_word(word).ok_or(word))
        .transpose();
    let wanted = SearchQuery {
        q: query.q,
        kind: kind.map_err(|_| Problem::invalid("kind must be dataset, upload or collection."))?,
        paging: Paging::from(&PageQuery {
            limit: query.limit,
            cursor: query.cursor,
        }),
    };
    let page = app.read(move |store| store.search(&wanted)).await?;
    Ok(paging::answer(&request, &app, page, |hit| {
        HitShape::of(&app, hit)
    }))
}

#[utoipa::path(get, path = "/api/v1/stats", tag = "catalogue", responses((status = 200, body = StatsShape)))]
pub(super) async fn stats(app: web::Data<App>) -> Answer {
    let Stats {
        datasets,
        uploads,
        collections,
        accounts,
        files,
        total_size,
    } = app.read(|store| store.stats()).await?;
    let totals = app.tracker.totals();
    let (seeders, peers) = (totals.seeders, totals.peers4 + totals.peers6);
    Ok(HttpResponse::Ok().json(StatsShape {
        datasets,
        uploads,
        collections,
        accounts,
        files,
        total_size,
        seeders,
        peers,
    }))
}

#[utoipa::path(get, path = "/api/v1/tags", tag = "catalogue", responses((status = 200, body = Vec<TagShape>)))]
pub(super) async fn tags(app: web::Data<App>) -> Answer {
    let rows = app.read(|store| store.tags()).await?;
    let shapes: Vec<_> = rows
        .into_iter()
        .map(|(tag, datasets)| TagShape { tag, datasets })
        .collect();
    Ok(HttpResponse::Ok().json(shapes))
}
