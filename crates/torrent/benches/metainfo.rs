//! Figures of this crate, printed as `figure: NAME | VALUE | HOW`: reading a hybrid torrent of 100,000 files, and making
//! torrents beside `sha256sum` of the same content. A plain program, run by `cargo bench -p shoal-torrent`.

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
    read_many_files()?;
    make_torrents()
}

fn read_many_files() -> Outcome<()> {
    let torrent = hybrid_of_many_files();
    let how = format!(
        "{:.1} MB, {FILES} files with their padding",
        torrent.len() as f64 / 1e6
    );
    let (peak, read) = peak_while(|| Metainfo::parse_within(&torrent, &Limits::LOCAL))?;
    assert_eq!(read?.format(), Format::Hybrid);
    report(
        "reading a hybrid torrent, memory at its peak",
        peak as f64 / 1024.0,
        "MiB",
        &how,
    );
    let before = time_on_processor()?;
    let time = best(|| black_box(Metainfo::parse_within(&torrent, &Limits::LOCAL)).is_ok());
    let processor = (time_on_processor()? - before) / RUNS as u32;
    report(
        "reading it, time",
        time.as_secs_f64() * 1e3,
        "ms",
        &format!("best of {RUNS}"),
    );
    report(
        "reading it, processor time",
        processor.as_secs_f64() * 1e3,
        "ms",
        &format!("mean of {RUNS}"),
    );
    let refused = Metainfo::parse(&torrent);
    assert!(
        matches!(refused, Err(MetainfoError::TooLarge { .. })),
        "a stranger's file of that size is refused"
    );
    Ok(())
}

fn make_torrents() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (large, many) = (folder.path().join("large"), folder.path().join("many"));
    write_content(&large, 1)?;
    write_content(&many, 2_000)?;
    let speed = |time: Duration| CONTENT_MIB as f64 / time.as_secs_f64();
    for (content, path) in [("one file", &large), ("2,000 files", &many)] {
        let how = format!("{CONTENT_MIB} MiB in {content}, in the page cache, best of {RUNS}");
        for format in [Format::V1, Format::V2, Format::Hybrid] {
            let options = Options {
                format,
                ..Options::default()
            };
            let time = best(|| create(path, &options, &|_| ()).is_ok());
            report(
                &format!("making a {format} torrent of {content}"),
                speed(time),
                "MiB/s",
                &how,
            );
        }
        let time = best(|| sha256sum(path));
        report(&format!("`sha256sum` of {content}"), speed(time), "MiB/s", &how);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn report(name: &str, value: f64, unit: &str, how: &str) {
    println!("figure: {name} | {value:.1} {unit} | {how}");
}

/// How long this thread has run so far.
fn time_on_processor() -> Outcome<Duration> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = schedstat.split(' ').next().ok_or("schedstat is empty")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
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
