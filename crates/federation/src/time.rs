//! Times as ActivityPub writes them: RFC 3339 in UTC, whole seconds.

use jiff::Timestamp;
use shoal_store::Millis;

/// Writes `2026-11-20T08:00:00Z`; a time outside the years 0–9999 is written as the epoch.
pub fn rfc3339(at: Millis) -> String {
    let seconds = at.div_euclid(1000);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// Reads an RFC 3339 time with any offset; `None` when it is not one.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
