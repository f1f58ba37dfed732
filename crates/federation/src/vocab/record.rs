//! Records: what software that knows them reads instead of posts. Each is one document at its own `/objects/{id}`, signed
//! by whom it is attributed to. The words are explained in `terms.rs`; filled by `records/`.

use super::PUBLIC;
use serde::Serialize;
use serde_json::Value;

/// What every record begins with.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// `vocab::record_context`.
    #[serde(rename = "@context")]
    pub context: Value,
    /// `Dataset`, `Upload`, `Torrent` or `Membership`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `{base}/objects/{uuid}`.
    pub id: String,
    /// The actor whose key signs it.
    pub attributed_to: String,
    /// Everyone.
    pub to: [&'static str; 1],
    /// When the first edition was made, RFC 3339.
    pub published: String,
    /// When this edition was made; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    /// Which edition this is, from 1; what is never edited has one only after it was removed and restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The edition before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_revision_of: Option<Former>,
}

impl Head {
    /// Whom every record is for.
    pub const TO: [&'static str; 1] = [PUBLIC];
}

/// The edition of a record before this one (`prov:wasRevisionOf`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Former {
    /// `{base}/objects/{uuid}/versions/{n}`, where its bytes are kept.
    pub id: String,
    /// SHA-256 of its exact bytes, as a multihash in base58btc (`sec:digestMultibase`).
    pub digest_multibase: String,
}

/// A dataset; by the account that described it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatasetRecord {
    /// The beginning.
    #[serde(flatten)]
    pub head: Head,
    /// Its title.
    pub name: String,
    /// Its slug.
    pub identifier: String,
    /// Its page.
    pub url: String,
    /// Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who published the data first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub publisher: String,
    /// Where it is or was on the web.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub landing_page: String,
    /// Under which terms.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub license: String,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keyword: Vec<String>,
    /// How much in danger its source is, one word.
    pub threat: &'static str,
}

/// A copy of a dataset; by the account that published it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadRecord {
    /// The beginning.
    #[serde(flatten)]
    pub head: Head,
    /// The torrent's name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// The record of its dataset.
    pub dataset: String,
    /// Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How it was made.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Bytes of content.
    pub byte_size: i64,
    /// How many files.
    pub file_count: i64,
    /// Its torrent, in short.
    pub torrent: ShortTorrent,
}

/// A torrent in the abbreviated form of FEP-d8c8: enough to find the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShortTorrent {
    /// Its record.
    pub id: String,
    /// `Torrent`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What names it.
    #[serde(flatten)]
    pub names: TorrentNames,
}

/// What names a torrent (FEP-d8c8), in both forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TorrentNames {
    /// 40 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infohash_v1: Option<String>,
    /// 64 hexadecimal digits, without a multihash prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infohash_v2: Option<String>,
    /// Where the `.torrent` is.
    pub bencoded: String,
    /// A magnet link, unless the torrent is private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub magnet: Option<String>,
}

/// The record of a torrent; its metainfo (`metainfo.rs`) stands behind it when it can be written in JSON.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TorrentRecord {
    /// The beginning.
    #[serde(flatten)]
    pub head: Head,
    /// What names it.
    #[serde(flatten)]
    pub names: TorrentNames,
    /// The page, the `.torrent`, the magnet link and the trackers, as PeerTube writes them.
    pub url: Vec<Link>,
    /// Bytes of content, where no metainfo says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_size: Option<i64>,
}

/// An address of a torrent with what is behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// `Link`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `tracker-http` or the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `tracker` and its scheme.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rel: Vec<&'static str>,
    /// What a GET would give.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<&'static str>,
    /// The address.
    pub href: String,
}

/// A dataset in a collection; by the collection, which vouches with it for what an account put in.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MembershipRecord {
    /// The beginning.
    #[serde(flatten)]
    pub head: Head,
    /// The collection's actor.
    pub collection: String,
    /// The record of the dataset.
    pub dataset: String,
    /// The actor that the dataset's record is attributed to.
    pub author: String,
    /// The account that put it in.
    pub added_by: String,
}
