//! A second opinion on v1 info dictionaries: `bip_metainfo` reads the same bytes, and what it understands must be what
//! we understood. This is the only file that names it. It sees nothing that our own limits have not passed, never
//! writes a torrent (its `to_bytes` would lose keys and change the hash), and needs up to 250 bytes of memory for each
//! item, so it is asked about dictionaries of up to 50,000 items only. Next in the flow: `metainfo.rs`.

use bip_metainfo::Info;

use crate::bencode::Node;
use crate::error::MetainfoError;
use crate::info_hash::InfoHashV1;
use crate::v1::V1;

/// Items of the largest dictionary that is read twice.
const MAX_TOKENS: usize = 50_000;

/// Refuses `info` if the second reader understands it in another way than `v1` and `hash` say. What it cannot read at
/// all (names that are not UTF-8, padding without a path, links without a length, deep v2 trees beside the v1 keys) is
/// no reason to refuse: libtorrent and others read it.
pub(crate) fn agrees(
    info: Node<'_>,
    v1: &V1<'_>,
    hash: InfoHashV1,
    piece_length: u64,
) -> Result<(), MetainfoError> {
    let disagree = |what| Err(MetainfoError::ReadersDisagree(what));
    if info.tokens() > MAX_TOKENS {
        return Ok(());
    }
    let Ok(second) = Info::from_bytes(info.raw()) else {
        return Ok(());
    };
    if second.info_hash().as_ref() != hash.as_bytes() {
        return disagree("info-hash");
    }
    if second.piece_length() != piece_length {
        return disagree("piece length");
    }
    if !second.pieces().eq(v1.pieces.chunks(20)) {
        return disagree("piece hashes");
    }
    if second.files().count() != v1.files.len() {
        return disagree("number of files");
    }
    // A link may claim a length, which takes no room among the pieces.
    let same =
        |(theirs, ours): (&bip_metainfo::File, &crate::File)| ours.size == theirs.length() || ours.size == 0;
    if !second.files().zip(&v1.files).all(same) {
        return disagree("size of a file");
    }
    Ok(())
}
