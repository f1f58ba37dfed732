//! The whole requests of Mastodon's own tests: 15 signed by the draft and 13 by RFC 9421, each accepted or refused there.

use super::{file, head, headers, text};
use crate::{
    time::parse_rfc3339,
    verify::{self, Refusal, key::PublicKey},
};
use serde_json::Value;

#[test]
fn mastodons_requests_are_accepted_and_refused_as_recorded() {
    let Some(file) = file("mastodon_signatures.json") else {
        return;
    };
    let rsa = PublicKey::from_pem(text(&file, "public_key_pem")).expect("a key");
    let ed25519 = PublicKey::from_pem(text(&file, "ed25519_public_key_pem")).expect("a key");
    let vectors = file["vectors"].as_array().expect("vectors");
    for vector in vectors {
        let headers = headers(&vector["headers"]);
        let head = head(text(vector, "method"), text(vector, "target"), &headers, vector);
        let now = parse_rfc3339(text(vector, "clock")).expect("a time");
        // Bob's key can be had, by his key's address and by his handle; Alice's server does not answer.
        let key = |id: &str| match id {
            "https://remote.domain/users/bob#main-key" | "acct:bob@remote.domain" => {
                Some(if text(vector, "key") == "ed25519" {
                    &ed25519
                } else {
                    &rsa
                })
            }
            _ => None,
        };
        let verdict = verify::read(head, "https://www.example.com", now).and_then(|claims| {
            let key = key(&claims[0].key_id).ok_or(Refusal::Unsigned)?;
            claims[0].check(key)
        });
        assert_eq!(
            verdict.is_ok(),
            vector["expect"]["accepted"] == Value::Bool(true),
            "{}: {verdict:?} ({})",
            text(vector, "id"),
            text(vector, "context")
        );
    }
    assert_eq!(vectors.len(), 28);
}
