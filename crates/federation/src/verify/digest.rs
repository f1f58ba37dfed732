//! The digest of a body, in the two headers that carry one: `Digest` (RFC 3230), which goes with draft-cavage, and
//! `Content-Digest` (RFC 9530), which goes with RFC 9421. Read here for `rules.rs` and written for `sign.rs`.

use super::Refusal;
use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The longest header that is read; with every registered algorithm it stays below.
const MAX_HEADER: usize = 1024;

/// Compares a `Digest` header with the body. Needs exactly one SHA-256 value; the algorithm's name is read without regard
/// to case.
///
/// # Errors
/// [`Refusal::Digest`].
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
    compare(&digest::SHA256, body, &given)
}

/// Compares a `Content-Digest` header with the body. Needs a `sha-256` or a `sha-512` value, and what it has of them has to
/// fit; other algorithms are ignored.
///
/// # Errors
/// [`Refusal::Digest`].
pub fn check_content_digest(header: &str, body: &[u8]) -> Result<(), Refusal> {
    if header.len() > MAX_HEADER {
        return Err(Refusal::Digest);
    }
    let given: Dictionary = Parser::new(header).parse().map_err(|_| Refusal::Digest)?;
    let mut compared = false;
    for (name, algorithm) in [("sha-256", &digest::SHA256), ("sha-512", &digest::SHA512)] {
        match given.get(name) {
            None => {}
            Some(ListEntry::Item(item)) => {
                let BareItem::ByteSequence(value) = &item.bare_item else {
                    return Err(Refusal::Digest);
                };
                compare(algorithm, body, value)?;
                compared = true;
            }
            Some(ListEntry::InnerList(_)) => return Err(Refusal::Digest),
        }
    }
    if compared { Ok(()) } else { Err(Refusal::Digest) }
}

fn compare(algorithm: &'static digest::Algorithm, body: &[u8], given: &[u8]) -> Result<(), Refusal> {
    let computed = digest::digest(algorithm, body);
    constant_time::verify_slices_are_equal(computed.as_ref(), given).map_err(|_| Refusal::Digest)
}

/// The `Digest` header's value for a body.
pub fn digest_of(body: &[u8]) -> String {
    format!("SHA-256={}", base64_of(body))
}

/// The `Content-Digest` header's value for a body.
pub fn content_digest_of(body: &[u8]) -> String {
    format!("sha-256=:{}:", base64_of(body))
}

fn base64_of(body: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, body))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_content_digest_must_have_a_known_value_and_all_known_ones_must_match() {
        // RFC 9530 appendix B.1, with the digests that it prints.
        let body = br#"{"hello": "world"}"#;
        let short = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
        let long = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
        for good in [
            short.to_owned(),
            long.to_owned(),
            format!("{short}, {long}"),
            format!("md5=:AAAA:, {short};q=1"),
            content_digest_of(body),
        ] {
            assert_eq!(check_content_digest(&good, body), Ok(()), "{good}");
            assert!(check_content_digest(&good, b"other").is_err(), "{good}");
        }
        for wrong in [
            String::new(),
            "md5=:AAAA:".to_owned(),
            "sha-256".to_owned(),
            "sha-256=(:AAAA:)".to_owned(),
            short.replace(':', ""),
            short.replace("sha", "SHA"),
            format!("{short}, sha-512=:AAAA:"),
            format!("{short}, x=\"{}\"", "a".repeat(MAX_HEADER)),
        ] {
            assert_eq!(
                check_content_digest(&wrong, body),
                Err(Refusal::Digest),
                "{wrong}"
            );
        }
    }
}
