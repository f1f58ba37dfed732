//! `cargo xtask test`: everything that must hold before a change lands.
//!
//! The cheap questions come first. The tests are built once and run in two parts: first those that need nothing but the
//! toolchain and PostgreSQL, then the stories with real clients, one after the other, since each of them keeps both cores
//! of a small machine busy. Every step runs even when an earlier one failed, unless it cannot.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::machine::{self, Machine};
use crate::postgres::Cluster;
use crate::steps::Steps;

/// The module of the stories that need foreign programs, as it begins the names of its tests.
const REAL_CLIENTS: &str = "real_clients::";

/// The variable that names a PostgreSQL: the caller's own, or the throw-away cluster.
const POSTGRES: &str = "SHOAL_TEST_POSTGRES";

/// Who compiles what is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compiler {
    /// The lints' own compiler, to which a warning is an error: what it reads it also builds, so that nothing is compiled
    /// once to be looked at and once more to be run.
    Clippy,
    /// The usual one: for what the other finds fault with, which is tested all the same.
    Plain,
}

impl Compiler {
    fn cargo(self) -> Command {
        let mut cargo = cargo();
        if self == Self::Clippy {
            // As `cargo clippy` asks for it, but in a build.
            let end = "__CLIPPY_HACKERY__";
            cargo.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
            cargo.env("CLIPPY_ARGS", format!("-D{end}warnings{end}"));
        }
        cargo
    }
}

/// Runs everything; whether nothing failed.
pub(crate) fn run() -> Result<bool> {
    let mut steps = Steps::new();
    steps.run("format", cargo().args(["fmt", "--all", "--check"]));
    dependency_rules(&mut steps);
    let machine = steps.run_with("what the machine needs", machine::prepare);
    // Programs, tests and benches together, so that all of them share one set of dependencies.
    let all = ["build", "--workspace", "--all-targets", "--quiet"];
    let mut compiler = Compiler::Clippy;
    if !steps.run("build and lints", compiler.cargo().args(all)) {
        compiler = Compiler::Plain;
    }
    if compiler == Compiler::Clippy || steps.run("build without lints", compiler.cargo().args(all)) {
        tests(&mut steps, compiler, machine.as_ref())?;
    }
    Ok(steps.finish())
}

fn tests(steps: &mut Steps, compiler: Compiler, machine: Option<&Machine>) -> Result<()> {
    let skipped = machine::folder()?.join("skipped");
    fs::write(&skipped, "")?;
    let program = machine::profile()?.join("shoal");
    let mut surroundings = vec![
        ("SHOAL_TEST_SKIPPED", skipped.clone()),
        ("SHOAL_TEST_BINARY", program),
    ];
    let cluster = cluster(steps, machine);
    surroundings.extend(cluster.as_ref().map(|cluster| (POSTGRES, cluster.url().into())));

    let all = [
        "test",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--skip",
        REAL_CLIENTS,
    ];
    steps.run("tests", compiler.cargo().args(all).envs(surroundings.clone()));
    if let Some(machine) = machine {
        surroundings.extend(helpers(machine));
    }
    let stories = [
        "test",
        "--workspace",
        "--test",
        "stories",
        "--",
        REAL_CLIENTS,
        "--test-threads=1",
    ];
    steps.run(
        "stories with real clients",
        compiler.cargo().args(stories).envs(surroundings),
    );

    let list = fs::read_to_string(&skipped).context("the list of what was skipped")?;
    for line in list.lines() {
        let (story, why) = line
            .trim_start_matches("skipped: ")
            .split_once(": ")
            .unwrap_or((line, ""));
        steps.skip(story, why);
    }
    Ok(())
}

/// The throw-away cluster, unless the caller names a PostgreSQL of their own.
fn cluster(steps: &mut Steps, machine: Option<&Machine>) -> Option<Cluster> {
    if env::var_os(POSTGRES).is_some() {
        return None;
    }
    match machine.map(|machine| &machine.postgres) {
        Some(Ok(programs)) => steps.run_with("a PostgreSQL for this run", || Cluster::start(programs)),
        Some(Err(why)) => {
            steps.skip("everything on PostgreSQL", why);
            None
        }
        None => None,
    }
}

/// What the stories are told about the machine. What is missing they skip, for the reason printed here.
fn helpers(machine: &Machine) -> Vec<(&'static str, PathBuf)> {
    let all = [
        ("SHOAL_TEST_PYTHON", &machine.python),
        ("SHOAL_TEST_NODE", &machine.node),
        ("SHOAL_TEST_NODE_PACKAGES", &machine.node_packages),
        ("SHOAL_TEST_CHROMIUM", &machine.chromium),
        ("SHOAL_TEST_TRANSMISSION", &machine.transmission),
        ("SHOAL_TEST_ARIA2", &machine.aria2),
        ("SHOAL_TEST_QBITTORRENT", &machine.qbittorrent),
    ];
    let mut found = Vec::new();
    for (variable, place) in all {
        match place {
            Ok(path) => found.push((variable, path.clone())),
            Err(why) => println!("{variable} is not set: {why}"),
        }
    }
    found
}

/// Licences, sources and duplicate versions by `deny.toml`; advisories too where their database can be fetched.
fn dependency_rules(steps: &mut Steps) {
    if machine::program("cargo-deny").is_none() {
        steps.skip(
            "dependency rules",
            "cargo-deny is not installed (cargo install cargo-deny)",
        );
        return;
    }
    steps.run(
        "dependency rules",
        cargo().args(["deny", "check", "bans", "licenses", "sources"]),
    );
    let fetched = cargo()
        .args(["deny", "fetch", "db"])
        .output()
        .is_ok_and(|output| output.status.success());
    if fetched {
        steps.run("advisories", cargo().args(["deny", "check", "advisories"]));
    } else {
        steps.skip("advisories", "the advisory database cannot be fetched from here");
    }
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(machine::checkout());
    command
}
