//! One signed request to one host, knocking twice where needed: a host that does not believe the scheme it is addressed
//! in first (`sign/spoken.rs`) is addressed once more in the other. No redirects and no bodies; that is `fetch.rs`.

use super::{Client, FetchError, network};
use crate::sign::{self, Body, Scheme, Signature};
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::Response;
use url::Url;

/// A request that is not signed yet.
pub(super) struct Knock<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) body: Option<&'a Body>,
    pub(super) accept: &'a str,
    /// Without one it goes as it is, once.
    pub(super) signature: Option<Signature<'a>>,
}

impl Client {
    /// Sends it; the answer is the one that counts.
    ///
    /// # Errors
    /// [`FetchError`] when no answer came to the first knock.
    pub(super) async fn knock(&self, knock: &Knock<'_>) -> Result<Response, FetchError> {
        let host = sign::authority(knock.url);
        let first = self.spoken.first((self.clock)(), &host);
        let answer = self.send(knock, first).await?;
        let signed = knock.signature.is_some();
        let second = signed.then(|| self.spoken.second(&host, first, answer.status().as_u16()));
        let Some(second) = second.flatten() else {
            // A GET proves nothing: most servers show their actors to everyone.
            if answer.status().is_success() && knock.body.is_some() {
                self.spoken.believed((self.clock)(), &host, first);
            }
            return Ok(answer);
        };
        match self.send(knock, second).await {
            Ok(other) if !matches!(other.status().as_u16(), 400 | 401) => {
                if other.status().is_success() {
                    self.spoken.believed((self.clock)(), &host, second);
                }
                Ok(other)
            }
            // Believed in neither: the first answer is the one to the scheme that the host should know.
            _ => Ok(answer),
        }
    }

    /// Signs with a fresh date and sends.
    async fn send(&self, knock: &Knock<'_>, scheme: Scheme) -> Result<Response, FetchError> {
        let request = sign::Request {
            method: knock.method.as_str(),
            url: knock.url,
            body: knock.body,
        };
        let mut headers = match knock.signature {
            Some(signature) => to_send(sign::headers(scheme, signature, request, (self.clock)())?),
            None => HeaderMap::new(),
        };
        let accept = HeaderValue::from_str(knock.accept)
            .map_err(|_| FetchError::Unreadable("what is accepted is no header".to_owned()))?;
        headers.insert(header::ACCEPT, accept);
        let mut request = reqwest::Request::new(knock.method.clone(), knock.url.clone());
        if let Some(body) = knock.body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(crate::ACTIVITY_JSON),
            );
            *request.body_mut() = Some(body.bytes().clone().into());
        }
        *request.headers_mut() = headers;
        self.http.execute(request).await.map_err(network)
    }
}

/// The signed headers without `Host`, which the HTTP client writes itself: over HTTP/2 it becomes `:authority`, and nginx
/// answers 400 to a request that has both.
fn to_send(mut signed: HeaderMap) -> HeaderMap {
    signed.remove(header::HOST);
    signed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Signer;

    #[test]
    fn the_host_is_signed_and_written_by_the_client() {
        let signer = Signer::load(&crate::keys::generate()).expect("a fresh key loads");
        let signature = Signature {
            key_id: "https://a.example/actor#main-key",
            signer: &signer,
        };
        let url = &Url::parse("https://far.example/inbox").expect("a URL");
        let request = sign::Request {
            method: "POST",
            url,
            body: Some(&Body::new(&b"{}"[..])),
        };
        let headers = to_send(sign::headers(Scheme::Cavage, signature, request, 0).expect("signs"));
        assert!(!headers.contains_key(header::HOST));
        let signature = headers["signature"].to_str().expect("text");
        assert!(signature.contains(" host"), "{signature}");
    }
}
