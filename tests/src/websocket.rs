//! A WebSocket as bytes (RFC 6455): for what no client would send, and to see what comes in which order. Speaks WebTorrent's
//! messages as JSON; nothing in them is checked.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::wait::PATIENCE;
use crate::wire::Raw;

/// What a frame is.
pub const TEXT: u8 = 1;
/// What a frame is.
pub const BINARY: u8 = 2;
/// What a frame is.
pub const CLOSE: u8 = 8;
/// What a frame is.
pub const PING: u8 = 9;
/// What a frame is.
pub const PONG: u8 = 10;

/// In the first byte of a frame that is its message's last.
pub const LAST: u8 = 0x80;

/// An open socket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came on a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// A frame: what it is, and what is in it.
    Frame(u8, Vec<u8>),
    /// The connection ended.
    End,
}

impl Socket {
    /// Opens a socket on the path of the announce.
    ///
    /// # Errors
    /// When the upgrade is refused.
    pub async fn open(to: SocketAddr) -> Result<Self> {
        let (answer, socket) = Self::knock(to, "/announce", "").await?;
        ensure!(answer.status == 101, "{}", answer.head);
        Ok(socket)
    }

    /// Asks for a socket on a path, with more header lines, each ended by CR LF; the answer's head, and the connection.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn knock(to: SocketAddr, path: &str, more: &str) -> Result<(Raw, Self)> {
        let stream = TcpStream::connect(to).await?;
        Self::upgrade(stream, path, more).await
    }

    /// Opens a socket that takes little before it is read from.
    ///
    /// # Errors
    /// When the upgrade is refused.
    pub async fn narrow(to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let (answer, socket) = Self::upgrade(socket.connect(to).await?, "/announce", "").await?;
        ensure!(answer.status == 101, "{}", answer.head);
        Ok(socket)
    }

    async fn upgrade(stream: TcpStream, path: &str, more: &str) -> Result<(Raw, Self)> {
        stream.set_nodelay(true)?;
        let mut socket = Self {
            stream,
            read: Vec::new(),
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        );
        socket.stream.write_all(request.as_bytes()).await?;
        loop {
            if let Some(end) = socket.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = socket.read.split_off(end + 4);
                let head = Raw::of(&std::mem::replace(&mut socket.read, rest));
                return Ok((head, socket));
            }
            ensure!(socket.more().await?, "no answer to the upgrade");
        }
    }

    /// Sends a frame as it is told, masked with a mask that changes nothing.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send(&mut self, first: u8, bytes: &[u8]) -> Result<()> {
        let mut frame = vec![first];
        match bytes.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length @ 126..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(bytes);
        self.write(&frame).await
    }

    /// Sends bytes that may be no frame.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Says a message.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn say(&mut self, message: &Value) -> Result<()> {
        self.send(LAST | TEXT, message.to_string().as_bytes()).await
    }

    /// What comes next.
    ///
    /// # Errors
    /// When nothing does within the tests' patience.
    pub async fn next(&mut self) -> Result<Came> {
        loop {
            if let Some((length, head)) = self.frame_length() {
                let rest = self.read.split_off(head + length);
                let frame = std::mem::replace(&mut self.read, rest);
                return Ok(Came::Frame(frame[0] & 0x0f, frame[head..].to_vec()));
            }
            if !self.more().await? {
                return Ok(Came::End);
            }
        }
    }

    /// The next message; signs of life are given in between.
    ///
    /// # Errors
    /// When the socket is closed, or nothing comes.
    pub async fn letter(&mut self) -> Result<Value> {
        loop {
            match self.next().await? {
                Came::Frame(TEXT, text) => return Ok(serde_json::from_slice(&text)?),
                Came::Frame(PING, bytes) => self.send(LAST | PONG, &bytes).await?,
                other => bail!("instead of a message came {other:?}"),
            }
        }
    }

    /// Says a message and waits for the next that comes.
    ///
    /// # Errors
    /// As `say` and `letter`.
    pub async fn ask(&mut self, message: &Value) -> Result<Value> {
        self.say(message).await?;
        self.letter().await
    }

    /// Passes over all that comes until the socket is closed; the code with which it was, 0 if the connection just ended.
    ///
    /// # Errors
    /// When it stays open.
    pub async fn closed(&mut self) -> Result<u16> {
        loop {
            match self.next().await {
                Ok(Came::Frame(CLOSE, bytes)) => {
                    return Ok(bytes.first_chunk().map_or(0, |code| u16::from_be_bytes(*code)));
                }
                Ok(Came::Frame(..)) => {}
                Ok(Came::End) => return Ok(0),
                Err(error) if error.downcast_ref::<std::io::Error>().is_some() => return Ok(0),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the whole of a frame has come: the length of what is in it, and of its head.
    fn frame_length(&self) -> Option<(usize, usize)> {
        let (length, head) = match *self.read.get(1)? {
            126 => (
                usize::from(u16::from_be_bytes(*self.read.get(2..)?.first_chunk()?)),
                4,
            ),
            127 => (
                usize::try_from(u64::from_be_bytes(*self.read.get(2..)?.first_chunk()?)).ok()?,
                10,
            ),
            length => (usize::from(length), 2),
        };
        (self.read.len() >= head + length).then_some((length, head))
    }

    async fn more(&mut self) -> Result<bool> {
        let mut piece = [0; 4096];
        let count = tokio::time::timeout(PATIENCE, self.stream.read(&mut piece))
            .await
            .context("nothing comes on the socket")??;
        self.read.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    }
}

/// Twenty bytes as a message has them.
#[must_use]
pub fn binary(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// A hash of twenty bytes, from its hexadecimal digits.
///
/// # Errors
/// When there are others.
pub fn hash(digits: &str) -> Result<String> {
    let pairs = digits.as_bytes().chunks(2).take(20);
    let bytes: Result<Vec<u8>> = pairs
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect();
    Ok(binary(&bytes?))
}

/// The announce of a leecher who has so many offers, each with a session description of so many bytes.
#[must_use]
pub fn announce(info_hash: &str, peer: &str, offers: usize, sdp: usize) -> Value {
    let offers: Vec<Value> = (0..offers)
        .map(|n| {
            let sdp = format!("{n}{}", "x".repeat(sdp.saturating_sub(1)));
            json!({ "offer_id": format!("{peer:-<18}{n:02}"), "offer": { "type": "offer", "sdp": sdp } })
        })
        .collect();
    json!({
        "action": "announce", "info_hash": info_hash, "peer_id": format!("{peer:-<20}"), "uploaded": 0, "downloaded": 0,
        "left": 1000, "event": "started", "numwant": offers.len(), "offers": offers,
    })
}

/// The answer of a peer to an offer that came.
#[must_use]
pub fn answer(offer: &Value, peer: &str) -> Value {
    json!({
        "action": "announce", "info_hash": offer["info_hash"], "peer_id": format!("{peer:-<20}"),
        "to_peer_id": offer["peer_id"], "offer_id": offer["offer_id"], "answer": { "type": "answer", "sdp": "v=0" },
    })
}
