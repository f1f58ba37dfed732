//! What the API says of a dataset, an upload, a collection, an account: the JSON, and how a row becomes it.

use serde::Serialize;
use shoal_store::{Account, Collection, Dataset, Token, Upload};
use utoipa::ToSchema;

use crate::app::App;
use crate::clock::rfc3339;
use crate::publishing;

/// A body of public information.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetShape {
    slug: String,
    title: String,
    publisher: String,
    homepage: String,
    licence: String,
    /// Markdown.
    description: String,
    /// unknown, indefinite, watchlist, endangered, takedown-issued or extinct.
    threat: &'static str,
    tags: Vec<String>,
    account: String,
    uploads: i64,
    /// Bytes of content in all its uploads.
    total_size: i64,
    /// RFC 3339.
    created_at: String,
    updated_at: String,
    /// Its page.
    url: String,
    /// Its signed record, for software; none where federation is switched off.
    record: Option<String>,
}

impl DatasetShape {
    pub(crate) fn of(app: &App, row: Dataset) -> Self {
        Self {
            url: app.link(&format!("datasets/{}", row.slug)),
            record: app.record(row.id),
            threat: row.threat.word(),
            account: row.account.name,
            uploads: row.upload_count,
            total_size: row.total_size,
            created_at: rfc3339(row.created_at),
            updated_at: rfc3339(row.updated_at),
            slug: row.slug,
            title: row.title,
            publisher: row.publisher,
            homepage: row.homepage,
            licence: row.licence,
            description: row.description,
            tags: row.tags,
        }
    }
}

/// One concrete copy of a dataset: one torrent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadShape {
    id: String,
    dataset: String,
    account: String,
    /// v1, v2 or hybrid.
    format: &'static str,
    name: String,
    info_hash_v1: Option<String>,
    info_hash_v2: Option<String>,
    /// None for a private torrent.
    magnet: Option<String>,
    /// Bytes of content, without pad files.
    total_size: i64,
    piece_length: i64,
    file_count: i64,
    private: bool,
    trackers: Vec<String>,
    web_seeds: Vec<String>,
    /// How the copy was acquired, Markdown.
    method: String,
    description: String,
    /// Complete copies that announce here now.
    seeders: u64,
    leechers: u64,
    completed: i64,
    created_at: String,
    updated_at: String,
    /// Its page.
    url: String,
    /// The `.torrent`, byte for byte as it was uploaded.
    torrent_url: String,
    /// Its signed record, for software; none where federation is switched off.
    record: Option<String>,
}

impl UploadShape {
    pub(crate) fn of(app: &App, row: Upload) -> Self {
        let counts = row
            .swarm_keys()
            .map(|keys| app.tracker.counts(keys))
            .unwrap_or_default();
        Self {
            magnet: publishing::magnet(app, &row).map(|link| link.to_string()),
            url: app.link(&format!("uploads/{}", row.id)),
            record: app.record(row.id),
            torrent_url: app.link(&format!("api/v1/uploads/{}/torrent", row.id)),
            id: row.id.to_string(),
            dataset: row.dataset.slug,
            account: row.account.name,
            format: row.format.as_str(),
            info_hash_v1: row.info_hash_v1.map(|h| h.to_string()),
            info_hash_v2: row.info_hash_v2.map(|h| h.to_string()),
            seeders: u64::from(counts.complete),
            leechers: u64::from(counts.incomplete),
            completed: row.completed.max(counts.completed.into()),
            created_at: rfc3339(row.created_at),
            updated_at: rfc3339(row.updated_at),
            name: row.name,
            total_size: row.total_size,
            piece_length: row.piece_length,
            file_count: row.file_count,
            private: row.private,
            trackers: row.trackers,
            web_seeds: row.web_seeds,
            method: row.method,
            description: row.description,
        }
    }
}

/// A curated, followable set of datasets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionShape {
    name: String,
    title: String,
    summary: String,
    account: String,
    datasets: i64,
    followers: i64,
    /// What to type into the search of a fediverse server to follow it.
    handle: String,
    created_at: String,
    updated_at: String,
    /// Its page, and its ActivityPub id.
    url: String,
}

impl CollectionShape {
    pub(crate) fn of(app: &App, row: Collection) -> Self {
        Self {
            handle: format!("@{}@{}", row.name, app.authority()),
            url: app.link(&format!("collections/{}", row.name)),
            account: row.account.name,
            datasets: row.dataset_count,
            followers: row.follower_count,
            created_at: rfc3339(row.created_at),
            updated_at: rfc3339(row.updated_at),
            name: row.name,
            title: row.title,
            summary: row.summary,
        }
    }
}

/// A person with a login here, as anyone may see them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountShape {
    name: String,
    title: String,
    summary: String,
    created_at: String,
    url: String,
    /// Only to moderators and to the account itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
    /// Only to moderators and to the account itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<bool>,
}

impl AccountShape {
    pub(crate) fn of(app: &App, row: Account, inside: bool) -> Self {
        Self {
            url: app.link(&format!("accounts/{}", row.name)),
            created_at: rfc3339(row.created_at),
            scopes: inside.then(|| row.scopes.to_string()),
            suspended: inside.then_some(row.suspended.is_some()),
            name: row.name,
            title: row.title,
            summary: row.summary,
        }
    }
}

/// A token without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenShape {
    id: String,
    label: String,
    scopes: String,
    created_at: String,
}

impl From<Token> for TokenShape {
    fn from(row: Token) -> Self {
        Self {
            id: row.id.to_string(),
            label: row.label,
            scopes: row.scopes.to_string(),
            created_at: rfc3339(row.created_at),
        }
    }
}
