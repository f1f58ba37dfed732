//! Holding a torrent against files on disk: what is whole, missing or damaged. Reads only below the folder that the
//! caller named, writes nothing. Both halves of a hybrid must agree with the content. Next in the flow:
//! `check/on_disk.rs` finds each file.

mod on_disk;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use crate::hashing::Progress;

use crate::file::FilePath;
use crate::format::Format;
use crate::hashing::{Failure, Job, PieceHashes, Source};
use crate::merkle::{self, Hash};
use crate::metainfo::Metainfo;
use on_disk::Place;

/// Why nothing could be checked at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The path cannot be read.
    #[error("“{}” cannot be read: {error}.", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The torrent is a folder, the path is not.
    #[error("“{}” is not a folder, but the torrent has a folder of files.", .0.display())]
    NotAFolder(PathBuf),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every file with content or none, in the order of the torrent; no padding and no links.
    pub files: Vec<FileReport>,
    /// Pieces that hold content.
    pub pieces: u64,
    /// Pieces that are not as the torrent says, or could not be read.
    pub bad_pieces: u64,
}

impl Report {
    /// Whether all content is there and right.
    pub fn is_complete(&self) -> bool {
        self.bad_pieces == 0 && self.files.iter().all(|file| file.state == FileState::Whole)
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Its place in [`Metainfo::files`].
    pub index: usize,
    /// Its path in the torrent.
    pub path: FilePath,
    /// Bytes it should have.
    pub size: u64,
    /// What was found.
    pub state: FileState,
}

/// What was found of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// It is there and right.
    Whole,
    /// It is not there.
    Missing,
    /// It has another size; its content was not looked at.
    WrongSize {
        /// Bytes it has.
        found: u64,
    },
    /// Something else has its name: a folder, a device, or a link that leads out of the folder.
    NotAFile,
    /// The system would not read it.
    Unreadable(String),
    /// Some of its content is not as the torrent says.
    Damaged {
        /// Pieces concerned.
        bad_pieces: u64,
    },
    /// Nothing is known to be wrong with it, but some of its pieces also hold parts of files that are not there.
    Unproven {
        /// Pieces concerned.
        pieces: u64,
    },
}

/// Holds the torrent against what lies at `path`: its file or folder, or the folder that this lies in. Reads all
/// content once; `progress` is called from several threads as it goes on.
///
/// Paths of the torrent are never followed out of `path`: each name is used as it is if it is one plain component, else
/// in its safe form, and what is found must lie below `path` after all links are resolved.
///
/// # Errors
/// [`CheckError`] if `path` cannot be read. What is wrong with single files stands in the report.
pub fn check(
    metainfo: &Metainfo,
    path: &Path,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, CheckError> {
    let base = on_disk::Base::locate(metainfo, path)?;
    let mut report = Report {
        files: Vec::new(),
        pieces: 0,
        bad_pieces: 0,
    };
    let mut layout = Layout::new(metainfo);
    for (index, file) in metainfo.files().iter().enumerate() {
        if file.pad || file.symlink.is_some() {
            layout.skip(file.size);
            continue;
        }
        let (state, on_disk) = match base.place(metainfo, index) {
            Place::Found(path) => (FileState::Whole, Some(path)),
            Place::Not(state) => (state, None),
        };
        layout.add(report.files.len(), on_disk, file.size);
        report.files.push(FileReport {
            index,
            path: file.path.clone(),
            size: file.size,
            state,
        });
    }
    let hashes = layout.job.run(false, progress);
    layout.judge(metainfo, &hashes, &mut report);
    Ok(report)
}

/// The files of a torrent among its pieces.
struct Layout {
    job: Job,
    /// For each source of the job, its file in the report.
    reported: Vec<usize>,
    offset: u64,
}

impl Layout {
    fn new(metainfo: &Metainfo) -> Self {
        let (v1, v2) = (metainfo.format() != Format::V2, metainfo.format() != Format::V1);
        let job = Job {
            sources: Vec::new(),
            piece_length: metainfo.piece_length(),
            end: 0,
            v1,
            v2,
        };
        Layout {
            job,
            reported: Vec::new(),
            offset: 0,
        }
    }

    fn skip(&mut self, size: u64) {
        self.offset += size;
        if self.job.v1 {
            self.job.end = self.offset;
        }
    }

    fn add(&mut self, reported: usize, path: Option<PathBuf>, size: u64) {
        if size == 0 {
            return;
        }
        if !self.job.v1 {
            self.offset = self.offset.next_multiple_of(self.job.piece_length);
        }
        self.job.sources.push(Source {
            path,
            offset: self.offset,
            size,
        });
        self.reported.push(reported);
        self.offset += size;
        self.job.end = self.offset;
    }

    fn judge(&self, metainfo: &Metainfo, hashes: &[Result<PieceHashes, Failure>], report: &mut Report) {
        let mut damaged = vec![0_u64; report.files.len()];
        let mut unproven = vec![0_u64; report.files.len()];
        let expected = if self.job.v2 {
            self.expected_v2(metainfo, hashes, &report.files)
        } else {
            Vec::new()
        };
        for (piece, result) in hashes.iter().enumerate() {
            let sources = self.job.sources_of(piece as u64);
            // A piece of nothing but padding says nothing about the content.
            if sources.is_empty() {
                continue;
            }
            report.pieces += 1;
            let right = match result {
                Ok(hashes) => self.is_right(metainfo, piece, hashes, expected.get(piece).copied().flatten()),
                Err(failure) => {
                    let state = &mut report.files[self.reported[failure.source]].state;
                    if *state == FileState::Whole {
                        *state = FileState::Unreadable(failure.error.to_string());
                    }
                    false
                }
            };
            report.bad_pieces += u64::from(!right);
            let count = if result.is_ok() {
                &mut damaged
            } else {
                &mut unproven
            };
            self.reported[sources]
                .iter()
                .for_each(|file| count[*file] += u64::from(!right));
        }
        for (file, (bad_pieces, pieces)) in report.files.iter_mut().zip(damaged.into_iter().zip(unproven)) {
            file.state = match std::mem::replace(&mut file.state, FileState::Whole) {
                FileState::Whole if bad_pieces > 0 => FileState::Damaged { bad_pieces },
                FileState::Whole if pieces > 0 => FileState::Unproven { pieces },
                state => state,
            };
        }
    }

    fn is_right(&self, metainfo: &Metainfo, piece: usize, found: &PieceHashes, v2: Option<Hash>) -> bool {
        let v1 = metainfo.pieces().get(piece * 20..piece * 20 + 20);
        (!self.job.v1 || v1 == Some(&found.v1[..])) && (!self.job.v2 || v2 == Some(found.v2))
    }

    /// The v2 hash that each piece should have. Where the torrent leaves out the layer of a file, all its pieces are
    /// right or none is, by its root.
    fn expected_v2(
        &self,
        metainfo: &Metainfo,
        hashes: &[Result<PieceHashes, Failure>],
        files: &[FileReport],
    ) -> Vec<Option<Hash>> {
        let mut expected = Vec::with_capacity(hashes.len());
        for source in 0..self.job.sources.len() {
            let size = self.job.sources[source].size;
            let first = (self.job.sources[source].offset / self.job.piece_length) as usize;
            let count = size.div_ceil(self.job.piece_length) as usize;
            let root = metainfo.files()[files[self.reported[source]].index].pieces_root;
            expected.resize(first, None);
            match root.and_then(|root| metainfo.layer(&root)) {
                _ if count == 1 => expected.push(root),
                Some(layer) => expected.extend(layer.as_chunks::<32>().0.iter().map(|hash| Some(*hash))),
                None => {
                    let found = hashes[first..first + count]
                        .iter()
                        .map(|result| Some(result.as_ref().ok()?.v2));
                    let layer: Option<Vec<Hash>> = found.collect();
                    let right = |layer: &Vec<Hash>| {
                        Some(merkle::large_file(&mut layer.clone(), self.job.piece_length)) == root
                    };
                    match layer.filter(right) {
                        Some(layer) => expected.extend(layer.into_iter().map(Some)),
                        None => expected.resize(first + count, None),
                    }
                }
            }
        }
        expected
    }
}
