//! Finding the program, and running one command of it to its end.
//!
//! `SHOAL_TEST_BINARY` names it; else it is built once, beside the test that asks, in the same profile.
//! Long-running processes are in `instance.rs`.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};

/// The path of `shoal`.
///
/// # Panics
/// When it can be neither found nor built.
#[must_use]
pub fn path() -> &'static Path {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| find().expect("the program can be built"));
    &PATH
}

fn find() -> Result<PathBuf> {
    if let Some(path) = env::var_os("SHOAL_TEST_BINARY") {
        return Ok(path.into());
    }
    // target/PROFILE/deps/this-test
    let test = env::current_exe()?;
    let profile = test
        .ancestors()
        .nth(2)
        .context("a test lies two folders below its profile")?;
    let target = profile.parent().context("a profile lies in the target folder")?;
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The same choice of packages and targets as the tests', so that all of them share one set of dependencies.
    build
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--bins",
            "--tests",
            "--target-dir",
        ])
        .arg(target);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.current_dir(crate::checkout()).status().context("cargo")?;
    ensure!(status.success(), "cargo build: {status}");
    Ok(profile.join("shoal"))
}

/// What one command printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: std::process::ExitStatus,
    /// Standard output.
    pub text: String,
    /// Standard error.
    pub errors: String,
}

impl Ended {
    /// Standard output of a command that must succeed.
    ///
    /// # Errors
    /// When it did not, with what it complained of.
    pub fn good(self) -> Result<String> {
        ensure!(
            self.status.success(),
            "{}: {}{}",
            self.status,
            self.text,
            self.errors
        );
        Ok(self.text)
    }
}

/// A command of the program with nothing of the caller's environment that would configure it.
#[must_use]
pub fn command() -> Command {
    unconfigured(path())
}

/// The same of any program that is to start ours.
pub fn unconfigured(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SHOAL_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs one command of the program to its end, away from any configuration file.
///
/// # Errors
/// When it cannot be started.
pub fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Result<Ended> {
    finish(command().args(arguments).current_dir(env::temp_dir()))
}

/// Runs a prepared command to its end.
///
/// # Errors
/// When it cannot be started.
pub fn finish(command: &mut Command) -> Result<Ended> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    Ok(Ended {
        status: output.status,
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
