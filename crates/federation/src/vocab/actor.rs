//! The actor document that we publish for an account, a collection or the instance. Filled by `documents.rs`.

use super::activity::Tombstone;
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
    /// What the software can do (FEP-844e), on the instance itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub implements: Vec<Capability>,
    /// The same on every other actor, by way of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<Generator>,
}

/// What is left of an actor that moderators took away: nothing but the key with which what it signed can be checked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Departed {
    /// What it was and since when it is gone; with a context.
    #[serde(flatten)]
    pub tombstone: Tombstone,
    /// Ed25519, for proofs (FEP-521a).
    pub assertion_method: Vec<Multikey>,
}

/// The software behind an actor.
#[derive(Debug, Serialize)]
pub struct Generator {
    /// The instance actor.
    pub id: String,
    /// `Application`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it can do (FEP-844e).
    pub implements: Vec<Capability>,
}

/// Something that the software can do.
#[derive(Debug, Clone, Serialize)]
pub struct Capability {
    /// Its identifier.
    pub href: &'static str,
    /// Its name for people.
    pub name: &'static str,
}

/// All that this software declares.
pub const CAPABILITIES: [Capability; 4] = [
    Capability {
        href: "https://datatracker.ietf.org/doc/html/rfc9421",
        name: "RFC-9421: HTTP Message Signatures",
    },
    Capability {
        href: "https://w3id.org/fep/8b32",
        name: "FEP-8b32: Object Integrity Proofs",
    },
    Capability {
        href: super::RECORDS,
        name: "Shoal: records of datasets, uploads, torrents and memberships",
    },
    Capability {
        href: "https://w3id.org/fep/d8c8",
        name: "FEP-d8c8: BitTorrent Torrent Objects",
    },
];

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
