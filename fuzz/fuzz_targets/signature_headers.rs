//! The headers of a signed request, in both schemes. Lines of the input are the target, `Signature` twice,
//! `Signature-Input`, `Content-Digest`, `Digest` and `Date`; the rest is the body. Nobody but its owner signs with a key,
//! so no claim may ever hold.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use shoal_federation::verify::{self, Head, MAX_SIGNATURES, key::PublicKey};
use std::sync::LazyLock;

/// The Ed25519 key of RFC 9421 appendix B.1.4.
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----";
    PublicKey::from_pem(pem).expect("a key")
});

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(8, |byte| *byte == b'\n');
    let target = parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("archive.example"));
    for name in [
        "signature",
        "signature",
        "signature-input",
        "content-digest",
        "digest",
        "date",
    ] {
        let value = parts.next().unwrap_or_default();
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let body = parts.next().unwrap_or_default();
    for method in ["POST", "GET"] {
        let head = Head {
            method,
            path_and_query: target.unwrap_or("/inbox?a=b"),
            headers: &headers,
            body,
        };
        match verify::read(head, "https://archive.example", 1_618_884_473_000) {
            Ok(claims) => {
                assert!((1..=MAX_SIGNATURES).contains(&claims.len()));
                assert!(claims.iter().all(|claim| claim.check(&KEY).is_err()));
            }
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }
});
