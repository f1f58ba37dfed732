//! The announce (BEP 3). Tolerant where no harm is done: unknown parameters, `key`, `trackerid`, statistics and odd
//! numbers of peers are passed over, and no address in the query is ever believed. Next: `scrape.rs`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use shoal_torrent::SwarmKey;

use super::bencode::{bytes, integer, text};
use super::query::{self, NotTwenty};
use crate::reply::AnnounceReply;
use crate::request::{AnnounceRequest, Event, Refusal};

/// The longest query of an announce that is read, in bytes. Clients send some hundreds.
pub const MAX_QUERY: usize = 8192;

/// Reads the query of an announce, the bytes behind `?`.
///
/// # Errors
/// What is missing or wrong, to be told to the client with `write_failure`.
pub fn parse_announce(query: &[u8]) -> Result<AnnounceRequest, Refusal> {
    if query.len() > MAX_QUERY {
        return Err(Refusal::Malformed(
            "the query of an announce must not be longer than 8192 bytes",
        ));
    }
    let (mut key, mut peer_id, mut port) = (None, None, None);
    let (mut left, mut event, mut numwant, mut compact) = (None, Event::None, None, true);
    for (name, value) in query::pairs(query) {
        match name {
            b"info_hash" if key.is_some() => {
                return Err(Refusal::Malformed(
                    "info_hash is there twice: an announce is for one torrent",
                ));
            }
            b"info_hash" => key = Some(info_hash(value)?),
            b"peer_id" => {
                let wrong = |_| Refusal::Malformed("peer_id must be 20 bytes, percent-encoded");
                peer_id = Some(query::twenty(value).map_err(wrong)?);
            }
            b"port" => {
                let number = query::number(value).and_then(|number| u16::try_from(number).ok());
                port = Some(number.ok_or(Refusal::Malformed("port must be a number from 1 to 65535"))?);
            }
            b"left" => left = left_bytes(value)?,
            b"event" => event = event_named(value),
            b"numwant" => numwant = query::number(value).map(|number| number.min(u32::MAX.into()) as u32),
            b"compact" => compact = value != b"0",
            _ => {}
        }
    }
    let key = key.ok_or(Refusal::Malformed("info_hash is missing"))?;
    let peer_id = peer_id.ok_or(Refusal::Malformed("peer_id is missing"))?;
    let port = port.ok_or(Refusal::Malformed("port is missing"))?;
    Ok(AnnounceRequest {
        left,
        event,
        numwant,
        compact,
        ..AnnounceRequest::new(key, peer_id, port)
    })
}

/// Reads an info hash.
pub(super) fn info_hash(value: &[u8]) -> Result<SwarmKey, Refusal> {
    query::twenty(value).map(SwarmKey::new).map_err(|wrong| {
        Refusal::Malformed(match wrong {
            NotTwenty::BrokenEscape => "info_hash has a percent sign without two hexadecimal digits",
            NotTwenty::Length(32) => "info_hash must be 20 bytes: of a v2 hash, the first 20 (BEP 52)",
            NotTwenty::Length(40) => "info_hash must be 20 bytes, percent-encoded, not 40 hexadecimal digits",
            NotTwenty::Length(_) => "info_hash must be 20 bytes, percent-encoded",
        })
    })
}

/// A client that still looks for the metadata says nothing, -1 or an impossible number.
fn left_bytes(value: &[u8]) -> Result<Option<u64>, Refusal> {
    match query::number(value) {
        Some(number) => Ok(Some(number)),
        None if value.is_empty() || query::is_negative(value) => Ok(None),
        None => Err(Refusal::Malformed("left must be a number of bytes")),
    }
}

fn event_named(value: &[u8]) -> Event {
    match value {
        b"started" => Event::Started,
        b"stopped" => Event::Stopped,
        b"completed" => Event::Completed,
        b"paused" => Event::Paused,
        _ => Event::None,
    }
}

/// Writes the answer to an announce: `peers` always, compact or as dictionaries without peer ids (BEP 23), `peers6` if
/// there are any (BEP 7), the client's own address (BEP 24).
pub fn write_announce(reply: &AnnounceReply, out: &mut Vec<u8>) {
    out.extend_from_slice(b"d8:complete");
    integer(reply.counts.complete.into(), out);
    out.extend_from_slice(b"10:downloaded");
    integer(reply.counts.completed.into(), out);
    out.extend_from_slice(b"11:external ip");
    match reply.external_ip {
        IpAddr::V4(ip) => bytes(&ip.octets(), out),
        IpAddr::V6(ip) => bytes(&ip.octets(), out),
    }
    out.extend_from_slice(b"10:incomplete");
    integer(reply.counts.incomplete.into(), out);
    out.extend_from_slice(b"8:interval");
    integer(reply.interval.into(), out);
    out.extend_from_slice(b"12:min interval");
    integer(reply.min_interval.into(), out);
    out.extend_from_slice(b"5:peers");
    if reply.compact {
        bytes(reply.peers4.as_flattened(), out);
        if !reply.peers6.is_empty() {
            out.extend_from_slice(b"6:peers6");
            bytes(reply.peers6.as_flattened(), out);
        }
    } else {
        write_dictionaries(reply, out);
    }
    if let Some(warning) = reply.warning {
        out.extend_from_slice(b"15:warning message");
        text(warning.sentence(), out);
    }
    out.push(b'e');
}

fn write_dictionaries(reply: &AnnounceReply, out: &mut Vec<u8>) {
    out.push(b'l');
    let four = reply.peers4.iter().map(|[a, b, c, d, high, low]| {
        (
            IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d)),
            u16::from_be_bytes([*high, *low]),
        )
    });
    let six = reply.peers6.iter().map(|peer| {
        let mut ip = [0; 16];
        ip.copy_from_slice(&peer[..16]);
        (
            IpAddr::V6(Ipv6Addr::from(ip)),
            u16::from_be_bytes([peer[16], peer[17]]),
        )
    });
    for (ip, port) in four.chain(six) {
        out.extend_from_slice(b"d2:ip");
        text(&ip.to_string(), out);
        out.extend_from_slice(b"4:port");
        integer(port.into(), out);
        out.push(b'e');
    }
    out.push(b'e');
}
