//! `cargo xtask bench`: builds for release, measures, and writes the figures into `docs/performance.md`.
//!
//! Each bench prints its results as lines `figure: NAME | VALUE | HOW`; everything else that it prints is only shown.
//! The page keeps its own words; the tables stand between two marks, one table for each bench, and a run replaces only
//! the tables of the benches that it ran.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::machine;
use crate::steps::Steps;

/// Each bench: its name, and what its table is called.
const BENCHES: &[(&str, &str)] = &[
    ("metainfo", "Torrents: parsing and creating"),
    ("tracker", "Tracker: swarms and doors"),
    ("catalogue", "Store: datasets and uploads"),
    ("deliveries", "Store: publishing and deliveries"),
    ("records", "Records: written, signed and kept"),
    ("program", "The whole program"),
    ("sockets", "Sockets of browsers"),
    ("federation", "Federation: telling and being told"),
];

const PAGE: &str = "docs/performance.md";

/// Runs one bench, or all; whether nothing failed.
pub(crate) fn run(name: Option<&str>) -> Result<bool> {
    let known = |name: &&str| BENCHES.iter().any(|(known, _)| known == name);
    if let Some(name) = name.filter(|name| !known(name)) {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("there is no bench {name}; there are {}", names.join(", "));
    }
    let mut steps = Steps::new();
    let build = [
        "build",
        "--workspace",
        "--release",
        "--bins",
        "--benches",
        "--quiet",
    ];
    if steps.run("build for release", cargo().args(build)) {
        for (bench, title) in BENCHES
            .iter()
            .filter(|(bench, _)| name.is_none_or(|name| name == *bench))
        {
            if let Some(figures) =
                steps.run_with(bench, || measure(bench).map_err(|error| format!("{error:#}")))
            {
                record(bench, title, &figures)?;
            }
        }
    }
    Ok(steps.finish())
}

/// Runs one bench, shows what it prints, and gives its figures.
fn measure(bench: &str) -> Result<Vec<String>> {
    let program = machine::folder()?.with_file_name("release").join("shoal");
    let mut command = cargo();
    command
        .args(["bench", "--workspace", "--bench", bench, "--quiet"])
        .env("SHOAL_TEST_BINARY", program);
    let mut child = command.stdout(Stdio::piped()).spawn().context("cargo")?;
    let output = child.stdout.take().context("its output is ours")?;
    let mut figures = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        figures.extend(line.strip_prefix("figure: ").map(str::to_owned));
    }
    let status = child.wait()?;
    if !status.success() || figures.is_empty() {
        bail!("{bench}: {status}, {} figures", figures.len());
    }
    Ok(figures)
}

/// Puts the table of one bench into the page, in the place of its older one.
fn record(bench: &str, title: &str, figures: &[String]) -> Result<()> {
    let path = machine::checkout().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("{PAGE} holds the marks for the tables"))?;
    let (begin, end) = (
        format!("<!-- figures of {bench} -->"),
        format!("<!-- end of {bench} -->"),
    );
    let mut table = format!(
        "{begin}\n### {title}\n\n`cargo xtask bench {bench}`, {}, {}\n\n",
        today()?,
        this_machine()
    );
    table.push_str("| what | figure | how |\n| --- | --- | --- |\n");
    for figure in figures {
        let _infallible = writeln!(table, "| {figure} |");
    }
    table.push_str(&end);
    let (before, rest) = page
        .split_once(&begin)
        .with_context(|| format!("{PAGE} has no {begin}"))?;
    let (_, after) = rest
        .split_once(&end)
        .with_context(|| format!("{PAGE} has no {end}"))?;
    fs::write(&path, format!("{before}{table}{after}"))?;
    Ok(())
}

fn today() -> Result<String> {
    let date = Command::new("date").arg("+%Y-%m-%d").output().context("date")?;
    Ok(String::from_utf8_lossy(&date.stdout).trim().to_owned())
}

/// The processor, the cores and the compiler, as far as the machine tells.
fn this_machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let model = model.map_or("an unnamed processor", |(_, model)| model.trim());
    format!("{model}, {cores} cores, {}", compiler.unwrap_or_default())
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(machine::checkout());
    command
}
