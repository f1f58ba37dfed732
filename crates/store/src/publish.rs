//! How an upload comes in: its rows, its files, its words to search, its place in the tracker's list and the event that
//! tells others, in one transaction. Reading the torrent is not done here but in `shoal_torrent`. Next: `events.rs`.

use diesel::prelude::*;
use sha2::{Digest, Sha256};
use shoal_torrent::{File, Metainfo};

use crate::accounts;
use crate::connection::{Db, each};
use crate::datasets;
use crate::events::{Event, record_event};
use crate::listing::{self, Listing, ListingChange};
use crate::schema::{blocked_hashes, upload_files, upload_torrents, uploads};
use crate::uploads::{Upload, by_id};
use crate::visibility::{VISIBLE, Visibility};
use crate::{Id, Millis, Moment, Store, StoreError, hash_blocks, hex, search, text};

/// File rows written by one statement.
const FILES_AT_ONCE: usize = 1000;

/// An upload to be published.
#[derive(Debug)]
pub struct NewUpload<'a> {
    /// Of which dataset, by its slug.
    pub dataset: &'a str,
    /// Who publishes it.
    pub account: Id,
    /// What the torrent says.
    pub metainfo: &'a Metainfo,
    /// The bytes it was read from, kept as they are.
    pub bytes: Vec<u8>,
    /// How the copy was made, in a line.
    pub method: String,
    /// About this copy, in Markdown.
    pub description: String,
}

#[derive(Insertable)]
#[diesel(table_name = uploads, treat_none_as_default_value = false)]
struct Row {
    id: Id,
    dataset_id: Id,
    account_id: Id,
    info_hash_v1: Option<String>,
    info_hash_v2: Option<String>,
    swarm_key: String,
    swarm_alias: Option<String>,
    content_hash: Option<String>,
    format: &'static str,
    name: String,
    piece_length: i64,
    total_size: i64,
    file_count: i64,
    private: bool,
    torrent_size: i64,
    method: String,
    description: String,
    trackers: String,
    web_seeds: String,
    created_at: Millis,
    updated_at: Millis,
    state: &'static str,
    state_at: Millis,
    state_reason: &'static str,
    completed: i64,
}

#[derive(Insertable)]
#[diesel(table_name = upload_files, treat_none_as_default_value = false)]
struct FileRow {
    upload_id: Id,
    position: i64,
    path: String,
    size: i64,
    pieces_root: Option<String>,
    pad: bool,
}

impl Store {
    /// Publishes an upload: from its commit on the tracker may serve it, and others will be told.
    ///
    /// # Errors
    /// `Taken` with the upload that has the same info-hash; `Refused` for a torrent that moderators hid or removed, a
    /// hidden dataset or a suspended account; `Gone` for a removed dataset; `NotFound`, `Invalid`.
    pub fn publish_upload(&self, mut moment: Moment, new: NewUpload<'_>) -> Result<Upload, StoreError> {
        let id = moment.id();
        let slug = new.dataset.to_owned();
        let (keys, private) = (new.metainfo.swarm_keys(), new.metainfo.private());
        let mut row = row(id, &new, moment.now)?;
        let files = file_rows(id, new.metainfo.files())?;
        let names = search::file_words(new.metainfo.content().map(|file| file.path.as_str()));
        let bytes = new.bytes;
        self.write(move |tx| {
            row.dataset_id = open_dataset(tx.db, &slug)?;
            let account = accounts::by_id(tx.db, row.account_id)?;
            if let Some((_, reason)) = account.suspended {
                return Err(StoreError::Refused(format!("{} is suspended: {reason}", account.name)));
            }
            refuse_blocked(tx.db, &row)?;
            refuse_known(tx.db, &row)?;
            let dataset = row.dataset_id;
            diesel::insert_into(uploads::table).values(row).execute(tx.db)?;
            let kept = (upload_torrents::upload_id.eq(id), upload_torrents::bytes.eq(bytes));
            diesel::insert_into(upload_torrents::table).values(kept).execute(tx.db)?;
            for some in files.chunks(FILES_AT_ONCE) {
                each!(&mut *tx.db, conn => diesel::insert_into(upload_files::table).values(some).execute(conn))?;
            }
            datasets::recount(tx.db, dataset)?;
            let upload = by_id(tx.db, id)?;
            search::index_upload(tx.db, &upload, Some(&names))?;
            let state = Listing::Listed;
            listing::change(tx, moment.now, ListingChange { keys, state, private })?;
            record_event(tx.db, &mut moment, &Event::UploadPublished { upload: id })?;
            Ok(upload)
        })
    }
}

/// The columns of an upload; its dataset is filled in when it is known.
fn row(id: Id, new: &NewUpload<'_>, now: Millis) -> Result<Row, StoreError> {
    let metainfo = new.metainfo;
    let keys = metainfo.swarm_keys();
    let trackers: Vec<&String> = metainfo.trackers().iter().flatten().collect();
    let json = |list: Result<String, serde_json::Error>| {
        list.map_err(|error| StoreError::Internal(error.to_string()))
    };
    Ok(Row {
        id,
        dataset_id: id,
        account_id: new.account,
        info_hash_v1: metainfo.info_hash_v1().map(|hash| hash.to_string()),
        info_hash_v2: metainfo.info_hash_v2().map(|hash| hash.to_string()),
        swarm_key: keys.primary.to_string(),
        swarm_alias: keys.alias.map(|alias| alias.to_string()),
        content_hash: content_hash(metainfo.files()),
        format: metainfo.format().as_str(),
        name: metainfo.name().to_owned(),
        piece_length: bounded(metainfo.piece_length())?,
        total_size: bounded(metainfo.total_size())?,
        file_count: bounded(metainfo.content().count() as u64)?,
        private: metainfo.private(),
        torrent_size: bounded(new.bytes.len() as u64)?,
        method: text::line("method", &new.method, text::LINE)?,
        description: text::prose("description", &new.description, text::PROSE)?,
        trackers: json(serde_json::to_string(&trackers))?,
        web_seeds: json(serde_json::to_string(metainfo.web_seeds()))?,
        created_at: now,
        updated_at: now,
        state: VISIBLE,
        state_at: now,
        state_reason: "",
        completed: 0,
    })
}

fn file_rows(id: Id, files: &[File]) -> Result<Vec<FileRow>, StoreError> {
    let rows = files.iter().zip(0..).map(|(file, position)| {
        Ok(FileRow {
            upload_id: id,
            position,
            path: file.path.as_str().to_owned(),
            size: bounded(file.size)?,
            pieces_root: file.pieces_root.map(|root| hex::encode(&root)),
            pad: file.pad,
        })
    });
    rows.collect()
}

/// SHA-256 over the sizes and roots of all files with content, in their own order: the same for the same bytes under
/// other names (BEP 52). `None` where files have no roots.
fn content_hash(files: &[File]) -> Option<String> {
    let mut roots: Vec<(&[u8; 32], u64)> = files
        .iter()
        .filter_map(|file| Some((file.pieces_root.as_ref()?, file.size)))
        .collect();
    if roots.is_empty() {
        return None;
    }
    roots.sort_unstable();
    let mut hash = Sha256::new();
    for (root, size) in roots {
        hash.update(root);
        hash.update(size.to_be_bytes());
    }
    Some(hex::encode(&hash.finalize()))
}

/// The dataset's id, if uploads may be published into it.
fn open_dataset(db: &mut Db, slug: &str) -> Result<Id, StoreError> {
    let dataset = datasets::by_slug(db, slug)?;
    match dataset.state {
        Visibility::Visible => Ok(dataset.id),
        Visibility::Removed { reason, .. } => Err(StoreError::Gone { reason }),
        Visibility::Hidden { reason, .. } => Err(StoreError::Refused(format!(
            "The moderators have hidden this dataset: {reason}"
        ))),
    }
}

/// Refuses what moderators removed or blocked: the same hashes, or the same files under other names.
fn refuse_blocked(db: &mut Db, row: &Row) -> Result<(), StoreError> {
    let hashes: Vec<&String> = [&row.info_hash_v1, &row.info_hash_v2, &row.content_hash]
        .into_iter()
        .flatten()
        .collect();
    let blocked = blocked_hashes::table
        .filter(blocked_hashes::hash.eq_any(hashes))
        .select(blocked_hashes::reason);
    if let Some(reason) = blocked.first::<String>(db).optional()? {
        return Err(StoreError::Refused(format!(
            "The moderators removed this torrent, and it cannot be published again: {reason}"
        )));
    }
    match hash_blocks::reason_for(db, &keys_of(row))? {
        None => Ok(()),
        Some(reason) => Err(StoreError::Refused(format!(
            "The moderators blocked the hash of this torrent, and it cannot be published here: {reason}"
        ))),
    }
}

/// The keys of its swarm.
fn keys_of(row: &Row) -> Vec<&String> {
    [Some(&row.swarm_key), row.swarm_alias.as_ref()]
        .into_iter()
        .flatten()
        .collect()
}

/// Refuses what is here already.
fn refuse_known(db: &mut Db, row: &Row) -> Result<(), StoreError> {
    let keys = keys_of(row);
    let same = uploads::swarm_key
        .eq_any(keys.clone())
        .or(uploads::swarm_alias.assume_not_null().eq_any(keys));
    let Some(id) = uploads::table
        .filter(same)
        .select(uploads::id)
        .first::<Id>(db)
        .optional()?
    else {
        return Ok(());
    };
    let known = by_id(db, id)?;
    match known.state {
        Visibility::Visible => Err(StoreError::Taken {
            what: "torrent",
            sentence: format!(
                "This torrent is here already, as a copy of “{}”.",
                known.dataset.title
            ),
            existing: Some(id),
        }),
        Visibility::Hidden { reason, .. } => Err(StoreError::Refused(format!(
            "This torrent is here already, hidden by the moderators: {reason}"
        ))),
        Visibility::Removed { reason, .. } => Err(StoreError::Refused(format!(
            "The moderators removed this torrent, and it cannot be published again: {reason}"
        ))),
    }
}

fn bounded(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number)
        .map_err(|_| StoreError::Invalid(format!("{number} bytes are more than can be counted here.")))
}
