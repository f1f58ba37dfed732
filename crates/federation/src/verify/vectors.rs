//! The cavage verifier against requests made by others: the draft's own appendix, Mastodon's whole requests on their
//! frozen clock, and requests captured from real servers. Read from beside the project; skipped where it is not there.

use super::{Head, Refusal, cavage, key::PublicKey};
use crate::time::parse_rfc3339;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

fn vectors(name: &str) -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = std::env::var("SHOAL_CORPORA").unwrap_or_else(|_| beside.to_owned());
    let path = format!("{folder}/vectors/{name}");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is not there");
        return None;
    };
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

fn headers<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    let pair = |(name, value)| {
        let name = HeaderName::from_bytes(str::as_bytes(name)).expect("a header name");
        (name, HeaderValue::from_str(value).expect("a header value"))
    };
    pairs.map(pair).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The headers of a vector that lists them in an object.
fn of_object(vector: &Value) -> HeaderMap {
    let members = vector["headers"].as_object().expect("headers");
    headers(
        members
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())),
    )
}

#[test]
fn the_examples_of_the_draft_verify() {
    let Some(file) = vectors("cavage/draft-cavage-12_appendix_c.json") else {
        return;
    };
    let key = PublicKey::from_pem(text(&file, "public_key_pem"))
        .expect("a key")
        .allow_1024_bits();
    let strong = PublicKey::from_pem(text(&file, "public_key_pem")).expect("a key");
    for vector in file["vectors"].as_array().expect("vectors") {
        let signature = text(vector, "recomputed_signature_pkcs1v15_sha256");
        let claim = cavage::Claim::of_vector(text(vector, "signing_string"), signature);
        assert_eq!(claim.check(&key), Ok(()), "{}", text(vector, "id"));
        assert_eq!(
            claim.check(&strong),
            Err(Refusal::Signature),
            "1024 bits are too few outside this test"
        );
    }
}

#[test]
fn the_string_of_the_drafts_second_example_is_rebuilt_from_the_request() {
    let Some(file) = vectors("cavage/draft-cavage-12_appendix_c.json") else {
        return;
    };
    let key = PublicKey::from_pem(text(&file, "public_key_pem"))
        .expect("a key")
        .allow_1024_bits();
    let request = &file["request"];
    let vector = &file["vectors"][1];
    let list = text(vector, "headers_param");
    let signature = format!(
        "keyId=\"Test\",headers=\"{list}\",signature=\"{}\"",
        text(vector, "signature")
    );
    let listed = request["headers"].as_array().expect("headers").iter();
    let pair = |pair: &'_ Value| {
        (
            pair[0].as_str().unwrap_or_default().to_owned(),
            pair[1].as_str().unwrap_or_default().to_owned(),
        )
    };
    let mut pairs: Vec<(String, String)> = listed.map(pair).collect();
    pairs.push(("Signature".to_owned(), signature));
    let headers = headers(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let head = Head {
        method: "POST",
        path_and_query: text(request, "target"),
        headers: &headers,
        body: text(request, "body").as_bytes(),
    };
    let now = parse_rfc3339("2014-01-05T21:31:40Z").expect("a time");
    assert_eq!(
        cavage::read(head, "example.com", now).expect_err("no digest"),
        Refusal::NotCovered("digest")
    );
    let claim = cavage::read_without_rules(head).expect("well formed");
    assert_eq!(claim.check(&key), Ok(()));
}

#[test]
fn mastodons_requests_are_accepted_and_refused_as_recorded() {
    let Some(file) = vectors("mastodon_signatures.json") else {
        return;
    };
    let key = PublicKey::from_pem(text(&file, "public_key_pem")).expect("a key");
    let mut seen = 0;
    for vector in file["vectors"].as_array().expect("vectors") {
        let headers = of_object(vector);
        let head = Head {
            method: text(vector, "method"),
            path_and_query: text(vector, "target"),
            headers: &headers,
            body: text(vector, "body").as_bytes(),
        };
        let now = parse_rfc3339(text(vector, "clock")).expect("a time");
        let read = cavage::read(head, "www.example.com", now);
        let id = text(vector, "id");
        if text(vector, "scheme") != "cavage-12" {
            assert_eq!(read.expect_err(id), Refusal::UnknownScheme, "{id}");
            continue;
        }
        seen += 1;
        // Case 15 is refused only because its key cannot be fetched; that is `inbox/sender.rs`, tested over sockets.
        let wanted = vector["expect"]["accepted"] == Value::Bool(true) || id == "mastodon-sig-15";
        let verdict = read.and_then(|claim| claim.check(&key));
        assert_eq!(
            verdict.is_ok(),
            wanted,
            "{id}: {verdict:?} ({})",
            text(vector, "context")
        );
    }
    assert_eq!(seen, 15);
}

#[test]
fn requests_captured_from_real_servers_verify() {
    let Some(file) = vectors("captured_http_signatures.json") else {
        return;
    };
    for vector in file["vectors"].as_array().expect("vectors") {
        let id = text(vector, "id");
        let url = url::Url::parse(text(vector, "url")).expect("a URL");
        let pem = vector["actor"]["publicKey"]["publicKeyPem"].as_str();
        let pem = pem
            .or_else(|| vector["key"]["publicKeyPem"].as_str())
            .expect("a key");
        let headers = of_object(vector);
        let body = text(vector, "body");
        let head = Head {
            method: text(vector, "method"),
            path_and_query: url.path(),
            headers: &headers,
            body: body.as_bytes(),
        };
        let now = parse_rfc3339(text(vector, "clock")).expect("a time");
        let claim = cavage::read(head, url.host_str().expect("a host"), now).expect(id);
        assert_eq!(
            claim.check(&PublicKey::from_pem(pem).expect("a key")),
            Ok(()),
            "{id}"
        );
        let late = now + super::window::OLDEST + 1_000;
        assert!(
            matches!(
                cavage::read(head, url.host_str().expect("a host"), late),
                Err(Refusal::Clock(_))
            ),
            "{id}"
        );
        let changed = format!("{body} ");
        let head = Head {
            body: changed.as_bytes(),
            ..head
        };
        assert_eq!(
            cavage::read(head, url.host_str().expect("a host"), now).expect_err(id),
            Refusal::Digest
        );
    }
}
