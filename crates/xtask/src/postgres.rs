//! A PostgreSQL cluster for one run: made in a temporary folder, without any care for durability, and gone afterwards.
//!
//! A small shell script holds it. It reads standard input and tears everything down at its end, so the cluster goes
//! when this value is dropped, and also when this program is killed.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::machine;

const SCRIPT: &str = r#"
trap '' INT
folder=$(mktemp -d /tmp/shoal-postgres.XXXXXX) || exit 1
cd "$folder" || exit 1
remove() { "$1/pg_ctl" --silent --mode immediate --pgdata "$folder/rows" stop 2>/dev/null; cd /; rm -rf "$folder"; }
"$1/initdb" --pgdata "$folder/rows" --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync \
  >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log"; remove "$1"; exit 1; }
"$1/pg_ctl" --silent --wait --pgdata "$folder/rows" --log "$folder/log" --options "-c port=$2 \
  -c listen_addresses=127.0.0.1 -c unix_socket_directories='$folder' -c max_connections=200 \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off" start </dev/null \
  || { cat "$folder/log"; remove "$1"; exit 1; }
echo ready
cat >/dev/null
remove "$1"
"#;

/// A running cluster; dropping it stops and removes it.
#[derive(Debug)]
pub(crate) struct Cluster {
    keeper: Child,
    url: String,
}

impl Cluster {
    /// Makes and starts one, as the user `postgres` when this program is root, since PostgreSQL refuses to run as root.
    pub(crate) fn start(programs: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut keeper = if machine::is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        keeper
            .args(["-c", SCRIPT, "postgres"])
            .arg(programs)
            .arg(port.to_string());
        let mut keeper = keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the cluster's keeper")?;
        let mut output = BufReader::new(keeper.stdout.take().context("its output is ours")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() != "ready" {
            output.read_to_string(&mut line)?;
            keeper.wait()?;
            bail!("the cluster does not start: {line}");
        }
        Ok(Self {
            keeper,
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        })
    }

    /// The URL of its first database.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is the order to tear everything down.
        drop(self.keeper.stdin.take());
        let _ended = self.keeper.wait();
    }
}

/// The folder of `initdb` and `pg_ctl`: Debian's newest, else where `PATH` leads.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(|parent| parent.file_name());
        name.and_then(|name| name.to_string_lossy().parse::<u32>().ok())
    };
    folders.sort_by_key(version);
    folders.pop().or_else(|| {
        let found = machine::program("initdb")?.canonicalize().ok()?;
        found.parent().map(PathBuf::from)
    })
}
