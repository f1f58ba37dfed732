//! The UDP protocol (BEP 15) with its options (BEP 41): from the bytes of a datagram to what is asked, and from a reply to
//! the bytes of a datagram. Knows no sockets and judges no connection id, which is `udp/connection.rs`. Next in the flow:
//! `udp/desk.rs`.

use shoal_torrent::SwarmKey;

use crate::reply::{AnnounceReply, Scraped};
use crate::request::{AnnounceRequest, Event, Families};

/// The first eight bytes of a request for a connection id.
const MAGIC: u64 = 0x0417_2710_1980;

const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;

/// Bytes of an announce without options.
pub const ANNOUNCE_BYTES: usize = 98;

/// The most torrents of one scrape: what one datagram of 1,500 bytes can name (BEP 15).
pub const MAX_HASHES: usize = 74;

/// The longest datagram that is read, in bytes; of a longer one the rest is not seen.
pub const MAX_DATAGRAM: usize = 1536;

/// The longest answer over IPv4 and over IPv6, in bytes, so that none is cut to pieces on its way.
const MAX_ANSWER: [usize; 2] = [1432, 1232];

/// The most bytes of a path that clients send with an announce (BEP 41).
const MAX_PATH: usize = 255;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A connection id, so that the client can prove its address.
    Connect,
    /// To be told of peers.
    Announce {
        /// The announce, without what the options say.
        request: AnnounceRequest,
        /// The options (BEP 41), to be read by [`path`].
        options: &'a [u8],
    },
    /// What swarms count; at most [`MAX_HASHES`] of those named.
    Scrape(&'a [[u8; 20]]),
    /// Something that cannot be answered, and what is wrong with it.
    Malformed(&'static str),
}

/// A datagram of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The connection id by which the client proves its address; of no meaning with [`Packet::Connect`].
    pub connection: u64,
    /// What the client wants to find in the answer.
    pub transaction: [u8; 4],
    /// What it asks.
    pub packet: Packet<'a>,
}

impl<'a> Datagram<'a> {
    /// Reads a datagram. `None` if it is none of this protocol, and not to be answered at all.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<16>()?;
        let connection = u64::from_be_bytes(part(head, 0));
        let packet = match u32::from_be_bytes(part(head, 8)) {
            CONNECT if connection == MAGIC => Packet::Connect,
            // An error is never answered, so that no two programs can be made to tell each other of errors for ever.
            CONNECT | ERROR => return None,
            ANNOUNCE => announce(rest),
            SCRAPE => scrape(rest),
            _ => Packet::Malformed("the action must be 0 (connect), 1 (announce) or 2 (scrape)"),
        };
        Some(Self {
            connection,
            transaction: part(head, 12),
            packet,
        })
    }
}

/// What a datagram seems to ask; whether it does is not said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Glance<'a> {
    Announce {
        key: [u8; 20],
        port: u16,
        /// Whether nothing is left to download.
        has_all: bool,
    },
    Scrape(&'a [[u8; 20]]),
}

/// Looks at a datagram before it is read.
pub(crate) fn glance(datagram: &[u8]) -> Option<Glance<'_>> {
    match u32::from_be_bytes(*datagram.get(8..)?.first_chunk()?) {
        ANNOUNCE if datagram.len() >= ANNOUNCE_BYTES => Some(Glance::Announce {
            key: part(datagram, 16),
            port: u16::from_be_bytes(part(datagram, 96)),
            has_all: datagram[64..72] == [0; 8],
        }),
        SCRAPE => Some(Glance::Scrape(datagram.get(16..)?.as_chunks().0)),
        _ => None,
    }
}

/// Reads what follows the first sixteen bytes of an announce.
fn announce(rest: &[u8]) -> Packet<'_> {
    let Some((body, options)) = rest.split_first_chunk::<{ ANNOUNCE_BYTES - 16 }>() else {
        return Packet::Malformed("an announce has at least 98 bytes");
    };
    let left = u64::from_be_bytes(part(body, 48));
    let event = match u32::from_be_bytes(part(body, 64)) {
        1 => Event::Completed,
        2 => Event::Started,
        3 => Event::Stopped,
        // As `paused` (BEP 21) has no number of its own, an unknown one is passed over.
        _ => Event::None,
    };
    let port = u16::from_be_bytes(part(body, 80));
    let request = AnnounceRequest {
        // What is not a number of bytes is what clients say that have no metadata yet.
        left: Some(left).filter(|left| *left <= i64::MAX as u64),
        event,
        numwant: u32::try_from(i32::from_be_bytes(part(body, 76))).ok(),
        families: Families::Own,
        ..AnnounceRequest::new(SwarmKey::new(part(body, 0)), part(body, 20), port)
    };
    Packet::Announce { request, options }
}

fn scrape(rest: &[u8]) -> Packet<'_> {
    let (hashes, _) = rest.as_chunks::<20>();
    if hashes.is_empty() {
        return Packet::Malformed("a scrape must name at least one info hash of 20 bytes");
    }
    Packet::Scrape(&hashes[..hashes.len().min(MAX_HASHES)])
}

/// The path and query of the URL by which a client knows the tracker, from the options of an announce (BEP 41): nothing if
/// it sent none, or if the options are broken or too long to be meant.
pub fn path(mut options: &[u8]) -> Option<Vec<u8>> {
    let mut path = Vec::new();
    loop {
        match options {
            [] | [0, ..] => break,
            [1, rest @ ..] => options = rest,
            [kind, length, rest @ ..] => {
                let (content, after) = rest.split_at_checked(usize::from(*length))?;
                if *kind == 2 {
                    path.extend_from_slice(content);
                }
                options = after;
            }
            [_] => return None,
        }
    }
    (1..=MAX_PATH).contains(&path.len()).then_some(path)
}

/// Writes the answer to a connect: 16 bytes, as many as were asked with.
pub fn write_connect(transaction: [u8; 4], connection: u64, out: &mut Vec<u8>) {
    head(CONNECT, transaction, out);
    out.extend_from_slice(&connection.to_be_bytes());
}

/// Writes the answer to an announce: peers of the client's own family, as many as fit.
pub fn write_announce(transaction: [u8; 4], reply: &AnnounceReply, out: &mut Vec<u8>) {
    head(ANNOUNCE, transaction, out);
    for number in [reply.interval, reply.counts.incomplete, reply.counts.complete] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    if reply.external_ip.is_ipv4() {
        let room = (MAX_ANSWER[0] - 20) / 6;
        out.extend_from_slice(reply.peers4[..reply.peers4.len().min(room)].as_flattened());
    } else {
        let room = (MAX_ANSWER[1] - 20) / 18;
        out.extend_from_slice(reply.peers6[..reply.peers6.len().min(room)].as_flattened());
    }
}

/// Writes the answer to a scrape; a torrent that is not served counts nothing.
pub fn write_scrape(transaction: [u8; 4], scraped: &[Scraped], out: &mut Vec<u8>) {
    head(SCRAPE, transaction, out);
    for torrent in scraped {
        let counts = torrent.counts.unwrap_or_default();
        for number in [counts.complete, counts.completed, counts.incomplete] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Writes that something was refused, and why.
pub fn write_error(transaction: [u8; 4], sentence: &str, out: &mut Vec<u8>) {
    head(ERROR, transaction, out);
    out.extend_from_slice(sentence.as_bytes());
}

fn head(action: u32, transaction: [u8; 4], out: &mut Vec<u8>) {
    out.extend_from_slice(&action.to_be_bytes());
    out.extend_from_slice(&transaction);
}

/// Some bytes of a part whose length is known.
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_put_together_from_its_options() {
        let path = |options: &[u8]| path(options).map(|path| String::from_utf8_lossy(&path).into_owned());
        assert_eq!(
            path(b"\x02\x03/an\x01\x02\x02no\x00\x02\x01x"),
            Some("/anno".into())
        );
        assert_eq!(path(b"\x07\x02??\x02\x01/"), Some("/".into()));
        for none in [
            &b""[..],
            b"\x00",
            b"\x01\x01",
            b"\x02",
            b"\x02\x05/an",
            b"\x02\x00",
        ] {
            assert_eq!(path(none), None, "{none:?}");
        }
        let long: Vec<u8> = [&[2, 200][..], &[b'a'; 200], &[2, 56], &[b'a'; 56]].concat();
        assert_eq!(path(&long), None);
    }

    #[test]
    fn an_answer_never_outgrows_a_datagram() {
        let mut reply = AnnounceReply::new();
        reply.peers4 = vec![[1; 6]; 1000];
        reply.peers6 = vec![[1; 18]; 1000];
        let mut out = Vec::new();
        write_announce([0; 4], &reply, &mut out);
        assert_eq!((out.len(), (out.len() - 20) % 6), (1430, 0));
        out.clear();
        reply.external_ip = "2600::1".parse().expect("an address");
        write_announce([0; 4], &reply, &mut out);
        assert_eq!((out.len(), (out.len() - 20) % 18), (1226, 0));
    }
}
