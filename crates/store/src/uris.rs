//! What an address must be like before it is stored, and which host it leads to.
//!
//! No network and no full URL grammar: whoever calls has parsed the address already; here stand only the limits that
//! both databases' indexes need and the one question that queues ask. Next: `received.rs`.

use crate::StoreError;

/// The longest URI that is stored, in bytes; PostgreSQL's indexes take no more than about 2,700.
pub const MAX_URI_BYTES: usize = 2000;

/// Refuses a URI that is empty, longer than [`MAX_URI_BYTES`] or holds blanks or control characters.
pub(crate) fn check_uri(what: &str, uri: &str) -> Result<(), StoreError> {
    if uri.is_empty() || uri.len() > MAX_URI_BYTES {
        return Err(StoreError::Invalid(format!(
            "the {what} must have 1 to {MAX_URI_BYTES} bytes"
        )));
    }
    if uri.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(StoreError::Invalid(format!(
            "the {what} holds blanks or control characters"
        )));
    }
    Ok(())
}

/// The host of a URI in lower case, with its port when one is written; what deliveries are queued by.
///
/// # Errors
/// `Invalid` when the URI has no `scheme://host`.
pub fn host_of(uri: &str) -> Result<String, StoreError> {
    let authority = uri
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#', '\\']).next().unwrap_or_default())
        .map(|authority| authority.rsplit('@').next().unwrap_or_default())
        .unwrap_or_default();
    if authority.is_empty() {
        return Err(StoreError::Invalid(format!("“{uri}” names no host")));
    }
    Ok(authority.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{MAX_URI_BYTES, check_uri, host_of};

    #[test]
    fn the_host_is_lower_case_and_keeps_a_written_port() {
        let host = |uri: &str| host_of(uri).ok();
        assert_eq!(host("https://Example.ORG/inbox").as_deref(), Some("example.org"));
        assert_eq!(
            host("http://127.0.0.1:8081/inbox").as_deref(),
            Some("127.0.0.1:8081")
        );
        assert_eq!(
            host("https://[2001:DB8::1]:8443?x").as_deref(),
            Some("[2001:db8::1]:8443")
        );
        assert_eq!(
            host("https://user:secret@example.org").as_deref(),
            Some("example.org")
        );
        assert_eq!(host("mailto:a@example.org"), None);
        assert_eq!(host("https:///inbox"), None);
    }

    #[test]
    fn a_uri_that_an_index_cannot_hold_is_refused() {
        assert!(check_uri("id", "https://example.org/1").is_ok());
        assert!(check_uri("id", &"x".repeat(MAX_URI_BYTES)).is_ok());
        assert!(check_uri("id", &"x".repeat(MAX_URI_BYTES + 1)).is_err());
        assert!(check_uri("id", "").is_err());
        assert!(check_uri("id", "https://example.org/a\0b").is_err());
    }
}
