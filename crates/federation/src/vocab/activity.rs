//! The envelope of everything that is sent. Built and proved in `outbox/`, by `draft.rs` and `answer.rs`.

use serde::Serialize;
use serde_json::Value;

/// An activity by one of our actors.
#[derive(Debug, Clone, Serialize)]
pub struct Activity {
    /// A context that names every term used.
    #[serde(rename = "@context")]
    pub context: Value,
    /// `{base}/activities/{uuid}`.
    pub id: String,
    /// `Create`, `Follow`, ….
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Who does it.
    pub actor: String,
    /// When, RFC 3339.
    pub published: String,
    /// Whom it is for.
    pub to: Vec<String>,
    /// Who else may see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// What it is done to: embedded whole wherever the receiver would otherwise have to fetch it.
    pub object: Value,
    /// The collection that something is put into or taken out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What stands in for a post or a record that is gone (ActivityPub §6.4).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    /// A context, when it is served by itself.
    #[serde(rename = "@context", skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// The id of what was there.
    pub id: String,
    /// `Tombstone`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it was; `Note` for a post, since Misskey ignores the deletion of a type that it does not know.
    pub former_type: String,
    /// When, RFC 3339.
    pub deleted: String,
}
