//! Announce and scrape over HTTP: from the bytes of a query to a request, and from a reply to bencoded bytes (BEP 3, 7,
//! 21, 23, 24, 31, 48). Knows nothing of sockets or headers: every answer, a refusal too, goes out with status 200 and
//! `text/plain`. Inside: `query.rs`, `announce.rs`, `scrape.rs`, `bencode.rs`, and
//! `client_ip.rs` with the one rule for proxies.

mod announce;
mod bencode;
mod client_ip;
mod query;
mod scrape;

pub use announce::{MAX_QUERY, parse_announce, write_announce};
pub(crate) use bencode::digits;
pub use client_ip::client_ip;
pub use scrape::{MAX_HASHES, parse_scrape, write_scrape};

use crate::request::{Refusal, Retry};

/// Writes a refusal: the reason, and when to ask again (BEP 31).
pub fn write_failure(refusal: &Refusal, out: &mut Vec<u8>) {
    out.extend_from_slice(b"d14:failure reason");
    bencode::text(&refusal.to_string(), out);
    out.extend_from_slice(b"8:retry in");
    match refusal.retry() {
        Retry::Minutes(minutes) => bencode::integer(minutes.into(), out),
        Retry::Never => bencode::text("never", out),
    }
    out.push(b'e');
}
