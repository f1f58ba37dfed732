//! How much in danger the source of a dataset is: five steps and not knowing, in order. Next: `datasets.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::StoreError;

/// How much in danger the source is; a later one is worse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Threat {
    /// Nobody looked yet.
    #[default]
    Unknown,
    /// In danger at some time, as everything is.
    Indefinite,
    /// Signs of danger.
    Watchlist,
    /// Likely to go soon.
    Endangered,
    /// Ordered to be taken down.
    TakedownIssued,
    /// Gone from its source.
    Extinct,
}

impl Threat {
    /// All of them, the least first.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Indefinite,
        Self::Watchlist,
        Self::Endangered,
        Self::TakedownIssued,
        Self::Extinct,
    ];

    /// The word for it in addresses and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Indefinite => "indefinite",
            Self::Watchlist => "watchlist",
            Self::Endangered => "endangered",
            Self::TakedownIssued => "takedown-issued",
            Self::Extinct => "extinct",
        }
    }

    /// As the column holds it, so that it sorts.
    pub(crate) fn rank(self) -> i64 {
        self as i64
    }

    pub(crate) fn from_rank(rank: i64) -> Self {
        Self::ALL
            .into_iter()
            .find(|threat| threat.rank() == rank)
            .unwrap_or_default()
    }
}

impl fmt::Display for Threat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Threat {
    type Err = StoreError;

    fn from_str(word: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|threat| threat.word() == word)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::word).join(", ");
                StoreError::Invalid(format!("{word:?} is not a threat; there are {known}."))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threats_sort_and_are_read_as_they_are_written() {
        assert!(Threat::ALL.is_sorted());
        for threat in Threat::ALL {
            assert_eq!(
                threat.to_string().parse::<Threat>().expect("its own word"),
                threat
            );
            assert_eq!(Threat::from_rank(threat.rank()), threat);
        }
        assert!("doomed".parse::<Threat>().is_err());
    }
}
