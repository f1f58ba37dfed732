//! Puts a signature on a request of ours, in either of two schemes: `sign/cavage.rs`, which every server measured accepts,
//! and `sign/rfc9421.rs`, for those that no longer do. Which of them a host understands is remembered by `sign/spoken.rs`;
//! `fetch.rs` sends the result. Each attempt is signed anew.

mod cavage;
mod rfc9421;
mod spoken;

pub(crate) use spoken::Spoken;

use crate::{
    keys::{KeyError, Signer},
    verify::digest,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use shoal_store::Millis;
use url::Url;

/// Who signs: the key's id as published in the actor document, and the key.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    /// `{actor}#main-key`.
    pub key_id: &'a str,
    /// The actor's keys.
    pub signer: &'a Signer,
}

/// How a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// draft-cavage-http-signatures-12.
    Cavage,
    /// HTTP Message Signatures.
    Rfc9421,
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Where it goes.
    pub url: &'a Url,
    /// What it carries; `None` for GET.
    pub body: Option<&'a Body>,
}

/// What requests carry, with its digest in either scheme: the same in every copy that is sent.
#[derive(Debug, Clone)]
pub struct Body {
    bytes: Bytes,
    digest: String,
    content_digest: String,
}

impl Body {
    /// Takes its digest.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            digest: digest::digest_of(&bytes),
            content_digest: digest::content_digest_of(&bytes),
            bytes,
        }
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// The headers that make a request signed, `Host` among them; `now` is the time of signing in unix milliseconds.
///
/// # Errors
/// When the key cannot sign, or the URL has no host.
pub fn headers(
    scheme: Scheme,
    signature: Signature<'_>,
    request: Request<'_>,
    now: Millis,
) -> Result<HeaderMap, KeyError> {
    let pairs = match scheme {
        Scheme::Cavage => cavage::headers(signature, request, now)?,
        Scheme::Rfc9421 => rfc9421::headers(signature, request, now)?,
    };
    let mut headers = HeaderMap::with_capacity(2 * pairs.len());
    for (name, value) in pairs {
        let value = HeaderValue::try_from(value).map_err(|_| KeyError::Signing)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Headers by their names.
type Pairs = Vec<(&'static str, String)>;

/// `host` or `host:port` as it stands in a Host header: the default port is left out.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{self, Head, Refusal, key::PublicKey};

    const NOW: Millis = 1_700_000_000_000;

    #[test]
    fn what_we_sign_our_own_verifier_accepts() {
        let keys = crate::keys::generate();
        let signer = Signer::load(&keys).expect("a fresh key loads");
        let key = PublicKey::from_pem(&keys.rsa_public_pem).expect("our own PEM is read");
        let url = Url::parse("https://far.example:8443/inbox?a=b").expect("a URL");
        let signature = Signature {
            key_id: "https://a.example/actor#main-key",
            signer: &signer,
        };
        for (method, body, scheme) in [
            ("POST", Some(&b"{}"[..]), Scheme::Cavage),
            ("POST", Some(&b"{}"[..]), Scheme::Rfc9421),
            ("GET", None, Scheme::Cavage),
            ("GET", None, Scheme::Rfc9421),
        ] {
            let url = &url;
            let carried = body.map(Body::new);
            let body = carried.as_ref();
            let headers = headers(scheme, signature, Request { method, url, body }, NOW).expect("signs");
            let head = Head {
                method,
                path_and_query: "/inbox?a=b",
                headers: &headers,
                body: body.map(Body::bytes).map_or(&[], |bytes| bytes),
            };
            let claims = verify::read(head, "https://far.example:8443", NOW).expect("well formed");
            assert_eq!(claims.len(), 1, "{scheme:?}");
            assert_eq!(claims[0].key_id, "https://a.example/actor#main-key");
            claims[0].check(&key).expect("verifies");
            let elsewhere = verify::read(head, "https://near.example", NOW);
            let elsewhere = elsewhere.and_then(|claims| claims[0].check(&key));
            assert!(
                elsewhere.is_err(),
                "{scheme:?} {method} was made for another host"
            );
        }
    }

    #[test]
    fn the_algorithm_comes_from_the_key_and_not_from_the_header() {
        let keys = crate::keys::generate();
        let signer = Signer::load(&keys).expect("a fresh key loads");
        let rsa = PublicKey::from_pem(&keys.rsa_public_pem).expect("our own PEM is read");
        let ed25519 = PublicKey::from_ed25519(&keys.ed25519_public).expect("32 bytes");
        let url = &Url::parse("https://far.example/inbox").expect("a URL");
        let signature = Signature {
            key_id: "https://a.example/actor#main-key",
            signer: &signer,
        };
        let request = Request {
            method: "GET",
            url,
            body: None,
        };
        let signed = headers(Scheme::Cavage, signature, request, NOW).expect("signs");
        for (named, by_rsa) in [
            ("rsa-sha256", Ok(())),
            ("hs2019", Ok(())),
            ("ed25519", Err(Refusal::Algorithm)),
            ("hmac-sha256", Err(Refusal::Algorithm)),
            ("none", Err(Refusal::Algorithm)),
            ("x-attacker-supplied", Err(Refusal::Algorithm)),
        ] {
            let mut headers = signed.clone();
            let text = signed["signature"]
                .to_str()
                .expect("text")
                .replace("rsa-sha256", named);
            headers.insert("signature", HeaderValue::try_from(text).expect("a header"));
            let head = Head {
                method: "GET",
                path_and_query: "/inbox",
                headers: &headers,
                body: &[],
            };
            let read = verify::read(head, "https://far.example", NOW);
            let by = |key: &PublicKey| match &read {
                Ok(claims) => claims[0].check(key),
                Err(refusal) => Err(refusal.clone()),
            };
            assert_eq!(by(&rsa), by_rsa, "{named}");
            assert!(by(&ed25519).is_err(), "{named}");
        }
    }
}
