//! The record of an upload, which names its torrent in short. Next: `torrent.rs`.

use super::{Edition, json, short_torrent, torrent_context};
use crate::vocab::record::UploadRecord;
use serde_json::Value;
use shoal_store::Upload;

/// Writes the record of an upload, by the account that published it: `dataset` and `torrent` are the ids of these records.
#[must_use]
pub fn upload(edition: &Edition<'_>, upload: &Upload, dataset: &str, torrent: &str) -> Value {
    json(UploadRecord {
        head: edition.head("Upload", torrent_context(edition), true),
        name: upload.name.clone(),
        url: edition.urls.upload(upload.id),
        dataset: dataset.to_owned(),
        description: upload.description.clone(),
        method: upload.method.clone(),
        byte_size: upload.total_size,
        file_count: upload.file_count,
        torrent: short_torrent(edition.urls, torrent, upload),
    })
}
