//! Personal announce keys as clients bring them: sixteen bytes in the path of the announce URL. Holds the one reading of
//! such paths, whatever the protocol. Which keys are valid is in `passes.rs`, next in the flow.

use std::fmt;

use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::request::Refusal;

/// Hexadecimal digits of a key.
const DIGITS: usize = 32;

/// A personal announce key. As text: 32 lower-case hexadecimal digits, which stand in any URL. It is never printed:
/// `Debug` leaves it out, and whoever shows it to its owner says so by `reveal`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pass([u8; 16]);

impl Pass {
    /// A key of sixteen bytes, which must be random.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key as its owner is shown it, once.
    pub fn reveal(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is kept of it: its SHA-256. It has 128 random bits, so that no slow hash is needed.
    pub fn hash(&self) -> PassHash {
        PassHash(Sha256::digest(self.0).into())
    }

    /// The key in the path of an announce or scrape: that of an HTTP or WebSocket request, or the URL data of a UDP
    /// announce (BEP 41). `/announce/{key}` and `/scrape/{key}` have one, whatever stands behind `?`; all other paths
    /// have none, and whether they lead anywhere is for the door to say.
    ///
    /// # Errors
    /// What stands behind `/announce/` or `/scrape/` is no key: to be told to the client, which must not go on as if it
    /// had none.
    pub fn of_path(path: &[u8]) -> Result<Option<Self>, Refusal> {
        let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let behind = path
            .strip_prefix(b"/announce/")
            .or_else(|| path.strip_prefix(b"/scrape/"));
        match behind {
            None | Some(b"") => Ok(None),
            Some(text) => Self::of_text(text).map(Some).ok_or(Refusal::UnknownKey),
        }
    }

    /// The keys that stand in announce URLs within any bytes, such as those of a torrent, whether they are valid or not.
    pub fn within(bytes: &[u8]) -> impl Iterator<Item = Self> {
        const BEFORE: &[u8] = b"/announce/";
        memmem::find_iter(bytes, BEFORE).filter_map(move |at| {
            let at = at + BEFORE.len();
            Self::of_text(bytes.get(at..at + DIGITS)?)
        })
    }

    fn of_text(text: &[u8]) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let mut bytes = [0; DIGITS / 2];
        if text.len() != DIGITS {
            return None;
        }
        for (pair, byte) in text.chunks_exact(2).zip(&mut bytes) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass(…)")
    }
}

/// The SHA-256 of a key: all that is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassHash(pub [u8; 32]);

impl fmt::Debug for PassHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn a_key_is_read_from_each_path_that_has_one() {
        let key = Pass::of_path(format!("/announce/{TEXT}").as_bytes());
        let key = key.expect("it is well formed").expect("there is one");
        assert_eq!(key.reveal(), TEXT);
        for path in [
            format!("/scrape/{TEXT}"),
            format!("/announce/{TEXT}?info_hash=x/y"),
            format!("/announce/{}", TEXT.to_uppercase()),
        ] {
            assert_eq!(Pass::of_path(path.as_bytes()), Ok(Some(key)), "{path}");
        }
        for path in [
            "",
            "/",
            "/announce",
            "/announce/",
            "/scrape?a=/announce/b",
            "/ann/x",
            "?",
        ] {
            assert_eq!(Pass::of_path(path.as_bytes()), Ok(None), "{path}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_passed_over() {
        for wrong in [
            "x".to_owned(),
            TEXT[1..].to_owned(),
            format!("{TEXT}0"),
            format!("{TEXT}/"),
            format!("{TEXT}/more"),
            format!("+{}", &TEXT[1..]),
            format!("%30{}", &TEXT[3..]),
            "é".repeat(16),
            "0".repeat(100_000),
        ] {
            let path = format!("/announce/{wrong}");
            assert_eq!(Pass::of_path(path.as_bytes()), Err(Refusal::UnknownKey));
        }
    }

    #[test]
    fn keys_are_found_wherever_urls_stand() {
        let other = "0".repeat(DIGITS);
        let text = format!(
            "d8:announce60:http://a/announce/{TEXT}4:a/announce//announce/x{other}/announce/{other}e"
        );
        let found: Vec<String> = Pass::within(text.as_bytes()).map(|key| key.reveal()).collect();
        assert_eq!(found, [TEXT, &other]);
        assert_eq!(Pass::within(&text.as_bytes()[..50]).count(), 0, "cut short");
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = Pass::new([0xab; 16]);
        assert_eq!(format!("{key:?} {:?}", key.hash()), "Pass(…) PassHash(…)");
        assert_ne!(key.hash(), Pass::new([0xac; 16]).hash());
    }
}
