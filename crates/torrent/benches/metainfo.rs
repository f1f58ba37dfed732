//! Figures of this crate, printed as `name value unit`: reading a hybrid torrent of 100,000 files, and making a torrent
//! beside `sha256sum` of the same content. A plain program, run by `cargo bench -p shoal-torrent`.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use shoal_torrent::create::{Options, create};
use shoal_torrent::{Format, Limits, Metainfo, MetainfoError};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Files of the torrent that is read.
const FILES: usize = 100_000;
/// Content that is hashed: one large file and many small ones, in MiB each.
const CONTENT_MIB: u64 = 512;
/// Each figure is the best of so many runs.
const RUNS: usize = 5;

fn main() -> Outcome<()> {
    let torrent = hybrid_of_many_files();
    report("hybrid.files", FILES as f64, "files");
    report("hybrid.size", torrent.len() as f64 / 1e6, "MB");
    let (peak, read) = peak_while(|| Metainfo::parse_within(&torrent, &Limits::LOCAL))?;
    assert_eq!((read?.format(), FILES), (Format::Hybrid, FILES));
    report("hybrid.parse.peak_memory", peak as f64 / 1024.0, "MiB");
    let time = best(|| black_box(Metainfo::parse_within(&torrent, &Limits::LOCAL)).is_ok());
    report("hybrid.parse.time", time.as_secs_f64() * 1e3, "ms");
    let refused = Metainfo::parse(&torrent);
    assert!(
        matches!(refused, Err(MetainfoError::TooLarge { .. })),
        "a stranger's file of that size is refused"
    );

    let folder = tempfile::tempdir()?;
    let (large, many) = (folder.path().join("large"), folder.path().join("many"));
    write_content(&large, 1)?;
    write_content(&many, 2_000)?;
    for (name, path) in [("large_file", &large), ("small_files", &many)] {
        for format in [Format::V1, Format::V2, Format::Hybrid] {
            let options = Options {
                format,
                ..Options::default()
            };
            let time = best(|| create(path, &options, &|_| ()).is_ok());
            report(
                &format!("create.{name}.{format}"),
                CONTENT_MIB as f64 / time.as_secs_f64(),
                "MiB/s",
            );
        }
        let time = best(|| sha256sum(path));
        report(
            &format!("sha256sum.{name}"),
            CONTENT_MIB as f64 / time.as_secs_f64(),
            "MiB/s",
        );
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn report(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.1} {unit}");
}

/// The shortest of several runs of `work`, which must succeed.
fn best(work: impl Fn() -> bool) -> Duration {
    let run = |_| {
        let start = Instant::now();
        assert!(work(), "what is measured must work");
        start.elapsed()
    };
    (0..RUNS).map(run).min().unwrap_or_default()
}

/// What `work` took at its peak beyond what was resident before, in KiB.
fn peak_while<T>(work: impl FnOnce() -> T) -> Outcome<(u64, T)> {
    let status = |field: &str| -> Outcome<u64> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .ok_or("no such field")?;
        Ok(line.trim_end_matches("kB").trim().parse()?)
    };
    fs::write("/proc/self/clear_refs", "5")?;
    let before = status("VmRSS:")?;
    let done = work();
    Ok((status("VmHWM:")?.saturating_sub(before), done))
}

/// A hybrid torrent of many small files in folders of a hundred, with all its padding; hashes are made up, which
/// reading cannot see.
fn hybrid_of_many_files() -> Vec<u8> {
    let mut list = Vec::new();
    let mut tree = Vec::new();
    for index in 0..FILES {
        let (folder, file, size) = (index / 100, index % 100, 1 + (index * 37) % 16_384);
        let name = format!("station {file:02}.csv");
        if file == 0 {
            let close = if index == 0 { "" } else { "e" };
            tree.extend(format!("{close}4:{folder:04}d").bytes());
        }
        tree.extend(format!("{}:{name}d0:d6:lengthi{size}e11:pieces root32:", name.len()).bytes());
        tree.extend((0..32).map(|byte| (index >> (byte % 4 * 8)) as u8 | 1));
        tree.extend(b"ee");
        list.extend(format!("d6:lengthi{size}e4:pathl4:{folder:04}{}:{name}ee", name.len()).bytes());
        let gap = 16_384 - size;
        if gap > 0 {
            let digits = gap.to_string();
            list.extend(
                format!(
                    "d4:attr1:p6:lengthi{gap}e4:pathl4:.pad{}:{digits}ee",
                    digits.len()
                )
                .bytes(),
            );
        }
    }
    let pieces = vec![b'h'; 20 * FILES];
    let mut torrent = b"d4:infod9:file treed".to_vec();
    torrent.extend(tree);
    torrent.extend(b"ee5:filesl");
    torrent.extend(list);
    torrent.extend(
        format!(
            "e12:meta versioni2e4:name4:many12:piece lengthi16384e6:pieces{}:",
            pieces.len()
        )
        .bytes(),
    );
    torrent.extend(pieces);
    torrent.extend(b"e12:piece layersdee");
    torrent
}

/// Writes content that cannot be compressed, in `files` files.
fn write_content(folder: &Path, files: u64) -> Outcome<()> {
    fs::create_dir(folder)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for index in 0..files {
        let words = CONTENT_MIB * (1 << 20) / files / 8;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let content: Vec<u8> = (0..words).flat_map(next).collect();
        fs::write(folder.join(format!("{index:04}")), content)?;
    }
    Ok(())
}

/// Runs `sha256sum` over all files of `folder`, as a person would.
fn sha256sum(folder: &Path) -> bool {
    let run = Command::new("find")
        .arg(folder)
        .args(["-type", "f", "-exec", "sha256sum", "{}", "+"])
        .output();
    run.is_ok_and(|output| output.status.success())
}
