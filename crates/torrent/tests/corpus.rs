//! Every torrent of the corpora beside the project against what libtorrent 2.1.1 says of it. Skipped, with the reason
//! printed, where the corpora are not there. The exceptions below are argued in `docs/torrents.md`.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shoal_torrent::{File, Metainfo, MetainfoError};

/// Torrents that libtorrent loads and Shoal refuses: their info dictionaries are not sorted, so that readers which
/// write them anew come to another info-hash.
const REFUSED_BY_US: [&str; 2] = [
    "libtorrent/unordered.torrent",
    "libtorrent/pad_file_no_path.torrent",
];

fn corpora() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = std::env::var_os("SHOAL_CORPORA")
        .map_or(beside, PathBuf::from)
        .join("torrents");
    folder.join("expected.json").is_file().then_some(folder)
}

/// What is expected, and the bytes of the torrent.
type Entry = (Value, Vec<u8>);

/// The entries of `expected.json`, each with the bytes of its torrent.
fn entries() -> Result<Vec<Entry>, Box<dyn Error>> {
    let Some(folder) = corpora() else {
        eprintln!("skipped: no corpora (set SHOAL_CORPORA to their folder)");
        return Ok(Vec::new());
    };
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json"))?)?;
    let entries = expected["entries"].as_array().ok_or("no entries")?;
    let read = |entry: &Value| {
        let bytes = std::fs::read(folder.join(entry["file"].as_str().unwrap_or_default()))?;
        Ok((entry.clone(), bytes))
    };
    entries.iter().map(read).collect()
}

fn text<'e>(entry: &'e Value, key: &str) -> Option<&'e str> {
    entry[key].as_str()
}

fn file_name(entry: &Value) -> &str {
    text(entry, "file").unwrap_or_default()
}

#[test]
fn torrents_are_accepted_and_refused_as_libtorrent_does() -> Result<(), Box<dyn Error>> {
    let mut wrong = Vec::new();
    for (entry, bytes) in entries()? {
        let name = file_name(&entry);
        let read = Metainfo::parse(&bytes);
        let expected = entry["loads"] == true && !REFUSED_BY_US.contains(&name);
        if read.is_ok() != expected {
            wrong.push(format!(
                "{name}: {:?}, libtorrent: {:?}",
                read.err(),
                entry["error"]
            ));
        } else if REFUSED_BY_US.contains(&name) {
            assert!(matches!(read, Err(MetainfoError::NotCanonical { .. })), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn hashes_and_figures_are_those_of_libtorrent() -> Result<(), Box<dyn Error>> {
    for (entry, bytes) in entries()? {
        let Ok(read) = Metainfo::parse(&bytes) else {
            continue;
        };
        let name = file_name(&entry);
        assert_eq!(Some(read.format().as_str()), text(&entry, "kind"), "{name}");
        let v1 = read.info_hash_v1().map(|hash| hash.to_string());
        let v2 = read.info_hash_v2().map(|hash| hash.to_string());
        assert_eq!(v1.as_deref(), text(&entry, "info_hash_v1"), "{name}");
        assert_eq!(v2.as_deref(), text(&entry, "info_hash_v2"), "{name}");
        assert_eq!(
            Some(read.piece_length()),
            entry["piece_length"].as_u64(),
            "{name}"
        );
        assert_eq!(Some(read.piece_count()), entry["num_pieces"].as_u64(), "{name}");
        assert_eq!(Some(read.total_size()), entry["size_on_disk"].as_u64(), "{name}");
        assert_eq!(Some(read.name()), text(&entry, "name"), "{name}");
        assert_eq!(read.private(), entry["private"] == true, "{name}");
        assert_eq!(
            read.comment(),
            text(&entry, "comment").filter(|comment| !comment.is_empty()),
            "{name}"
        );
        assert_eq!(
            read.created_by(),
            text(&entry, "created_by").filter(|by| !by.is_empty()),
            "{name}"
        );
        assert_eq!(
            read.creation_date(),
            entry["creation_date"].as_i64().filter(|date| *date != 0),
            "{name}"
        );
    }
    Ok(())
}

#[test]
fn file_lists_are_those_of_libtorrent() -> Result<(), Box<dyn Error>> {
    for (entry, bytes) in entries()? {
        let Ok(read) = Metainfo::parse(&bytes) else {
            continue;
        };
        let name = file_name(&entry);
        // libtorrent shows padding that a v2 torrent implies; the torrent itself does not have it.
        let implied = read.info_hash_v1().is_none();
        let expected = entry["files"].as_array().ok_or("no files")?.iter();
        let expected: Vec<&Value> = expected
            .filter(|file| !(implied && file["pad"] == true))
            .collect();
        assert_eq!(read.files().len(), expected.len(), "{name}");
        for (ours, theirs) in read.files().iter().zip(expected) {
            compare(ours, theirs, name);
        }
    }
    Ok(())
}

fn compare(ours: &File, theirs: &Value, name: &str) {
    let root = ours
        .pieces_root
        .map(|root| root.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert_eq!(Some(ours.path.as_str()), text(theirs, "path"), "{name}");
    assert_eq!(Some(ours.size), theirs["size"].as_u64(), "{name}: {}", ours.path);
    assert_eq!(
        root.as_deref(),
        text(theirs, "pieces_root"),
        "{name}: {}",
        ours.path
    );
    assert_eq!(ours.pad, theirs["pad"] == true, "{name}: {}", ours.path);
    assert_eq!(
        ours.executable,
        theirs["executable"] == true,
        "{name}: {}",
        ours.path
    );
    assert_eq!(ours.hidden, theirs["hidden"] == true, "{name}: {}", ours.path);
    assert_eq!(
        ours.symlink.as_ref().map(|link| link.as_str()),
        text(theirs, "symlink"),
        "{name}: {}",
        ours.path
    );
}

#[test]
fn addresses_are_those_of_libtorrent() -> Result<(), Box<dyn Error>> {
    let sorted = |mut urls: Vec<String>| {
        urls.sort();
        urls
    };
    let plain = |url: &str| {
        percent_encoding::percent_decode_str(url)
            .decode_utf8_lossy()
            .trim_end_matches('/')
            .to_owned()
    };
    for (entry, bytes) in entries()? {
        let Ok(read) = Metainfo::parse(&bytes) else {
            continue;
        };
        let name = file_name(&entry);
        let list = |key: &str| {
            entry[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|url| url.as_str())
                .map(plain)
        };
        // Within a tier the order means nothing, and libtorrent shuffles it.
        let trackers = read.trackers().iter().flatten().map(|url| plain(url)).collect();
        assert_eq!(sorted(trackers), sorted(list("trackers").collect()), "{name}");
        let seeds = read.web_seeds().iter().map(|url| plain(url)).collect();
        assert_eq!(sorted(seeds), sorted(list("web_seeds").collect()), "{name}");
        assert_eq!(
            read.nodes().len(),
            entry["dht_nodes"].as_array().map_or(0, Vec::len),
            "{name}"
        );
    }
    Ok(())
}
