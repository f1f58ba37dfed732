//! The doors of what stands at an id of its own: posts, records with all their versions, activities. The bytes are those
//! that were signed; where something is gone a Tombstone answers. Everything else of federation is `activitypub.rs`; who may
//! read is `reader.rs`.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use shoal_federation::{Federation, ObjectAnswer, records::digest_multibase};
use shoal_store::{Id, Record, Store, StoreError};

use crate::activitypub::{Answer, document, federating, prefers_activity};
use crate::app::App;
use crate::error::Problem;
use crate::reader;

/// Registers the doors.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/objects/{id}", web::get().to(object))
        .route("/objects/{id}/versions/{version}", web::get().to(version))
        .route("/activities/{id}", web::get().to(activity));
}

async fn object(request: HttpRequest, path: web::Path<String>, app: web::Data<App>) -> Answer {
    federating(&app)?;
    let id: Id = path.parse().map_err(|_| Problem::not_found())?;
    if prefers_activity(request.headers()) == Some(false) {
        return page_of(&app, id).await;
    }
    serve(request, app, move |federation| federation.object(id)).await
}

async fn version(request: HttpRequest, path: web::Path<(String, i64)>, app: web::Data<App>) -> Answer {
    federating(&app)?;
    let (id, version) = path.into_inner();
    let id: Id = id.parse().map_err(|_| Problem::not_found())?;
    serve(request, app, move |federation| federation.version(id, version)).await
}

async fn activity(request: HttpRequest, path: web::Path<String>, app: web::Data<App>) -> Answer {
    federating(&app)?;
    let id: Id = path.parse().map_err(|_| Problem::not_found())?;
    serve(request, app, move |federation| federation.activity(id)).await
}

/// To whom may read it. The tag is the digest by which a later version names the bytes, so whoever has them is told so
/// without them.
async fn serve(
    request: HttpRequest,
    app: web::Data<App>,
    find: impl FnOnce(&Federation) -> Result<ObjectAnswer, StoreError> + Send + 'static,
) -> Answer {
    if let Some(refusal) = reader::refusal(&request, &app, false).await? {
        return Ok(refusal);
    }
    let federation = app.federation.clone();
    match app.read(move |_| find(&federation)).await? {
        ObjectAnswer::Found(body) => {
            let tag = EntityTag::new_strong(digest_multibase(body.as_bytes()));
            let mut answer = if has(&request, &tag) {
                document(&app, StatusCode::NOT_MODIFIED, String::new())
            } else {
                document(&app, StatusCode::OK, body)
            };
            let tag =
                header::HeaderValue::from_str(&tag.to_string()).map_err(|error| Problem::ours(&error))?;
            answer.headers_mut().insert(header::ETAG, tag);
            Ok(answer)
        }
        ObjectAnswer::Gone(body) => Ok(document(&app, StatusCode::GONE, body)),
        ObjectAnswer::Missing => Err(Problem::not_found()),
    }
}

/// Whether the asker has what the tag names.
fn has(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(items)) => items.iter().any(|item| item.weak_eq(tag)),
        _ => false,
    }
}

/// Where a person finds what a record is about.
async fn page_of(app: &App, id: Id) -> Answer {
    let uri = app.link(&format!("objects/{id}"));
    let page = app.read(move |store| {
        let record = store.record(&uri)?;
        record.map_or(Ok(None), |record| page(store, &record))
    });
    let page = page.await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, app.link(&page)))
        .insert_header((header::VARY, "Accept"))
        .finish())
}

fn page(store: &Store, record: &Record) -> Result<Option<String>, StoreError> {
    let subject = record.subject;
    Ok(if let Some(upload) = subject.upload {
        Some(format!("uploads/{upload}"))
    } else if let Some(collection) = subject.collection {
        let collection = store.collection_by_id(collection)?;
        collection.map(|collection| format!("collections/{}", collection.name))
    } else if let Some(dataset) = subject.dataset {
        let dataset = store.dataset_by_id(dataset)?;
        dataset.map(|dataset| format!("datasets/{}", dataset.slug))
    } else {
        None
    })
}
