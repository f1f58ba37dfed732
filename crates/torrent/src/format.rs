//! Which kind of torrent it is, and how that is spelled. Next in the flow: `metainfo.rs`.

use std::fmt;
use std::str::FromStr;

/// Which info-hashes a torrent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Only v1 (BEP 3).
    V1,
    /// Only v2 (BEP 52).
    V2,
    /// Both, for one and the same content.
    Hybrid,
}

impl Format {
    /// `v1`, `v2` or `hybrid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::V1 => "v1",
            Format::V2 => "v2",
            Format::Hybrid => "hybrid",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        [Format::V1, Format::V2, Format::Hybrid]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or(UnknownFormat)
    }
}

/// A text that names no format.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("Not a torrent format; there are v1, v2 and hybrid.")]
pub struct UnknownFormat;
