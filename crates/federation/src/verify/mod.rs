//! Who sent a request: from its head and body to "this key id signed it", before any look-up. `cavage.rs` and `rfc9421.rs`
//! each turn what a header says into one [`rules::Statement`]; `rules.rs` judges it, the same way for both; `window.rs` and
//! `digest.rs` hold what it judges by; `key.rs` does the arithmetic. Whose key it is comes next, in `inbox/sender.rs`.

mod cavage;
mod component;
pub mod digest;
pub mod key;
mod rfc9421;
mod rules;
#[cfg(test)]
mod vectors;
pub mod window;

pub use rules::Claim;

use http::HeaderMap;
use shoal_store::Millis;

/// The longest signature header that is read, of either scheme.
const MAX_HEADER: usize = 8 * 1024;
/// The most headers or components that a signature may cover.
const MAX_COVERED: usize = 32;
/// The most signatures of one request that are looked at; further ones are ignored.
pub const MAX_SIGNATURES: usize = 4;

/// A request as it reached us, with nothing believed yet.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Path with query, exactly as on the request line.
    pub path_and_query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The whole body; empty for GET.
    pub body: &'a [u8],
}

/// Why a request was not believed. Every one of them is answered 401: servers that tried one scheme first try again with
/// the other only after exactly that status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature header at all.
    #[error("the request is not signed")]
    Unsigned,
    /// The signature headers are not well formed.
    #[error("the signature cannot be read: {0}")]
    Malformed(&'static str),
    /// Something that has to be signed is not.
    #[error("the signature does not cover {0}")]
    NotCovered(&'static str),
    /// The request was made for somebody else.
    #[error("the request was signed for another host")]
    OtherHost,
    /// Outside the window.
    #[error("the request is too old or from the future ({0})")]
    Clock(&'static str),
    /// The body is not the one that was signed.
    #[error("the digest does not match the body")]
    Digest,
    /// The algorithm named is not accepted here or does not go with the key.
    #[error("the signature algorithm is not accepted")]
    Algorithm,
    /// The arithmetic says no.
    #[error("the signature does not verify")]
    Signature,
}

/// Checks everything about a signed request that needs no key (what is covered, for whom, when, the digest), in whichever
/// scheme it is signed: RFC 9421 or draft-cavage-12. `base` is our public scheme and authority (`https://archive.example`),
/// `now` unix milliseconds. Gives one to [`MAX_SIGNATURES`] claims, those by RFC 9421 first; which of them holds, the keys
/// decide ([`Claim::check`]). A signature that does not satisfy the rules is as good as none.
///
/// # Errors
/// When no signature satisfies the rules: the [`Refusal`] of the first, which is always the sender's fault.
pub fn read(head: Head<'_>, base: &str, now: Millis) -> Result<Vec<Claim>, Refusal> {
    let mut refused = Refusal::Unsigned;
    let mut claims = Vec::new();
    let mut stated = rfc9421::statements(head, base);
    stated.extend(cavage::statements(head));
    for statement in stated.into_iter().take(MAX_SIGNATURES) {
        match statement.and_then(|statement| rules::admit(statement, head, base, now)) {
            Ok(claim) => claims.push(claim),
            Err(refusal) if refused == Refusal::Unsigned => refused = refusal,
            Err(_) => {}
        }
    }
    if claims.is_empty() {
        Err(refused)
    } else {
        Ok(claims)
    }
}

/// The lines of one header, as text.
fn lines<'a>(head: Head<'a>, name: &str) -> Result<Vec<&'a str>, Refusal> {
    let values = head.headers.get_all(name).iter();
    values
        .map(|value| value.to_str().map(str::trim))
        .collect::<Result<_, _>>()
        .map_err(|_| Refusal::Malformed("a header is not text"))
}

/// The value of one header, its lines joined as both schemes join them (RFC 9421 §2.1).
fn joined(head: Head<'_>, name: &str) -> Result<String, Refusal> {
    let lines = lines(head, name)?;
    if lines.is_empty() {
        return Err(Refusal::NotCovered("a header that the request has"));
    }
    Ok(lines.join(", "))
}

/// Whether a line of a `Signature` header is of draft-cavage: `keyId` with its capital letter cannot be a key of the
/// structured field that RFC 9421 puts under the same name.
fn is_cavage(line: &str) -> bool {
    line.contains("keyId=")
}
