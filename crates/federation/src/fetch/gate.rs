//! Stands where `activitypub_federation` expects its HTTP client: whatever the crate fetches goes through our
//! [`Client`] with its rules, redirects and signatures, and comes back as the crate wants to see it. The crate keeps
//! counting requests, comparing ids and parsing.

use super::{Client, FetchError, Fetched, is_activity_json};
use http::{Extensions, HeaderValue, StatusCode, header};
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientWithMiddleware, Error, Middleware, Next};
use std::sync::Arc;

/// The crate's client: ours behind its own.
pub(crate) fn client(ours: Arc<Client>) -> ClientWithMiddleware {
    // The outer client never sends anything: the gate answers every request itself.
    reqwest_middleware::ClientBuilder::new(ours.http.clone())
        .with(Gate(ours))
        .build()
}

struct Gate(Arc<Client>);

#[async_trait::async_trait]
impl Middleware for Gate {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response, Error> {
        let accept = request
            .headers()
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or(crate::ACTIVITY_JSON).to_owned();
        let fetched = self
            .0
            .get(request.url(), &accept)
            .await
            .map_err(Error::middleware)?;
        // The crate would try to read the body of an error as an object.
        if !fetched.status.is_success() && fetched.status != StatusCode::GONE {
            return Err(Error::middleware(FetchError::Status(fetched.status.as_u16())));
        }
        response(fetched).map_err(Error::middleware)
    }
}

/// The crate knows three spellings of the content type and follows one redirect; here there is one spelling, and the
/// redirects have been followed.
fn response(fetched: Fetched) -> Result<Response, http::Error> {
    let mut answer = http::Response::builder().status(fetched.status).url(fetched.url);
    let given = fetched
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let plain = if is_activity_json(given) {
        HeaderValue::from_static(crate::ACTIVITY_JSON)
    } else {
        HeaderValue::from_static("application/octet-stream")
    };
    answer = answer.header(header::CONTENT_TYPE, plain);
    Ok(Response::from(answer.body(fetched.body)?))
}
