//! The halves of an info dictionary: which there are, and the files that they say, merged into one list. Next in the
//! flow: `metainfo.rs` puts the rest around it.

use crate::bencode::Node;
use crate::error::MetainfoError;
use crate::file::File;
use crate::info_hash::{InfoHashV1, InfoHashV2};
use crate::limits::{BLOCK, Limits, MAX_PIECE_LENGTH};
use crate::{hybrid, names, second_reader, symlinks, v1, v2};

#[derive(Clone, Copy, Debug)]
pub(super) enum Hashes {
    V1(InfoHashV1),
    V2(InfoHashV2),
    Hybrid(InfoHashV1, InfoHashV2),
}

/// Which halves an info dictionary has, and its hashes.
pub(super) struct Halves {
    pub(super) v2: bool,
    /// One file that does not lie below the torrent's name.
    pub(super) single: bool,
    pub(super) hashes: Hashes,
}

impl Halves {
    pub(super) fn of(info: Node<'_>) -> Result<Self, MetainfoError> {
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
    pub(super) fn name(info: Node<'_>) -> Result<String, MetainfoError> {
        let raw = v1::raw_name(info).ok_or(MetainfoError::MissingName)?;
        Ok(match names::usable(raw) {
            Some(name) => name,
            None if raw.is_empty() => names::component(raw),
            None => InfoHashV1::of(info.raw()).to_string(),
        })
    }
}

/// The files of an info dictionary, both halves merged.
pub(super) struct Content {
    pub(super) files: Vec<File>,
    pub(super) pieces: Box<[u8]>,
    pub(super) piece_count: u64,
}

/// Reads the files of `info`; they lie below `folder` if there is one.
pub(super) fn read_content(
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

pub(super) fn piece_length(info: Node<'_>, v2: bool) -> Result<u64, MetainfoError> {
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
