//! The load generator of the announce figures, and the floor below them: a server that reads each request to its end
//! and repeats one answer, without looking at either. Both use blocking sockets and a thread for each connection.
//!
//! It talks to the addresses it is given, which the bench takes from servers that it started on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};

/// Connections at a time.
pub(super) const CONNECTIONS: usize = 16;

/// How many announces, and over what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) requests: usize,
    pub(super) connections: usize,
    pub(super) keep_alive: bool,
}

/// An answer such as a tracker gives with a handful of peers.
const FLOOR: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 123\r\n\r\n\
d8:completei12e10:incompletei3e8:intervali1800e12:min intervali60e5:peers36:aaaabbccccddeeeeffgggghhiiiijjkkkkll6:peers60:e";

impl Load {
    /// Sends all requests and reads every answer.
    pub(super) fn run(&self, address: &str) -> Result<()> {
        let each = self.requests / self.connections;
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.connections)
                .map(|worker| scope.spawn(move || self.work(address, worker * each, each)))
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().expect("a worker does not panic"))
        })
    }

    fn work(&self, address: &str, first: usize, count: usize) -> Result<()> {
        let mut connection = connect(address)?;
        let mut answer = Vec::with_capacity(4096);
        for number in first..first + count {
            if !self.keep_alive && number > first {
                connection = connect(address)?;
            }
            connection.write_all(announce(number, self.keep_alive).as_bytes())?;
            read_answer(&mut connection, &mut answer)?;
            ensure!(
                answer.starts_with(b"HTTP/1.1 200"),
                "{}",
                String::from_utf8_lossy(&answer)
            );
        }
        Ok(())
    }
}

fn connect(address: &str) -> Result<TcpStream> {
    let connection = TcpStream::connect(address).with_context(|| address.to_owned())?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// The announce of one of 40,000 peers to one of 10,000 torrents, the same for the same number.
fn announce(number: usize, keep_alive: bool) -> String {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let (torrent, port) = (mixed % 10_000, 1024 + mixed % 40_000);
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "GET /announce?info_hash=shoal-bench-000{torrent:05}&peer_id=-ST0001-0000000{port:05}&port={port}&uploaded=0\
         &downloaded=0&left={}&compact=1&numwant=30 HTTP/1.1\r\nHost: tracker\r\nConnection: {connection}\r\n\r\n",
        mixed % 2
    )
}

/// Reads one answer with a `Content-Length` to its end.
fn read_answer(connection: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    let mut piece = [0; 4096];
    loop {
        let count = connection.read(&mut piece)?;
        ensure!(count > 0, "the connection ended before the answer did");
        answer.extend_from_slice(&piece[..count]);
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer says its length")?.trim().parse()?;
        if answer.len() >= head + 4 + length {
            return Ok(());
        }
    }
}

/// One request; the whole answer as text.
pub(super) fn get(address: &str, path: &str) -> Result<String> {
    let mut connection = connect(address)?;
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    read_answer(&mut connection, &mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Serves the one answer until the process is ended; its address is the first line of standard output.
pub(super) fn floor() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    // As many threads as the load has connections, made once: a floor must not pay for a thread a connection.
    thread::scope(|all| {
        for _ in 0..CONNECTIONS {
            all.spawn(|| {
                for connection in listener.incoming() {
                    let _gone = connection.and_then(|mut connection| repeat(&mut connection));
                }
            });
        }
    });
    Ok(())
}

fn repeat(connection: &mut TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut piece = [0; 4096];
    loop {
        let count = connection.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        // A request of the generator fits into one segment.
        if piece[..count].ends_with(b"\r\n\r\n") {
            connection.write_all(FLOOR)?;
            if piece[..count]
                .windows(17)
                .any(|part| part == b"Connection: close")
            {
                return Ok(());
            }
        }
    }
}
