//! What must hold whatever the bytes are, tried with chance. Each test prints its seed; `SHOAL_SEED` sets it.

#[expect(dead_code, reason = "not all that is made for other tests is needed here")]
mod made;

use std::error::Error;
use std::fs;
use std::path::Path;

use made::{Value, dict, pad, torrent, v1_file, v1_info, v2_file, v2_info};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use shoal_torrent::check::check;
use shoal_torrent::create::{Options, create};
use shoal_torrent::{FileTree, Format, InfoHashV1, InfoHashV2, Magnet, Metainfo, with_trackers};

/// A runner with a seed of its own, which it prints: tests show what they printed when they fail.
fn runner(cases: u32) -> TestRunner {
    let given = std::env::var("SHOAL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed: u64 = given
        .or_else(|| now().ok().map(|now| now.as_nanos() as u64))
        .unwrap_or_default();
    eprintln!("SHOAL_SEED={seed}");
    let bytes: Vec<u8> = (0..4_u64)
        .flat_map(|n| seed.wrapping_add(n).to_le_bytes())
        .collect();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// One change to the bytes of a torrent.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    Copy(Index, Index, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Change::Set(at, value) => bytes[at.index(length)] = *value,
            Change::Insert(at, new) => {
                drop(bytes.splice(at.index(length)..at.index(length), new.iter().copied()))
            }
            Change::Delete(at, count) => {
                let at = at.index(length);
                bytes.drain(at..length.min(at + count));
            }
            Change::Copy(from, to, count) => {
                let from = from.index(length);
                let copied = bytes[from..length.min(from + count)].to_vec();
                bytes.splice(to.index(length)..to.index(length), copied);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    const PARTS: [&[u8]; 16] = [
        b"4:path",
        b"6:length",
        b"4:attr1:p",
        b"4:attr1:l",
        b"l1:ae",
        b"2:..",
        b"0:",
        b"de",
        b"le",
        b"i0e",
        b"i-1e",
        b"i9223372036854775807e",
        b"12:symlink pathl1:ae",
        b"1:/",
        b"2:\xff\xfe",
        b"12:meta versioni2e",
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, value)| Change::Set(at, value)),
        (any::<Index>(), select(&PARTS[..])).prop_map(|(at, part)| Change::Insert(at, part.to_vec())),
        (any::<Index>(), 1..12_usize).prop_map(|(at, count)| Change::Delete(at, count)),
        (any::<Index>(), any::<Index>(), 1..80_usize)
            .prop_map(|(from, to, count)| Change::Copy(from, to, count)),
    ]
}

/// Sound torrents to begin with.
fn originals() -> Vec<Vec<u8>> {
    let tree = dict([("a", v2_file(5, 1)), ("d", dict([("b", v2_file(7, 2))]))]);
    let link = v1_file(0, &["l"])
        .with("attr", "l")
        .with("symlink path", Value::List(vec!["a".into()]));
    let v1 = v1_info(
        vec![v1_file(5, &["a"]), pad(16379), v1_file(7, &["d", "b"])],
        16391,
    );
    let Value::Dict(v1_half) = v1.clone() else {
        return Vec::new();
    };
    let hybrid = v1_half
        .into_iter()
        .fold(v2_info(tree.clone()), |info, (key, value)| {
            info.with(&String::from_utf8_lossy(&key), value)
        });
    let one = |value: Value| Value::List(vec![value]);
    let node = Value::List(vec!["node.example".into(), 6881.into()]);
    let outer = dict([
        ("announce-list", one(one("udp://tracker.example:6969".into()))),
        ("comment", "words".into()),
        ("nodes", one(node)),
        ("url-list", "https://seed.example/".into()),
        (
            "info",
            v1_info(vec![v1_file(5, &["a"]), link], 5).with("private", 1),
        ),
    ]);
    vec![
        torrent(v1),
        torrent(v2_info(tree)),
        torrent(hybrid),
        outer.encode(),
    ]
}

/// What holds of everything that is accepted.
fn holds(bytes: &[u8], read: &Metainfo) -> TestCaseResult {
    let info = &bytes[read.info_range()];
    prop_assert!(
        read.info_hash_v1()
            .is_none_or(|hash| hash == InfoHashV1::of(info))
    );
    prop_assert!(
        read.info_hash_v2()
            .is_none_or(|hash| hash == InfoHashV2::of(info))
    );
    prop_assert_eq!(
        read.content().map(|file| file.size).sum::<u64>(),
        read.total_size()
    );
    for path in read
        .files()
        .iter()
        .flat_map(|file| [Some(&file.path), file.symlink.as_ref()])
        .flatten()
    {
        let sound =
            |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0', '\n', '\u{202e}']);
        prop_assert!(path.components().all(sound), "{}", path);
    }
    let tree = FileTree::from_files(read.content().map(|file| (file.path.components(), file.size)));
    prop_assert_eq!(tree.root().size(), read.total_size());
    prop_assert_eq!(
        read.magnet()
            .to_string()
            .parse::<Magnet>()
            .map(|magnet| magnet.swarm_keys()),
        Ok(Some(read.swarm_keys()))
    );

    let tiers = [vec!["https://tracker.example/announce".to_owned()]];
    let spliced = with_trackers(bytes, &tiers).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let again = Metainfo::parse(&spliced).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(again.trackers(), &tiers[..]);
    prop_assert_eq!(&spliced[again.info_range()], info);
    Ok(())
}

#[test]
fn changed_torrents_are_refused_or_sound() -> Result<(), Box<dyn Error>> {
    let originals = originals();
    for original in &originals {
        holds(original, &Metainfo::parse(original)?).map_err(|error| error.to_string())?;
    }
    let strategy = (select(originals), vec(change(), 1..4));
    runner(4_000).run(&strategy, |(mut bytes, changes)| {
        changes.iter().for_each(|change| change.apply(&mut bytes));
        match Metainfo::parse(&bytes) {
            Ok(read) => holds(&bytes, &read),
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                Ok(())
            }
        }
    })?;
    Ok(())
}

#[test]
fn any_bytes_are_read_without_harm() -> Result<(), Box<dyn Error>> {
    let bencoded = select(&b"dlie0123456789:-ax"[..]);
    let strategy = prop_oneof![vec(any::<u8>(), 0..200), vec(bencoded, 0..200)];
    runner(4_000).run(&strategy, |bytes| {
        let _ = Metainfo::parse(&bytes);
        let _ = Metainfo::parse(&[b"d4:info", &bytes[..], b"e"].concat());
        let text = String::from_utf8_lossy(&bytes);
        let _ = text.parse::<Magnet>();
        let _ = format!("magnet:?xt=urn:btih:{text}").parse::<Magnet>();
        Ok(())
    })?;
    Ok(())
}

#[test]
fn magnets_survive_their_text() -> Result<(), Box<dyn Error>> {
    let strategy = (
        any::<[u8; 20]>(),
        any::<Option<[u8; 32]>>(),
        "[^/\\\\\\p{C}]{1,40}",
        any::<Option<u64>>(),
    );
    runner(500).run(&strategy, |(v1, v2, name, size)| {
        let magnet = Magnet {
            info_hash_v1: Some(v1.into()),
            info_hash_v2: v2.map(InfoHashV2::new),
            name: Some(name).filter(|name| !matches!(name.as_str(), "." | "..")),
            size,
            trackers: vec!["udp://tracker.example:6969/announce?a=b&c=d".into()],
            web_seeds: vec!["https://seed.example/a%20b/".into()],
        };
        prop_assert_eq!(magnet.to_string().parse::<Magnet>(), Ok(magnet));
        Ok(())
    })?;
    Ok(())
}

/// A small tree of files: names, and sizes around the borders of blocks and pieces.
fn content() -> impl Strategy<Value = Vec<(Vec<String>, usize)>> {
    let name = prop_oneof!["[a-d]{1,2}", "[ぁ-ん]{1,3}", "[a-d. ]{0,3}\\.[a-z]{3}"];
    let border = select(vec![
        0, 1, 16_383, 16_384, 16_385, 32_768, 49_152, 65_535, 65_537, 100_000,
    ]);
    vec((vec(name, 1..4), border), 1..12)
}

/// Writes what can be written of `content`: two names may want one place. Returns how many bytes it came to.
fn write(folder: &Path, content: &[(Vec<String>, usize)]) -> Result<u64, std::io::Error> {
    let mut total = 0;
    for (index, (path, size)) in content.iter().enumerate() {
        let file = folder.join(path.join("/"));
        let Some(parent) = file.parent() else { continue };
        if file.exists() || fs::create_dir_all(parent).is_err() {
            continue;
        }
        fs::write(&file, vec![index as u8 + 1; *size])?;
        total += *size as u64;
    }
    Ok(total)
}

#[test]
fn whatever_is_made_is_read_and_found_whole() -> Result<(), Box<dyn Error>> {
    let formats = select(vec![Format::V1, Format::V2, Format::Hybrid]);
    let lengths = select(vec![None, Some(16_384), Some(32_768), Some(131_072)]);
    runner(60).run(
        &(content(), formats, lengths, any::<Index>()),
        |(content, format, piece_length, hit)| {
            let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
            let folder = tempfile::tempdir().map_err(|error| fail(&error))?;
            let total = write(folder.path(), &content).map_err(|error| fail(&error))?;
            prop_assume!(total > 0);
            let options = Options {
                format,
                piece_length,
                ..Options::default()
            };
            let bytes = create(folder.path(), &options, &|_| ()).map_err(|error| fail(&error))?;
            let read = Metainfo::parse(&bytes).map_err(|error| fail(&error))?;
            prop_assert_eq!((read.format(), read.total_size()), (format, total));
            holds(&bytes, &read)?;
            let report = check(&read, folder.path(), &|_| ()).map_err(|error| fail(&error))?;
            prop_assert!(report.is_complete(), "{:?}", report);

            // One bit of one file is enough.
            let files: Vec<_> = read.content().filter(|file| file.size > 0).collect();
            let file = files[hit.index(files.len())];
            let below: Vec<&str> = file
                .path
                .components()
                .skip(usize::from(!read.is_single_file()))
                .collect();
            let path = folder.path().join(below.join("/"));
            let mut damaged = fs::read(&path).map_err(|error| fail(&error))?;
            let at = hit.index(damaged.len());
            damaged[at] ^= 1;
            fs::write(&path, damaged).map_err(|error| fail(&error))?;
            let report = check(&read, folder.path(), &|_| ()).map_err(|error| fail(&error))?;
            prop_assert_eq!(report.bad_pieces, 1);
            Ok(())
        },
    )?;
    Ok(())
}
