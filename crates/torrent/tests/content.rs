//! Making torrents of real files, reading them and holding them against the files again.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use shoal_torrent::check::{self, FileState, Progress, check};
use shoal_torrent::create::{CreateError, Links, Options, create};
use shoal_torrent::{Format, Metainfo, MetainfoError};

type Outcome = Result<(), Box<dyn Error>>;

const FORMATS: [Format; 3] = [Format::V1, Format::V2, Format::Hybrid];

/// Content that differs from file to file and from block to block.
fn fill(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn write(folder: &Path, files: &[(&str, usize)]) -> Outcome {
    for (index, (path, size)) in files.iter().enumerate() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
        fs::write(path, fill(*size, index as u32))?;
    }
    Ok(())
}

fn make(path: &Path, format: Format) -> Result<(Vec<u8>, Metainfo), Box<dyn Error>> {
    let options = Options {
        format,
        piece_length: Some(32 << 10),
        ..Options::default()
    };
    let bytes = create(path, &options, &|_| ())?;
    let read = Metainfo::parse(&bytes)?;
    Ok((bytes, read))
}

fn verify(read: &Metainfo, path: &Path) -> Result<check::Report, Box<dyn Error>> {
    Ok(check(read, path, &|_| ())?)
}

const MIXED: [(&str, usize); 9] = [
    ("a-b", 1),
    ("a.txt", 32 << 10),
    ("a/b/c", 100_000),
    ("a/empty", 0),
    ("large", 300_001),
    ("exact", 64 << 10),
    ("one more", (32 << 10) + 1),
    ("海面/水温データ.csv", 5_000),
    ("z", 0),
];

#[test]
fn what_is_made_is_read_and_found_whole() -> Outcome {
    let folder = tempfile::tempdir()?;
    let set = folder.path().join("set");
    write(&set, &MIXED)?;
    for format in FORMATS {
        let (bytes, read) = make(&set, format)?;
        assert_eq!(
            (read.format(), read.name(), read.piece_length()),
            (format, "set", 32 << 10)
        );
        assert_eq!(
            read.total_size(),
            MIXED.iter().map(|(_, size)| *size as u64).sum::<u64>()
        );
        assert_eq!(read.has_piece_layers(), format != Format::V1);
        let mut paths: Vec<String> = read.content().map(|file| file.path.to_string()).collect();
        assert_eq!(paths[..3], ["set/a/b/c", "set/a/empty", "set/a-b"]);
        paths.sort();
        let mut expected: Vec<String> = MIXED.iter().map(|(path, _)| format!("set/{path}")).collect();
        expected.sort();
        assert_eq!(paths, expected);
        // By the folder itself and by the one around it.
        assert!(verify(&read, &set)?.is_complete(), "{format}");
        assert!(verify(&read, folder.path())?.is_complete(), "{format}");
        assert_eq!(
            make(&set, format)?.0,
            bytes,
            "the same content gives the same bytes"
        );
    }
    Ok(())
}

#[test]
fn single_files_and_folders_of_one_file_are_found_whole() -> Outcome {
    let folder = tempfile::tempdir()?;
    write(
        folder.path(),
        &[("alone.bin", 70_000), ("set/only", 1), ("empty/none", 0)],
    )?;
    for format in FORMATS {
        let (_, read) = make(&folder.path().join("alone.bin"), format)?;
        assert!(read.is_single_file());
        assert_eq!(read.files()[0].path.as_str(), "alone.bin");
        assert!(verify(&read, &folder.path().join("alone.bin"))?.is_complete());
        assert!(verify(&read, folder.path())?.is_complete());
        let (_, read) = make(&folder.path().join("set"), format)?;
        assert!(
            verify(&read, &folder.path().join("set"))?.is_complete(),
            "{format}"
        );
        let empty = create(&folder.path().join("empty"), &Options::default(), &|_| ());
        assert!(matches!(empty, Err(CreateError::Empty(_))));
    }
    Ok(())
}

#[test]
fn the_halves_of_a_hybrid_are_the_torrents_of_each_format() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("one.bin");
    fs::write(&file, fill(100_000, 1))?;
    let (hybrid, v2) = (make(&file, Format::Hybrid)?.1, make(&file, Format::V2)?.1);
    assert_eq!(hybrid.files()[0].pieces_root, v2.files()[0].pieces_root);
    assert_eq!(hybrid.piece_count(), 4);
    assert!(hybrid.swarm_keys().alias.is_some());
    Ok(())
}

#[test]
fn damage_is_found_where_it_is() -> Outcome {
    let folder = tempfile::tempdir()?;
    let set = folder.path().join("set");
    write(&set, &MIXED)?;
    let made: Vec<Metainfo> = FORMATS
        .iter()
        .map(|format| Ok(make(&set, *format)?.1))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let mut large = fs::read(set.join("large"))?;
    large[200_000] ^= 1;
    fs::write(set.join("large"), large)?;
    fs::write(set.join("exact"), b"short")?;
    fs::remove_file(set.join("a/b/c"))?;
    fs::write(set.join("z"), b"not empty")?;
    fs::remove_file(set.join("a.txt"))?;
    fs::create_dir(set.join("a.txt"))?;
    for read in made {
        let report = verify(&read, &set)?;
        assert!(!report.is_complete());
        let state = |name: &str| {
            let found = report.files.iter().find(|file| file.path.name() == name);
            found
                .map(|file| file.state.clone())
                .expect("the file is in the report")
        };
        assert_eq!(
            state("large"),
            FileState::Damaged { bad_pieces: 1 },
            "{}",
            read.format()
        );
        assert_eq!(state("exact"), FileState::WrongSize { found: 5 });
        assert_eq!(state("z"), FileState::WrongSize { found: 9 });
        assert_eq!(state("c"), FileState::Missing);
        assert_eq!(state("a.txt"), FileState::NotAFile);
        assert_eq!(state("empty"), FileState::Whole);
        // In v1 a piece may hold parts of several files.
        let neighbour = if read.format() == Format::V1 {
            FileState::Unproven { pieces: 1 }
        } else {
            FileState::Whole
        };
        assert_eq!(state("a-b"), neighbour);
    }
    Ok(())
}

#[test]
fn progress_ends_at_the_whole() -> Outcome {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &MIXED)?;
    let (done, total) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = |progress: Progress| {
        done.fetch_max(progress.done, Ordering::Relaxed);
        total.store(progress.total, Ordering::Relaxed);
    };
    create(folder.path(), &Options::default(), &progress)?;
    assert_eq!(
        done.into_inner(),
        MIXED.iter().map(|(_, size)| *size as u64).sum::<u64>()
    );
    assert_eq!(
        total.into_inner(),
        MIXED.iter().map(|(_, size)| *size as u64).sum::<u64>()
    );
    Ok(())
}

#[test]
fn what_is_said_around_the_content_is_written_and_read() -> Outcome {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("a"), b"content")?;
    let options = Options {
        trackers: vec![
            vec!["http://one.example/announce".into()],
            vec!["udp://two.example:6969".into()],
        ],
        web_seeds: vec!["https://seed.example/set/".into()],
        private: true,
        comment: Some("why it matters".into()),
        creation_date: Some(1_700_000_000),
        created_by: Some("a test".into()),
        ..Options::default()
    };
    let read = Metainfo::parse(&create(folder.path(), &options, &|_| ())?)?;
    assert_eq!(read.trackers(), options.trackers);
    assert_eq!(read.web_seeds(), options.web_seeds);
    assert_eq!(
        (read.private(), read.comment(), read.created_by()),
        (true, Some("why it matters"), Some("a test"))
    );
    assert_eq!(read.creation_date(), Some(1_700_000_000));
    assert_eq!(read.magnet().to_string().parse(), Ok(read.magnet()));
    let bad = |options: Options| {
        create(folder.path(), &options, &|_| ())
            .err()
            .map(|error| error.to_string())
    };
    assert!(
        bad(Options {
            trackers: vec![vec!["x".into()]],
            ..Options::default()
        })
        .is_some()
    );
    assert!(
        bad(Options {
            web_seeds: vec!["file:///x".into()],
            ..Options::default()
        })
        .is_some()
    );
    assert!(
        bad(Options {
            piece_length: Some(10_000),
            ..Options::default()
        })
        .is_some()
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_cannot_be_shared_is_named() -> Outcome {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let make = |path: &Path, links| {
        create(
            path,
            &Options {
                links,
                ..Options::default()
            },
            &|_| (),
        )
    };

    let folder = tempfile::tempdir()?;
    write(folder.path(), &[("a", 10)])?;
    symlink("/etc/passwd", folder.path().join("link"))?;
    let refused = make(folder.path(), Links::Refuse);
    assert!(
        matches!(&refused, Err(CreateError::Link(path)) if path.ends_with("link")),
        "{refused:?}"
    );
    assert_eq!(
        Metainfo::parse(&make(folder.path(), Links::Skip)?)?.files().len(),
        1
    );

    let folder = tempfile::tempdir()?;
    write(folder.path(), &[("a", 10)])?;
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("socket"))?;
    assert!(matches!(
        make(folder.path(), Links::Refuse),
        Err(CreateError::SpecialFile(_))
    ));

    for name in [&b"back\\slash"[..], b"new\nline", b"not utf-8 \xff", &[b'x'; 250]] {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), b"x")?;
        assert!(
            matches!(
                make(folder.path(), Links::Refuse),
                Err(CreateError::BadName { .. })
            ),
            "{name:?}"
        );
    }
    let folder = tempfile::tempdir()?;
    write(folder.path(), &[("README", 10), ("readme", 10)])?;
    assert!(matches!(
        make(folder.path(), Links::Refuse),
        Err(CreateError::SameName(_))
    ));
    assert!(matches!(
        make(&folder.path().join("nope"), Links::Refuse),
        Err(CreateError::Unreadable { .. })
    ));
    Ok(())
}

#[cfg(unix)]
#[test]
fn names_in_a_torrent_never_lead_out_of_the_folder() -> Outcome {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir()?;
    let secret = outside.path().join("secret");
    fs::write(&secret, b"12345")?;
    let folder = outside.path().join("set");
    fs::create_dir(&folder)?;
    symlink(outside.path(), folder.join("out"))?;
    symlink(&secret, folder.join("direct"))?;
    let hash = [0_u8; 20].map(|_| 'h');
    let hash: String = hash.iter().collect();
    let file = |path: &str| format!("d6:lengthi5e4:pathl{path}ee");
    let absolute = secret.to_str().ok_or("a temporary path is UTF-8")?;
    let paths = [
        "2:..6:secret".to_owned(),
        "9:../secret".to_owned(),
        format!("{}:{absolute}", absolute.len()),
        "3:out6:secret".to_owned(),
        "6:direct".to_owned(),
    ];
    for path in paths {
        let info = format!(
            "d5:filesl{}e4:name3:set12:piece lengthi16384e6:pieces20:{hash}e",
            file(&path)
        );
        let read = Metainfo::parse(format!("d4:info{info}e").as_bytes())?;
        let report = verify(&read, &folder)?;
        assert!(
            matches!(report.files[0].state, FileState::Missing | FileState::NotAFile),
            "{path}: {report:?}"
        );
    }
    Ok(())
}

#[test]
fn piece_layers_must_belong_to_their_files() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("one.bin");
    fs::write(&file, fill(100_000, 1))?;
    let (bytes, read) = make(&file, Format::V2)?;
    assert!(read.has_piece_layers());
    let key = b"12:piece layersd32:";
    let at = bytes
        .windows(key.len())
        .position(|window| window == key)
        .ok_or("it has piece layers")?;
    let changed = |position: usize| {
        let mut bytes = bytes.clone();
        bytes[position] ^= 1;
        Metainfo::parse(&bytes).err()
    };
    let wrong = |problem| Some(MetainfoError::BadPieceLayer(problem));
    assert_eq!(changed(at + key.len()), wrong("it belongs to no file"));
    assert_eq!(
        changed(bytes.len() - 3),
        wrong("it does not hash to the root of its file")
    );
    let without = [&bytes[..at], b"e"].concat();
    let read = Metainfo::parse(&without)?;
    assert!(!read.has_piece_layers());
    // The root alone still tells right from wrong.
    assert!(verify(&read, &file)?.is_complete());
    fs::write(&file, fill(100_000, 2))?;
    let report = verify(&read, &file)?;
    assert_eq!((report.pieces, report.bad_pieces), (4, 4));
    Ok(())
}
