//! The shapes that go over the wire, and nothing that decides anything. What we send: `actor.rs`, `note.rs`,
//! `record.rs`, `activity.rs`, `collection.rs`; our own words: `terms.rs`. What we read of others: `remote_actor.rs`,
//! `incoming.rs`, `torrent.rs`. Both ways: `metainfo.rs`. Which JSON can be signed: `exact.rs`.

pub mod activity;
pub mod actor;
pub mod collection;
pub mod exact;
pub mod incoming;
pub mod metainfo;
pub mod note;
pub mod record;
pub mod remote_actor;
pub mod terms;
pub mod torrent;

use serde::Serialize;
use serde_json::{Value, json};

/// The context that every ActivityPub document names, literally (Mastodon refuses aliases).
pub const CONTEXT: &str = "https://www.w3.org/ns/activitystreams";
/// The collection of everyone; in `to` it makes a post public.
pub const PUBLIC: &str = "https://www.w3.org/ns/activitystreams#Public";

/// The capability that software declares which understands records (FEP-844e).
pub const RECORDS: &str = "urn:shoal:records";

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

/// The context of a post: hashtags, quoting, and our own words. They stand in it whole, because people's servers fetch no
/// contexts.
pub fn note_context() -> Value {
    let mut context = json!({
        "Hashtag": "as:Hashtag",
        "sensitive": "as:sensitive",
        "gts": "https://gotosocial.org/ns#",
        "interactionPolicy": { "@id": "gts:interactionPolicy", "@type": "@id" },
        "canQuote": { "@id": "gts:canQuote", "@type": "@id" },
        "automaticApproval": { "@id": "gts:automaticApproval", "@type": "@id" }
    });
    if let Some(members) = context.as_object_mut() {
        members.extend(terms::post_terms());
    }
    json!([CONTEXT, crate::proof::CONTEXT, context])
}

/// The context of a record, and of an activity with one inside: `{base}/ns` is `terms::context`, the same on every server.
/// `torrents` says whether it names any (FEP-d8c8).
pub fn record_context(base: &str, torrents: bool) -> Value {
    let mut context = vec![CONTEXT.to_owned(), crate::proof::CONTEXT.to_owned()];
    context.extend(torrents.then(|| terms::TORRENT_CONTEXT.to_owned()));
    context.push(format!("{base}/ns"));
    Value::from(context)
}

/// The context of what is left of an actor: a Tombstone with a key.
pub fn departed_context() -> Value {
    json!([
        CONTEXT,
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/multikey/v1"
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
            "implements": { "@id": "https://w3id.org/fep/844e/implements", "@container": "@set" },
            "toot": "http://joinmastodon.org/ns#",
            "discoverable": "toot:discoverable",
            "indexable": "toot:indexable",
            "manuallyApprovesFollowers": "as:manuallyApprovesFollowers"
        }
    ])
}
