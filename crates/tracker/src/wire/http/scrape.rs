//! The scrape (BEP 48), of the named torrents only: the whole table is never given out. `downloaders` is BEP 21's.

use shoal_torrent::SwarmKey;

use super::announce::info_hash;
use super::bencode::{bytes, integer};
use super::query;
use crate::reply::Scraped;
use crate::request::Refusal;

/// The most hashes of one scrape that are read; what follows is not looked at. `Settings::max_scrape` may be lower.
pub const MAX_HASHES: usize = 1000;

/// Reads the query of a scrape, the bytes behind `?`.
///
/// # Errors
/// No hash is named, or one is wrong; to be told to the client with `write_failure`.
pub fn parse_scrape(query: &[u8]) -> Result<Vec<SwarmKey>, Refusal> {
    let hashes = query::pairs(query)
        .filter(|(name, _)| *name == b"info_hash")
        .take(MAX_HASHES);
    let keys = hashes
        .map(|(_, value)| info_hash(value))
        .collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        Err(Refusal::FullScrape)
    } else {
        Ok(keys)
    }
}

/// Writes the answer to a scrape. Torrents that are not served are left out; the rest is sorted, each once.
pub fn write_scrape(scraped: &mut [Scraped], out: &mut Vec<u8>) {
    scraped.sort_unstable_by_key(|torrent| torrent.key);
    out.extend_from_slice(b"d5:filesd");
    let mut last = None;
    for Scraped { key, counts } in scraped.iter() {
        let Some(counts) = counts else { continue };
        if last.replace(key) == Some(key) {
            continue;
        }
        bytes(key.as_bytes(), out);
        out.extend_from_slice(b"d8:complete");
        integer(counts.complete.into(), out);
        out.extend_from_slice(b"10:downloaded");
        integer(counts.completed.into(), out);
        out.extend_from_slice(b"11:downloaders");
        integer(counts.downloaders.into(), out);
        out.extend_from_slice(b"10:incomplete");
        integer(counts.incomplete.into(), out);
        out.push(b'e');
    }
    out.extend_from_slice(b"ee");
}
