//! Name resolution for `fetch.rs`: asks the system, and hands the connector only the addresses that `policy.rs` allows.
//! It is the last check before a connection, so there is no gap between looking and leaping.

use crate::policy::{Forbidden, Policy};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

/// Resolves names, refusing addresses that are not public.
pub(super) struct Resolver {
    policy: Arc<Policy>,
    known: HashMap<String, SocketAddr>,
}

impl Resolver {
    /// `known` names are answered without asking anyone; their addresses are checked like all others.
    pub(super) fn new(policy: Arc<Policy>, known: Vec<(String, SocketAddr)>) -> Self {
        let known = known
            .into_iter()
            .map(|(name, address)| (name.to_ascii_lowercase(), address))
            .collect();
        Self { policy, known }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        let name = name.as_str().to_ascii_lowercase();
        let known = self.known.get(&name).copied();
        Box::pin(async move {
            let found: Vec<SocketAddr> = match known {
                Some(address) => vec![address],
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            let allowed = allowed(&policy, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be connected to; an error when none may.
fn allowed(policy: &Policy, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Forbidden> {
    let mut refused = Forbidden::Private(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let mut allowed = Vec::new();
    for address in found.into_iter().take(16) {
        match policy.check_address(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(error) => refused = error,
        }
    }
    if allowed.is_empty() {
        Err(refused)
    } else {
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mixed_answer_only_public_addresses_are_used() {
        let address = |text: &str| text.parse::<SocketAddr>().expect(text);
        let mixed = vec![address("127.0.0.1:0"), address("1.1.1.1:0"), address("[::1]:0")];
        assert_eq!(allowed(&Policy::default(), mixed), Ok(vec![address("1.1.1.1:0")]));
        let private = vec![address("10.0.0.1:0")];
        assert!(matches!(
            allowed(&Policy::default(), private),
            Err(Forbidden::Private(_))
        ));
        assert!(allowed(&Policy::default(), Vec::new()).is_err());
    }
}
