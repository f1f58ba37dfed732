//! Proofs inside documents (FEP-8b32, `eddsa-jcs-2022`): what lets anyone verify a published object without asking us.
//! Making one needs the actor's `keys::Signer`; checking one needs only the key, which the caller has to have found and
//! matched with the owner. `outbox/draft.rs` and `outbox/answer.rs` put proofs on everything that is sent.

use crate::{
    base58::multibase,
    canonical,
    keys::{Signer, ed25519_from_multibase},
    time,
    verify::key::PublicKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use shoal_store::Millis;

/// The context that defines `DataIntegrityProof`; a signed document has to carry it.
pub const CONTEXT: &str = "https://w3id.org/security/data-integrity/v2";
/// How far ahead of ours the clock of whoever made a proof may be.
const AHEAD: Millis = 60 * 60 * 1000;
/// Room for most documents.
const LIKELY_BYTES: usize = 2048;
/// The one cryptosuite made and believed.
const SUITE: &str = "eddsa-jcs-2022";

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no `proof`.
    #[error("the document carries no proof")]
    Missing,
    /// `proof` is a list: a set or a chain of proofs. FEP-8b32 asks for at most one, and which of several somebody else
    /// checked could not be told.
    #[error("the document carries a set of proofs; only one proof is understood")]
    Several,
    /// Another type, suite or purpose, or parts missing.
    #[error("the proof is not an eddsa-jcs-2022 assertion")]
    Unsupported,
    /// The proof names another key than the one given.
    #[error("the proof was made with another key")]
    OtherKey,
    /// `expires` lies in the past, or cannot be read.
    #[error("the proof has expired")]
    Expired,
    /// `created` lies more than an hour ahead, or cannot be read.
    #[error("the proof was made in the future")]
    Early,
    /// The document cannot be canonicalised (RFC 8785).
    #[error("the document cannot be canonicalised")]
    Canonical,
    /// The arithmetic says no.
    #[error("the proof does not verify")]
    Wrong,
}

/// Adds a `proof` by `key_id` (`{actor}#ed25519-key`) to a document, in place of any that was there.
///
/// # Errors
/// [`ProofError::Canonical`] when the document is not an object that JCS can write.
pub fn sign(document: Value, key_id: &str, signer: &Signer, created: Millis) -> Result<Value, ProofError> {
    let Value::Object(mut document) = document else {
        return Err(ProofError::Canonical);
    };
    document.remove("proof");
    let mut proof = Map::new();
    if let Some(context) = document.get("@context") {
        proof.insert("@context".to_owned(), context.clone());
    }
    for (name, value) in [
        ("type", "DataIntegrityProof"),
        ("cryptosuite", SUITE),
        ("verificationMethod", key_id),
        ("proofPurpose", "assertionMethod"),
        ("created", &time::rfc3339(created)),
    ] {
        proof.insert(name.to_owned(), Value::from(value));
    }
    let signature = signer.ed25519(&hash_data(&document, &proof)?);
    proof.insert("proofValue".to_owned(), Value::from(multibase(&signature)));
    document.insert("proof".to_owned(), Value::Object(proof));
    Ok(Value::Object(document))
}

/// Checks the proof of a document against one Multikey (`id` and `publicKeyMultibase` of its owner's `assertionMethod`).
///
/// # Errors
/// A [`ProofError`] that says which condition does not hold.
pub fn verify(document: &Value, key_id: &str, multibase: &str, now: Millis) -> Result<(), ProofError> {
    let mut document = document.as_object().ok_or(ProofError::Missing)?.clone();
    let mut proof = match document.remove("proof") {
        Some(Value::Object(proof)) => proof,
        Some(Value::Array(_)) => return Err(ProofError::Several),
        Some(_) => return Err(ProofError::Unsupported),
        None => return Err(ProofError::Missing),
    };
    // FEP-8b32: a linked data signature is taken off before a proof is checked.
    document.remove("signature");
    let is = |name: &str, wanted: &str| proof.get(name).and_then(Value::as_str) == Some(wanted);
    if !is("type", "DataIntegrityProof")
        || !is("cryptosuite", SUITE)
        || !is("proofPurpose", "assertionMethod")
        || proof.contains_key("previousProof")
    {
        return Err(ProofError::Unsupported);
    }
    if !is("verificationMethod", key_id) {
        return Err(ProofError::OtherKey);
    }
    let time = |name: &str| {
        proof
            .get(name)
            .map(|time| time.as_str().and_then(time::parse_rfc3339))
    };
    if time("expires").is_some_and(|expires| expires.is_none_or(|expires| expires <= now)) {
        return Err(ProofError::Expired);
    }
    if time("created").is_some_and(|created| created.is_none_or(|created| created > now + AHEAD)) {
        return Err(ProofError::Early);
    }
    if let Some(context) = proof.get("@context") {
        let whole = document.get("@context").cloned().unwrap_or_default();
        if !begins_with(&whole, context) {
            return Err(ProofError::Wrong);
        }
        document.insert("@context".to_owned(), context.clone());
    }
    let value = proof.remove("proofValue").ok_or(ProofError::Unsupported)?;
    let signature = value
        .as_str()
        .filter(|text| text.len() < 128)
        .and_then(|text| bs58::decode(text.strip_prefix('z')?).into_vec().ok())
        .ok_or(ProofError::Unsupported)?;
    let key = ed25519_from_multibase(multibase)
        .and_then(|bytes| PublicKey::from_ed25519(&bytes))
        .ok_or(ProofError::Unsupported)?;
    if key.verify(&hash_data(&document, &proof)?, &signature) {
        Ok(())
    } else {
        Err(ProofError::Wrong)
    }
}

/// Contexts may be added behind those that were signed, never changed or put before (vc-di-eddsa §3.3.2).
fn begins_with(whole: &Value, beginning: &Value) -> bool {
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    list(whole).starts_with(&list(beginning))
}

/// SHA-256 of the canonical proof configuration followed by SHA-256 of the canonical document (vc-di-eddsa §3.3.4).
fn hash_data(document: &Map<String, Value>, proof: &Map<String, Value>) -> Result<Vec<u8>, ProofError> {
    let mut text = Vec::with_capacity(LIKELY_BYTES);
    let mut hashed = Vec::with_capacity(2 * SHA256.output_len());
    for part in [proof, document] {
        text.clear();
        canonical::write_members(&mut text, part).map_err(|_| ProofError::Canonical)?;
        hashed.extend_from_slice(digest(&SHA256, &text).as_ref());
    }
    Ok(hashed)
}
