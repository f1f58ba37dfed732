//! A thousand foreign servers in one process: every loopback address answers at once, shows actors that hold one key,
//! and counts what is delivered. It runs as a process of its own, so that its processor time is nobody else's.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use shoal_tests::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The name of the variable that hands the stub its actors' public key.
const KEY: &str = "SHOAL_BENCH_KEY";

/// The foreign servers, as the bench holds them.
pub(super) struct Stub {
    child: Child,
    port: u16,
}

impl Stub {
    /// Starts them; every actor's key is this one.
    pub(super) fn start(pem: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--stub")
            .env(KEY, pem)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is ours")?).read_line(&mut line)?;
        let port = line.trim().parse()?;
        Ok(Self { child, port })
    }

    /// One of the servers, as `address:port`.
    pub(super) fn host(&self, number: usize) -> String {
        format!("127.2.{}.{}:{}", number / 250, number % 250 + 1, self.port)
    }

    /// How many activities all of them together have been sent.
    pub(super) fn delivered(&self) -> Result<u64> {
        let mut connection = std::net::TcpStream::connect(("127.2.0.1", self.port))?;
        connection.write_all(b"GET /count HTTP/1.1\r\nHost: stub\r\nConnection: close\r\n\r\n")?;
        let answer = std::io::read_to_string(connection)?;
        let (_, count) = answer.rsplit_once("\r\n").context("an answer")?;
        Ok(count.trim().parse()?)
    }

    /// Waits until so many have arrived in all.
    pub(super) async fn until(&self, count: u64) -> Result<()> {
        let (mut before, mut still) = (0, 0);
        loop {
            let now = self.delivered()?;
            if now >= count {
                return Ok(());
            }
            still = if now == before { still + 1 } else { 0 };
            if still > 3_000 {
                bail!("{now} of {count} deliveries came, and for 30 s none did");
            }
            before = now;
            wait::pass(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Serves until the process is ended; the port is the first line of standard output.
pub(super) fn serve() -> Result<()> {
    let pem = Arc::new(std::env::var(KEY)?);
    let count = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
        loop {
            let (connection, _) = listener.accept().await?;
            let (pem, count) = (Arc::clone(&pem), Arc::clone(&count));
            tokio::spawn(async move {
                let _gone = converse(connection, &pem, &count).await;
            });
        }
    })
}

async fn converse(mut connection: TcpStream, pem: &str, count: &AtomicU64) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut held = Vec::with_capacity(16 * 1024);
    loop {
        let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") else {
            if connection.read_buf(&mut held).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head = String::from_utf8_lossy(&held[..end]).into_owned();
        let field = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
        };
        let length: usize = field("content-length").map_or(Ok(0), str::parse)?;
        while held.len() < end + 4 + length {
            if connection.read_buf(&mut held).await? == 0 {
                return Ok(());
            }
        }
        held.drain(..end + 4 + length);
        let answer = if head.starts_with("POST ") {
            count.fetch_add(1, Ordering::Relaxed);
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else if head.starts_with("GET /count ") {
            found("text/plain", &count.load(Ordering::Relaxed).to_string())
        } else {
            let path = head.split(' ').nth(1).unwrap_or("/");
            let document = actor(field("host").unwrap_or_default(), path, pem).to_string();
            found("application/activity+json", &document)
        };
        connection.write_all(answer.as_bytes()).await?;
        if head.contains("Connection: close") {
            return Ok(());
        }
    }
}

fn found(media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The actor at a path of one of the servers.
pub(super) fn actor(host: &str, path: &str, pem: &str) -> serde_json::Value {
    let id = format!("http://{host}{path}");
    serde_json::json!({
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": id,
        "type": "Person",
        "preferredUsername": path.trim_matches('/').replace('/', "_"),
        "inbox": format!("{id}/inbox"),
        "outbox": format!("{id}/outbox"),
        "endpoints": { "sharedInbox": format!("http://{host}/inbox") },
        "publicKey": { "id": format!("{id}#main-key"), "owner": id, "publicKeyPem": pem },
    })
}
