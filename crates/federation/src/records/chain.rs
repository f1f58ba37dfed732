//! How the editions of a record hang together: each names the one before by its version and by the digest of its exact
//! bytes, so that whoever has the newest can tell whether an older one is what it was. Pure. Next: `evidence.rs`.

use super::digest_multibase;
use crate::{
    policy::same_origin,
    time::parse_rfc3339,
    vocab::{exact, incoming::url_of},
};
use serde_json::{Map, Value};

/// Why editions do not hang together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unchained {
    /// `version` is not a number from 1.
    #[error("its version is not a number from 1")]
    Version,
    /// `wasRevisionOf` without an address on the same server or without a SHA-256 digest.
    #[error("its wasRevisionOf names no former edition")]
    Former,
    /// A version above 1 without `wasRevisionOf`, or the other way round.
    #[error("it says that it is edition {0}, which does not fit what it says of the edition before")]
    Missing(u64),
    /// `updated` is missing in an edited record, unreadable, or not after `published`.
    #[error("its updated is not later than its published")]
    Updated,
    /// There is no edition before.
    #[error("it is the first edition; there is none before it")]
    First,
    /// The other file is not the text that the digest is of.
    #[error("the former edition is another text than the one it names ({0})")]
    OtherText(String),
    /// The other file is of another record, or of another edition.
    #[error("the former edition is not edition {0} of the same record")]
    OtherRecord(u64),
}

/// Checks what a document says of its own edition; one that says nothing is the first.
///
/// # Errors
/// [`Unchained`].
pub(super) fn edition(members: &Map<String, Value>) -> Result<u64, Unchained> {
    let version = match members.get("version") {
        Some(version) => version
            .as_u64()
            .filter(|version| *version >= 1)
            .ok_or(Unchained::Version)?,
        None => 1,
    };
    let Some(former) = members.get("wasRevisionOf") else {
        return if version == 1 {
            Ok(1)
        } else {
            Err(Unchained::Missing(version))
        };
    };
    if version == 1 {
        return Err(Unchained::Missing(version));
    }
    let address = url_of(former).zip(members.get("id").and_then(url_of));
    let is_near = address.is_some_and(|(former, id)| same_origin(&former, &id));
    if !is_near || digest(former).is_none() {
        return Err(Unchained::Former);
    }
    let time = |name: &str| members.get(name)?.as_str().and_then(parse_rfc3339);
    match (time("published"), time("updated")) {
        (Some(published), Some(updated)) if published < updated => Ok(version),
        _ => Err(Unchained::Updated),
    }
}

/// Checks that `former` is the very text that a document names as the edition before it.
///
/// # Errors
/// [`Unchained`].
pub(super) fn follows(document: &Value, former: &[u8]) -> Result<(), Unchained> {
    let named = document.get("wasRevisionOf").ok_or(Unchained::First)?;
    let named = digest(named).ok_or(Unchained::Former)?;
    let found = digest_multibase(former);
    if found != named {
        return Err(Unchained::OtherText(found));
    }
    let version = document
        .get("version")
        .and_then(Value::as_u64)
        .ok_or(Unchained::Version)?;
    let other = Unchained::OtherRecord(version - 1);
    let former = exact::read(former).map_err(|_| other.clone())?;
    let its_version = former
        .as_object()
        .map(edition)
        .transpose()
        .map_err(|_| other.clone())?;
    if former.get("id") == document.get("id") && its_version == Some(version - 1) {
        Ok(())
    } else {
        Err(other)
    }
}

/// The digest of the former edition, if it is one that can be compared: base58btc of a SHA-256 multihash.
fn digest(former: &Value) -> Option<&str> {
    let text = former.get("digestMultibase")?.as_str()?;
    let bytes = bs58::decode(text.strip_prefix('z').filter(|digits| digits.len() < 64)?)
        .into_vec()
        .ok()?;
    matches!(bytes.as_slice(), [0x12, 0x20, rest @ ..] if rest.len() == 32).then_some(text)
}
