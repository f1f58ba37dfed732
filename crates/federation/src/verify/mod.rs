//! Who sent a request: from its head and body to "this key id signed it", before any look-up. `cavage.rs` speaks the
//! one scheme understood so far (draft-cavage-http-signatures-12); `window.rs` holds the rules that every scheme shares;
//! `key.rs` does the arithmetic. Whose key it is comes next, in `inbox/sender.rs`.

pub mod cavage;
pub mod key;
#[cfg(test)]
mod vectors;
pub mod window;

use http::HeaderMap;

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

/// Why a request was not believed. Every one of them is answered 401: servers that tried another scheme first try again
/// with cavage only after exactly that status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature header at all.
    #[error("the request is not signed")]
    Unsigned,
    /// Signed in a way that is not understood here yet (RFC 9421).
    #[error("only draft-cavage HTTP signatures are understood here; please sign with those")]
    UnknownScheme,
    /// The signature header is not well formed.
    #[error("the Signature header cannot be read: {0}")]
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
    /// The algorithm named does not go with the key.
    #[error("the signature algorithm is not accepted")]
    Algorithm,
    /// The arithmetic says no.
    #[error("the signature does not verify")]
    Signature,
}
