//! Whether a thing may be seen, and if not, since when and why: the same for datasets, uploads, collections and
//! accounts. Who changes it is `moderation.rs`.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// What moderators decided about a thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Visibility {
    /// Everyone may see it.
    #[default]
    Visible,
    /// Not to be seen, until it is restored.
    Hidden {
        /// Since when.
        at: Millis,
        /// The moderators' words.
        reason: String,
    },
    /// Gone for ever.
    Removed {
        /// Since when.
        at: Millis,
        /// The moderators' words.
        reason: String,
    },
}

pub(crate) const VISIBLE: &str = "visible";
pub(crate) const HIDDEN: &str = "hidden";
pub(crate) const REMOVED: &str = "removed";

impl Visibility {
    /// Whether everyone may see it.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        matches!(self, Self::Visible)
    }

    /// Whether it is gone for ever.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        matches!(self, Self::Removed { .. })
    }

    /// From the columns `state`, `state_at` and `state_reason`.
    pub(crate) fn from_columns(state: &str, at: Millis, reason: String) -> Self {
        match state {
            VISIBLE => Self::Visible,
            REMOVED => Self::Removed { at, reason },
            // An unknown word, which the schema does not let in, hides.
            _ => Self::Hidden { at, reason },
        }
    }

    /// The stricter of two: removed before hidden before visible.
    pub(crate) fn stricter(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Removed { .. }, _) | (Self::Hidden { .. }, Self::Visible | Self::Hidden { .. }) => self,
            (Self::Hidden { .. }, Self::Removed { .. }) | (Self::Visible, _) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_decision_counts() {
        let hidden = Visibility::Hidden {
            at: 1,
            reason: "h".into(),
        };
        let removed = Visibility::Removed {
            at: 2,
            reason: "r".into(),
        };
        assert_eq!(Visibility::Visible.stricter(hidden.clone()), hidden);
        assert_eq!(hidden.clone().stricter(Visibility::Visible), hidden);
        assert_eq!(hidden.clone().stricter(removed.clone()), removed);
        assert_eq!(removed.clone().stricter(hidden), removed);
    }
}
