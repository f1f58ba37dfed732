//! What an upload's torrent holds: its bytes exactly as they came, and its files as rows. Next: `publish.rs`, which writes
//! them.

use diesel::prelude::*;

use crate::paging::whole;
use crate::schema::{upload_files, upload_torrents};
use crate::{Id, Page, Paging, Store, StoreError};

/// A file of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadFile {
    /// The folders and the name, safe for showing; the first is the torrent's name if it has more than one file.
    pub path: Vec<String>,
    /// Bytes.
    pub size: i64,
    /// Root of its hash tree (BEP 52), hexadecimal; none for empty files and in v1.
    pub pieces_root: Option<String>,
    /// Padding, not content.
    pub pad: bool,
}

impl Store {
    /// The `.torrent` file exactly as it was uploaded, in whatever state the upload is.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn torrent_bytes(&self, id: Id) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|db| {
            Ok(upload_torrents::table
                .find(id)
                .select(upload_torrents::bytes)
                .first(db)
                .optional()?)
        })
    }

    /// The files of an upload in the torrent's order, padding included.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn upload_files(&self, id: Id, paging: &Paging) -> Result<Page<UploadFile>, StoreError> {
        let after = match paging.after::<1>()? {
            Some([position]) => whole(&position)?,
            None => -1,
        };
        let rows: Vec<(i64, String, i64, Option<String>, bool)> = self.read(|db| {
            Ok(upload_files::table
                .filter(
                    upload_files::upload_id
                        .eq(id)
                        .and(upload_files::position.gt(after)),
                )
                .order(upload_files::position)
                .limit(paging.bounded() + 1)
                .select((
                    upload_files::position,
                    upload_files::path,
                    upload_files::size,
                    upload_files::pieces_root,
                    upload_files::pad,
                ))
                .load(db)?)
        })?;
        Ok(
            Page::of(rows, paging, |row| [row.0.to_string()]).map(|(_, path, size, pieces_root, pad)| {
                UploadFile {
                    path: path.split('/').map(str::to_owned).collect(),
                    size,
                    pieces_root,
                    pad,
                }
            }),
        )
    }
}
