//! A signed request to an inbox, every part of which a test may spoil, before it is signed or after. Who sends it is
//! played by `foreign.rs`; the key is in `signer.rs`.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::Value;

use crate::signer::Signer;
use crate::wire::{self, Raw};

/// A request before it is sent. Nothing of it is checked: that is the program's work.
#[derive(Clone, Debug)]
pub struct Letter {
    /// In capitals.
    pub method: String,
    /// With the query.
    pub path: String,
    /// In the order of sending, without `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// Sent as it is.
    pub body: Vec<u8>,
    /// `keyId`.
    pub key_id: String,
    /// `algorithm`, when one is named.
    pub algorithm: Option<String>,
    /// What the signature covers, in its order.
    pub covered: String,
    /// Further parameters of the signature, such as `created=1,`.
    pub parameters: String,
}

impl Letter {
    /// An activity to an inbox of the instance at `base`, as Mastodon sends it now.
    ///
    /// # Errors
    /// When `base` is no URL.
    pub fn post(base: &str, path: &str, key_id: &str, activity: &Value) -> Result<Self> {
        let body = activity.to_string().into_bytes();
        let mut letter = Self::get(base, path, key_id)?;
        letter.method = "POST".to_owned();
        letter.covered = "(request-target) host date digest".to_owned();
        letter.set("Content-Type", "application/activity+json");
        letter.set("Digest", &sha256(&body));
        letter.body = body;
        Ok(letter)
    }

    /// A signed GET of an ActivityPub document, as Mastodon sends it now.
    ///
    /// # Errors
    /// When `base` is no URL.
    pub fn get(base: &str, path: &str, key_id: &str) -> Result<Self> {
        let base = Url::parse(base)?;
        let host = base.host_str().context("a host")?;
        let host = base
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let letter = Self {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            key_id: key_id.to_owned(),
            algorithm: Some("rsa-sha256".to_owned()),
            covered: "(request-target) host date".to_owned(),
            parameters: String::new(),
        };
        Ok(letter
            .with("Host", &host)
            .with("Accept", "application/activity+json")
            .dated(Duration::ZERO, true))
    }

    /// The same, signed so long ago, or so far in the future.
    #[must_use]
    pub fn dated(self, distance: Duration, past: bool) -> Self {
        let now = SystemTime::now();
        let at = if past { now - distance } else { now + distance };
        self.with("Date", &httpdate::fmt_http_date(at))
    }

    /// The same with another value of a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// The same without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// The same with one more line of a header.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, covering this.
    #[must_use]
    pub fn covering(mut self, covered: &str) -> Self {
        self.covered = covered.to_owned();
        self
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a header, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The text to be signed (draft-cavage-12 §2.3).
    #[must_use]
    pub fn signing_string(&self) -> String {
        let line = |name: &str| match name {
            "(request-target)" => format!("{name}: {} {}", self.method.to_lowercase(), self.path),
            "(created)" | "(expires)" => format!("{name}: {}", self.parameter(&name[1..name.len() - 1])),
            header => format!("{header}: {}", self.header(header)),
        };
        self.covered.split(' ').map(line).collect::<Vec<_>>().join("\n")
    }

    fn parameter(&self, name: &str) -> String {
        let found = self.parameters.split(',').find_map(|one| {
            let (known, value) = one.split_once('=')?;
            (known == name).then(|| value.trim_matches('"').to_owned())
        });
        found.unwrap_or_default()
    }

    /// The same with its `Signature` header.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn signed(self, signer: &Signer) -> Result<Self> {
        let signature = STANDARD.encode(signer.sign(self.signing_string().as_bytes())?);
        Ok(self.bearing(&signature))
    }

    /// The same with a `Signature` header that holds this signature, whatever it is.
    #[must_use]
    pub fn bearing(self, signature: &str) -> Self {
        let algorithm = self
            .algorithm
            .as_ref()
            .map(|name| format!("algorithm=\"{name}\","))
            .unwrap_or_default();
        let header = format!(
            "keyId=\"{}\",{algorithm}{}headers=\"{}\",signature=\"{signature}\"",
            self.key_id, self.parameters, self.covered
        );
        self.with("Signature", &header)
    }

    /// The same with one more signature by RFC 9421, under this label, over these components, with these parameters:
    /// `created=1;keyid="…"`. Host names are taken from the `Host` header as it stands now.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn labelled(self, label: &str, covered: &str, parameters: &str, signer: &Signer) -> Result<Self> {
        let quoted: Vec<String> = covered
            .split_whitespace()
            .map(|name| format!("\"{name}\""))
            .collect();
        let input = format!("({});{parameters}", quoted.join(" "));
        let host = self.header("Host").to_owned();
        let line = |name: &str| match name {
            "@method" => self.method.clone(),
            "@target-uri" => format!("http://{host}{}", self.path),
            "@path" => self.path.clone(),
            "@authority" => host.to_lowercase(),
            header => self.header(header).to_owned(),
        };
        let mut base = String::new();
        for name in covered.split_whitespace() {
            base.push_str(&format!("\"{name}\": {}\n", line(name)));
        }
        base.push_str(&format!("\"@signature-params\": {input}"));
        let signature = STANDARD.encode(signer.sign(base.as_bytes())?);
        Ok(self
            .and("Signature-Input", &format!("{label}={input}"))
            .and("Signature", &format!("{label}=:{signature}:")))
    }

    /// The bytes to be sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!(
            "Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.body.len()
        ));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it.
    ///
    /// # Errors
    /// When no connection can be made.
    pub async fn send(&self, to: SocketAddr) -> Result<Raw> {
        wire::send(to, &self.bytes()).await
    }
}

/// The `Digest` header of a body (RFC 3230).
#[must_use]
pub fn sha256(body: &[u8]) -> String {
    format!("SHA-256={}", STANDARD.encode(digest(&SHA256, body)))
}

/// The `Content-Digest` header of a body (RFC 9530).
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
}

/// Unix seconds, so long from now.
#[must_use]
pub fn seconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX) + seconds
}
