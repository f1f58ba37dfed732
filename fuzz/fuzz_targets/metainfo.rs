//! Any bytes as a torrent file: nothing panics, and what is accepted is consistent in itself. Run with
//! `cargo +nightly fuzz run metainfo -- -max_len=65536`; good seeds are any torrent files, put into
//! `fuzz/corpus/metainfo/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shoal_torrent::{FileTree, InfoHashV1, InfoHashV2, Magnet, Metainfo, with_trackers};

fuzz_target!(|bytes: &[u8]| {
    let Ok(read) = Metainfo::parse(bytes) else { return };
    let info = &bytes[read.info_range()];
    assert!(read.info_hash_v1().is_none_or(|hash| hash == InfoHashV1::of(info)));
    assert!(read.info_hash_v2().is_none_or(|hash| hash == InfoHashV2::of(info)));
    assert_eq!(read.content().map(|file| file.size).sum::<u64>(), read.total_size());
    for file in read.files() {
        assert!(file.path.components().all(|name| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0'])));
        assert!(!file.raw_path().is_empty());
    }
    let tree = FileTree::from_files(read.content().map(|file| (file.path.components(), file.size)));
    assert_eq!(tree.root().size(), read.total_size());
    assert_eq!(tree.rows().filter(|row| matches!(row, shoal_torrent::Row::File { .. })).count(), read.content().count());
    let magnet: Magnet = read.magnet().to_string().parse().expect("our own magnet links can be read");
    assert_eq!(magnet.swarm_keys(), Some(read.swarm_keys()));
    let tiers = [vec!["udp://tracker.example:6969".to_owned()]];
    let spliced = with_trackers(bytes, &tiers).expect("what was read can be given trackers");
    let again = Metainfo::parse(&spliced).expect("it is a torrent still");
    assert_eq!(again.trackers(), tiers);
    assert_eq!(&spliced[again.info_range()], info);
});
