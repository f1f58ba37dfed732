//! A torrent file as a whole: read once from untrusted bytes, every limit applied, both halves checked and merged. The
//! bytes themselves are not kept and never written anew; info-hashes are computed over them as they are. Next in the
//! flow: the store keeps the bytes, `file_tree.rs` and `magnet.rs` show what is in them.

use std::ops::Range;

use crate::bencode::{Node, Tree};
use crate::error::MetainfoError;
use crate::file::{File, FilePath};
use crate::info_hash::{InfoHashV1, InfoHashV2, SwarmKeys};
use crate::limits::{BLOCK, Limits, MAX_PIECE_LENGTH};
use crate::magnet::Magnet;
use crate::outer::{self, Outer};
use crate::v2::Layers;
use crate::{duplicates, hybrid, names, second_reader, symlinks, v1, v2};

/// Which info-hashes a torrent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Only v1 (BEP 3).
    V1,
    /// Only v2 (BEP 52).
    V2,
    /// Both, for one and the same content.
    Hybrid,
}

impl Format {
    /// `v1`, `v2` or `hybrid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::V1 => "v1",
            Format::V2 => "v2",
            Format::Hybrid => "hybrid",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        [Format::V1, Format::V2, Format::Hybrid]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or(UnknownFormat)
    }
}

/// A text that names no format.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("Not a torrent format; there are v1, v2 and hybrid.")]
pub struct UnknownFormat;

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

#[derive(Clone, Copy, Debug)]
enum Hashes {
    V1(InfoHashV1),
    V2(InfoHashV2),
    Hybrid(InfoHashV1, InfoHashV2),
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
        let piece_length = piece_length(info, half.v2)?;
        let name = Halves::name(info)?;
        let content = read_content(
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

/// Which halves an info dictionary has, and its hashes.
struct Halves {
    v2: bool,
    /// One file that does not lie below the torrent's name.
    single: bool,
    hashes: Hashes,
}

impl Halves {
    fn of(info: Node<'_>) -> Result<Self, MetainfoError> {
        let version = info
            .get("meta version")
            .and_then(|version| version.int())
            .unwrap_or(1);
        let v2 = version == 2;
        if version > 2 {
            return Err(MetainfoError::UnknownVersion(version));
        }
        if !v2 && info.get("file tree").is_some_and(|tree| tree.dict().is_some()) {
            return Err(MetainfoError::MissingVersion);
        }
        let list = info.get("files").is_some();
        let hashes = match (v2, list || info.get("length").is_some()) {
            (false, _) => Hashes::V1(InfoHashV1::of(info.raw())),
            (true, false) => Hashes::V2(InfoHashV2::of(info.raw())),
            (true, true) => Hashes::Hybrid(InfoHashV1::of(info.raw()), InfoHashV2::of(info.raw())),
        };
        Ok(Halves {
            v2,
            single: if v2 { v2::is_single(info) } else { !list },
            hashes,
        })
    }

    /// The torrent's name made safe; if nothing is left of it, its hash stands in.
    fn name(info: Node<'_>) -> Result<String, MetainfoError> {
        let raw = v1::raw_name(info).ok_or(MetainfoError::MissingName)?;
        Ok(match names::usable(raw) {
            Some(name) => name,
            None if raw.is_empty() => names::component(raw),
            None => InfoHashV1::of(info.raw()).to_string(),
        })
    }
}

/// The files of an info dictionary, both halves merged.
struct Content {
    files: Vec<File>,
    pieces: Box<[u8]>,
    piece_count: u64,
}

/// Reads the files of `info`; they lie below `folder` if there is one.
fn read_content(
    info: Node<'_>,
    half: &Halves,
    folder: Option<&str>,
    piece_length: u64,
    limits: &Limits,
) -> Result<Content, MetainfoError> {
    let read_v1 = |hash: InfoHashV1| {
        let mut v1 = v1::read(info, folder, piece_length, limits)?;
        second_reader::agrees(info, &v1, hash, piece_length)?;
        symlinks::confine(&mut v1.files);
        Ok::<_, MetainfoError>(v1)
    };
    let read_v2 = || {
        let mut v2 = v2::read(info, folder, piece_length, limits)?;
        symlinks::confine(&mut v2.files);
        Ok::<_, MetainfoError>(v2)
    };
    let of_v1 = |files, pieces: &[u8]| Content {
        files,
        pieces: pieces.into(),
        piece_count: pieces.len() as u64 / 20,
    };
    Ok(match half.hashes {
        Hashes::V1(hash) => {
            let v1 = read_v1(hash)?;
            of_v1(v1.files, v1.pieces)
        }
        Hashes::V2(_) => {
            let v2 = read_v2()?;
            v2::no_stray_pieces(info, &v2)?;
            Content {
                files: v2.files,
                pieces: Box::default(),
                piece_count: v2.pieces,
            }
        }
        Hashes::Hybrid(hash, _) => {
            let v1 = read_v1(hash)?;
            of_v1(
                hybrid::merge(v1.files, read_v2()?.files, piece_length)?,
                v1.pieces,
            )
        }
    })
}

fn piece_length(info: Node<'_>, v2: bool) -> Result<u64, MetainfoError> {
    let length = info
        .get("piece length")
        .and_then(|l| l.int())
        .ok_or(MetainfoError::Missing("piece length"))?;
    let in_v2 = |bytes: u64| bytes >= BLOCK && bytes.is_power_of_two();
    let fits = |bytes: &u64| (1..=MAX_PIECE_LENGTH).contains(bytes) && (!v2 || in_v2(*bytes));
    u64::try_from(length)
        .ok()
        .filter(fits)
        .ok_or(MetainfoError::PieceLength(length))
}
