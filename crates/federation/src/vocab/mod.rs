//! The shapes that go over the wire, and nothing that decides anything. What we send: `actor.rs`, `note.rs`,
//! `activity.rs`, `collection.rs`. What we read of others: `remote_actor.rs`, `incoming.rs`.

pub mod activity;
pub mod actor;
pub mod collection;
pub mod incoming;
pub mod note;
pub mod remote_actor;

use serde::Serialize;
use serde_json::{Value, json};

/// The context that every ActivityPub document names, literally (Mastodon refuses aliases).
pub const CONTEXT: &str = "https://www.w3.org/ns/activitystreams";
/// The collection of everyone; in `to` it makes a post public.
pub const PUBLIC: &str = "https://www.w3.org/ns/activitystreams#Public";

/// An object that is pointed at, with just enough said about it.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The context of an activity without extensions, which still carries a proof.
pub fn plain_context() -> Value {
    json!([CONTEXT, crate::proof::CONTEXT])
}

/// The context of a post: hashtags, quoting, and our own terms, which live under this server's `/ns`.
pub fn note_context(base: &str) -> Value {
    json!([
        CONTEXT,
        crate::proof::CONTEXT,
        {
            "Hashtag": "as:Hashtag",
            "sensitive": "as:sensitive",
            "gts": "https://gotosocial.org/ns#",
            "interactionPolicy": { "@id": "gts:interactionPolicy", "@type": "@id" },
            "canQuote": { "@id": "gts:canQuote", "@type": "@id" },
            "automaticApproval": { "@id": "gts:automaticApproval", "@type": "@id" },
            "shoal": format!("{base}/ns#"),
            "dataset": { "@id": "shoal:dataset", "@type": "@id" },
            "upload": { "@id": "shoal:upload", "@type": "@id" },
            "infoHashV1": "shoal:infoHashV1",
            "infoHashV2": "shoal:infoHashV2",
            "byteSize": "shoal:byteSize",
            "threat": "shoal:threat"
        }
    ])
}

/// The context of an actor document: signing keys, proof keys (`assertionMethod` is a term of DID), and what Mastodon adds.
pub fn actor_context() -> Value {
    json!([
        CONTEXT,
        "https://w3id.org/security/v1",
        "https://w3id.org/security/data-integrity/v1",
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/multikey/v1",
        {
            "wf": "https://purl.archive.org/socialweb/webfinger#",
            "webfinger": "wf:webfinger",
            "toot": "http://joinmastodon.org/ns#",
            "discoverable": "toot:discoverable",
            "indexable": "toot:indexable",
            "manuallyApprovesFollowers": "as:manuallyApprovesFollowers"
        }
    ])
}
