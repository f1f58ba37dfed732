//! Hashing files piece by piece on all cores, for `create` and `check` alike. Every worker takes the next stretch of
//! pieces, reads it itself and keeps one buffer, so memory does not grow with the content. Knows nothing of torrents.
//! Next in the flow: `create.rs`, `check.rs`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use sha1::{Digest, Sha1};

use crate::limits::BLOCK;
use crate::merkle::{self, Hash};

/// Bytes that a worker reads at once; whole blocks.
const BUFFER: usize = 16 * BLOCK as usize;
/// Bytes that a worker takes at once.
const STRETCH: u64 = 4 << 20;

/// How far hashing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of content read so far.
    pub done: u64,
    /// Bytes of content in all.
    pub total: u64,
}

/// A file and its place in the row of pieces.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Where it lies; none if there is nothing to read, which fails all its pieces.
    pub(crate) path: Option<PathBuf>,
    /// Where its first byte lies among the pieces. What lies between sources is zeros.
    pub(crate) offset: u64,
    /// Bytes, at least one.
    pub(crate) size: u64,
}

/// What is to be hashed.
pub(crate) struct Job {
    /// Sorted by offset, not overlapping; for `v2` each begins a piece.
    pub(crate) sources: Vec<Source>,
    pub(crate) piece_length: u64,
    /// Where the last piece ends.
    pub(crate) end: u64,
    /// Hash pieces as BEP 3 does.
    pub(crate) v1: bool,
    /// Hash pieces as BEP 52 does.
    pub(crate) v2: bool,
}

/// The hashes of one piece; zeros where a kind was not asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct PieceHashes {
    pub(crate) v1: [u8; 20],
    /// A node of the piece layer; of a file that is not longer than a piece, its root.
    pub(crate) v2: Hash,
}

/// A source that could not be read.
pub(crate) struct Failure {
    pub(crate) source: usize,
    pub(crate) error: io::Error,
}

impl Job {
    /// How many pieces there are.
    pub(crate) fn pieces(&self) -> u64 {
        self.end.div_ceil(self.piece_length)
    }

    /// The sources of which a piece holds something.
    pub(crate) fn sources_of(&self, piece: u64) -> std::ops::Range<usize> {
        let (start, end) = (piece * self.piece_length, (piece + 1) * self.piece_length);
        let first = self
            .sources
            .partition_point(|source| source.offset + source.size <= start);
        let behind = self.sources.partition_point(|source| source.offset < end);
        first..behind.max(first)
    }

    /// Hashes all pieces, in order. With `stop`, no further stretch is begun once one piece has failed.
    pub(crate) fn run(
        &self,
        stop: bool,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Vec<Result<PieceHashes, Failure>> {
        let stretch = (STRETCH / self.piece_length).max(1);
        let next = AtomicU64::new(0);
        let failed = AtomicBool::new(false);
        let total = self.sources.iter().map(|source| source.size).sum();
        let done = AtomicU64::new(0);
        let advance = |bytes: u64| {
            let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
            progress(Progress { done, total });
        };
        let work = || {
            let mut worker = Worker::new(self, &advance);
            let mut hashed = Vec::new();
            loop {
                let first = next.fetch_add(stretch, Ordering::Relaxed);
                if first >= self.pieces() || (stop && failed.load(Ordering::Relaxed)) {
                    return hashed;
                }
                let pieces = first..self.pieces().min(first + stretch);
                let results: Vec<_> = pieces.map(|piece| worker.piece(piece)).collect();
                failed.fetch_or(results.iter().any(Result::is_err), Ordering::Relaxed);
                hashed.push((first, results));
            }
        };
        let workers = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let workers = workers.min(self.pieces().div_ceil(stretch));
        let mut hashed: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().flat_map(join).collect()
        });
        hashed.sort_unstable_by_key(|(first, _)| *first);
        hashed.into_iter().flat_map(|(_, results)| results).collect()
    }
}

struct Worker<'j> {
    job: &'j Job,
    advance: &'j (dyn Fn(u64) + Sync),
    buffer: Vec<u8>,
    /// The file that was read last; the next piece is mostly in it too.
    open: Option<(usize, File)>,
}

impl<'j> Worker<'j> {
    fn new(job: &'j Job, advance: &'j (dyn Fn(u64) + Sync)) -> Self {
        let buffer = vec![0; BUFFER.min(job.piece_length.next_multiple_of(BLOCK) as usize)];
        Worker {
            job,
            advance,
            buffer,
            open: None,
        }
    }

    fn piece(&mut self, piece: u64) -> Result<PieceHashes, Failure> {
        let job = self.job;
        let mut at = piece * job.piece_length;
        let end = (at + job.piece_length).min(job.end);
        let mut sha1 = Sha1::new();
        let mut blocks: Vec<Hash> = Vec::new();
        let sources = job.sources_of(piece);
        if sources.is_empty() {
            // Nothing but padding, of which a hostile torrent may claim any amount.
            return Ok(PieceHashes::default());
        }
        for index in sources.clone() {
            let source = &job.sources[index];
            if source.offset > at {
                self.zeros(&mut sha1, source.offset - at);
                at = source.offset;
            }
            let stop = end.min(source.offset + source.size);
            while at < stop {
                let length = (stop - at).min(self.buffer.len() as u64) as usize;
                self.read(index, at - source.offset, length)
                    .map_err(|error| Failure { source: index, error })?;
                let content = &self.buffer[..length];
                if job.v1 {
                    sha1.update(content);
                }
                if job.v2 {
                    blocks.extend(content.chunks(BLOCK as usize).map(merkle::block));
                }
                at += length as u64;
                (self.advance)(length as u64);
            }
        }
        self.zeros(&mut sha1, end.saturating_sub(at));
        let longer = sources
            .clone()
            .any(|index| job.sources[index].size > job.piece_length);
        let v2 = match (blocks.is_empty(), longer) {
            (true, _) => Hash::default(),
            (_, true) => merkle::piece(&mut blocks, job.piece_length),
            (_, false) => merkle::small_file(&mut blocks),
        };
        Ok(PieceHashes {
            v1: if job.v1 { sha1.finalize().into() } else { [0; 20] },
            v2,
        })
    }

    /// Hashes what lies between files.
    fn zeros(&self, sha1: &mut Sha1, mut count: u64) {
        const ZEROS: [u8; 4096] = [0; 4096];
        while self.job.v1 && count > 0 {
            let some = count.min(ZEROS.len() as u64);
            sha1.update(&ZEROS[..some as usize]);
            count -= some;
        }
    }

    /// Fills the front of the buffer from a source that still has the size it should have.
    fn read(&mut self, index: usize, offset: u64, length: usize) -> io::Result<()> {
        let file = match &mut self.open {
            Some((open, file)) if *open == index => file,
            _ => {
                let source = &self.job.sources[index];
                let path = source.path.as_ref().ok_or(io::ErrorKind::NotFound)?;
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                if !metadata.is_file() || metadata.len() != source.size {
                    return Err(io::Error::other("its size changed"));
                }
                &mut self.open.insert((index, file)).1
            }
        };
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut self.buffer[..length])
    }
}
