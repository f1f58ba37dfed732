//! The one way out: every request that this server makes of another goes through [`Client`], which applies `policy.rs` to
//! each hop and to each resolved address and `blocklist.rs` to each hop, has it signed (`fetch/knock.rs`), and bounds
//! bodies and times. `remote.rs` and `webfinger.rs` read what comes back; `courier/` posts.

pub(crate) mod gate;
mod knock;
mod resolver;

use crate::{
    blocklist::Blocklist,
    keys::{KeyError, Signer},
    policy::{Forbidden, Policy},
    sign::{Body, Signature, Spoken},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use knock::Knock;
use resolver::Resolver;
use shoal_store::Millis;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use url::Url;

/// The most bytes of an answer that are read, after decompression.
pub const MAX_BODY: usize = 1024 * 1024;
/// The most of an answer to a delivery that is read; it is only kept to explain a refusal.
const MAX_ANSWER: usize = 2 * 1024;
/// The most redirects that are followed.
const MAX_HOPS: usize = 3;
/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may pause.
const READ: Duration = Duration::from_secs(10);
/// How long the rest of an answer to a delivery is waited for.
const EXPLAIN: Duration = Duration::from_secs(3);
/// How long a whole request may take, redirects and body included.
const TOTAL: Duration = Duration::from_secs(30);

/// Why nothing useful came back.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The rules say not to go there.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// What was typed is neither a handle nor an address.
    #[error("{0}")]
    Unreadable(String),
    /// Name resolution, connection, TLS or protocol failed, or it took too long: may pass.
    #[error("{0}")]
    Network(String),
    /// An answer that is not a success.
    #[error("the server answered {0}")]
    Status(u16),
    /// 410: it was there and is gone for good.
    #[error("the server says that it is gone")]
    Gone,
    /// More than [`MAX_BODY`].
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    /// More than three redirects.
    #[error("the server redirects too often")]
    Redirects,
    /// Not what was asked for: the wrong type, not JSON, another id, an incomplete actor.
    #[error("{0}")]
    Unusable(String),
    /// Asked too often; the last failure is remembered for a while.
    #[error("this server was asked a moment ago; try again later")]
    Budget,
    /// Our own key or database failed.
    #[error("{0}")]
    Ours(String),
}

impl FetchError {
    /// Whether trying again later may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Network(_) | Self::Budget | Self::Ours(_) => true,
            // A name that resolves to a private address is often a resolver in trouble.
            Self::Forbidden(Forbidden::Private(_)) => true,
            Self::Status(status) => matches!(status, 401 | 408 | 425 | 429 | 500..=599 if *status != 501),
            _ => false,
        }
    }
}

impl From<KeyError> for FetchError {
    fn from(error: KeyError) -> Self {
        Self::Ours(error.to_string())
    }
}

/// What came back from a GET, whatever its status.
#[derive(Debug)]
pub struct Fetched {
    /// The URL that answered, after redirects.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed, at most [`MAX_BODY`].
    pub body: Bytes,
}

/// What came back from a delivery.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// How long `Retry-After` asks to wait, in milliseconds.
    pub retry_after: Option<Millis>,
    /// The beginning of the body as text, for people to read.
    pub text: String,
}

/// What a [`Client`] is made with.
pub struct Setup {
    /// Where it may go.
    pub policy: Policy,
    /// PEM of one or more further certificate authorities.
    pub extra_ca: Option<Vec<u8>>,
    /// Names that are not looked up but known, for tests.
    pub resolve: Vec<(String, SocketAddr)>,
    /// `User-Agent` of every request; GoToSocial refuses requests without one.
    pub user_agent: String,
    /// Who signs GETs: the key's id, and the instance actor's keys; nobody does where there is no server.
    pub instance: Option<(String, Arc<Signer>)>,
    /// Unix milliseconds.
    pub clock: crate::Clock,
    /// Whom not to visit; nobody is blocked where there is no server.
    pub(crate) blocklist: Option<Arc<Blocklist>>,
}

impl Setup {
    /// For the command line, where there is no server: nothing is signed and nobody blocked; the policy holds.
    pub fn alone(policy: Policy, extra_ca: Option<Vec<u8>>, user_agent: String, clock: crate::Clock) -> Self {
        Self {
            policy,
            extra_ca,
            resolve: Vec::new(),
            user_agent,
            instance: None,
            clock,
            blocklist: None,
        }
    }
}

/// The client. Cheap to share; keeps connections open for a minute.
pub struct Client {
    http: reqwest::Client,
    policy: Arc<Policy>,
    instance: Option<(String, Arc<Signer>)>,
    spoken: Spoken,
    clock: crate::Clock,
    blocklist: Option<Arc<Blocklist>>,
}

impl Client {
    /// Makes the client.
    ///
    /// # Errors
    /// When an extra certificate cannot be read or TLS cannot be set up.
    pub fn new(setup: Setup) -> Result<Self, FetchError> {
        let policy = Arc::new(setup.policy);
        let builder = || {
            reqwest::Client::builder()
                .user_agent(&setup.user_agent)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .https_only(!policy.allow_http)
                .connect_timeout(CONNECT)
                .read_timeout(READ)
                .timeout(TOTAL)
                .pool_idle_timeout(Duration::from_secs(60))
                .pool_max_idle_per_host(2)
                .http1_max_headers(100)
                .dns_resolver(Arc::new(Resolver::new(
                    Arc::clone(&policy),
                    setup.resolve.clone(),
                )))
        };
        let extra = setup.extra_ca.as_deref().map_or(Ok(Vec::new()), |pem| {
            reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| FetchError::Ours(format!("the extra certificates cannot be read: {error}")))
        })?;
        let http = builder().tls_certs_merge(extra).build().or_else(|error| {
            // A bare machine has no certificate authorities: everything but https to others works there.
            tracing::warn!(%error, "no https to other servers: install the package ca-certificates");
            let trusting_nobody = builder().tls_certs_only([]).build();
            trusting_nobody.map_err(|error| FetchError::Ours(error.to_string()))
        })?;
        Ok(Self {
            http,
            policy,
            instance: setup.instance,
            spoken: Spoken::new(),
            clock: setup.clock,
            blocklist: setup.blocklist,
        })
    }

    /// The rules in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether a URL may be visited: the rules, and whom moderators blocked.
    ///
    /// # Errors
    /// [`FetchError::Forbidden`], or `Ours` when the store does not answer.
    pub(crate) async fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.policy.check_url(url)?;
        let Some(blocklist) = &self.blocklist else {
            return Ok(());
        };
        let blocked = blocklist.covers((self.clock)(), url).await;
        if blocked.map_err(|error| FetchError::Ours(error.to_string()))? {
            return Err(Forbidden::Blocked.into());
        }
        Ok(())
    }

    /// GETs a URL, signed by the instance actor, following up to three redirects; every hop is checked and signed anew.
    ///
    /// # Errors
    /// [`FetchError`]; an answer with an error status is not one.
    pub async fn get(&self, url: &Url, accept: &str) -> Result<Fetched, FetchError> {
        tokio::time::timeout(TOTAL, self.get_hops(url, accept))
            .await
            .unwrap_or_else(|_| Err(FetchError::Network("the server took too long".to_owned())))
    }

    async fn get_hops(&self, url: &Url, accept: &str) -> Result<Fetched, FetchError> {
        let mut url = url.clone();
        for _ in 0..=MAX_HOPS {
            url.set_fragment(None);
            self.check(&url).await?;
            let instance = self.instance.as_ref();
            let signature = instance.map(|(key_id, signer)| Signature { key_id, signer });
            let knock = Knock {
                method: Method::GET,
                url: &url,
                body: None,
                accept,
                signature,
            };
            let response = self.knock(&knock).await?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                let headers = response.headers().clone();
                let body = read(response, MAX_BODY).await?.ok_or(FetchError::TooLarge)?;
                return Ok(Fetched {
                    url,
                    status,
                    headers,
                    body,
                });
            }
            let location = response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok());
            let location = location.ok_or_else(|| FetchError::Status(status.as_u16()))?;
            url = url
                .join(location)
                .map_err(|_| FetchError::Unusable("it redirects to nowhere".to_owned()))?;
        }
        Err(FetchError::Redirects)
    }

    /// POSTs an activity to an inbox, freshly signed. Redirects are not followed: they are an answer.
    ///
    /// # Errors
    /// [`FetchError`] when no answer came; any status is an [`Answer`].
    pub async fn post(&self, url: &Url, body: &Body, signature: Signature<'_>) -> Result<Answer, FetchError> {
        self.check(url).await?;
        let knock = Knock {
            method: Method::POST,
            url,
            body: Some(body),
            accept: "application/activity+json, application/json",
            signature: Some(signature),
        };
        let response = self.knock(&knock).await?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| parse_retry_after(text, (self.clock)()));
        // The status has been read: whatever happens to the rest of the answer changes nothing.
        let text = match tokio::time::timeout(EXPLAIN, read(response, MAX_ANSWER)).await {
            Ok(Ok(Some(body))) => String::from_utf8_lossy(&body).into_owned(),
            _ => String::new(),
        };
        Ok(Answer {
            status,
            retry_after,
            text,
        })
    }
}

/// Reads a body up to a limit; `None` when there is more.
async fn read(mut response: reqwest::Response, limit: usize) -> Result<Option<Bytes>, FetchError> {
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Ok(None);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

/// Names the innermost cause: that is what tells DNS, TLS and refusal apart.
fn network(error: reqwest::Error) -> FetchError {
    let mut cause: &dyn std::error::Error = &error;
    loop {
        if let Some(forbidden) = cause.downcast_ref::<Forbidden>() {
            return FetchError::Forbidden(forbidden.clone());
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    let what = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "the server took too long",
        (false, true) => "no connection",
        (false, false) => "the exchange broke off",
    };
    FetchError::Network(format!("{what}: {cause}"))
}

/// `Retry-After` (RFC 9110 §10.2.3) as milliseconds from now: a number of seconds or a date.
fn parse_retry_after(text: &str, now: Millis) -> Option<Millis> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(Millis::from(seconds) * 1000);
    }
    let date = crate::verify::window::http_date(text.trim()).ok()?;
    Some((date - now).max(0))
}

/// Whether a `Content-Type` is one of the two that ActivityPub documents have (ActivityPub §3.2): anything else may be a
/// file that somebody uploaded.
pub fn is_activity_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    match essence.as_str() {
        "application/activity+json" => true,
        "application/ld+json" => parts.any(|part| {
            let (name, value) = part.split_once('=').unwrap_or_default();
            let mut profiles = value.trim_matches('"').split_whitespace();
            name.eq_ignore_ascii_case("profile") && profiles.any(|profile| profile == crate::vocab::CONTEXT)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_activitypub_types_are_taken_for_activitypub() {
        for good in [
            "application/activity+json",
            "application/activity+json;charset=utf-8",
            "Application/Activity+JSON; charset=UTF-8",
            "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"",
            "application/ld+json;charset=utf-8;profile=\"https://www.w3.org/ns/activitystreams\"",
        ] {
            assert!(is_activity_json(good), "{good}");
        }
        for bad in [
            "application/json",
            "text/html",
            "application/ld+json",
            "",
            "application/octet-stream",
            "application/ld+json; profile=\"https://evil.example\"",
            "application/activity+jsonx",
        ] {
            assert!(!is_activity_json(bad), "{bad}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = 1_700_000_000_000;
        assert_eq!(parse_retry_after("120", now), Some(120_000));
        assert_eq!(
            parse_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now),
            Some(60_000)
        );
        assert_eq!(parse_retry_after("Tue, 14 Nov 2023 20:00:00 GMT", now), Some(0));
        assert_eq!(parse_retry_after("soon", now), None);
        assert_eq!(parse_retry_after("-5", now), None);
    }
}
