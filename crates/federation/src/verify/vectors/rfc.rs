//! RFC 9421, appendix B.2. Only the last example is by an algorithm that an inbox takes; of the others the signature base
//! has to come out as printed, and their signatures are checked with the library directly.

use super::{file, head, headers, text};
use crate::verify::{self, Head, Refusal, component, key::PublicKey, rfc9421};
use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};

/// The bytes between the armour of a PEM.
fn der(pem: &str) -> Vec<u8> {
    let body = pem.lines().filter(|line| !line.starts_with("-----"));
    let compact: String = body.flat_map(str::split_whitespace).collect();
    STANDARD.decode(compact).expect("base64")
}

/// The last part of an SPKI of a P-256 key is the point that the library wants.
fn point(pem: &str) -> Vec<u8> {
    let der = der(pem);
    der[der.len() - 65..].to_vec()
}

fn holds(vector: &Value, keys: &Value, message: &[u8], signature: &[u8]) -> bool {
    let by = |algorithm: &'static dyn VerificationAlgorithm, key: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .is_ok()
    };
    let key = |name: &str| text(keys, name);
    match text(vector, "alg") {
        "rsa-pss-sha512" => by(&RSA_PSS_2048_8192_SHA512, der(key("test-key-rsa-pss.pub"))),
        "ecdsa-p256-sha256" => by(&ECDSA_P256_SHA256_FIXED, point(key("test-key-ecc-p256.pub"))),
        "hmac-sha256" => {
            let secret = STANDARD.decode(key("test-shared-secret")).expect("base64");
            hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message, signature).is_ok()
        }
        "ed25519" => PublicKey::from_pem(key("test-key-ed25519.pub"))
            .expect("a key")
            .verify(message, signature),
        other => panic!("no algorithm of the appendix: {other}"),
    }
}

#[test]
fn the_examples_of_the_rfc_are_rebuilt_and_verify() {
    let Some(file) = file("rfc9421/rfc9421_appendix_b.json") else {
        return;
    };
    let vectors = file["vectors"].as_array().expect("vectors");
    for vector in vectors {
        let id = text(vector, "id");
        let headers = headers(&vector["headers"]);
        let mut line = text(vector, "start_line").split(' ');
        let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        let head = head(method, target, &headers, vector);
        let parse = |name: &str| -> Dictionary { Parser::new(text(vector, name)).parse().expect(id) };
        let (inputs, signatures) = (parse("signature_input"), parse("signature"));
        let Some((label, ListEntry::InnerList(input))) = inputs.first() else {
            panic!("{id}: no label")
        };
        let Some(ListEntry::Item(signature)) = signatures.get(label) else {
            panic!("{id}: no signature")
        };
        let value = |part: &Item| match part.bare_item.as_string().map(|name| name.as_str()) {
            // Of an answer; no request of ours has one.
            Some("@status") => Ok(target.to_owned()),
            _ => component::value(part, head, "https://example.com"),
        };
        let statement = rfc9421::statement(input, signature, &value).expect(id);
        assert_eq!(statement.texts, [text(vector, "signature_base")], "{id}");
        let BareItem::ByteSequence(bytes) = &signature.bare_item else {
            panic!("{id}: no bytes")
        };
        let base = statement.texts[0].as_bytes();
        assert!(holds(vector, &file["keys"], base, bytes), "{id}");
        let changed = [base, b" "].concat();
        assert!(!holds(vector, &file["keys"], &changed, bytes), "{id}");
    }
    assert_eq!(vectors.len(), 6);
}

#[test]
fn the_example_by_ed25519_goes_our_own_way_up_to_the_policy() {
    let Some(file) = file("rfc9421/rfc9421_appendix_b.json") else {
        return;
    };
    let vector = &file["vectors"][5];
    let mut headers = headers(&vector["headers"]);
    for name in ["signature-input", "signature"] {
        let value = text(vector, &name.replace('-', "_")).parse().expect("a header");
        headers.insert(http::HeaderName::from_static(name), value);
    }
    let head = head("POST", "/foo?param=Value&Pet=dog", &headers, vector);
    let mut statements = rfc9421::statements(head, "https://example.com");
    let claim = statements.remove(0).expect("well formed").into_claim();
    let key = PublicKey::from_pem(text(&file["keys"], "test-key-ed25519.pub")).expect("a key");
    assert_eq!(
        (claim.key_id.as_str(), claim.check(&key)),
        ("test-key-ed25519", Ok(()))
    );
    // It covers neither the body's digest nor a time of today.
    let now = 1_618_884_473_000;
    let refused = |head: Head<'_>| verify::read(head, "https://example.com", now).expect_err("the digest");
    assert_eq!(refused(head), Refusal::NotCovered("the digest"));
}
