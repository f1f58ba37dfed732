//! The post that people's servers show: a `Note` with everything readable in `content`, because that is the one field
//! that all of them show. Filled by `outbox/note.rs`.

use serde::Serialize;
use serde_json::Value;

/// A post about one upload. It has no `name` and no `summary`: GoToSocial and others turn either into a content warning.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// `vocab::note_context`.
    #[serde(rename = "@context")]
    pub context: Value,
    /// `{base}/objects/{uuid}`.
    pub id: String,
    /// `Note`, one string.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The actor that posts, a plain id.
    pub attributed_to: String,
    /// When the post was made; not when the upload was.
    pub published: String,
    /// When it was last edited; servers show an edit only when it is later than what they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    /// Everyone.
    pub to: [&'static str; 1],
    /// The actor's followers.
    pub cc: [String; 1],
    /// The upload's page.
    pub url: String,
    /// HTML.
    pub content: String,
    /// Never: there is nothing to hide behind a warning.
    pub sensitive: bool,
    /// The dataset's tags.
    pub tag: Vec<Hashtag>,
    /// Empty: an attachment of a kind that a server does not know loses the post on some.
    pub attachment: [(); 0],
    /// Everyone may quote it (FEP-044f).
    pub interaction_policy: Value,
    /// The dataset (extension).
    pub dataset: String,
    /// The upload (extension).
    pub upload: String,
    /// The record of the upload (extension).
    pub record: String,
    /// 40 hexadecimal digits (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_hash_v1: Option<String>,
    /// 64 hexadecimal digits (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_hash_v2: Option<String>,
    /// Bytes of content (extension).
    pub byte_size: i64,
    /// How endangered the dataset is, one word (extension).
    pub threat: String,
}

/// A hashtag; text alone makes none on Mastodon and GoToSocial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hashtag {
    /// `Hashtag`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// With `#`.
    pub name: String,
    /// The page of the tag here.
    pub href: String,
}
