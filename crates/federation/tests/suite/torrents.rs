//! Torrents as JSON (FEP-d8c8), both ways: the examples of the proposal, the torrents of the corpora, and whatever we make
//! ourselves. What cannot come back byte for byte is published in the short form; which torrents those are is a snapshot.

use crate::{
    corpora,
    records::{upload, urls},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner},
};
use serde_json::{Value, json};
use shoal_federation::{
    records::{self, Edition, evidence},
    vocab::{exact, metainfo, torrent::Torrent},
};
use shoal_torrent::{
    Format, Metainfo,
    create::{Options, create},
};
use std::{collections::BTreeMap, path::Path, time::SystemTime};

/// The JSON blocks of the proposal's text.
fn examples() -> Vec<Value> {
    let Some(path) = corpora::path("vectors/feps/fep-d8c8.md") else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).expect("a readable file");
    let blocks = text
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks
        .map(|block| serde_json::from_str(block).expect("JSON"))
        .collect()
}

#[test]
fn the_examples_of_fep_d8c8_give_their_info_hashes() {
    let (mut whole, mut short) = (0, 0);
    for example in examples() {
        let torrent = Torrent::read(example.as_object().expect("an object")).expect("read");
        let Some((bytes, read)) = torrent.file else {
            short += 1;
            continue;
        };
        whole += 1;
        assert_eq!(
            read.info_hash_v1().map(|hash| json!(hash.to_string())),
            example.get("infohash_v1").cloned()
        );
        assert_eq!(
            read.info_hash_v2().map(|hash| json!(hash.to_string())),
            example.get("infohash_v2").cloned()
        );
        // Reading checks that every piece layer hashes to its root.
        assert_eq!(read.has_piece_layers(), example.get("piece layers").is_some());
        let again = metainfo::to_json(&bytes).expect("it can be written");
        for (key, value) in &again {
            assert_eq!(example.get(key), Some(value), "{key}");
        }
    }
    assert!(
        (whole, short) == (3, 6) || (whole, short) == (0, 0),
        "{whole} whole, {short} short"
    );
}

/// Every torrent below a folder, by its name.
fn torrents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for project in std::fs::read_dir(folder).expect("a folder").flatten() {
        for file in std::fs::read_dir(project.path()).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|end| end == "torrent") {
                let name = format!("{}/{}", project.file_name().display(), file.file_name().display());
                found.insert(name, std::fs::read(file.path()).expect("a readable file"));
            }
        }
    }
    found
}

#[test]
fn the_torrents_of_the_corpora_come_back_or_are_abbreviated() {
    let Some(folder) = corpora::path("torrents") else {
        return;
    };
    let urls = urls();
    let id = urls.object(upload().id);
    let edition = Edition::first(&urls, &id, "https://a.example/accounts/alice", 0);
    let (mut whole, mut abbreviated) = (0, Vec::new());
    for (name, bytes) in torrents(&folder) {
        let Ok(read) = Metainfo::parse(&bytes) else {
            continue;
        };
        let mut row = upload();
        (row.info_hash_v1, row.info_hash_v2) = (read.info_hash_v1(), read.info_hash_v2());
        let record = records::torrent(&edition, &row, &bytes);
        assert!(record.to_string().len() < 1024 * 1024, "{name}");
        let torrent = Torrent::read(record.as_object().expect("an object")).expect(&name);
        assert_eq!(
            (torrent.info_hash_v1, torrent.info_hash_v2),
            (row.info_hash_v1, row.info_hash_v2)
        );
        match torrent.file {
            Some((again, _)) => {
                assert_eq!(again, bytes, "{name}");
                whole += 1;
            }
            None => {
                assert_eq!(record["byteSize"], row.total_size, "{name}");
                abbreviated.push(name);
            }
        }
    }
    insta::assert_snapshot!(
        "abbreviated_torrents",
        format!("{whole} whole\n{}", abbreviated.join("\n"))
    );
}

/// A runner with a seed of its own, which it prints; `SHOAL_SEED` sets it.
fn runner(cases: u32) -> TestRunner {
    let given = std::env::var("SHOAL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let seed = given.unwrap_or_else(|| u64::try_from(now.as_micros()).unwrap_or_default());
    eprintln!("SHOAL_SEED={seed}");
    let bytes = [seed.to_le_bytes(); 4].concat();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Makes a torrent of these files and sends it to JSON and back.
fn comes_back(files: &BTreeMap<String, usize>, options: &Options) -> TestCaseResult {
    let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
    let folder = tempfile::tempdir().map_err(|error| fail(&error))?;
    for (name, size) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder.path())).map_err(|error| fail(&error))?;
        std::fs::write(path, vec![7; *size]).map_err(|error| fail(&error))?;
    }
    let bytes = create(folder.path(), options, &|_| ()).map_err(|error| fail(&error))?;
    let read = Metainfo::parse(&bytes).map_err(|error| fail(&error))?;
    let mut members = metainfo::to_json(&bytes).ok_or_else(|| TestCaseError::fail("it cannot be written"))?;
    for (name, hash) in [
        ("infohash_v1", read.info_hash_v1().map(|hash| hash.to_string())),
        ("infohash_v2", read.info_hash_v2().map(|hash| hash.to_string())),
    ] {
        members.extend(hash.map(|hash| (name.to_owned(), Value::from(hash))));
    }
    // Over the wire and through the canonical form, where keys have another order.
    let text = serde_json_canonicalizer::to_string(&members).map_err(|error| fail(&error))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| fail(&error))?;
    let members = document
        .as_object()
        .ok_or_else(|| TestCaseError::fail("no object"))?;
    let torrent = Torrent::read(members).map_err(|error| fail(&error))?;
    prop_assert_eq!(torrent.file.map(|(bytes, _)| bytes), Some(bytes));
    Ok(())
}

#[test]
fn whatever_we_make_comes_back_byte_for_byte() {
    let name = "[a-z@:\"\u{e9}\u{1F30A}][a-z0-9 _\"\u{e9}]{0,6}(/[a-z\u{e9}]{1,4}\\.[a-z]{1,3})?";
    let files = proptest::collection::btree_map(name, 1..60_000_usize, 1..6);
    let format = proptest::sample::select(vec![Format::V1, Format::V2, Format::Hybrid]);
    let said = (
        "\\PC{0,30}",
        any::<bool>(),
        proptest::option::of(0..4_000_000_000_i64),
    );
    runner(60)
        .run(
            &(files, format, said),
            |(files, format, (comment, private, creation_date))| {
                // A name that is a folder's too, or differs only in its blanks, cannot be made.
                let clash = files.keys().any(|name| {
                    name.ends_with(' ')
                        || name.contains(" /")
                        || files.keys().any(|other| other.starts_with(&format!("{name}/")))
                });
                prop_assume!(!clash);
                let options = Options {
                    format,
                    piece_length: Some(16 * 1024),
                    trackers: vec![
                        vec!["udp://tracker.example:6969".to_owned()],
                        vec!["https://b.example/a".to_owned()],
                    ],
                    web_seeds: vec!["https://seed.example/".to_owned()],
                    private,
                    comment: Some(comment),
                    creation_date,
                    ..Options::default()
                };
                comes_back(&files, &options)
            },
        )
        .expect("each comes back");
}

/// What must hold whatever the bytes are, as a `.torrent` and as JSON.
fn holds(bytes: &[u8]) {
    if let Some(members) = metainfo::to_json(bytes) {
        assert_eq!(metainfo::to_bencode(&members), Ok(Some(bytes.to_vec())));
    }
    let _ = evidence::parts(bytes);
    let Ok(Value::Object(members)) = exact::read(bytes) else {
        return;
    };
    let Ok(torrent) = Torrent::read(&members) else {
        return;
    };
    if let Some((file, read)) = torrent.file {
        assert_eq!(torrent.info_hash_v1, read.info_hash_v1());
        assert_eq!(torrent.info_hash_v2, read.info_hash_v2());
        let again = metainfo::to_json(&file).expect("what JSON gave can be written as JSON");
        assert_eq!(metainfo::to_bencode(&again), Ok(Some(file)));
    }
}

#[test]
fn nothing_that_is_changed_at_random_breaks_a_reader() {
    let mut seeds: Vec<Vec<u8>> = examples()
        .iter()
        .map(|example| example.to_string().into_bytes())
        .collect();
    if let Some(folder) = corpora::path("torrents") {
        seeds.extend(
            torrents(&folder)
                .into_values()
                .filter(|bytes| bytes.len() < 20_000),
        );
    }
    seeds.push(
        br#"{"type":"Torrent","id":"https://a.example/1","info":{"length":5},"infohash_v1":"00"}"#.to_vec(),
    );
    let byte = (any::<prop::sample::Index>(), any::<u8>());
    let part = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..40_usize,
    );
    let changes = (
        prop::sample::select(seeds),
        prop::collection::vec(byte, 0..6),
        prop::collection::vec(part, 0..3),
    );
    let cases = std::env::var("SHOAL_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    runner(cases.unwrap_or(2_000))
        .run(&changes, |(mut bytes, set, copied)| {
            for (at, value) in set {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            for (from, to, length) in copied {
                let from = from.index(bytes.len());
                let part = bytes[from..bytes.len().min(from + length)].to_vec();
                let to = to.index(bytes.len());
                bytes.splice(to..bytes.len().min(to + length / 2), part);
                prop_assume!(!bytes.is_empty());
            }
            holds(&bytes);
            Ok(())
        })
        .expect("nothing breaks");
}
