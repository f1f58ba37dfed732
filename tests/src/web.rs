//! What an instance answers over HTTP, asked as a browser, an API client or a torrent client would.

use anyhow::{Context, Result, ensure};
use reqwest::header::{ACCEPT, AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// The media type of ActivityPub documents.
pub const ACTIVITY: &str = "application/activity+json";

/// One answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.bytes).with_context(|| format!("{}: {}", self.status, self.text()))
    }

    /// A header field, empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// The answer, when its status is this one.
    ///
    /// # Errors
    /// When it is another, with the body.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "expected {status}, got {}: {}",
            self.status,
            self.text()
        );
        Ok(self)
    }
}

/// One instance, seen from outside; redirects are shown, not followed.
#[derive(Clone, Debug)]
pub struct Web {
    base: String,
    client: Client,
}

impl Web {
    /// For the instance at this URL.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(base: String) -> Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            base,
            client: client.timeout(crate::wait::PATIENCE).build()?,
        })
    }

    /// The URL without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path, or to a whole URL of this instance, to be filled in.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        };
        self.client.request(method, url)
    }

    /// Gets a page.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::GET, path)).await
    }

    /// Gets the same URL as another server would.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn activity(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::GET, path).header(ACCEPT, ACTIVITY)).await
    }

    /// Calls the API with a token (none when empty) and a JSON body (none when null).
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: &Value) -> Result<Answer> {
        let mut request = self.request(method, &format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}"))?);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        answer(request).await
    }

    /// Uploads `.torrent` bytes into a dataset.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn upload(&self, dataset: &str, token: &str, torrent: Vec<u8>) -> Result<Answer> {
        let part = reqwest::multipart::Part::bytes(torrent).file_name("upload.torrent");
        let form =
            reqwest::multipart::Form::new().part("torrent", part.mime_str("application/x-bittorrent")?);
        let request = self
            .request(Method::POST, &format!("/api/v1/datasets/{dataset}/uploads"))
            .bearer_auth(token);
        answer(request.multipart(form)).await
    }

    /// Announces a peer that listens on this port, and gives the tracker's raw answer.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn announce(&self, info_hash: &str, port: u16, left: u64, event: &str) -> Result<Answer> {
        let hash = escaped(info_hash)?;
        let query = format!(
            "info_hash={hash}&peer_id=-ST0001-{port:0>12}&port={port}&uploaded=0&downloaded=0&left={left}&compact=1&event={event}"
        );
        self.get(&format!("/announce?{query}")).await
    }
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When no answer comes.
pub async fn answer(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer {
        status,
        headers,
        bytes: response.bytes().await?.to_vec(),
    })
}

/// The first twenty bytes of a hash in hex, as a client puts them into a query.
fn escaped(info_hash: &str) -> Result<String> {
    let wire = info_hash
        .get(..40)
        .context("a hash has at least 40 hexadecimal digits")?;
    Ok(wire
        .as_bytes()
        .chunks(2)
        .map(|pair| format!("%{}", String::from_utf8_lossy(pair)))
        .collect())
}

/// A browser's session: what signing in by a one-time link gives.
#[derive(Clone, Debug)]
pub struct Session {
    /// The `Cookie` header.
    pub cookie: String,
    /// The token that forms carry.
    pub csrf: String,
}

impl Session {
    /// The session that a `Set-Cookie` began.
    ///
    /// # Errors
    /// When the cookie does not let in, or could be read by scripts or sent by other sites.
    pub async fn begun(web: &Web, set_cookie: &str) -> Result<Self> {
        ensure!(
            set_cookie.contains("HttpOnly") && set_cookie.contains("SameSite=Lax"),
            "{set_cookie}"
        );
        let cookie = set_cookie.split(';').next().unwrap_or_default().to_owned();
        let unsigned = Self {
            cookie,
            csrf: String::new(),
        };
        let form = unsigned.get(web, "/collections/new").await?.expect(200)?.text();
        let (_, rest) = form
            .split_once("name=\"csrf\" value=\"")
            .context("the form carries a token")?;
        let csrf = rest.split('"').next().unwrap_or_default().to_owned();
        Ok(Self { csrf, ..unsigned })
    }

    /// The session of somebody who uses a one-time sign-in link.
    ///
    /// # Errors
    /// When the link does not let in.
    pub async fn by_link(web: &Web, link: &str) -> Result<Self> {
        let entered = answer(form_post(web, link, &[])?).await?.expect(303)?;
        Self::begun(web, entered.header("set-cookie")).await
    }

    /// Sends a form as a page of this instance would.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, web: &Web, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let mut form = vec![("csrf", self.csrf.as_str())];
        form.extend_from_slice(fields);
        answer(form_post(web, path, &form)?.header(COOKIE, &self.cookie)).await
    }

    /// Gets a page as the one who is signed in.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, web: &Web, path: &str) -> Result<Answer> {
        answer(web.request(Method::GET, path).header(COOKIE, &self.cookie)).await
    }
}

/// A POST of these form fields, to be sent.
///
/// # Errors
/// When the path makes no URL.
pub fn form_post(web: &Web, path: &str, fields: &[(&str, &str)]) -> Result<RequestBuilder> {
    let mut encoder = reqwest::Url::parse("http://form.invalid/")?;
    encoder.query_pairs_mut().extend_pairs(fields);
    let body = encoder.query().unwrap_or_default().to_owned();
    let request = web.request(Method::POST, path).header("Origin", web.base());
    Ok(request
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body))
}
