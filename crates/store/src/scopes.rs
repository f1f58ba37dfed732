//! What an account or a token may do. A greater scope includes all the lesser ones. Next: `accounts.rs`.

use std::fmt;
use std::str::FromStr;

use crate::StoreError;

/// One kind of permission; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Describe datasets and hand in uploads for review.
    Submit,
    /// Publish uploads at once.
    Upload,
    /// Moderate: hide, restore, remove.
    Review,
    /// Accounts, instances and deliveries.
    Admin,
    /// Everything, and naming other owners.
    Owner,
}

impl Scope {
    /// All scopes, the least first.
    pub const ALL: [Self; 5] = [Self::Submit, Self::Upload, Self::Review, Self::Admin, Self::Owner];

    /// The word for it on the command line and in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Upload => "upload",
            Self::Review => "review",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A set of scopes; as text a list such as `upload,review`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// No permission at all.
    pub const NONE: Self = Self(0);

    /// Exactly these scopes.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// The scopes named, without those they include.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.0 & scope.bit() != 0)
    }

    /// Whether `wanted` or one that includes it is named.
    #[must_use]
    pub fn allows(self, wanted: Scope) -> bool {
        self.greatest().is_some_and(|greatest| greatest >= wanted)
    }

    /// What both allow.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        match (self.greatest(), other.greatest()) {
            (Some(ours), Some(theirs)) => Self::of(&[ours.min(theirs)]),
            _ => Self::NONE,
        }
    }

    fn greatest(self) -> Option<Scope> {
        self.iter().last()
    }

    /// As the column holds it.
    pub(crate) fn stored(self) -> i64 {
        i64::from(self.0)
    }

    /// From the column; bits that mean nothing are left out.
    pub(crate) fn from_stored(bits: i64) -> Self {
        Self::of(
            &Scope::ALL
                .into_iter()
                .filter(|scope| bits & i64::from(scope.bit()) != 0)
                .collect::<Vec<_>>(),
        )
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Scope::word).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Scope {
    type Err = StoreError;

    fn from_str(word: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.word() == word)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::word).join(", ");
                StoreError::Invalid(format!("{word:?} is not a scope; there are {known}."))
            })
    }
}

impl FromStr for Scopes {
    type Err = StoreError;

    fn from_str(list: &str) -> Result<Self, StoreError> {
        let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(Self::of(
            &words.map(str::parse).collect::<Result<Vec<Scope>, _>>()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greater_scope_includes_the_lesser() {
        let reviewer = Scopes::of(&[Scope::Review]);
        assert!(reviewer.allows(Scope::Upload) && reviewer.allows(Scope::Review));
        assert!(!reviewer.allows(Scope::Admin));
        assert!(!Scopes::NONE.allows(Scope::Submit));
    }

    #[test]
    fn a_token_never_allows_more_than_its_account() {
        let owner = Scopes::of(&[Scope::Owner]);
        let uploader: Scopes = "submit,upload".parse().expect("known words");
        assert_eq!(owner.both(uploader).to_string(), "upload");
        assert_eq!(uploader.both(owner).to_string(), "upload");
        assert_eq!(owner.both(Scopes::NONE), Scopes::NONE);
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let scopes: Scopes = " review, upload".parse().expect("known words");
        assert_eq!(scopes.to_string(), "upload,review");
        assert_eq!(Scopes::from_stored(scopes.stored()), scopes);
        assert!(
            "uplaod"
                .parse::<Scopes>()
                .is_err_and(|error| error.to_string().contains("submit, upload"))
        );
    }
}
