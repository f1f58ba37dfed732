//! A foreign program that runs beside a test until the test is over, with what it says in a file.
//!
//! Programs that are spoken to in JSON are in `peers.rs`; the program under test itself is in `instance.rs`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

use crate::wait;

/// A running program, ended when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it in a folder of the test, which is also its home; its output goes to `NAME.log` there.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log)?;
        let child = command
            .env("HOME", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, log })
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When it does not end in time, with what it said.
    pub async fn ended(&mut self, what: &str) -> Result<ExitStatus> {
        let child = &mut self.child;
        let ended = wait::until(what, async || child.try_wait().ok().flatten()).await;
        ended.with_context(|| self.said())
    }

    /// All that it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        if std::thread::panicking() {
            eprintln!("---- {}\n{}", self.log.display(), self.said());
        }
    }
}
