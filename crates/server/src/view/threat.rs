//! The scale of danger: each step with its word, its shape and a sentence, so that colour is never alone. The steps are
//! the store's; how they look is here and in `assets/shoal.css`. Next in the flow: `templates/pieces.html`.

use std::fmt;

use askama::filters::HtmlSafe;
use shoal_store::Threat;

/// How a step of the scale is shown; prints as its badge: a shape and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Danger(pub(crate) Threat);

impl Danger {
    /// All steps, from no word to the last.
    pub(crate) const ALL: [Self; 6] = [
        Self(Threat::Unknown),
        Self(Threat::Indefinite),
        Self(Threat::Watchlist),
        Self(Threat::Endangered),
        Self(Threat::TakedownIssued),
        Self(Threat::Extinct),
    ];

    /// The step with this key, if there is one.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|danger| danger.key() == key)
    }

    /// The word in addresses, forms and class names.
    pub(crate) fn key(self) -> &'static str {
        self.0.word()
    }

    /// The word people read.
    pub(crate) fn word(self) -> &'static str {
        match self.0 {
            Threat::Unknown => "Not assessed",
            Threat::Indefinite => "Indefinite",
            Threat::Watchlist => "Watchlist",
            Threat::Endangered => "Endangered",
            Threat::TakedownIssued => "Takedown issued",
            Threat::Extinct => "Extinct",
        }
    }

    /// What the word means for the source of the data.
    pub(crate) fn sentence(self) -> &'static str {
        match self.0 {
            Threat::Unknown => "Nobody has assessed yet how safe the source is.",
            Threat::Indefinite => "No threat is known, and nothing promises that the source stays.",
            Threat::Watchlist => "There are signs that the source may go.",
            Threat::Endangered => "The source is likely to go.",
            Threat::TakedownIssued => "An order to take the source down has been given.",
            Threat::Extinct => "The source is gone. Only copies are left.",
        }
    }

    /// Whether the step is worth a badge in lists.
    pub(crate) fn is_known(self) -> bool {
        self.0 != Threat::Unknown
    }

    /// The outline of the step on a field of 16 by 16.
    fn shape(self) -> &'static str {
        match self.0 {
            Threat::Unknown => {
                r#"<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 2.7"/>"#
            }
            Threat::Indefinite => {
                r#"<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.8"/>"#
            }
            Threat::Watchlist => {
                r#"<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.8"/><path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor"/>"#
            }
            Threat::Endangered => r#"<path d="M8 1.8 15 14H1z" fill="currentColor"/>"#,
            Threat::TakedownIssued => {
                r#"<path d="M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z" fill="currentColor"/>"#
            }
            Threat::Extinct => {
                r#"<path d="m3 3 10 10M13 3 3 13" stroke="currentColor" stroke-width="2.6" stroke-linecap="square"/>"#
            }
        }
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<span class=\"threat threat-{}\"><svg viewBox=\"0 0 16 16\" width=\"14\" height=\"14\" aria-hidden=\"true\">{}</svg>{}</span>",
            self.key(),
            self.shape(),
            self.word()
        )
    }
}

impl HtmlSafe for Danger {}
