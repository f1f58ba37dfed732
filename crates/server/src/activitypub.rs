//! The doors of federation: WebFinger, NodeInfo, the words, actors, their collections and the inboxes. What has an id of
//! its own is in `records.rs`.
//!
//! What the documents say is the federation's; here a request finds its document. Who may read them is `reader.rs`. Actors
//! share their URLs with pages: these routes take only requests that ask for ActivityPub, the rest fall through to `pages/`.

use actix_web::guard::GuardContext;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shoal_federation::Incoming;
use shoal_federation::vocab::terms;
use shoal_store::{ActorKind, LocalActor, Visibility};

use crate::announce;
use crate::app::App;
use crate::error::Problem;
use crate::reader;

/// The media type of every document we serve to servers.
const ACTIVITY_JSON: &str = "application/activity+json";

/// Largest body an inbox takes: 1 MiB.
const INBOX_BYTES: usize = 1 << 20;

/// What a door answers.
pub(crate) type Answer = Result<HttpResponse, Problem>;

/// Registers the doors, unless federation is switched off.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    // Inboxes first, for doors are tried one after the other and these are knocked at most.
    for path in [
        "/inbox",
        "/collections/{name}/inbox",
        "/accounts/{name}/inbox",
        "/actor/inbox",
    ] {
        let inbox_at = web::resource(path).app_data(web::PayloadConfig::new(INBOX_BYTES));
        config.service(inbox_at.route(web::post().to(inbox)));
    }
    config
        .route("/.well-known/webfinger", web::get().to(webfinger))
        .route("/.well-known/nodeinfo", web::get().to(nodeinfo_links))
        .route("/nodeinfo/{version}", web::get().to(nodeinfo))
        .route(
            "/ns",
            web::get()
                .guard(actix_web::guard::fn_guard(asks_for_no_page))
                .to(vocabulary),
        )
        .route("/ns/d8c8", web::get().to(torrent_vocabulary))
        .route("/collections/{name}/datasets", web::get().to(datasets));
    for path in ["/actor", "/accounts/{name}", "/collections/{name}"] {
        config
            .route(&format!("{path}/outbox"), web::get().to(outbox))
            .route(&format!("{path}/followers"), web::get().to(followers))
            .route(&format!("{path}/following"), web::get().to(following))
            .route(
                path,
                web::get()
                    .guard(actix_web::guard::fn_guard(asks_for_activity))
                    .to(actor),
            );
    }
}

/// Whether a request prefers ActivityPub to a page, by the first media type in `Accept` that we know; nothing when it
/// names neither.
pub(crate) fn prefers_activity(headers: &header::HeaderMap) -> Option<bool> {
    let lines = headers
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|part| {
        let media = part.split(';').next().unwrap_or_default().trim();
        match media.to_ascii_lowercase().as_str() {
            "application/activity+json" | "application/ld+json" => Some(true),
            "text/html" | "application/xhtml+xml" => Some(false),
            _ => None,
        }
    })
}

/// The guard of URLs that actors share with pages.
fn asks_for_activity(request: &GuardContext<'_>) -> bool {
    prefers_activity(request.head().headers()) == Some(true)
}

/// The guard of the vocabulary, which is a page only for browsers: programs that read contexts ask for all sorts of JSON.
fn asks_for_no_page(request: &GuardContext<'_>) -> bool {
    prefers_activity(request.head().headers()) != Some(false)
}

/// A document as servers read it.
pub(crate) fn document(app: &App, status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, ACTIVITY_JSON))
        .insert_header((header::VARY, reader::VARY))
        .insert_header((header::CACHE_CONTROL, reader::cache_control(app)))
        .body(body)
}

/// Nothing of federation is there when it is switched off.
pub(crate) fn federating(app: &App) -> Result<(), Problem> {
    if app.config.federation.enabled {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

/// The local actor that a path names, unless moderators hid or removed it.
async fn named(request: &HttpRequest, app: &web::Data<App>) -> Result<LocalActor, Problem> {
    let actor = existing(request, app).await?;
    match &actor.state {
        Visibility::Visible => Ok(actor),
        Visibility::Hidden { reason, .. } | Visibility::Removed { reason, .. } => Err(Problem::gone(reason)),
    }
}

/// The local actor whose log a path names: of a suspended account too, for what it published stays, and with its log
/// whoever replays logs would lose that.
async fn logged(request: &HttpRequest, app: &web::Data<App>) -> Result<LocalActor, Problem> {
    let actor = existing(request, app).await?;
    match &actor.state {
        Visibility::Hidden { reason, .. } | Visibility::Removed { reason, .. }
            if actor.kind != ActorKind::Account =>
        {
            Err(Problem::gone(reason))
        }
        _ => Ok(actor),
    }
}

/// The kind and name of the actor that a path names.
fn actor_of(request: &HttpRequest) -> (ActorKind, &str) {
    let kind = match request.path().split('/').nth(1) {
        Some("accounts") => ActorKind::Account,
        Some("collections") => ActorKind::Collection,
        _ => ActorKind::Instance,
    };
    (kind, request.match_info().get("name").unwrap_or_default())
}

/// The local actor that a path names: `/actor`, `/accounts/{name}…`, `/collections/{name}…`; in any state.
async fn existing(request: &HttpRequest, app: &web::Data<App>) -> Result<LocalActor, Problem> {
    federating(app)?;
    let (kind, name) = actor_of(request);
    let name = name.to_owned();
    let federation = app.federation.clone();
    let found = app.read(move |store| match kind {
        ActorKind::Instance => store.local_actor_by_id(federation.instance_actor()),
        _ => store.local_actor(kind, &name),
    });
    found.await?.ok_or_else(Problem::not_found)
}

async fn actor(request: HttpRequest, app: web::Data<App>) -> Answer {
    if let Some(refusal) = reader::refusal(&request, &app, true).await? {
        return Ok(refusal);
    }
    let actor = existing(&request, &app).await?;
    let gone_since = match &actor.state {
        Visibility::Visible => None,
        Visibility::Hidden { at, .. } | Visibility::Removed { at, .. } => Some(*at),
    };
    let federation = app.federation.clone();
    let built = app.read(move |_| match gone_since {
        None => federation.actor_document(&actor),
        Some(since) => federation.departed_actor(&actor, since),
    });
    let status = gone_since.map_or(StatusCode::OK, |_| StatusCode::GONE);
    Ok(document(&app, status, built.await?.to_string()))
}

/// Absent for the collection itself, else one of its pages.
#[derive(Deserialize)]
struct PageQuery {
    page: Option<String>,
}

macro_rules! collection {
    ($name:ident of $whose:ident) => {
        async fn $name(request: HttpRequest, query: web::Query<PageQuery>, app: web::Data<App>) -> Answer {
            if let Some(refusal) = reader::refusal(&request, &app, false).await? {
                return Ok(refusal);
            }
            let (actor, page) = ($whose(&request, &app).await?, query.into_inner().page);
            let federation = app.federation.clone();
            let built = app
                .read(move |_| federation.$name(&actor, page.as_deref()))
                .await?;
            Ok(document(&app, StatusCode::OK, built.to_string()))
        }
    };
}
collection!(outbox of logged);
collection!(followers of named);
collection!(following of named);
collection!(datasets of named);

/// Our own words, the same on every server.
async fn vocabulary() -> HttpResponse {
    context(&terms::context())
}

/// The words of FEP-d8c8, for whom the published context, which is not JSON, does not help.
async fn torrent_vocabulary() -> HttpResponse {
    context(&terms::torrent_context())
}

fn context(body: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/ld+json"))
        .insert_header((header::VARY, "Accept"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .body(body.to_string())
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
}

async fn webfinger(query: Option<web::Query<Resource>>, app: web::Data<App>) -> Answer {
    federating(&app)?;
    let asked = query
        .ok_or_else(|| Problem::invalid("Ask with ?resource=acct:NAME@HOST."))?
        .into_inner();
    let federation = app.federation.clone();
    let found = app.read(move |_| federation.webfinger(&asked.resource)).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CONTENT_TYPE, "application/jrd+json"));
    Ok(answer
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .body(found.to_string()))
}

fn json(body: &Value, content_type: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type))
        .body(body.to_string())
}

async fn nodeinfo_links(app: web::Data<App>) -> Answer {
    federating(&app)?;
    Ok(json(&app.federation.nodeinfo_links(), "application/json"))
}

async fn nodeinfo(path: web::Path<String>, app: web::Data<App>) -> Answer {
    federating(&app)?;
    let (federation, version) = (app.federation.clone(), path.into_inner());
    let asked = version.clone();
    let body = app
        .read(move |_| federation.nodeinfo(&asked))
        .await?
        .ok_or_else(Problem::not_found)?;
    let schema =
        format!("application/json; profile=\"http://nodeinfo.diaspora.software/ns/schema/{version}#\"");
    Ok(json(&body, &schema))
}

/// What an inbox answers.
#[derive(Serialize)]
struct Said<'a> {
    message: &'a str,
}

/// Any inbox. The federation judges; here the request is only handed over whole.
async fn inbox(request: HttpRequest, body: web::Bytes, app: web::Data<App>) -> Answer {
    federating(&app)?;
    let is_shared = request.path() == "/inbox";
    let inbox_of = if is_shared {
        None
    } else {
        // A hidden actor still hears: who unfollows it meanwhile follows no more, who follows is told no.
        let (kind, name) = actor_of(&request);
        let owner = app.federation.inbox_owner(kind, name).await?;
        Some(owner.ok_or_else(Problem::not_found)?)
    };
    let incoming = Incoming {
        method: request.method().as_str().to_owned(),
        path_and_query: reader::path_and_query(&request),
        headers: reader::headers(&request),
        body,
        inbox_of,
    };
    let receipt = app.federation.receive(incoming).await;
    let status = StatusCode::from_u16(receipt.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::UNAUTHORIZED
        && let Some(address) = announce::address(&request, &app)
    {
        let wait = app.limits.disbelieved(address);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
    Ok(HttpResponse::build(status).json(Said {
        message: &receipt.sentence,
    }))
}
