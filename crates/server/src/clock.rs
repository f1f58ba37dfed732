//! The one place where the wall clock and the operating system's randomness are asked; below the server both are arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use shoal_store::{Millis, Moment};

/// Now, in unix milliseconds.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// A moment for a writing verb: now, and randomness for its ids.
#[must_use]
pub fn moment() -> Moment {
    Moment::new(now(), rand::random())
}

/// Bytes as lower-case hexadecimal text.
pub fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as RFC 3339 in UTC with milliseconds, the way the API tells times.
#[must_use]
pub fn rfc3339(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map(|t| format!("{t:.3}"))
        .unwrap_or_default()
}

/// A day, counted from 1970 in UTC, as `2026-11-20`.
#[must_use]
pub fn date(day: i64) -> String {
    rfc3339(day.saturating_mul(24 * 60 * 60 * 1000))
        .chars()
        .take(10)
        .collect()
}
