//! Any bytes as a record in a file and as somebody's Torrent (FEP-d8c8): nothing panics, a torrent that is taken has the
//! hashes that it states, and one that can be written as JSON comes back byte for byte. Run with
//! `cargo +nightly fuzz run torrent_json -- -max_len=65536`; good seeds are the JSON examples of the proposal and torrent
//! files, put into `fuzz/corpus/torrent_json/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shoal_federation::records::evidence;
use shoal_federation::vocab::torrent::Torrent;
use shoal_federation::vocab::{exact, metainfo};
use shoal_torrent::{InfoHashV1, InfoHashV2};

fuzz_target!(|bytes: &[u8]| {
    // As a `.torrent`.
    if let Some(members) = metainfo::to_json(bytes) {
        assert_eq!(metainfo::to_bencode(&members), Ok(Some(bytes.to_vec())));
    }
    // As JSON.
    let _ = evidence::parts(bytes);
    let Ok(document) = exact::read(bytes) else { return };
    assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).ok().as_ref(), Some(&document));
    let Some(members) = document.as_object() else { return };
    let Ok(torrent) = Torrent::read(members) else { return };
    assert!(torrent.info_hash_v1.is_some() || torrent.info_hash_v2.is_some());
    let Some((file, read)) = torrent.file else { return };
    let info = &file[read.info_range()];
    assert_eq!(torrent.info_hash_v1, read.info_hash_v1());
    assert_eq!(torrent.info_hash_v2, read.info_hash_v2());
    assert!(read.info_hash_v1().is_none_or(|hash| hash == InfoHashV1::of(info)));
    assert!(read.info_hash_v2().is_none_or(|hash| hash == InfoHashV2::of(info)));
    let again = metainfo::to_json(&file).expect("what JSON gave can be written as JSON");
    assert_eq!(metainfo::to_bencode(&again), Ok(Some(file)));
});
