//! The names of a torrent: its info-hashes and the 20 bytes by which trackers know it. Holds no parsing of torrents;
//! the hashes are computed in `metainfo.rs`. Next in the flow: `metainfo.rs`.

use std::fmt;
use std::str::FromStr;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A text that is not a hash of the wanted kind.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("Not {expected} hexadecimal digits.")]
pub struct NotAHash {
    /// Digits that were expected.
    pub expected: usize,
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// How many bytes it has.
            pub const LEN: usize = $len;

            /// Takes the bytes as they are.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes as they are.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The hash in `bytes`, if they are exactly as many as it has.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotAHash;

            fn from_str(text: &str) -> Result<Self, NotAHash> {
                let mut bytes = [0; $len];
                from_hex(text, &mut bytes).then_some(Self(bytes)).ok_or(NotAHash { expected: 2 * $len })
            }
        }
    };
}

hash! {
    /// SHA-1 of the info dictionary as it stands in the file (BEP 3). As text: 40 hexadecimal digits.
    InfoHashV1, 20
}
hash! {
    /// SHA-256 of the info dictionary as it stands in the file (BEP 52). As text: 64 hexadecimal digits.
    InfoHashV2, 32
}
hash! {
    /// The 20 bytes by which peers and trackers name a swarm: the v1 hash, or the v2 hash cut short (BEP 52).
    SwarmKey, 20
}

impl InfoHashV1 {
    /// Hashes an info dictionary.
    pub fn of(info: &[u8]) -> Self {
        Self(Sha1::digest(info).into())
    }
}

impl InfoHashV2 {
    /// Hashes an info dictionary.
    pub fn of(info: &[u8]) -> Self {
        Self(Sha256::digest(info).into())
    }

    /// The key of its swarm: the first 20 bytes.
    pub fn truncated(&self) -> SwarmKey {
        let mut key = [0; 20];
        key.copy_from_slice(&self.0[..20]);
        SwarmKey(key)
    }
}

impl From<InfoHashV1> for SwarmKey {
    fn from(hash: InfoHashV1) -> Self {
        Self(hash.0)
    }
}

impl From<InfoHashV2> for SwarmKey {
    fn from(hash: InfoHashV2) -> Self {
        hash.truncated()
    }
}

/// All keys of one swarm. A hybrid torrent is one swarm that is reached by two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SwarmKeys {
    /// The v1 key if there is one, else the v2 key.
    pub primary: SwarmKey,
    /// The v2 key of a hybrid.
    pub alias: Option<SwarmKey>,
}

impl SwarmKeys {
    /// The keys of a torrent with these hashes; `None` if it has neither.
    pub fn of(v1: Option<InfoHashV1>, v2: Option<InfoHashV2>) -> Option<Self> {
        match (v1, v2) {
            (Some(v1), v2) => Some(Self {
                primary: v1.into(),
                alias: v2.map(SwarmKey::from),
            }),
            (None, Some(v2)) => Some(Self {
                primary: v2.into(),
                alias: None,
            }),
            (None, None) => None,
        }
    }

    /// Each key once.
    pub fn iter(&self) -> impl Iterator<Item = SwarmKey> + use<> {
        [Some(self.primary), self.alias].into_iter().flatten()
    }
}

impl From<SwarmKey> for SwarmKeys {
    fn from(primary: SwarmKey) -> Self {
        Self { primary, alias: None }
    }
}

/// Reads exactly as many hexadecimal digits as fill `bytes`.
pub(crate) fn from_hex(text: &str, bytes: &mut [u8]) -> bool {
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    text.len() == 2 * bytes.len()
        && text.as_bytes().chunks_exact(2).zip(bytes).all(|(pair, byte)| {
            let value = digit(pair[0])
                .zip(digit(pair[1]))
                .map(|(high, low)| high << 4 | low);
            value.map(|value| *byte = value).is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_text() {
        let hash = InfoHashV2::of(b"de");
        assert_eq!(hash.to_string().len(), 64);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
        assert_eq!(
            "xy".repeat(20).parse::<InfoHashV1>(),
            Err(NotAHash { expected: 40 })
        );
        assert_eq!(
            "é".repeat(20).parse::<InfoHashV1>(),
            Err(NotAHash { expected: 40 })
        );
        assert_eq!(
            "ab".repeat(19).parse::<SwarmKey>(),
            Err(NotAHash { expected: 40 })
        );
    }

    #[test]
    fn a_hybrid_has_two_keys_and_one_swarm() {
        let (v1, v2) = (InfoHashV1::of(b"de"), InfoHashV2::of(b"de"));
        let keys = SwarmKeys::of(Some(v1), Some(v2)).expect("it has hashes");
        assert_eq!(keys.primary.as_bytes(), v1.as_bytes());
        assert_eq!(
            keys.alias.expect("a hybrid has an alias").as_bytes()[..],
            v2.as_bytes()[..20]
        );
        assert_eq!(keys.iter().count(), 2);
        assert_eq!(SwarmKeys::of(None, Some(v2)).expect("it has a hash").alias, None);
        assert_eq!(SwarmKeys::of(None, None), None);
    }
}
