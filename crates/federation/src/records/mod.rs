//! How records read: from rows of the store to documents without a proof, each a pure function; same input, same bytes.
//! One file for each kind. What an edition is stands here; when a record is made or removed is decided in `outbox/`,
//! proofs are added by `proof.rs`, the shapes are `vocab/record.rs`. The way back, from a document to what may be believed of
//! it, is `evidence.rs`.

mod chain;
mod dataset;
pub mod evidence;
mod membership;
mod torrent;
mod upload;

pub use dataset::dataset;
pub use membership::{Member, membership};
pub use torrent::{magnet, short_torrent, torrent};
pub use upload::upload;

use crate::{
    base58::multibase,
    time::{parse_rfc3339, rfc3339},
    urls::Urls,
    vocab::{
        self,
        activity::Tombstone,
        record::{Former, Head},
    },
};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use shoal_store::Millis;

/// Which document is to be written: its id, who signs it, and which edition of it this is.
#[derive(Debug, Clone)]
pub struct Edition<'a> {
    /// Our addresses.
    pub urls: &'a Urls,
    /// The record's id, `{base}/objects/{uuid}`.
    pub id: &'a str,
    /// The actor that it is attributed to.
    pub author: &'a str,
    /// When the first edition was made.
    pub published: Millis,
    /// What is known of the edition before; `None` for the first.
    pub revision: Option<Revision>,
}

/// What an edition after the first says of itself and of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// When this edition is made.
    pub updated: Millis,
    /// Which edition this is; at least 2.
    pub version: u64,
    /// The digest of the former edition.
    pub former_digest: String,
}

impl<'a> Edition<'a> {
    /// The first edition.
    #[must_use]
    pub fn first(urls: &'a Urls, id: &'a str, author: &'a str, published: Millis) -> Self {
        Self {
            urls,
            id,
            author,
            published,
            revision: None,
        }
    }

    /// The edition after `former`, the exact text that was published; made at `at`, or a second after the one before if
    /// that is later. `None` when the former is no record.
    #[must_use]
    pub fn after(urls: &'a Urls, id: &'a str, author: &'a str, former: &str, at: Millis) -> Option<Self> {
        let before: Value = serde_json::from_str(former).ok()?;
        let time = |name: &str| before.get(name)?.as_str().and_then(parse_rfc3339);
        let published = time("published")?;
        let last = time("updated").unwrap_or(published);
        let version = before.get("version").map_or(Some(1), Value::as_u64)?;
        Some(Self {
            urls,
            id,
            author,
            published,
            revision: Some(Revision {
                updated: at.max(last + 1_000),
                version: version.checked_add(1)?,
                former_digest: digest_multibase(former.as_bytes()),
            }),
        })
    }

    /// The beginning of the document. `edited` kinds count their editions from the first, others only once there is more
    /// than one.
    fn head(&self, kind: &'static str, context: Value, edited: bool) -> Head {
        let revision = self.revision.as_ref();
        Head {
            context,
            kind,
            id: self.id.to_owned(),
            attributed_to: self.author.to_owned(),
            to: Head::TO,
            published: rfc3339(self.published),
            updated: revision.map(|revision| rfc3339(revision.updated)),
            version: revision.map(|revision| revision.version).or(edited.then_some(1)),
            was_revision_of: revision.map(|revision| Former {
                id: version_id(self.id, revision.version - 1),
                digest_multibase: revision.former_digest.clone(),
            }),
        }
    }
}

/// Where a former edition of a record is kept.
#[must_use]
pub fn version_id(id: &str, version: u64) -> String {
    format!("{id}/versions/{version}")
}

/// SHA-256 of these bytes as a multihash in base58btc (`digestMultibase`, Data Integrity §2.6): `zQm…`.
#[must_use]
pub fn digest_multibase(bytes: &[u8]) -> String {
    let mut multihash = vec![0x12, 0x20];
    multihash.extend_from_slice(digest(&SHA256, bytes).as_ref());
    multibase(&multihash)
}

/// Whether two editions differ in nothing but that they are two editions; then there is nothing to publish.
#[must_use]
pub fn says_the_same(former: &Value, next: &Value) -> bool {
    let said = |document: &Value| {
        let mut document = document.clone();
        if let Some(members) = document.as_object_mut() {
            members.retain(|name, _| {
                !matches!(name.as_str(), "updated" | "version" | "wasRevisionOf" | "proof")
            });
        }
        document
    };
    said(former) == said(next)
}

/// What stands in for a record or a post that is gone (ActivityPub §6.4); with a context when it is served by itself.
#[must_use]
pub fn tombstone(id: &str, former_type: &str, deleted: Millis, context: Option<Value>) -> Tombstone {
    Tombstone {
        context,
        id: id.to_owned(),
        kind: "Tombstone",
        former_type: former_type.to_owned(),
        deleted: rfc3339(deleted),
    }
}

/// A shape as JSON.
fn json(shape: impl serde::Serialize) -> Value {
    serde_json::to_value(shape).expect("plain structs with text for keys are JSON")
}

/// The context of what names torrents.
fn torrent_context(edition: &Edition<'_>) -> Value {
    vocab::record_context(edition.urls.base(), true)
}

/// The context of everything else.
fn plain_context(edition: &Edition<'_>) -> Value {
    vocab::record_context(edition.urls.base(), false)
}
