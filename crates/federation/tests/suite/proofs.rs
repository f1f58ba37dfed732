//! Proofs against the vectors of FEP-8b32, of vc-di-eddsa and of Mastodon, and our own against our own.

use crate::corpora::json;
use serde_json::{Value, json};
use shoal_federation::{
    keys::{self, Signer},
    proof::{self, ProofError},
    time::parse_rfc3339,
};

const KEY: &str = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";

fn now() -> i64 {
    parse_rfc3339("2026-11-20T08:00:00Z").expect("a time")
}

/// The key that a proof names: the vectors are all by one key under several names.
fn verify(document: &Value) -> Result<(), ProofError> {
    let named = document["proof"]["verificationMethod"]
        .as_str()
        .unwrap_or_default();
    proof::verify(document, named, KEY, now())
}

#[test]
fn the_examples_of_fep_8b32_verify_and_their_forgeries_do_not() {
    let Some(file) = json("vectors/fep-8b32/fep-8b32.json") else {
        return;
    };
    let id = "https://server.example/users/alice#ed25519-key";
    assert_eq!(proof::verify(&file["signed"], id, KEY, now()), Ok(()));
    for case in file["negative"].as_array().expect("cases") {
        let verdict = proof::verify(&case["document"], id, KEY, now());
        assert!(verdict.is_err(), "{}", case["name"]);
    }
}

#[test]
fn the_w3c_vector_of_the_suite_verifies() {
    let Some(document) = json("vectors/eddsa-jcs-2022/eddsa-jcs-2022/signedJCS.json") else {
        return;
    };
    assert_eq!(verify(&document), Ok(()));
}

#[test]
fn mastodons_cases_are_accepted_and_refused_as_recorded() {
    let Some(file) = json("vectors/fep-8b32/mastodon_integrity_proofs.json") else {
        return;
    };
    for case in file["documents"].as_array().expect("cases") {
        let wanted = case["expect_accepted"] == Value::Bool(true);
        assert_eq!(verify(&case["document"]).is_ok(), wanted, "{}", case["context"]);
    }
}

#[test]
fn what_we_prove_verifies_until_anything_is_changed() {
    let keys = keys::generate();
    let signer = Signer::load(&keys).expect("a fresh key loads");
    let multibase = keys::multibase_ed25519(&keys.ed25519_public);
    let id = "https://a.example/collections/tides#ed25519-key";
    let document =
        json!({ "@context": ["https://www.w3.org/ns/activitystreams", proof::CONTEXT], "b": 1.5, "a": "é" });
    let signed = proof::sign(document, id, &signer, now()).expect("an object");
    assert_eq!(proof::verify(&signed, id, &multibase, now()), Ok(()));

    let changed = |change: fn(&mut Value)| {
        let mut document = signed.clone();
        change(&mut document);
        proof::verify(&document, id, &multibase, now())
    };
    assert_eq!(
        changed(|document| document["a"] = json!("e")),
        Err(ProofError::Wrong)
    );
    assert_eq!(
        changed(|document| document["proof"]["created"] = json!("2026-01-01T00:00:00Z")),
        Err(ProofError::Wrong)
    );
    assert_eq!(
        changed(|document| document["proof"]["proofPurpose"] = json!("x")),
        Err(ProofError::Unsupported)
    );
    assert_eq!(
        changed(|document| document["proof"] = json!([])),
        Err(ProofError::Missing)
    );
    assert_eq!(
        changed(|document| document["proof"]["expires"] = json!("2026-01-01T00:00:00Z")),
        Err(ProofError::Expired)
    );
    assert_eq!(
        proof::verify(&signed, "https://b.example/x#key", &multibase, now()),
        Err(ProofError::OtherKey)
    );
    assert_eq!(proof::verify(&signed, id, KEY, now()), Err(ProofError::Wrong));
}

#[test]
fn signing_again_gives_the_very_bytes_of_the_vector() {
    let Some(file) = json("vectors/fep-8b32/fep-8b32.json") else {
        return;
    };
    let secret = file["secret_key_multibase"]
        .as_str()
        .expect("a key")
        .trim_start_matches('z');
    let seed = bs58::decode(secret).into_vec().expect("base58");
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed[2..]).expect("a seed");
    let mut keys = keys::generate();
    keys.ed25519_private_der = pair.to_pkcs8v1().expect("written").as_ref().to_vec();
    let signer = Signer::load(&keys).expect("loads");
    let created = parse_rfc3339(file["created"].as_str().expect("a time")).expect("a time");
    let id = "https://server.example/users/alice#ed25519-key";
    let signed = proof::sign(file["unsigned"].clone(), id, &signer, created).expect("an object");
    assert_eq!(
        signed["proof"]["proofValue"],
        file["signed"]["proof"]["proofValue"]
    );
}
