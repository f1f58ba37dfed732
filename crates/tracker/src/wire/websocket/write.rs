//! Writing what clients are told. Every message names its torrent, by the hash that the client itself used: that is how
//! clients with several torrents on one socket tell messages apart.

use std::fmt::Write;

use shoal_torrent::SwarmKey;

use super::{Answer, Id, Offer, Sdp};
use crate::reply::{AnnounceReply, Counts, Scraped};
use crate::request::{Refusal, Retry};

/// Writes the answer to an announce. Peers are never named in it: they come with their offers.
pub fn write_announce(key: SwarmKey, reply: &AnnounceReply, out: &mut String) {
    begin("announce", key, out);
    let Counts {
        complete, incomplete, ..
    } = reply.counts;
    let _infallible = write!(
        out,
        ",\"complete\":{complete},\"incomplete\":{incomplete},\"interval\":{},\"min interval\":{}",
        reply.interval, reply.min_interval
    );
    if let Some(warning) = reply.warning {
        out.push_str(",\"warning message\":");
        sentence(warning.sentence(), out);
    }
    out.push('}');
}

/// Writes an offer for the peer that it is handed to; `key` is the hash by which that peer knows the torrent.
pub fn write_offer(key: SwarmKey, from: &Id, offer: &Offer<'_>, out: &mut String) {
    hand_over("offer", (key, from, &offer.id), offer.sdp, out);
}

/// Writes an answer for the peer whose offer it answers; `key` is the hash by which that peer knows the torrent.
pub fn write_answer(key: SwarmKey, answer: &Answer<'_>, out: &mut String) {
    hand_over(
        "answer",
        (key, &answer.peer_id, &answer.offer_id),
        answer.sdp,
        out,
    );
}

fn hand_over(kind: &str, (key, from, offer_id): (SwarmKey, &Id, &Id), sdp: Sdp<'_>, out: &mut String) {
    begin("announce", key, out);
    out.push_str(",\"peer_id\":");
    binary(from, out);
    out.push_str(",\"offer_id\":");
    binary(offer_id, out);
    let Sdp(sdp) = sdp;
    let _infallible = write!(out, ",\"{kind}\":{{\"type\":\"{kind}\",\"sdp\":\"{sdp}\"}}}}");
}

/// Writes the answer to a scrape. Torrents that are not served are left out; `downloaders` is BEP 21's.
pub fn write_scrape(scraped: &mut [Scraped], out: &mut String) {
    scraped.sort_unstable_by_key(|torrent| torrent.key);
    out.push_str("{\"action\":\"scrape\",\"files\":{");
    let mut last = None;
    for Scraped { key, counts } in scraped.iter() {
        let Some(counts) = counts else { continue };
        if last == Some(key) {
            continue;
        }
        if last.replace(key).is_some() {
            out.push(',');
        }
        binary(key.as_bytes(), out);
        let _infallible = write!(
            out,
            ":{{\"complete\":{},\"incomplete\":{},\"downloaded\":{},\"downloaders\":{}}}",
            counts.complete, counts.incomplete, counts.completed, counts.downloaders
        );
    }
    out.push_str("}}");
}

/// Writes a refusal: the reason, and when to ask again, in minutes or `never` (BEP 31).
pub fn write_failure(is_scrape: bool, about: Option<SwarmKey>, refusal: &Refusal, out: &mut String) {
    let action = if is_scrape { "scrape" } else { "announce" };
    match about {
        Some(key) => begin(action, key, out),
        None => {
            let _infallible = write!(out, "{{\"action\":\"{action}\"");
        }
    }
    out.push_str(",\"failure reason\":");
    sentence(&refusal.to_string(), out);
    let _infallible = match refusal.retry() {
        Retry::Minutes(minutes) => write!(out, ",\"retry in\":{minutes}}}"),
        Retry::Never => write!(out, ",\"retry in\":\"never\"}}"),
    };
}

fn begin(action: &str, key: SwarmKey, out: &mut String) {
    let _infallible = write!(out, "{{\"action\":\"{action}\",\"info_hash\":");
    binary(key.as_bytes(), out);
}

/// Writes bytes as a text of as many characters.
fn binary(bytes: &[u8], out: &mut String) {
    quoted(bytes.iter().map(|byte| char::from(*byte)), out);
}

fn sentence(words: &str, out: &mut String) {
    quoted(words.chars(), out);
}

fn quoted(characters: impl Iterator<Item = char>, out: &mut String) {
    out.push('"');
    for character in characters {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\x1f' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
