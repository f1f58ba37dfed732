//! Uploads: concrete copies of datasets, each exactly one torrent, never edited in place. How they come in is in
//! `publish.rs`, how moderators take them away in `moderation.rs`. Next: `publish.rs`.

use diesel::prelude::*;
use shoal_torrent::{Format, InfoHashV1, InfoHashV2, SwarmKey, SwarmKeys};

use crate::accounts::AccountRef;
use crate::connection::Db;
use crate::error::found;
use crate::events::{Event, record_event};
use crate::listing::keys_of;
use crate::schema::{accounts, datasets, uploads};
use crate::visibility::Visibility;
use crate::{Id, Millis, Moment, Store, StoreError, search, text};

/// The part of a dataset that goes with its uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetRef {
    /// The dataset.
    pub id: Id,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: Id,
    /// Of what it is a copy.
    pub dataset: DatasetRef,
    /// Who published it.
    pub account: AccountRef,
    /// Present for v1 and hybrid.
    pub info_hash_v1: Option<InfoHashV1>,
    /// Present for v2 and hybrid.
    pub info_hash_v2: Option<InfoHashV2>,
    /// Which hashes it has.
    pub format: Format,
    /// The torrent's name, safe for showing.
    pub name: String,
    /// Bytes of a piece.
    pub piece_length: i64,
    /// Bytes of content, without padding.
    pub total_size: i64,
    /// How many files, without padding.
    pub file_count: i64,
    /// Whether it asks for its own trackers only (BEP 27).
    pub private: bool,
    /// Bytes of the `.torrent` file.
    pub torrent_size: i64,
    /// How the copy was made, in a line.
    pub method: String,
    /// About this copy, in Markdown.
    pub description: String,
    /// The trackers in the torrent, tier by tier.
    pub trackers: Vec<String>,
    /// The web seeds in the torrent.
    pub web_seeds: Vec<String>,
    /// When it was published.
    pub created_at: Millis,
    /// When its description changed last.
    pub updated_at: Millis,
    /// What moderators decided about it or about its dataset, whichever is stricter.
    pub state: Visibility,
    /// How often it was downloaded whole.
    pub completed: i64,
}

impl Upload {
    /// The keys of its swarm.
    #[must_use]
    pub fn swarm_keys(&self) -> Option<SwarmKeys> {
        SwarmKeys::of(self.info_hash_v1, self.info_hash_v2)
    }
}

/// Changes of what is said of an upload; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadEdit {
    /// How the copy was made.
    pub method: Option<String>,
    /// About this copy, in Markdown.
    pub description: Option<String>,
}

impl Store {
    /// The upload with an id, in whatever state.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn upload(&self, id: Id) -> Result<Option<Upload>, StoreError> {
        self.read(|db| found(by_id(db, id)))
    }

    /// The upload with an info-hash, in whatever state: 40 hexadecimal digits for v1, 64 for v2. Anything else finds
    /// nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn upload_by_hash(&self, hash: &str) -> Result<Option<Upload>, StoreError> {
        let hash = hash.to_ascii_lowercase();
        let id = uploads::table.select(uploads::id);
        self.read(|db| {
            let id: Option<Id> = match hash.len() {
                40 => id.filter(uploads::info_hash_v1.eq(&hash)).first(db).optional()?,
                64 => id.filter(uploads::info_hash_v2.eq(&hash)).first(db).optional()?,
                _ => None,
            };
            id.map(|id| by_id(db, id)).transpose()
        })
    }

    /// Changes what is said of an upload; others are told, unless nothing changed. `by` may be anyone whom the caller
    /// lets.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for a removed one; `Invalid` for text that cannot be kept.
    pub fn edit_upload(
        &self,
        mut moment: Moment,
        id: Id,
        edit: UploadEdit,
        _by: Id,
    ) -> Result<Upload, StoreError> {
        let method = edit
            .method
            .map(|method| text::line("method", &method, text::LINE))
            .transpose()?;
        let description = edit
            .description
            .map(|words| text::prose("description", &words, text::PROSE))
            .transpose()?;
        self.write(move |tx| {
            let before = by_id(tx.db, id)?;
            if let Visibility::Removed { reason, .. } = before.state {
                return Err(StoreError::Gone { reason });
            }
            let method = method.unwrap_or_else(|| before.method.clone());
            let description = description.unwrap_or_else(|| before.description.clone());
            if method == before.method && description == before.description {
                return Ok(before);
            }
            diesel::update(uploads::table.find(id))
                .set((
                    uploads::method.eq(&method),
                    uploads::description.eq(&description),
                    uploads::updated_at.eq(moment.now),
                ))
                .execute(tx.db)?;
            let after = Upload {
                method,
                description,
                updated_at: moment.now,
                ..before
            };
            search::index_upload(tx.db, &after, None)?;
            record_event(tx.db, &mut moment, &Event::UploadEdited { upload: id })?;
            Ok(after)
        })
    }

    /// Calls `hear` with every swarm that was ever downloaded whole, and how often; at the start.
    ///
    /// # Errors
    /// `Unavailable`, possibly after `hear` was called for some.
    pub fn for_each_completed(&self, mut hear: impl FnMut(SwarmKeys, u64)) -> Result<(), StoreError> {
        self.read(|db| {
            let mut after = (i64::MAX, String::new());
            loop {
                let rows: Vec<(i64, Id, String, Option<String>)> = uploads::table
                    .filter(uploads::completed.gt(0))
                    .filter(
                        uploads::completed
                            .lt(after.0)
                            .or(uploads::completed.eq(after.0).and(uploads::id.gt(&after.1))),
                    )
                    .order((uploads::completed.desc(), uploads::id))
                    .limit(1000)
                    .select((
                        uploads::completed,
                        uploads::id,
                        uploads::swarm_key,
                        uploads::swarm_alias,
                    ))
                    .load(db)?;
                let Some(last) = rows.last() else { return Ok(()) };
                after = (last.0, last.1.to_string());
                for (completed, _, primary, alias) in rows {
                    hear(
                        keys_of(&primary, alias.as_deref())?,
                        u64::try_from(completed).unwrap_or(0),
                    );
                }
            }
        })
    }

    /// Adds finished downloads that the tracker counted. Keys without an upload are passed over.
    ///
    /// # Errors
    /// `Unavailable`; then none was added.
    pub fn add_completions(&self, _moment: Moment, counts: &[(SwarmKey, i64)]) -> Result<(), StoreError> {
        let mut counts = counts.to_vec();
        // All in one order, so that two processes never wait for each other.
        counts.sort_unstable();
        self.write_beside(move |tx| {
            for (key, count) in counts {
                let key = key.to_string();
                let of_key = uploads::swarm_key
                    .eq(&key)
                    .or(uploads::swarm_alias.eq(&key).assume_not_null());
                diesel::update(uploads::table.filter(of_key))
                    .set(uploads::completed.eq(uploads::completed + count))
                    .execute(tx.db)?;
            }
            Ok(())
        })
    }
}

/// The upload, or `NotFound`.
pub(crate) fn by_id(db: &mut Db, id: Id) -> Result<Upload, StoreError> {
    let row = joined()
        .filter(uploads::id.eq(id))
        .select(COLUMNS)
        .first(db)
        .optional()?;
    of_row(row.ok_or(StoreError::NotFound { what: "upload" })?)
}

#[diesel::dsl::auto_type]
pub(crate) fn joined() -> _ {
    uploads::table
        .inner_join(datasets::table)
        .inner_join(accounts::table.on(uploads::account_id.eq(accounts::id)))
}

pub(crate) type Columns = (
    (
        uploads::id,
        uploads::info_hash_v1,
        uploads::info_hash_v2,
        uploads::format,
        uploads::name,
    ),
    (datasets::id, datasets::slug, datasets::title),
    (accounts::id, accounts::name),
    (
        uploads::piece_length,
        uploads::total_size,
        uploads::file_count,
        uploads::private,
        uploads::torrent_size,
    ),
    (
        uploads::method,
        uploads::description,
        uploads::trackers,
        uploads::web_seeds,
    ),
    (uploads::created_at, uploads::updated_at, uploads::completed),
    (uploads::state, uploads::state_at, uploads::state_reason),
    (datasets::state, datasets::state_at, datasets::state_reason),
);
pub(crate) const COLUMNS: Columns = (
    (
        uploads::id,
        uploads::info_hash_v1,
        uploads::info_hash_v2,
        uploads::format,
        uploads::name,
    ),
    (datasets::id, datasets::slug, datasets::title),
    (accounts::id, accounts::name),
    (
        uploads::piece_length,
        uploads::total_size,
        uploads::file_count,
        uploads::private,
        uploads::torrent_size,
    ),
    (
        uploads::method,
        uploads::description,
        uploads::trackers,
        uploads::web_seeds,
    ),
    (uploads::created_at, uploads::updated_at, uploads::completed),
    (uploads::state, uploads::state_at, uploads::state_reason),
    (datasets::state, datasets::state_at, datasets::state_reason),
);
pub(crate) type Row = (
    (Id, Option<String>, Option<String>, String, String),
    (Id, String, String),
    (Id, String),
    (i64, i64, i64, bool, i64),
    (String, String, String, String),
    (Millis, Millis, i64),
    (String, Millis, String),
    (String, Millis, String),
);

/// The upload of a row.
pub(crate) fn of_row(row: Row) -> Result<Upload, StoreError> {
    let ((id, v1, v2, format, name), dataset, account, sizes, words, times, own, of_dataset) = row;
    let own = Visibility::from_columns(&own.0, own.1, own.2);
    let of_dataset = Visibility::from_columns(&of_dataset.0, of_dataset.1, of_dataset.2);
    Ok(Upload {
        id,
        dataset: DatasetRef {
            id: dataset.0,
            slug: dataset.1,
            title: dataset.2,
        },
        account: AccountRef {
            id: account.0,
            name: account.1,
        },
        info_hash_v1: v1.map(|hash| hash.parse().map_err(damaged)).transpose()?,
        info_hash_v2: v2.map(|hash| hash.parse().map_err(damaged)).transpose()?,
        format: format.parse().map_err(damaged)?,
        name,
        piece_length: sizes.0,
        total_size: sizes.1,
        file_count: sizes.2,
        private: sizes.3,
        torrent_size: sizes.4,
        method: words.0,
        description: words.1,
        trackers: serde_json::from_str(&words.2).map_err(damaged)?,
        web_seeds: serde_json::from_str(&words.3).map_err(damaged)?,
        created_at: times.0,
        updated_at: times.1,
        state: own.stricter(of_dataset),
        completed: times.2,
    })
}

/// A column that holds what we never write.
fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(format!("a column of an upload cannot be read: {error}"))
}
