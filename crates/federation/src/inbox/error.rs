//! Why an activity was not taken in, and what its sender is told. Their fault is 4xx, with a sentence; ours is 5xx, so
//! that they try again.

use crate::{verify::Refusal, vocab::incoming::Unreadable};
use shoal_store::StoreError;

/// Why an activity was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// More than 1 MiB.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The signature is missing or does not hold.
    #[error(transparent)]
    Signature(#[from] Refusal),
    /// The key is not one that the activity's actor lists, or the actor is gone.
    #[error("the key {0}")]
    Key(&'static str),
    /// The sender's server did not answer when asked for the key; it may later.
    #[error("the sender's actor could not be fetched: {0}")]
    Unreachable(String),
    /// Too many new actors or Follows of one host in a minute.
    #[error("too much comes from your server at once; please try again in a minute")]
    TooMany,
    /// The body cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Somebody acts where they have no say.
    #[error("{0}")]
    Forbidden(&'static str),
    /// What it is addressed to is not here.
    #[error("{0}")]
    NotHere(&'static str),
    /// The deadline passed.
    #[error("this took too long")]
    TooSlow,
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InboxError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Signature(_) | Self::Key(_) => 401,
            Self::TooMany => 429,
            Self::Unreadable(_) => 400,
            Self::Forbidden(_) => 403,
            Self::NotHere(_) => 404,
            Self::Unreachable(_) | Self::TooSlow | Self::Store(StoreError::Unavailable(_)) => 503,
            Self::Store(StoreError::NotFound { .. }) => 404,
            Self::Store(StoreError::Gone { .. }) => 410,
            Self::Store(StoreError::Invalid(_)) => 400,
            Self::Store(StoreError::Refused(_)) => 403,
            Self::Store(_) => 500,
        }
    }

    /// What the sender reads; what went wrong inside stays in our log.
    pub fn sentence(&self) -> String {
        let text = match self {
            Self::Store(_) if self.status() >= 500 => {
                "This server has a problem; please try again later.".to_owned()
            }
            Self::Unreachable(_) => {
                "Your server did not answer when asked for the actor; please try again.".to_owned()
            }
            other => other.to_string(),
        };
        let mut characters = text.chars();
        let first = characters
            .next()
            .map(|first| first.to_uppercase().to_string())
            .unwrap_or_default();
        let rest = characters.as_str();
        let stop = if rest.ends_with('.') { "" } else { "." };
        format!("{first}{rest}{stop}")
    }
}
