//! How much memory the worst files take that pass the limits, measured by the kernel. Each is read in a process of its
//! own, because memory that was given back once hides what is taken next.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::fs;
use std::process::Command;

use shoal_torrent::{Limits, Metainfo};

/// What a stranger's file of at most 10 MB may take at its peak, beside the file itself.
const BOUND_MIB: u64 = 128;

/// Set in the process that reads one case.
const CASE: &str = "SHOAL_MEMORY_CASE";

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .ok_or("no such field")?;
    Ok(line
        .trim_start_matches(':')
        .trim_end_matches("kB")
        .trim()
        .parse()?)
}

fn info_of_files(files: &str) -> String {
    format!(
        "d4:infod5:filesld6:lengthi5e4:pathl1:aee{files}e4:name1:t12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"
    )
}

fn repeated(times: usize, item: impl Fn(usize) -> String) -> String {
    (0..times).map(item).collect()
}

/// Makes one case; each process makes only its own.
type Make = fn() -> String;

/// The worst files, by name.
const CASES: [(&str, Make); 10] = [
    ("empty strings", || {
        format!("d4:infod1:al{}eee", "0:".repeat(2_999_990))
    }),
    ("empty dictionaries", || {
        format!("d4:infod1:al{}eee", "de".repeat(1_499_990))
    }),
    ("small dictionaries", || {
        format!("d4:infod1:al{}eee", "d0:0:e".repeat(740_000))
    }),
    ("deep dictionaries", || {
        let nested = ["d1:a".repeat(90), "0:".into(), "e".repeat(90)].concat();
        format!("d4:infod1:al{}eee", nested.repeat(11_000))
    }),
    ("files", || {
        info_of_files(&repeated(330_000, |n| format!("d6:lengthi0e4:pathl6:{n:06}ee")))
    }),
    ("long names", || {
        info_of_files(&repeated(40_000, |n| {
            format!("d6:lengthi0e4:pathl220:{n:0220}ee")
        }))
    }),
    ("hostile paths", || {
        info_of_files(&repeated(26_500, |_| {
            format!("d6:lengthi0e4:pathl{}ee", "1:/".repeat(99))
        }))
    }),
    ("deep paths", || {
        let path = |n: usize| format!("{}6:{n:06}", format!("5:{n:05}").repeat(98));
        info_of_files(&repeated(13_500, |n| format!("d6:lengthi0e4:pathl{}ee", path(n))))
    }),
    ("links", || {
        let link = |n: usize| format!("d4:attr1:l4:pathl6:{n:06}e12:symlink pathl6:{:06}ee", n + 1);
        info_of_files(&repeated(150_000, link))
    }),
    ("second reader", || {
        info_of_files(&format!(
            "d6:lengthi0e4:pathl1:be1:xl{}ee",
            "d0:0:e".repeat(12_480)
        ))
    }),
];

#[test]
fn the_worst_files_take_little_memory() -> Result<(), Box<dyn Error>> {
    if let Ok(case) = std::env::var(CASE) {
        return read_one(&case);
    }
    for (name, _) in CASES {
        let mut reader = Command::new(std::env::current_exe()?);
        reader
            .args(["--exact", "the_worst_files_take_little_memory", "--nocapture"])
            .env(CASE, name);
        let output = reader.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        eprintln!("{said}");
        assert!(output.status.success(), "{name}: {said}");
    }
    Ok(())
}

/// Reads one case and fails if it took too much.
fn read_one(case: &str) -> Result<(), Box<dyn Error>> {
    let (_, make) = CASES
        .into_iter()
        .find(|(name, _)| *name == case)
        .ok_or("no such case")?;
    let bytes = make();
    assert!(
        bytes.len() <= Limits::STRANGER.bytes,
        "{case} has {} bytes",
        bytes.len()
    );
    // What making the case took at its peak is forgotten; what is resident now is where reading begins.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = status("VmRSS")?;
    let outcome = Metainfo::parse(bytes.as_bytes());
    let taken = status("VmHWM")?.saturating_sub(before) / 1024;
    let outcome = outcome.map_or_else(
        |error| error.to_string(),
        |read| format!("{} files", read.files().len()),
    );
    eprint!("{case}: {} bytes, {taken} MiB, {outcome}", bytes.len());
    assert!(taken <= BOUND_MIB, "{case} took {taken} MiB");
    Ok(())
}
