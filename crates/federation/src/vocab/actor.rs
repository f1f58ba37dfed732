//! The actor document that we publish for an account, a collection or the instance. Filled by `documents.rs`.

use serde::Serialize;
use serde_json::Value;

/// An actor: who posts, where to write to it, and the keys that it signs with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// `vocab::actor_context`.
    #[serde(rename = "@context")]
    pub context: Value,
    /// The URL it is served at.
    pub id: String,
    /// `Group`, `Person` or `Application`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name in its handle.
    pub preferred_username: String,
    /// The handle itself (FEP-2c59).
    pub webfinger: String,
    /// What people read.
    pub name: String,
    /// HTML.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The page for people; on this host, or Mastodon ignores it.
    pub url: String,
    /// Its own inbox.
    pub inbox: String,
    /// Its log.
    pub outbox: String,
    /// Who follows it.
    pub followers: String,
    /// Whom it follows.
    pub following: String,
    /// The shared inbox.
    pub endpoints: Endpoints,
    /// False: a Follow is answered at once.
    pub manually_approves_followers: bool,
    /// Whether directories may list it.
    pub discoverable: bool,
    /// Whether its posts may be searched.
    pub indexable: bool,
    /// RFC 3339.
    pub published: String,
    /// Who keeps a collection; PeerTube refuses a Group without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributed_to: Vec<super::Reference>,
    /// RSA, for HTTP signatures. One object, never a list: PeerTube and Lemmy read no list.
    pub public_key: PublicKey,
    /// Ed25519, for proofs (FEP-521a).
    pub assertion_method: Vec<Multikey>,
}

/// Where one delivery serves all actors here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// `{base}/inbox`.
    pub shared_inbox: String,
}

/// A key as HTTP signatures know it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicKey {
    /// `{actor}#main-key`.
    pub id: String,
    /// The actor.
    pub owner: String,
    /// SPKI in PEM.
    pub public_key_pem: String,
}

/// A key as proofs know it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Multikey {
    /// `{actor}#ed25519-key`.
    pub id: String,
    /// `Multikey`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The actor.
    pub controller: String,
    /// `z6Mk…`.
    pub public_key_multibase: String,
}
