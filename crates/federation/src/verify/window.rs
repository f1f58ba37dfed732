//! The rules that do not depend on how a request was signed: the clock, the host it was made for, and the digest of its
//! body. One signature scheme that reads them is `cavage.rs`.

use super::Refusal;
use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use shoal_store::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// How old a signature may be: twelve hours, so that a sender's retry queue and a skewed clock still get through.
pub const OLDEST: Millis = 12 * 3600 * 1000;
/// How far in the future it may lie: one hour of clock skew.
pub const NEWEST: Millis = 3600 * 1000;
/// How long after its stated expiry it is still taken: five minutes of clock skew.
pub const EXPIRY_LEEWAY: Millis = 5 * 60 * 1000;

/// The only value of a header; refused when it comes twice or is not text.
pub fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Refusal::Malformed("a header comes twice"));
    }
    value
        .to_str()
        .map(Some)
        .map_err(|_| Refusal::Malformed("a header is not text"))
}

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

/// Compares a `Digest` header (RFC 3230) with the body. Needs exactly one SHA-256 value; the algorithm's name is read
/// without regard to case.
pub fn check_digest(header: &str, body: &[u8]) -> Result<(), Refusal> {
    let mut given = None;
    for part in header.split(',').take(8) {
        let (name, value) = part.trim().split_once('=').ok_or(Refusal::Digest)?;
        if name.eq_ignore_ascii_case("sha-256") && given.replace(value).is_some() {
            return Err(Refusal::Digest);
        }
    }
    let given = STANDARD
        .decode(given.ok_or(Refusal::Digest)?)
        .map_err(|_| Refusal::Digest)?;
    let computed = digest::digest(&digest::SHA256, body);
    constant_time::verify_slices_are_equal(computed.as_ref(), &given).map_err(|_| Refusal::Digest)
}

/// The `Digest` header's value for a body.
pub fn digest_of(body: &[u8]) -> String {
    format!(
        "SHA-256={}",
        STANDARD.encode(digest::digest(&digest::SHA256, body))
    )
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

    #[test]
    fn a_digest_must_name_sha256_once_and_match() {
        let good = digest_of(b"body");
        assert!(check_digest(&good, b"body").is_ok());
        assert!(check_digest(&good.to_lowercase(), b"body").is_err());
        assert!(check_digest(&format!("sha-256={}", &good[8..]), b"body").is_ok());
        assert!(check_digest(&format!("SHA-512=abc,{good}"), b"body").is_ok());
        for wrong in [
            "",
            "SHA-256",
            "SHA-256=",
            "MD5=abc",
            &format!("{good},{good}"),
            &good[..20],
        ] {
            assert!(check_digest(wrong, b"body").is_err(), "{wrong}");
        }
        assert!(check_digest(&good, b"other").is_err());
    }
}
