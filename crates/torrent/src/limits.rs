//! How much of a torrent file is accepted before it is refused. Holds the numbers only; each is applied where its
//! thing is read (`bencode.rs`, `v1.rs`, `v2.rs`, `outer.rs`). Next in the flow: `bencode.rs`.

/// What a reader accepts. The defaults are those of libtorrent's `load_torrent_limits` and are meant for bytes that
/// came from strangers; [`Limits::LOCAL`] is for files that the person at the keyboard named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the whole file, in bytes.
    pub bytes: usize,
    /// Lists and dictionaries inside each other.
    pub depth: usize,
    /// Bencoded items, each end mark counted as one.
    pub tokens: usize,
    /// Pieces of the whole torrent.
    pub pieces: u64,
    /// Attempts at finding a free name for files of one name.
    pub duplicate_names: u32,
    /// Folders above a file, with the file itself.
    pub path_depth: usize,
    /// Trackers, web seeds and DHT nodes, each counted for itself.
    pub addresses: usize,
}

impl Limits {
    /// For bytes that a stranger sent: a file of 10,000,000 bytes with 3,000,000 items.
    pub const STRANGER: Limits = Limits {
        bytes: 10_000_000,
        depth: 100,
        tokens: 3_000_000,
        pieces: 0x20_0000,
        duplicate_names: 500,
        path_depth: 100,
        addresses: 1_000,
    };

    /// For a file on one's own disk: ten times larger, so that a hybrid torrent of some 500,000 files can be read.
    pub const LOCAL: Limits = Limits {
        bytes: 100_000_000,
        tokens: 30_000_000,
        ..Limits::STRANGER
    };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::STRANGER
    }
}

/// Largest piece length that is accepted, in bytes: as in libtorrent, 32,767 blocks of 16 KiB.
pub(crate) const MAX_PIECE_LENGTH: u64 = 32_767 * BLOCK;

/// Largest file that is accepted, in bytes: its 16 KiB blocks must be countable in 30 bits, as in libtorrent.
pub(crate) const MAX_FILE_SIZE: u64 = (i32::MAX as u64 / 2) * BLOCK - 1;

/// Size of the blocks that BEP 52 hashes, in bytes.
pub(crate) const BLOCK: u64 = 16 * 1024;

/// Longest comment or creator that is kept for showing, in bytes; the file itself keeps all of it.
pub(crate) const MAX_TEXT: usize = 16 * 1024;

/// Longest tracker or web seed address that is kept, in bytes.
pub(crate) const MAX_URL: usize = 2_048;
