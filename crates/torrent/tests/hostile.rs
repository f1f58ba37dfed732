//! Torrents that no honest program makes, and what is said of each. Next in the flow: `properties.rs` does the same
//! with chance.

mod made;

use made::{Value, dict, pad, torrent, v1_file, v1_info, v2_file, v2_info};
use shoal_torrent::{Format, Metainfo, MetainfoError};

fn parse(info: Value) -> Result<Metainfo, MetainfoError> {
    Metainfo::parse(&torrent(info))
}

fn single(length: i64, pieces: usize) -> Value {
    dict([
        ("name", "x".into()),
        ("piece length", 16384.into()),
        ("length", length.into()),
        ("pieces", vec![b'h'; 20 * pieces].into()),
    ])
}

#[test]
fn things_that_are_no_torrents() {
    for bytes in [
        &b""[..],
        b"<!DOCTYPE html>",
        b"\xff\xd8\xff\xe0",
        b"PK\x03\x04",
        b"version https://git-lfs",
        b"x",
    ] {
        assert!(
            matches!(Metainfo::parse(bytes), Err(MetainfoError::NotBencoded { .. })),
            "{bytes:?}"
        );
    }
    for bytes in [&b"de"[..], b"le", b"i1e", b"0:", b"d4:infoi1ee"] {
        assert_eq!(
            Metainfo::parse(bytes).err(),
            Some(MetainfoError::MissingInfo),
            "{bytes:?}"
        );
    }
    let bytes = torrent(single(5, 1));
    assert!(Metainfo::parse(&[&bytes[..], b"\r\n"].concat()).is_ok());
    let polyglot = Metainfo::parse(&[&bytes[..], b" PK"].concat()).err();
    assert_eq!(
        polyglot,
        Some(MetainfoError::TrailingBytes {
            position: bytes.len() + 1
        })
    );
}

#[test]
fn numbers_that_do_not_add_up() {
    assert!(parse(single(5, 1)).is_ok());
    assert_eq!(parse(single(-1, 1)).err(), Some(MetainfoError::BadLength(0)));
    assert_eq!(
        parse(single(i64::MAX, 1)).err(),
        Some(MetainfoError::BadLength(0))
    );
    assert_eq!(parse(single(0, 0)).err(), Some(MetainfoError::Empty));
    assert_eq!(
        parse(single(5, 2)).err(),
        Some(MetainfoError::PiecesMismatch {
            expected: 20,
            found: 40
        })
    );
    assert_eq!(
        parse(single(5, 0)).err(),
        Some(MetainfoError::PiecesMismatch {
            expected: 20,
            found: 0
        })
    );
    assert_eq!(
        parse(single(5, 1).without("pieces")).err(),
        Some(MetainfoError::Missing("pieces"))
    );
    for length in [0, -1, -16384, 1 << 29, i64::MAX] {
        let refused = parse(single(5, 1).with("piece length", length)).err();
        assert_eq!(refused, Some(MetainfoError::PieceLength(length)));
    }
    assert!(matches!(
        parse(single(2 << 21, 0).with("piece length", 1)),
        Err(MetainfoError::TooManyPieces { .. })
    ));
    let large = vec![v1_file(1 << 43, &["a"]); 1 << 12];
    assert!(matches!(
        parse(v1_info(large, 0)),
        Err(MetainfoError::TooManyPieces { .. })
    ));
    assert_eq!(parse(v1_info(vec![], 0)).err(), Some(MetainfoError::NoFiles));
    assert_eq!(
        parse(v1_info(vec![v1_file(0, &["a"])], 0)).err(),
        Some(MetainfoError::Empty)
    );
    assert_eq!(parse(v1_info(vec![pad(5)], 5)).err(), Some(MetainfoError::Empty));
}

#[test]
fn names_that_lead_elsewhere() {
    let shown = |path: &[&str]| {
        let read = parse(v1_info(vec![v1_file(5, path)], 5)).expect("it is accepted");
        (read.files()[0].path.to_string(), read.files()[0].raw_path())
    };
    assert_eq!(shown(&["..", "..", "etc", "passwd"]).0, "set/_/_/etc/passwd");
    assert_eq!(shown(&["/etc/passwd"]).0, "set/etcpasswd");
    assert_eq!(shown(&["a\0b", "c:\\d"]).0, "set/ab/c:d");
    assert_eq!(shown(&[".."]).1, [b"..".to_vec()]);
    assert_eq!(
        parse(v1_info(vec![v1_file(5, &[])], 5)).err(),
        Some(MetainfoError::BadPath(0))
    );
    let deep = vec!["d"; 101];
    let refused = parse(v1_info(vec![v1_file(5, &deep)], 5)).err();
    assert_eq!(refused, Some(MetainfoError::PathTooDeep { file: 0, limit: 100 }));
    let named = |name: &str| {
        parse(v1_info(vec![v1_file(5, &["a"])], 5).with("name", name)).map(|read| read.name().to_owned())
    };
    assert_eq!(named("a/../b"), Ok("a..b".to_owned()));
    assert_eq!(
        named("..").map(|name| name.len()),
        Ok(40),
        "the info-hash stands in for a name of which nothing is left"
    );
    assert_eq!(
        parse(single(5, 1).with("name", "..")).err(),
        Some(MetainfoError::MissingName)
    );
    assert_eq!(
        parse(single(5, 1).without("name")).err(),
        Some(MetainfoError::MissingName)
    );
}

#[test]
fn dictionaries_that_readers_would_write_otherwise() {
    let info = String::from_utf8(single(5, 1).encode()).expect("all of it is ASCII");
    let whole = |info: &str| Metainfo::parse(format!("d4:info{info}e").as_bytes()).map(|read| read.format());
    assert_eq!(whole(&info), Ok(Format::V1));
    let not_canonical = |info: &str| matches!(whole(info), Err(MetainfoError::NotCanonical { .. }));
    assert!(
        not_canonical(&info.replace("d6:lengthi5e", "d4:name1:y6:lengthi5e")),
        "unsorted"
    );
    assert!(
        not_canonical(&info.replace("6:lengthi5e", "6:lengthi5e6:lengthi5e")),
        "a key twice"
    );
    assert!(not_canonical(&info.replace("i5e", "i05e")), "a leading zero");
    assert!(
        not_canonical(&info.replace("4:name", "04:name")),
        "a leading zero in a length"
    );
    let twice = format!("d4:info{info}4:info{info}e");
    assert_eq!(
        Metainfo::parse(twice.as_bytes()).err(),
        Some(MetainfoError::DuplicateKey { key: "info".into() })
    );
    let both = parse(v1_info(vec![v1_file(5, &["a"])], 5).with("length", 5));
    assert_eq!(both.err(), Some(MetainfoError::LengthAndFiles));
}

#[test]
fn trees_that_are_not_as_they_should_be() {
    let tree = |name: &str, entry: Value| parse(v2_info(dict([("a", v2_file(5, 1)), (name, entry)])));
    assert_eq!(tree("b", v2_file(7, 2)).map(|read| read.total_size()), Ok(12));
    assert_eq!(
        tree("..", v2_file(7, 2)).map(|read| read.files()[0].path.to_string()),
        Ok("set/_".to_owned())
    );
    assert!(matches!(tree("b", 1.into()), Err(MetainfoError::BadFileTree(_))));
    assert!(matches!(
        tree("", v2_file(7, 2)),
        Err(MetainfoError::BadFileTree(_))
    ));
    assert!(matches!(
        tree("b", v2_file(7, 0)),
        Err(MetainfoError::MissingRoot(_))
    ));
    let leaf = |leaf: Value| tree("b", dict([("", leaf)]));
    assert!(matches!(
        leaf(dict([("length", 7.into())])),
        Err(MetainfoError::MissingRoot(_))
    ));
    assert_eq!(leaf(dict([])).err(), Some(MetainfoError::BadLength(1)));
    let padding = dict([
        ("length", 7.into()),
        ("attr", "p".into()),
        ("pieces root", vec![1; 32].into()),
    ]);
    assert!(matches!(leaf(padding), Err(MetainfoError::PadInTree(_))));
    assert_eq!(parse(v2_info(dict([]))).err(), Some(MetainfoError::NoFiles));
    assert_eq!(
        parse(v2_info(dict([])).with("meta version", 3)).err(),
        Some(MetainfoError::UnknownVersion(3))
    );
    let v1_with_tree = v2_info(dict([("a", v2_file(5, 1))])).with("meta version", 1);
    assert_eq!(parse(v1_with_tree).err(), Some(MetainfoError::MissingVersion));
    for length in [8192, 49152] {
        let refused = parse(v2_info(dict([("a", v2_file(5, 1))])).with("piece length", length)).err();
        assert_eq!(refused, Some(MetainfoError::PieceLength(length)));
    }
    let deep = (0..97).fold(v2_file(5, 1), |inner, _| dict([("d", inner)]));
    assert!(matches!(parse(v2_info(deep)), Err(MetainfoError::TooDeep { .. })));
}

#[test]
fn halves_that_disagree() {
    let hybrid = |files: Vec<Value>, total: u64| {
        let tree = dict([("a", v2_file(5, 1)), ("b", v2_file(0, 0)), ("c", v2_file(7, 2))]);
        let Value::Dict(v1) = v1_info(files, total) else {
            unreachable!("an info dictionary is a dictionary")
        };
        let both = v1.into_iter().fold(v2_info(tree), |info, (key, value)| {
            info.with(std::str::from_utf8(&key).expect("keys are ASCII"), value)
        });
        parse(both).map(|read| read.format())
    };
    let (a, b, c) = (v1_file(5, &["a"]), v1_file(0, &["b"]), v1_file(7, &["c"]));
    let gap = || pad(16379);
    assert_eq!(
        hybrid(vec![a.clone(), gap(), b.clone(), c.clone()], 16391),
        Ok(Format::Hybrid)
    );
    assert_eq!(
        hybrid(vec![a.clone(), b.clone(), gap(), c.clone()], 16391),
        Ok(Format::Hybrid)
    );
    assert_eq!(
        hybrid(vec![a.clone(), gap(), b.clone(), c.clone(), pad(16377)], 32768),
        Ok(Format::Hybrid)
    );
    let wrong = [
        (vec![a.clone(), b.clone(), c.clone()], 12),
        (vec![a.clone(), gap(), c.clone()], 16391),
        (vec![a.clone(), gap(), b.clone(), c.clone(), pad(9)], 16400),
        (vec![a.clone(), pad(16000), pad(379), b.clone(), c.clone()], 16391),
        (vec![a.clone(), pad(16379 + 16384), b.clone(), c.clone()], 32775),
        (vec![pad(16384), a.clone(), gap(), b.clone(), c.clone()], 32775),
        (vec![c.clone(), pad(16377), a.clone(), b.clone()], 16389),
        (vec![a.clone(), gap(), b.clone(), v1_file(8, &["c"])], 16392),
        (vec![a.clone(), gap(), b.clone(), v1_file(7, &["d"])], 16391),
        (vec![a, gap(), b, c, v1_file(1, &["d"])], 16392),
    ];
    for (index, (files, total)) in wrong.into_iter().enumerate() {
        let refused = hybrid(files, total);
        assert!(
            matches!(refused, Err(MetainfoError::HalvesDisagree(_))),
            "{index}: {refused:?}"
        );
    }
}

#[test]
fn addresses_that_are_too_many_or_none() {
    let with =
        |key: &str, value: Value| Metainfo::parse(&dict([("info", single(5, 1)), (key, value)]).encode());
    let tiers = |count: usize| Value::List(vec![Value::List(vec!["udp://tracker.example:1".into()]); count]);
    assert_eq!(
        with("announce-list", tiers(1_000)).map(|read| read.trackers().len()),
        Ok(1_000)
    );
    let refused = with("announce-list", tiers(1_001)).err();
    assert_eq!(
        refused,
        Some(MetainfoError::TooManyAddresses {
            what: "trackers",
            limit: 1_000
        })
    );
    for address in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http:// x",
        "udp://a:port",
        "x",
    ] {
        let read = with("announce", address.into()).expect("a bad tracker is left out");
        assert!(read.trackers().is_empty(), "{address}");
    }
    let seeds = Value::List(
        (0..1_001)
            .map(|n| format!("http://seed.example/{n}").as_str().into())
            .collect(),
    );
    assert!(matches!(
        with("url-list", seeds),
        Err(MetainfoError::TooManyAddresses { .. })
    ));
    let long = with("comment", "c".repeat(1_000_000).as_str().into()).expect("a long comment is cut");
    assert_eq!(long.comment().map(str::len), Some(16 * 1024));
}
