//! Foreign actors that send: requests are signed beforehand, then posted over a few connections that stay open, each
//! waiting for its answer before the next. What they cost the sender is not measured, only how long the answers took.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shoal_tests::signer::{Request, Signer};

/// A foreign actor.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// Its id.
    pub(super) id: String,
}

impl Actor {
    /// An activity of this actor, its id made of a word that nothing else in the run has.
    pub(super) fn activity(&self, kind: &str, word: &str, object: Value) -> Value {
        json!({
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": format!("{}/{word}", self.id),
            "type": kind,
            "actor": self.id,
            "object": object,
        })
    }
}

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// `address:port` of the program.
    pub(super) address: String,
    /// The path of the inbox.
    pub(super) inbox: String,
}

impl Target {
    /// A whole signed request, as it goes over the wire.
    pub(super) fn request(&self, signer: &Signer, actor: &Actor, activity: &Value) -> Result<Vec<u8>> {
        let body = activity.to_string();
        let request = Request {
            method: "POST",
            host: &self.address,
            path: &self.inbox,
            body: body.as_bytes(),
            key_id: &format!("{}#main-key", actor.id),
        };
        let mut text = format!("POST {} HTTP/1.1\r\n", self.inbox);
        for (name, value) in signer.headers(request, SystemTime::now())? {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "Content-Type: application/activity+json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        Ok(text.into_bytes())
    }

    /// Posts all of them over so many connections; how long each took to be answered with this status.
    pub(super) fn post(
        &self,
        requests: &[Vec<u8>],
        connections: usize,
        status: u16,
    ) -> Result<Vec<Duration>> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<Duration>> {
            let mut connection = TcpStream::connect(&self.address)?;
            connection.set_nodelay(true)?;
            let mut took = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let started = Instant::now();
                connection.write_all(request)?;
                let answer = read(&mut connection)?;
                took.push(started.elapsed());
                let expected = format!("HTTP/1.1 {status}");
                ensure!(answer.starts_with(&expected), "expected {status}: {answer}");
            }
            Ok(took)
        };
        let all = thread::scope(|scope| {
            let workers: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
            let join =
                |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("a worker does not panic");
            workers.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        Ok(all.concat())
    }

    /// Posts these over and over, over so many connections, whatever is answered, until told to end; how often.
    pub(super) fn pester(&self, requests: &[Vec<u8>], connections: usize, end: &AtomicBool) -> usize {
        let count = AtomicUsize::new(0);
        let work = || {
            while !end.load(Ordering::Relaxed) {
                let Ok(mut connection) = TcpStream::connect(&self.address) else {
                    continue;
                };
                let _bounded = connection.set_read_timeout(Some(Duration::from_secs(2)));
                while !end.load(Ordering::Relaxed) {
                    let request = &requests[count.fetch_add(1, Ordering::Relaxed) % requests.len()];
                    if connection.write_all(request).is_err() || read(&mut connection).is_err() {
                        break;
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(work);
            }
        });
        count.into_inner()
    }
}

/// Reads one answer to its end; its head.
fn read(connection: &mut TcpStream) -> Result<String> {
    let mut held = Vec::with_capacity(2048);
    let mut piece = [0; 2048];
    loop {
        let count = connection.read(&mut piece)?;
        ensure!(count > 0, "the connection ended before the answer did");
        held.extend_from_slice(&piece[..count]);
        let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&held[..end]).into_owned();
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer says its length")?.trim().parse()?;
        if held.len() >= end + 4 + length {
            return Ok(head);
        }
    }
}

/// Of so many in a hundred, the slowest.
pub(super) fn percentile(mut times: Vec<Duration>, share: usize) -> Duration {
    times.sort_unstable();
    let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
    times.get(index).copied().unwrap_or_default()
}
