//! Who may read what servers read: hands a request to the federation's judgement (`shoal_federation`'s `reader.rs`) and
//! makes the answer for who may not. The documents themselves are `activitypub.rs`; pages and feeds are everyone's.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use shoal_federation::Asked;

use crate::app::App;
use crate::error::Problem;

/// Caches keep what differs by these apart: a document may be a page to others, and nothing at all to a blocked server.
pub(crate) const VARY: &str = "Accept, Signature, Signature-Input";

/// What a refused reader is told to sign (draft-cavage-12 §3.1).
const CHALLENGE: &str = "Signature realm=\"shoal\",headers=\"(request-target) host date\"";

/// The answer for who may not read what they ask for; `None` when they may. `for_all`: it is an actor with its keys.
///
/// # Errors
/// When the judgement did not end, by our fault.
pub(crate) async fn refusal(
    request: &HttpRequest,
    app: &web::Data<App>,
    for_all: bool,
) -> Result<Option<HttpResponse>, Problem> {
    let needed = app.config.federation.authorized_fetch && !for_all;
    if !needed && !request.headers().contains_key("signature") {
        return Ok(None);
    }
    let asked = Asked {
        path_and_query: path_and_query(request),
        headers: headers(request),
        for_all,
    };
    let federation = app.federation.clone();
    let judged = app
        .outside(async move { federation.may_read(asked).await })
        .await?;
    let Err(receipt) = judged else { return Ok(None) };
    let status = StatusCode::from_u16(receipt.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::VARY, VARY))
        .insert_header((header::CACHE_CONTROL, "private, no-store"));
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
    }
    Ok(Some(
        answer.json(serde_json::json!({ "message": receipt.sentence })),
    ))
}

/// How long a document may be kept: not at all by caches that others share, where readers are told apart.
pub(crate) fn cache_control(app: &App) -> &'static str {
    if app.config.federation.authorized_fetch {
        "private, no-cache"
    } else {
        "no-cache"
    }
}

/// The request's headers, as the federation reads them.
pub(crate) fn headers(request: &HttpRequest) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for (name, value) in request.headers() {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = http::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// The path with its query, as on the request line.
pub(crate) fn path_and_query(request: &HttpRequest) -> String {
    request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned()
}
