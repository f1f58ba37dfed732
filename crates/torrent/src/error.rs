//! Why a torrent file was refused, each reason a sentence that the uploader can act on. Holds no logic. Next in the
//! flow: `metainfo.rs`, which gives these out.

use thiserror::Error;

/// Why bytes are not a torrent that can be listed. Positions are byte offsets into the file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetainfoError {
    /// Larger than the limit in bytes.
    #[error("The file has {size} bytes; torrent files of up to {limit} bytes are accepted.")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes accepted.
        limit: usize,
    },
    /// The bytes are not bencoded (BEP 3).
    #[error("This is not a torrent file: at byte {position}, {problem}.")]
    NotBencoded {
        /// Where.
        position: usize,
        /// What was found.
        problem: &'static str,
    },
    /// Nested deeper than the limit.
    #[error("The file nests lists and dictionaries more than {limit} deep.")]
    TooDeep {
        /// Levels accepted.
        limit: usize,
    },
    /// More bencoded items than the limit.
    #[error("The file has more than {limit} items.")]
    TooManyItems {
        /// Items accepted.
        limit: usize,
    },
    /// Bytes other than white space behind the end of the torrent.
    #[error("There are other bytes behind the end of the torrent, from byte {position} on.")]
    TrailingBytes {
        /// Where they begin.
        position: usize,
    },
    /// A key of the outermost dictionary is there twice.
    #[error("The key “{key}” is there twice, so readers would differ on what the file says.")]
    DuplicateKey {
        /// The key, made safe for showing.
        key: String,
    },
    /// No `info` dictionary.
    #[error("The file has no “info” dictionary, so it is not a torrent file.")]
    MissingInfo,
    /// The `info` dictionary is not in canonical form (BEP 3, BEP 52).
    #[error(
        "The “info” dictionary is not in canonical form ({problem} at byte {position}): programs would disagree on its info-hash. Make the torrent anew."
    )]
    NotCanonical {
        /// Where.
        position: usize,
        /// What.
        problem: &'static str,
    },
    /// `meta version` above 2.
    #[error("The torrent has the unknown meta version {0}; versions 1 and 2 are known.")]
    UnknownVersion(i64),
    /// `file tree` without `meta version` 2.
    #[error("The torrent has a v2 file tree but does not say “meta version 2”.")]
    MissingVersion,
    /// A required key is missing or of the wrong kind.
    #[error("The key “{0}” is missing or of the wrong kind.")]
    Missing(&'static str),
    /// Piece length outside of what is allowed.
    #[error(
        "The piece length {0} is not allowed: v1 needs 1 to 536,854,528 bytes, v2 a power of two from 16 KiB to 256 MiB."
    )]
    PieceLength(i64),
    /// Both a single file and a list of files.
    #[error("The torrent has both a “length” and “files”, so readers would differ on what it holds.")]
    LengthAndFiles,
    /// No name, or one of which nothing is left.
    #[error("The torrent has no usable name.")]
    MissingName,
    /// A file without a path, or with one that cannot be read.
    #[error("File {0} of the torrent has no usable path.")]
    BadPath(usize),
    /// A file whose length is missing, negative or too large.
    #[error("File {0} of the torrent has no usable length.")]
    BadLength(usize),
    /// Folders deeper than the limit.
    #[error("File {file} of the torrent lies more than {limit} folders deep.")]
    PathTooDeep {
        /// Which file.
        file: usize,
        /// Folders accepted.
        limit: usize,
    },
    /// No file at all.
    #[error("The torrent has no files.")]
    NoFiles,
    /// Only empty files.
    #[error("All files of the torrent are empty; no client can share it.")]
    Empty,
    /// The sizes do not add up to a number that can be handled.
    #[error("The sizes of the files add up to more than can be handled.")]
    TooBig,
    /// More pieces than the limit.
    #[error("The torrent has {pieces} pieces; up to {limit} are accepted. Choose a larger piece length.")]
    TooManyPieces {
        /// Pieces it has.
        pieces: u64,
        /// Pieces accepted.
        limit: u64,
    },
    /// `pieces` does not fit the sizes (BEP 3).
    #[error("The torrent has {found} bytes of piece hashes where its files need {expected}.")]
    PiecesMismatch {
        /// Bytes that should be there.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Too many files share a name.
    #[error("Too many files of the torrent have the same name.")]
    TooManyDuplicates,
    /// A v2 file tree that is not as BEP 52 says.
    #[error("The v2 file tree is broken near “{0}”.")]
    BadFileTree(String),
    /// A v2 file has no root hash, or one of zeros.
    #[error("The v2 file “{0}” has no root hash.")]
    MissingRoot(String),
    /// A v2 file says it is padding.
    #[error("The v2 file “{0}” says it is padding, which v2 does not have.")]
    PadInTree(String),
    /// A piece layer does not belong to a file, or does not hash to its root.
    #[error("A piece layer is wrong: {0}.")]
    BadPieceLayer(&'static str),
    /// The v1 and v2 halves of a hybrid say different things.
    #[error("The v1 and v2 halves of the torrent disagree: {0}.")]
    HalvesDisagree(&'static str),
    /// More trackers, web seeds or nodes than the limit.
    #[error("The torrent names more than {limit} {what}.")]
    TooManyAddresses {
        /// Which kind.
        what: &'static str,
        /// How many are accepted.
        limit: usize,
    },
    /// The second reader of v1 dictionaries read something else.
    #[error("Two readers understand this torrent differently ({0}), so it is not listed.")]
    ReadersDisagree(&'static str),
}
