//! Magnet links (BEP 9, BEP 52, BEP 53's `ws`): written for every upload, read from people. Holds no torrent; a link is
//! hashes and hints. Next in the flow: pages and feeds show it.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use crate::info_hash::{InfoHashV1, InfoHashV2, SwarmKeys};
use crate::{names, outer};

/// A magnet link. Its text form is read with [`FromStr`] and written with [`fmt::Display`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Magnet {
    /// `xt=urn:btih:…`, 40 hexadecimal digits, or 32 of base 32 when read.
    pub info_hash_v1: Option<InfoHashV1>,
    /// `xt=urn:btmh:1220…`, a multihash of SHA-256; read without the `1220` too, as FEP-d8c8 writes it.
    pub info_hash_v2: Option<InfoHashV2>,
    /// `dn`: what to show before the torrent is there.
    pub name: Option<String>,
    /// `xl`: content in bytes.
    pub size: Option<u64>,
    /// `tr`: trackers.
    pub trackers: Vec<String>,
    /// `ws`: web seeds (BEP 19).
    pub web_seeds: Vec<String>,
}

/// Why a text is not a magnet link that can be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MagnetError {
    /// Longer than 64 KiB.
    #[error("The magnet link is longer than {} bytes.", MAX_LENGTH)]
    TooLong,
    /// Another scheme.
    #[error("A magnet link begins with “magnet:?”.")]
    NotAMagnet,
    /// An `xt` of BitTorrent that holds no hash.
    #[error("The magnet link has an info-hash that cannot be read.")]
    BadHash,
    /// Two different hashes of one kind.
    #[error("The magnet link has two different info-hashes of one kind.")]
    TwoHashes,
    /// No `xt` of BitTorrent.
    #[error("The magnet link has no info-hash (xt=urn:btih:… or xt=urn:btmh:…).")]
    NoHash,
}

const MAX_LENGTH: usize = 64 * 1024;
const MAX_ADDRESSES: usize = 1_000;
/// Multihash code and length of SHA-256.
const SHA256: &str = "1220";
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Magnet {
    /// The keys by which trackers know its swarm; none if it has no hash.
    pub fn swarm_keys(&self) -> Option<SwarmKeys> {
        SwarmKeys::of(self.info_hash_v1, self.info_hash_v2)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), MagnetError> {
        let decoded = || percent_decode_str(value).collect::<Vec<u8>>();
        match key {
            "xt" => self.set_hash(&String::from_utf8_lossy(&decoded())),
            "dn" => {
                // Many programs write a blank as “+” here, as forms do.
                let plain = value.replace('+', " ");
                self.name = names::usable(&percent_decode_str(&plain).collect::<Vec<u8>>());
                Ok(())
            }
            "xl" => {
                self.size = value.parse().ok();
                Ok(())
            }
            "tr" if self.trackers.len() < MAX_ADDRESSES => {
                self.trackers.extend(outer::tracker(&decoded()));
                Ok(())
            }
            "ws" if self.web_seeds.len() < MAX_ADDRESSES => {
                let seed = String::from_utf8(decoded())
                    .ok()
                    .filter(|url| !url.chars().any(char::is_control));
                self.web_seeds.extend(seed);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn set_hash(&mut self, urn: &str) -> Result<(), MagnetError> {
        let lower = urn.to_ascii_lowercase();
        if let Some(text) = lower.strip_prefix("urn:btih:") {
            let hash = text
                .parse()
                .ok()
                .or_else(|| from_base32(text))
                .ok_or(MagnetError::BadHash)?;
            return once(&mut self.info_hash_v1, hash);
        }
        match lower.strip_prefix("urn:btmh:") {
            Some(text) => {
                // 64 digits are a hash without its prefix, even if they happen to begin like it.
                let hash = text
                    .parse()
                    .ok()
                    .or_else(|| text.strip_prefix(SHA256)?.parse().ok());
                once(&mut self.info_hash_v2, hash.ok_or(MagnetError::BadHash)?)
            }
            // Other networks have their own hashes in the same link.
            None => Ok(()),
        }
    }
}

fn once<T: PartialEq>(place: &mut Option<T>, hash: T) -> Result<(), MagnetError> {
    match place {
        Some(known) if *known != hash => Err(MagnetError::TwoHashes),
        _ => {
            *place = Some(hash);
            Ok(())
        }
    }
}

/// RFC 4648 §6 without padding, in lower case: 32 characters are 20 bytes.
fn from_base32(text: &str) -> Option<InfoHashV1> {
    if text.len() != 32 {
        return None;
    }
    let mut bytes = [0_u8; 20];
    for (index, character) in text.bytes().enumerate() {
        let value = match character {
            b'a'..=b'z' => character - b'a',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        for bit in 0..5 {
            let position = index * 5 + bit;
            bytes[position / 8] |= (value >> (4 - bit) & 1) << (7 - position % 8);
        }
    }
    Some(InfoHashV1::new(bytes))
}

impl fmt::Display for Magnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "magnet:?";
        let mut put = |key: &str, value: &dyn fmt::Display| {
            let before = std::mem::replace(&mut separator, "&");
            write!(f, "{before}{key}={value}")
        };
        if let Some(hash) = &self.info_hash_v1 {
            put("xt", &format_args!("urn:btih:{hash}"))?;
        }
        if let Some(hash) = &self.info_hash_v2 {
            put("xt", &format_args!("urn:btmh:{SHA256}{hash}"))?;
        }
        if let Some(name) = &self.name {
            put("dn", &utf8_percent_encode(name, KEPT))?;
        }
        if let Some(size) = &self.size {
            put("xl", size)?;
        }
        for tracker in &self.trackers {
            put("tr", &utf8_percent_encode(tracker, KEPT))?;
        }
        for seed in &self.web_seeds {
            put("ws", &utf8_percent_encode(seed, KEPT))?;
        }
        Ok(())
    }
}

impl FromStr for Magnet {
    type Err = MagnetError;

    fn from_str(text: &str) -> Result<Self, MagnetError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(MagnetError::TooLong);
        }
        let scheme = text
            .get(..8)
            .filter(|scheme| scheme.eq_ignore_ascii_case("magnet:?"));
        let query = &text[scheme.ok_or(MagnetError::NotAMagnet)?.len()..];
        let mut magnet = Magnet::default();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Repeated keys may carry a number: `xt.1`, `tr.2`.
            magnet.set(key.split('.').next().unwrap_or(key), value)?;
        }
        magnet.swarm_keys().ok_or(MagnetError::NoHash)?;
        Ok(magnet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hybrid() -> Magnet {
        Magnet {
            info_hash_v1: Some(InfoHashV1::of(b"de")),
            info_hash_v2: Some(InfoHashV2::of(b"de")),
            name: Some("海の温度 & salt".into()),
            size: Some(1_234),
            trackers: vec![
                "http://tracker.example/announce?key=a&b=c".into(),
                "udp://tracker.example:6969".into(),
            ],
            web_seeds: vec!["https://seed.example/a b/".into()],
        }
    }

    #[test]
    fn a_link_survives_its_text() {
        let text = hybrid().to_string();
        assert!(text.starts_with("magnet:?xt=urn:btih:"), "{text}");
        assert!(text.contains("&xt=urn:btmh:1220"), "{text}");
        assert!(text.is_ascii() && !text.contains(' '), "{text}");
        assert_eq!(text.parse(), Ok(hybrid()));
    }

    #[test]
    fn links_of_other_programs_are_read() {
        let hash: InfoHashV1 = "3cd18ff2d3eec881207dcc5ca5a2c3a2a3afe462"
            .parse()
            .expect("40 digits");
        let base32 =
            "MAGNET:?xt=urn:btih:HTIY74WT53EICID5ZROKLIWDUKR27ZDC&dn=MC+GRID.zip&xl=x&tr=javascript:1&x.pe=a";
        let magnet: Magnet = base32.parse().expect("it is a magnet link");
        assert_eq!(magnet.info_hash_v1, Some(hash));
        assert_eq!(magnet.name.as_deref(), Some("MC GRID.zip"));
        assert_eq!((magnet.size, magnet.trackers.len()), (None, 0));
        let numbered = format!(
            "magnet:?xt.1=urn:btih:{hash}&xt.2=urn:sha1:ABC&xt=urn%3Abtih%3A{hash}&tr.1=udp%3A%2F%2Fa"
        );
        let magnet: Magnet = numbered.parse().expect("it is a magnet link");
        assert_eq!(
            (magnet.info_hash_v1, magnet.trackers.as_slice()),
            (Some(hash), &["udp://a".to_owned()][..])
        );
    }

    #[test]
    fn what_is_no_link_is_refused() {
        let parse = |text: &str| text.parse::<Magnet>().err();
        assert_eq!(parse("http://x"), Some(MagnetError::NotAMagnet));
        assert_eq!(parse("magnet:"), Some(MagnetError::NotAMagnet));
        assert_eq!(parse("magnet:?"), Some(MagnetError::NoHash));
        assert_eq!(parse("magnet:?xt=urn:btih:123"), Some(MagnetError::BadHash));
        assert_eq!(
            parse(&format!("magnet:?xt=urn:btmh:1114{}", "0".repeat(40))),
            Some(MagnetError::BadHash)
        );
        let two = format!(
            "magnet:?xt=urn:btih:{}&xt=urn:btih:{}",
            "a".repeat(40),
            "b".repeat(40)
        );
        assert_eq!(parse(&two), Some(MagnetError::TwoHashes));
        assert_eq!(
            parse(&format!("magnet:?{}", "x".repeat(70_000))),
            Some(MagnetError::TooLong)
        );
    }
}
