//! A PostgreSQL cluster of one story's own, which it may stop and start again under a running program.
//!
//! A shell script holds it and tears it down at the end of its input, so that nothing stays when the story is killed.
//! Stories that only need a database take one of the shared cluster: `database.rs`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::skip;

/// What was acknowledged survives the processes, though not the machine: that is all these stories ask for.
const SCRIPT: &str = r#"
trap '' INT
folder=$(mktemp -d /tmp/shoal-cluster.XXXXXX) || exit 1
cd "$folder" || exit 1
run() {
  "$bin/pg_ctl" --silent --wait --pgdata "$folder/rows" --log "$folder/log" --options "-c port=$port \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories='$folder' -c fsync=off" start </dev/null >/dev/null
}
bin=$1 port=$2
"$bin/initdb" --pgdata "$folder/rows" --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync \
  >"$folder/initdb.log" 2>&1 && run && echo done || { cat "$folder"/*log; rm -rf "$folder"; exit 1; }
while read -r word; do
  case $word in
    stop) "$bin/pg_ctl" --silent --wait --mode immediate --pgdata "$folder/rows" stop >/dev/null ;;
    start) run ;;
  esac
  echo done
done
"$bin/pg_ctl" --silent --mode immediate --pgdata "$folder/rows" stop 2>/dev/null
cd /; rm -rf "$folder"
"#;

/// A cluster that lives as long as this value.
#[derive(Debug)]
pub struct Cluster {
    keeper: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Cluster {
    /// Makes and starts one; `None`, said aloud, where PostgreSQL's programs are missing. PostgreSQL refuses to run as
    /// root, so root runs it as the user `postgres`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(story: &str) -> Result<Option<Self>> {
        let Some(programs) = programs() else {
            skip::say(story, "initdb and pg_ctl are not installed");
            return Ok(None);
        };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("sh");
        if rustix::process::getuid().is_root() {
            command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
        }
        command
            .args(["-c", SCRIPT, "cluster"])
            .arg(programs)
            .arg(port.to_string());
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = piped.spawn().context("the cluster's keeper")?;
        let (orders, answers) = (keeper.stdin.take(), keeper.stdout.take());
        let mut cluster = Self {
            keeper,
            orders,
            answers: BufReader::new(answers.context("its output is ours")?),
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        };
        cluster.heard()?;
        Ok(Some(cluster))
    }

    /// The URL of its database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it between two instructions.
    ///
    /// # Errors
    /// When its keeper is gone.
    pub fn stop(&mut self) -> Result<()> {
        self.tell("stop")
    }

    /// Starts it again on what it had written.
    ///
    /// # Errors
    /// When its keeper is gone.
    pub fn start_again(&mut self) -> Result<()> {
        self.tell("start")
    }

    fn tell(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("open until it is dropped")?;
        orders.write_all(format!("{order}\n").as_bytes())?;
        orders.flush()?;
        self.heard()
    }

    fn heard(&mut self) -> Result<()> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.trim() != "done" {
            bail!("the cluster's keeper says: {line}");
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is the order to tear everything down.
        drop(self.orders.take());
        let _ended = self.keeper.wait();
    }
}

/// The folder of `initdb` and `pg_ctl`: Debian's newest, else where `PATH` leads.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .max();
    newest.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file())
    })
}
