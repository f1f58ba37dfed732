//! Which hosts a decision about a domain covers, however they are written. Pure; the decisions themselves are kept by
//! `instances.rs`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::StoreError;
use crate::instances::Standing;

/// The longest domain (RFC 1035 §2.3.4), in bytes.
const LONGEST_DOMAIN: usize = 253;

/// All decisions as they were at one instant; small enough to keep at hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    pub(crate) decided: HashMap<String, Standing>,
    pub(crate) revision: String,
}

impl Blocks {
    /// Whether nothing is decided about any domain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.decided.is_empty()
    }

    /// Whether a host, with or without a port and however it is written, belongs to a blocked domain.
    #[must_use]
    pub fn is_blocked(&self, host: &str) -> bool {
        if self.decided.is_empty() {
            return false;
        }
        let host = plain(host);
        let mut name = host.as_str();
        loop {
            if let Some(standing) = self.decided.get(name) {
                return *standing == Standing::Blocked;
            }
            match name.split_once('.') {
                Some((_, above)) if above.contains('.') => name = above,
                _ => return false,
            }
        }
    }
}

/// A host as decisions name it: lower case, without port and without a dot at the end; of IPv6 the shortest spelling, or
/// the IPv4 address inside.
fn plain(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    let bare = match (
        host.strip_prefix('[').and_then(|rest| rest.split_once(']')),
        host.split_once(':'),
    ) {
        (Some((inside, _)), _) => inside,
        (None, Some((name, port))) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        (None, _) => &host,
    };
    match bare.parse::<Ipv6Addr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.trim_end_matches('.').to_owned(),
    }
}

/// A domain or an address as it may be kept.
pub(crate) fn checked(domain: &str) -> Result<String, StoreError> {
    let domain = plain(domain);
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit());
    let fits = domain.len() <= LONGEST_DOMAIN && domain.split('.').all(label);
    let good =
        domain.parse::<Ipv6Addr>().is_ok() || (fits && (!number || domain.parse::<Ipv4Addr>().is_ok()));
    if good {
        return Ok(domain);
    }
    Err(StoreError::Invalid(
        "This is not the name of a server: write it like evil.example, without https:// and without a path."
            .into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(decisions: &[(&str, Standing)]) -> Blocks {
        let decided = decisions
            .iter()
            .map(|(domain, standing)| ((*domain).to_owned(), *standing));
        Blocks {
            decided: decided.collect(),
            revision: String::new(),
        }
    }

    #[test]
    fn a_blocked_domain_is_blocked_in_every_spelling_and_with_all_under_it() {
        let blocks = blocks(&[
            ("evil.example", Standing::Blocked),
            ("good.evil.example", Standing::Allowed),
            ("10.1.2.3", Standing::Blocked),
            ("2001:db8::1", Standing::Blocked),
            ("example", Standing::Blocked),
        ]);
        for blocked in [
            "evil.example",
            "EVIL.example",
            "evil.example.",
            "evil.example:8443",
            "a.evil.example",
            "b.a.evil.example:80",
            "10.1.2.3:8080",
            "[::ffff:a01:203]",
            "[2001:0DB8::1]:443",
            "example",
        ] {
            assert!(blocks.is_blocked(blocked), "{blocked}");
        }
        for welcome in [
            "good.evil.example",
            "a.good.evil.example:8443",
            "notevil.example",
            "evil.example.org",
            "10.1.2.30",
            "1.2.3",
            "",
            "[",
            ":",
        ] {
            assert!(!blocks.is_blocked(welcome), "{welcome}");
        }
    }

    #[test]
    fn only_names_of_servers_are_decided_about() {
        for (given, kept) in [
            ("Evil.Example.", "evil.example"),
            ("evil.example:8443", "evil.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("[2001:DB8::1]:80", "2001:db8::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(checked(given).ok().as_deref(), Some(kept), "{given}");
        }
        let long = "a.".repeat(127) + "example";
        for wrong in [
            "",
            ".",
            "a..b",
            "https://a.example/",
            "a b.example",
            "bücher.example",
            "1.2.3",
            "7",
            &long,
        ] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
