//! When and for whom a request may have been signed: the two-sided window, HTTP dates, and our own host. `rules.rs` applies
//! it; the body is `digest.rs`.

use super::Refusal;
use shoal_store::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// How old a signature may be: twelve hours, so that a sender's retry queue and a skewed clock still get through.
pub const OLDEST: Millis = 12 * 3600 * 1000;
/// How far in the future it may lie: one hour of clock skew.
pub const NEWEST: Millis = 3600 * 1000;
/// How long after its stated expiry it is still taken: five minutes of clock skew.
pub const EXPIRY_LEEWAY: Millis = 5 * 60 * 1000;

/// Checks a signing time against the two-sided window.
pub fn check_time(now: Millis, signed_at: Millis, what: &'static str) -> Result<(), Refusal> {
    if signed_at < now.saturating_sub(OLDEST) || signed_at > now.saturating_add(NEWEST) {
        return Err(Refusal::Clock(what));
    }
    Ok(())
}

/// Reads an HTTP date (RFC 9110 §5.6.7).
pub fn http_date(text: &str) -> Result<Millis, Refusal> {
    let time: SystemTime =
        httpdate::parse_http_date(text).map_err(|_| Refusal::Clock("Date cannot be read"))?;
    let since = time
        .duration_since(UNIX_EPOCH)
        .map_err(|_| Refusal::Clock("Date cannot be read"))?;
    Millis::try_from(since.as_millis()).map_err(|_| Refusal::Clock("Date cannot be read"))
}

/// Whether the Host that was signed is us. `authority` is `host` or `host:port` of the public base URL; the default port
/// may be written or left out.
pub fn check_host(host: &str, authority: &str) -> Result<(), Refusal> {
    let plain = |text: &str| {
        let lower = text.trim().to_ascii_lowercase();
        let bare = lower
            .strip_suffix(":443")
            .or_else(|| lower.strip_suffix(":80"))
            .unwrap_or(&lower);
        bare.to_owned()
    };
    if plain(host) == plain(authority) {
        Ok(())
    } else {
        Err(Refusal::OtherHost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_two_sides() {
        let now = 1_700_000_000_000;
        assert!(check_time(now, now - OLDEST, "date").is_ok());
        assert!(check_time(now, now - OLDEST - 1, "date").is_err());
        assert!(check_time(now, now + NEWEST, "date").is_ok());
        assert!(check_time(now, now + NEWEST + 1, "date").is_err());
    }

    #[test]
    fn the_host_is_ours_with_or_without_the_default_port() {
        assert!(check_host("Archive.example", "archive.example").is_ok());
        assert!(check_host("archive.example:443", "archive.example").is_ok());
        assert!(check_host("archive.example:8080", "archive.example:8080").is_ok());
        for other in [
            "archive.example:8080",
            "archive.example.",
            "evil.example",
            "",
            "archive.example.evil.example",
        ] {
            assert!(check_host(other, "archive.example").is_err(), "{other}");
        }
    }
}
