//! Foreign programs that a story has to do with, started from the scripts in `tests/peers/`.
//!
//! They are told what to do and tell what they saw in JSON, one object a line. `cargo xtask test` installs what they
//! need and names it in the environment; without it the story says why it is skipped (`skip.rs`).

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use serde_json::Value;

use crate::{checkout, skip, wait};

/// A script that runs beside the test.
#[derive(Debug)]
pub struct Peer {
    name: String,
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<Vec<Value>>>,
    copy: Option<PathBuf>,
}

impl Peer {
    /// Starts a Python script of `tests/peers/`; `None`, said aloud, where there is no Python with its packages.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn python(story: &str, script: &str, arguments: &[&str]) -> Result<Option<Self>> {
        let Some(python) = skip::helper(story, "SHOAL_TEST_PYTHON") else {
            return Ok(None);
        };
        let mut command = Command::new(python);
        command.arg("-u").arg(script_path(script)).args(arguments);
        Self::start(script, command).map(Some)
    }

    /// Starts a Node script of `tests/peers/`; `None`, said aloud, where there is no Node with its packages.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn node(story: &str, script: &str, arguments: &[&str]) -> Result<Option<Self>> {
        let Some(node) = skip::helper(story, "SHOAL_TEST_NODE") else {
            return Ok(None);
        };
        let Some(packages) = skip::helper(story, "SHOAL_TEST_NODE_PACKAGES") else {
            return Ok(None);
        };
        // A module is looked for beside the script that imports it, so the script is run from beside the packages.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let copy = Path::new(&packages).join(format!("{}-{number}-{script}", std::process::id()));
        std::fs::copy(script_path(script), &copy)?;
        let mut command = Command::new(node);
        command.arg(&copy).args(arguments);
        let mut peer = Self::start(script, command)?;
        peer.copy = Some(copy);
        Ok(Some(peer))
    }

    fn start(name: &str, mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let input = child.stdin.take().context("its input is ours")?;
        let output = child.stdout.take().context("its output is ours")?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                heard
                    .lock()
                    .push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        Ok(Self {
            name: name.to_owned(),
            child,
            input,
            said,
            copy: None,
        })
    }

    /// Tells it something.
    ///
    /// # Errors
    /// When it has ended.
    pub fn tell(&mut self, order: &Value) -> Result<()> {
        writeln!(self.input, "{order}")
            .with_context(|| format!("{} has ended; it said {:?}", self.name, self.said.lock()))
    }

    /// Waits until it says something that the condition accepts.
    ///
    /// # Errors
    /// When it ends, or says `{"error": …}`, or nothing fitting comes in time; with all that it said.
    pub async fn heard(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let (child, said) = (&mut self.child, &self.said);
        let heard = wait::until(what, async || {
            let ended = child.try_wait().ok().flatten();
            let said = said.lock();
            if let Some(value) = said.iter().find(|value| fits(value)) {
                return Some(Ok(value.clone()));
            }
            let broken = said.iter().find(|value| value.get("error").is_some());
            (ended.is_some() || broken.is_some()).then_some(Err(ended))
        })
        .await;
        match heard {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(ended)) => bail!(
                "{}: no {what}; ended: {ended:?}; it said {:#?}",
                self.name,
                self.said.lock()
            ),
            Err(error) => bail!("{}: {error}; it said {:#?}", self.name, self.said.lock()),
        }
    }

    /// All that it has said so far.
    #[must_use]
    pub fn said(&self) -> Vec<Value> {
        self.said.lock().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        let _removed = self.copy.as_ref().map(std::fs::remove_file);
    }
}

fn script_path(script: &str) -> PathBuf {
    checkout().join("tests/peers").join(script)
}
