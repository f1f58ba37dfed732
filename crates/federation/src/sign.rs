//! Puts a draft-cavage-12 signature on a request of ours: `(request-target) host date digest` with `rsa-sha256`, which is
//! what every server measured accepts. Each attempt is signed anew, with a fresh Date. `fetch.rs` sends the result.

use crate::{
    keys::{KeyError, Signer},
    verify::window,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_signature_normalization::Config;
use shoal_store::Millis;
use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};
use url::Url;

/// Who signs: the key's id as published in the actor document, and the key.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    /// `{actor}#main-key`.
    pub key_id: &'a str,
    /// The actor's keys.
    pub signer: &'a Signer,
}

/// The headers `Host`, `Date`, `Digest` (only when there is a body) and `Signature` of one request to `url`.
///
/// # Errors
/// When the key cannot sign, or the URL has no host.
pub fn headers(
    signature: Signature<'_>,
    method: &str,
    url: &Url,
    body: Option<&[u8]>,
    now: Millis,
) -> Result<HeaderMap, KeyError> {
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0));
    let mut values = BTreeMap::new();
    values.insert("host".to_owned(), authority(url));
    values.insert("date".to_owned(), httpdate::fmt_http_date(date));
    let mut config = Config::new().mastodon_compat();
    if let Some(body) = body {
        values.insert("digest".to_owned(), window::digest_of(body));
        config = config.require_digest();
    }
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let unsigned = config
        .begin_sign(method, target, values.clone())
        .map_err(|_| KeyError::Signing)?;
    let signed = unsigned.sign(signature.key_id.to_owned(), |text| {
        signature
            .signer
            .rsa_sha256(text.as_bytes())
            .map(|bytes| STANDARD.encode(bytes))
    })?;
    // The crate always names hs2019, which PeerTube and older servers do not know; the bytes are the same.
    let header = signed
        .signature_header()
        .replacen("algorithm=\"hs2019\"", "algorithm=\"rsa-sha256\"", 1);
    values.insert("signature".to_owned(), header);
    values.into_iter().map(header_pair).collect()
}

fn header_pair((name, value): (String, String)) -> Result<(HeaderName, HeaderValue), KeyError> {
    let name = HeaderName::try_from(name).map_err(|_| KeyError::Signing)?;
    let value = HeaderValue::try_from(value).map_err(|_| KeyError::Signing)?;
    Ok((name, value))
}

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
    use crate::verify::{self, Head, key::PublicKey};

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
        for (method, body) in [("POST", Some(&b"{}"[..])), ("GET", None)] {
            let headers = headers(signature, method, &url, body, 1_700_000_000_000).expect("signs");
            let head = Head {
                method,
                path_and_query: "/inbox?a=b",
                headers: &headers,
                body: body.unwrap_or_default(),
            };
            let claim =
                verify::cavage::read(head, "far.example:8443", 1_700_000_000_000).expect("well formed");
            assert_eq!(claim.key_id, "https://a.example/actor#main-key");
            claim.check(&key).expect("verifies");
            let text = headers["signature"].to_str().expect("text");
            assert!(text.contains("algorithm=\"rsa-sha256\""), "{text}");
            let elsewhere = verify::cavage::read(head, "near.example", 1_700_000_000_000);
            assert_eq!(elsewhere.expect_err("another host"), verify::Refusal::OtherHost);
        }
    }

    #[test]
    fn the_algorithm_comes_from_the_key_and_not_from_the_header() {
        let keys = crate::keys::generate();
        let signer = Signer::load(&keys).expect("a fresh key loads");
        let rsa = PublicKey::from_pem(&keys.rsa_public_pem).expect("our own PEM is read");
        let ed25519 = PublicKey::from_ed25519(&keys.ed25519_public).expect("32 bytes");
        let url = Url::parse("https://far.example/inbox").expect("a URL");
        let signature = Signature {
            key_id: "https://a.example/actor#main-key",
            signer: &signer,
        };
        let signed = headers(signature, "GET", &url, None, 1_700_000_000_000).expect("signs");
        for (named, by_rsa) in [
            ("rsa-sha256", Ok(())),
            ("hs2019", Ok(())),
            ("ed25519", Err(verify::Refusal::Algorithm)),
            ("hmac-sha256", Err(verify::Refusal::Algorithm)),
            ("none", Err(verify::Refusal::Algorithm)),
            ("x-attacker-supplied", Err(verify::Refusal::Algorithm)),
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
            let claim = verify::cavage::read(head, "far.example", 1_700_000_000_000).expect("well formed");
            assert_eq!(claim.check(&rsa), by_rsa, "{named}");
            assert!(claim.check(&ed25519).is_err(), "{named}");
        }
    }
}
