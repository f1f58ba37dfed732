//! What a torrent is: metainfo, hashes, magnets, file trees, creation and checking. Pure: no sockets, no database, no
//! clock; only `create` and `check` touch files, those that their caller names. Read `metainfo.rs` first; the limits
//! and every difference to libtorrent are written down in `docs/torrents.md`.

mod bencode;
pub mod check;
pub mod create;
mod duplicates;
mod encode;
mod error;
mod file;
mod file_tree;
mod format;
mod hashing;
mod hybrid;
mod info_hash;
mod limits;
mod magnet;
mod merkle;
mod metainfo;
mod names;
mod outer;
mod second_reader;
mod symlinks;
mod trackers;
mod v1;
mod v2;

pub use bencode::Bencode;
pub use error::MetainfoError;
pub use file::{File, FilePath};
pub use file_tree::{FileTree, Folder, Leaf, Row};
pub use format::{Format, UnknownFormat};
pub use info_hash::{InfoHashV1, InfoHashV2, NotAHash, SwarmKey, SwarmKeys};
pub use limits::Limits;
pub use magnet::{Magnet, MagnetError};
pub use metainfo::Metainfo;
pub use trackers::{TrackersError, with_trackers};
