//! The address of a client: the socket's, or, behind a configured proxy, the right-most address in
//! `X-Forwarded-For` that is not itself a trusted proxy. Nothing else a client says is believed. Every door that speaks HTTP
//! asks here.

use std::net::IpAddr;

use ipnet::IpNet;

/// The client's address from the socket and the values of `X-Forwarded-For`, the last line first.
///
/// IPv4-mapped IPv6 addresses are returned as IPv4.
pub fn client_ip<'a>(socket: IpAddr, forwarded: impl Iterator<Item = &'a str>, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let mut address = socket.to_canonical();
    // From the right: each trusted hop vouches for the address that it wrote before its own.
    let mut hops = forwarded.flat_map(|line| line.rsplit(','));
    while is_trusted(&address) {
        match hops.next().map(|hop| parse(hop.trim())) {
            Some(Some(ip)) => address = ip,
            // A hop that cannot be read ends the chain: the last believed address stands.
            Some(None) | None => break,
        }
    }
    address
}

/// An address as proxies write it: bare, or with a port, IPv6 with or without brackets.
fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    text.strip_prefix('[')?
        .strip_suffix(']')?
        .parse::<IpAddr>()
        .ok()
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(socket: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().expect("a network")).collect();
        client_ip(
            socket.parse().expect("an address"),
            forwarded.iter().rev().copied(),
            &trusted,
        )
        .to_string()
    }

    #[test]
    fn without_a_configured_proxy_the_header_is_nothing() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_foreign_address_counts() {
        let line = ["6.6.6.6, 198.51.100.1, 10.0.0.2"];
        assert_eq!(
            seen("127.0.0.1", &line, &["127.0.0.0/8", "10.0.0.0/8"]),
            "198.51.100.1"
        );
        assert_eq!(
            seen("127.0.0.1", &["6.6.6.6", "198.51.100.1"], &["127.0.0.0/8"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_believed() {
        assert_eq!(
            seen("127.0.0.1", &["198.51.100.1, unknown"], &["127.0.0.0/8"]),
            "127.0.0.1"
        );
        assert_eq!(seen("127.0.0.1", &[], &["127.0.0.0/8"]), "127.0.0.1");
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_understood() {
        assert_eq!(
            seen("::ffff:127.0.0.1", &["[2001:db8::1]:4711"], &["127.0.0.0/8"]),
            "2001:db8::1"
        );
        assert_eq!(
            seen("127.0.0.1", &["198.51.100.1:80"], &["127.0.0.0/8"]),
            "198.51.100.1"
        );
        assert_eq!(
            seen("127.0.0.1", &["[2001:db8::1]"], &["127.0.0.0/8"]),
            "2001:db8::1"
        );
    }
}
