//! Making a torrent from a file or folder: hybrid unless asked otherwise, hashed on all cores. The same content gives
//! the same info-hash on every machine: files are sorted, and neither times, owners nor modes go in. What cannot be
//! shared faithfully (links, devices, names that clients would change) is refused with its path, never left out in
//! silence. Next in the flow: `create/walk.rs`.

mod dictionary;
mod piece_length;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use crate::hashing::Progress;

use crate::error::MetainfoError;
use crate::format::Format;
use crate::hashing::{Job, Source};
use crate::limits::Limits;
use crate::metainfo::Metainfo;
use crate::outer;
use walk::Found;

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which info-hashes it gets.
    pub format: Format,
    /// Bytes of a piece: a power of two from 16 KiB to 256 MiB; chosen by the size of the content if none is given.
    pub piece_length: Option<u32>,
    /// Trackers in tiers (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// Web seeds (BEP 19): `http`, `https` or `ftp` addresses.
    pub web_seeds: Vec<String>,
    /// Asks clients to use the trackers only (BEP 27); changes the info-hash.
    pub private: bool,
    /// For people.
    pub comment: Option<String>,
    /// Seconds since 1970; none is written unless it is given.
    pub creation_date: Option<i64>,
    /// The program that makes it.
    pub created_by: Option<String>,
    /// What to do about symbolic links.
    pub links: Links,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            format: Format::Hybrid,
            piece_length: None,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            private: false,
            comment: None,
            creation_date: None,
            created_by: None,
            links: Links::Refuse,
        }
    }
}

/// What to do about symbolic links below the path that is published. They are never followed: what one leads to may
/// lie outside and was not meant to be published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Make no torrent, and name the link.
    #[default]
    Refuse,
    /// Leave them out.
    Skip,
}

/// Why no torrent was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// A file or folder could not be read.
    #[error("“{}” cannot be read: {error}.", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The path has no last component that could name the torrent.
    #[error("“{}” has no name that the torrent could take.", .0.display())]
    NoName(PathBuf),
    /// A name that clients would change, so that they would not find the file again.
    #[error("The name of “{}” {problem}, so not every client could store it. Rename it first.", path.display())]
    BadName {
        /// Which.
        path: PathBuf,
        /// What is wrong with the name.
        problem: &'static str,
    },
    /// A symbolic link, with [`Links::Refuse`].
    #[error("“{}” is a symbolic link. Links are not followed: replace it by what it points to, or have links left out.", .0.display())]
    Link(PathBuf),
    /// A socket, pipe or device.
    #[error("“{}” is neither a file nor a folder.", .0.display())]
    SpecialFile(PathBuf),
    /// Folders deeper than 90.
    #[error("“{}” lies more than {} folders deep.", .0.display(), walk::MAX_DEPTH)]
    TooDeep(PathBuf),
    /// A file of 16 TiB or more.
    #[error("“{}” is too large for a torrent.", .0.display())]
    TooLarge(PathBuf),
    /// Nothing to share.
    #[error("There is nothing to share in “{}”: it has no file that is not empty.", .0.display())]
    Empty(PathBuf),
    /// A piece length that not every client takes.
    #[error(
        "The piece length {0} is not allowed: it must be a power of two from 16 KiB (16384) to 256 MiB (268435456)."
    )]
    PieceLength(u32),
    /// Too many pieces for any client.
    #[error(
        "With this piece length the torrent would have {pieces} pieces; clients take up to {limit}. Choose a larger one."
    )]
    TooManyPieces {
        /// Pieces it would have.
        pieces: u64,
        /// Pieces that clients take.
        limit: u64,
    },
    /// Not a tracker's address.
    #[error("“{0}” is not the address of a tracker (http, https, udp, ws or wss).")]
    Tracker(String),
    /// Not a web seed's address.
    #[error("“{0}” is not the address of a web seed (http, https or ftp).")]
    WebSeed(String),
    /// Two names that differ only in the case of ASCII letters: many disks hold only one of them, and clients rename
    /// the second.
    #[error(
        "The name of “{0}” differs from another only in upper and lower case, so not every client could store it. Rename it first."
    )]
    SameName(String),
    /// What was made could not be read again.
    #[error("The torrent would be refused: {0}")]
    Refused(#[from] MetainfoError),
}

/// Makes a torrent of the file or folder at `path`, named after its last component. Reads all content once;
/// `progress` is called from several threads as it goes on.
///
/// # Errors
/// [`CreateError`], with the path concerned; also if a file changes its size meanwhile.
pub fn create(
    path: &Path,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Vec<u8>, CreateError> {
    check_addresses(options)?;
    let found = walk::walk(path, options.links)?;
    let sizes: Vec<u64> = found.files.iter().map(|file| file.size).collect();
    if sizes.iter().all(|size| *size == 0) {
        return Err(CreateError::Empty(path.to_owned()));
    }
    let aligned = options.format != Format::V1;
    let piece_length = match options.piece_length {
        None => piece_length::choose(&sizes, aligned),
        Some(bytes) => piece_length::check(bytes).ok_or(CreateError::PieceLength(bytes))?,
    };
    let job = job(&found, piece_length, options.format);
    let limit = Limits::STRANGER.pieces;
    if job.pieces() > limit {
        return Err(CreateError::TooManyPieces {
            pieces: job.pieces(),
            limit,
        });
    }
    let mut hashes = Vec::with_capacity(job.pieces() as usize);
    for result in job.run(true, progress) {
        hashes.push(result.map_err(|failure| {
            let path = job.sources[failure.source].path.clone().unwrap_or_default();
            CreateError::Unreadable {
                path,
                error: failure.error,
            }
        })?);
    }
    let torrent = dictionary::write(&found, &job, &hashes, options);
    // Nothing leaves that we would not take ourselves.
    let read = Metainfo::parse_within(&torrent, &Limits::LOCAL)?;
    match read.renamed().first() {
        Some((index, _)) => Err(CreateError::SameName(read.files()[*index].path.to_string())),
        None => Ok(torrent),
    }
}

/// Where each file lies among the pieces: one after the other in v1, each at the beginning of a piece otherwise.
fn job(found: &Found, piece_length: u64, format: Format) -> Job {
    let (mut offset, mut end) = (0, 0);
    let mut sources = Vec::new();
    for file in found.files.iter().filter(|file| file.size > 0) {
        sources.push(Source {
            path: Some(file.on_disk.clone()),
            offset,
            size: file.size,
        });
        end = offset + file.size;
        offset = if format == Format::V1 {
            end
        } else {
            end.next_multiple_of(piece_length)
        };
    }
    // The padding at the end of a hybrid belongs to its last piece.
    let end = if format == Format::Hybrid && found.files.len() > 1 {
        offset
    } else {
        end
    };
    Job {
        sources,
        piece_length,
        end,
        v1: format != Format::V2,
        v2: format != Format::V1,
    }
}

fn check_addresses(options: &Options) -> Result<(), CreateError> {
    if let Some(bad) = options
        .trackers
        .iter()
        .flatten()
        .find(|url| outer::tracker(url.as_bytes()).is_none())
    {
        return Err(CreateError::Tracker(bad.clone()));
    }
    match options.web_seeds.iter().find(|url| !outer::is_web_seed(url)) {
        Some(bad) => Err(CreateError::WebSeed(bad.clone())),
        None => Ok(()),
    }
}
