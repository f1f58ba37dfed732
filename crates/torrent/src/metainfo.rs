//! A torrent file as a whole: read once from untrusted bytes, every limit applied, both halves checked and merged. The
//! bytes themselves are not kept and never written anew; info-hashes are computed over them as they are. Next in the
//! flow: `metainfo/halves.rs`; then the store keeps the bytes, `file_tree.rs` and `magnet.rs` show what is in them.

mod halves;

use std::ops::Range;

use crate::bencode::Tree;
use crate::error::MetainfoError;
use crate::file::{File, FilePath};
use crate::format::Format;
use crate::info_hash::{InfoHashV1, InfoHashV2, SwarmKeys};
use crate::limits::Limits;
use crate::magnet::Magnet;
use crate::outer::{self, Outer};
use crate::v2::Layers;
use crate::{duplicates, v2};
use halves::{Halves, Hashes};

/// What a torrent file says, all of it checked.
#[derive(Clone, Debug)]
pub struct Metainfo {
    hashes: Hashes,
    name: String,
    piece_length: u64,
    piece_count: u64,
    total_size: u64,
    files: Vec<File>,
    renamed: Vec<(usize, FilePath)>,
    private: bool,
    outer: Outer,
    info: Range<usize>,
    pieces: Box<[u8]>,
    layers: Layers,
    has_layers: bool,
}

impl Metainfo {
    /// Reads a torrent file from a stranger's bytes, within [`Limits::STRANGER`].
    pub fn parse(bytes: &[u8]) -> Result<Metainfo, MetainfoError> {
        Self::parse_within(bytes, &Limits::STRANGER)
    }

    /// Reads a torrent file within `limits`. Memory: about 12 bytes for each item, some 100 for each file and the names.
    pub fn parse_within(bytes: &[u8], limits: &Limits) -> Result<Metainfo, MetainfoError> {
        let tree = Tree::scan(bytes, limits)?;
        let root = tree.root();
        outer::no_key_twice(root)?;
        let info = root
            .get("info")
            .filter(|info| info.dict().is_some())
            .ok_or(MetainfoError::MissingInfo)?;
        if let Some((position, problem)) = info.not_canonical() {
            return Err(MetainfoError::NotCanonical { position, problem });
        }
        let half = Halves::of(info)?;
        let piece_length = halves::piece_length(info, half.v2)?;
        let name = Halves::name(info)?;
        let content = halves::read_content(
            info,
            &half,
            (!half.single).then_some(name.as_str()),
            piece_length,
            limits,
        )?;
        // Cannot overflow: the sum with padding was checked before.
        let total_size = content
            .files
            .iter()
            .filter(|file| !file.pad)
            .map(|file| file.size)
            .sum();
        if total_size == 0 {
            return Err(MetainfoError::Empty);
        }
        let (layers, has_layers) = match half.v2 {
            true => v2::read_layers(root.get("piece layers"), &content.files, piece_length)?,
            false => (Layers::new(), false),
        };
        Ok(Metainfo {
            hashes: half.hashes,
            name,
            piece_length,
            piece_count: content.piece_count,
            total_size,
            renamed: duplicates::resolve(&content.files, limits.duplicate_names)?,
            files: content.files,
            private: info
                .get("private")
                .and_then(|private| private.int())
                .is_some_and(|private| private != 0),
            outer: outer::read(root, limits)?,
            info: info.offset()..info.offset() + info.raw().len(),
            pieces: content.pieces,
            layers,
            has_layers,
        })
    }

    /// Which info-hashes it has.
    pub fn format(&self) -> Format {
        match self.hashes {
            Hashes::V1(_) => Format::V1,
            Hashes::V2(_) => Format::V2,
            Hashes::Hybrid(..) => Format::Hybrid,
        }
    }

    /// The v1 info-hash of a v1 or hybrid torrent.
    pub fn info_hash_v1(&self) -> Option<InfoHashV1> {
        match self.hashes {
            Hashes::V1(v1) | Hashes::Hybrid(v1, _) => Some(v1),
            Hashes::V2(_) => None,
        }
    }

    /// The v2 info-hash of a v2 or hybrid torrent.
    pub fn info_hash_v2(&self) -> Option<InfoHashV2> {
        match self.hashes {
            Hashes::V2(v2) | Hashes::Hybrid(_, v2) => Some(v2),
            Hashes::V1(_) => None,
        }
    }

    /// The keys by which trackers know its swarm.
    pub fn swarm_keys(&self) -> SwarmKeys {
        match self.hashes {
            Hashes::V1(v1) => SwarmKeys {
                primary: v1.into(),
                alias: None,
            },
            Hashes::V2(v2) => SwarmKeys {
                primary: v2.into(),
                alias: None,
            },
            Hashes::Hybrid(v1, v2) => SwarmKeys {
                primary: v1.into(),
                alias: Some(v2.into()),
            },
        }
    }

    /// Its name, safe for showing; of a folder, the first component of every path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of a piece, the last one excepted.
    pub fn piece_length(&self) -> u64 {
        self.piece_length
    }

    /// How many pieces it has: of the v1 half if there is one, else of all files.
    pub fn piece_count(&self) -> u64 {
        self.piece_count
    }

    /// Content in bytes, without padding.
    pub fn total_size(&self) -> u64 {
        self.total_size
    }

    /// Its files in the order of the torrent, with the padding that v1 and hybrid torrents carry.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Its files without padding.
    pub fn content(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| !file.pad)
    }

    /// Its trackers in tiers (BEP 12); `http`, `https`, `udp`, `ws` and `wss` addresses only, never contacted.
    pub fn trackers(&self) -> &[Vec<String>] {
        &self.outer.trackers
    }

    /// Its web seeds (BEP 19) as they stand in the file, percent-encoded where they had to be; any scheme.
    pub fn web_seeds(&self) -> &[String] {
        &self.outer.web_seeds
    }

    /// DHT nodes (BEP 5): host and port.
    pub fn nodes(&self) -> &[(String, u16)] {
        &self.outer.nodes
    }

    /// Its comment, at most 16 KiB of it.
    pub fn comment(&self) -> Option<&str> {
        self.outer.comment.as_deref()
    }

    /// The program that made it, as it says.
    pub fn created_by(&self) -> Option<&str> {
        self.outer.created_by.as_deref()
    }

    /// When it was made, as it says; seconds since 1970.
    pub fn creation_date(&self) -> Option<i64> {
        self.outer.creation_date
    }

    /// Whether it asks clients to use its trackers only (BEP 27).
    pub fn private(&self) -> bool {
        self.private
    }

    /// Whether each file that is longer than a piece comes with the hashes of its pieces (BEP 52); false for v1.
    pub fn has_piece_layers(&self) -> bool {
        self.has_layers
    }

    /// Where the info dictionary lies in the bytes that were read.
    pub fn info_range(&self) -> Range<usize> {
        self.info.clone()
    }

    /// The files that clients store under another name, by their index, because another file or folder has theirs.
    pub(crate) fn renamed(&self) -> &[(usize, FilePath)] {
        &self.renamed
    }

    /// Whether it is one file that lies under its own name, and no folder.
    pub fn is_single_file(&self) -> bool {
        self.files.first().is_some_and(|file| !file.is_below_root())
    }

    /// SHA-1 of each piece, 20 bytes each; none in v2 torrents.
    pub(crate) fn pieces(&self) -> &[u8] {
        &self.pieces
    }

    /// The hashes of the pieces of the file with this root, 32 bytes each.
    pub(crate) fn layer(&self, root: &[u8; 32]) -> Option<&[u8]> {
        self.layers.get(root).map(|layer| &**layer)
    }

    /// A link that names the torrent by all its hashes, with its name, size, trackers and web seeds; as many addresses
    /// as keep it shorter than what [`Magnet`] reads.
    pub fn magnet(&self) -> Magnet {
        let mut room = MAX_MAGNET;
        let mut fits = |url: &&String| {
            room = room.saturating_sub(url.len());
            room > 0
        };
        let trackers = self
            .outer
            .trackers
            .iter()
            .flatten()
            .take_while(&mut fits)
            .cloned()
            .collect();
        let web_seeds = self
            .outer
            .web_seeds
            .iter()
            .take_while(&mut fits)
            .cloned()
            .collect();
        Magnet {
            info_hash_v1: self.info_hash_v1(),
            info_hash_v2: self.info_hash_v2(),
            name: Some(self.name.clone()),
            size: Some(self.total_size),
            trackers,
            web_seeds,
        }
    }
}

/// Bytes of addresses in a magnet link, before they are percent-encoded.
const MAX_MAGNET: usize = 16 * 1024;
