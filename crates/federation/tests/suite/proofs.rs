//! Proofs against the vectors of FEP-8b32, of vc-di-eddsa and of Mastodon, and our own against our own.

use crate::corpora::json;
use serde_json::{Value, json};
use shoal_federation::{
    canonical,
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
        Err(ProofError::Several)
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

/// The canonical form of RFC 8785.
fn canonical(value: &Value) -> String {
    let mut text = Vec::new();
    canonical::write(&mut text, value).expect("JCS");
    String::from_utf8(text).expect("text")
}

#[test]
fn the_canonical_form_is_that_of_rfc_8785() {
    let Some(folder) = crate::corpora::path("vectors/jcs") else {
        return;
    };
    let mut seen = 0;
    for file in std::fs::read_dir(folder.join("input"))
        .expect("a folder")
        .flatten()
    {
        let input = std::fs::read(file.path()).expect("a readable file");
        let value: Value = serde_json::from_slice(&input).expect("JSON");
        let hex = folder.join("outhex").join(file.file_name()).with_extension("txt");
        let hex = std::fs::read_to_string(hex).expect("a readable file");
        let wanted: Vec<String> = hex.split_whitespace().map(str::to_owned).collect();
        let found: Vec<String> = canonical(&value)
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(found, wanted, "{}", file.path().display());
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn ten_thousand_numbers_are_written_as_rfc_8785_writes_them() {
    let Some(path) = crate::corpora::path("vectors/jcs/numbers/es6_numbers_10000.txt") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("a readable file");
    let mut seen = 0;
    for line in text.lines() {
        let (bits, wanted) = line.split_once(',').expect("bits and text");
        let number = f64::from_bits(u64::from_str_radix(bits, 16).expect("hexadecimal"));
        assert_eq!(canonical(&Value::from(number)), wanted, "{bits}");
        seen += 1;
    }
    assert_eq!(seen, 10_000);
}

#[test]
fn each_step_of_the_w3c_vector_is_ours_too() {
    let Some(folder) = crate::corpora::path("vectors/eddsa-jcs-2022/eddsa-jcs-2022") else {
        return;
    };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a readable file");
    let signed: Value = serde_json::from_str(&text("signedJCS.json")).expect("JSON");
    let mut document = signed.clone();
    document.as_object_mut().expect("an object").remove("proof");
    assert_eq!(canonical(&document), text("canonDocJCS.txt").trim());
    let mut proof = signed["proof"].clone();
    let value = proof.as_object_mut().expect("an object").remove("proofValue");
    assert_eq!(canonical(&proof), text("proofCanonJCS.txt").trim());
    assert_eq!(value, Some(json!(text("sigBTC58JCS.txt").trim())));
}

#[test]
fn a_proof_from_an_hour_ahead_is_taken_and_one_from_later_is_not() {
    let keys = keys::generate();
    let signer = Signer::load(&keys).expect("a fresh key loads");
    let multibase = keys::multibase_ed25519(&keys.ed25519_public);
    let id = "https://a.example/actor#ed25519-key";
    let made_at = |created| proof::sign(json!({ "a": 1 }), id, &signer, created).expect("an object");
    let hour = 3_600_000;
    assert_eq!(
        proof::verify(&made_at(now() + hour), id, &multibase, now()),
        Ok(())
    );
    let later = made_at(now() + hour + 1_000);
    assert_eq!(
        proof::verify(&later, id, &multibase, now()),
        Err(ProofError::Early)
    );
}
