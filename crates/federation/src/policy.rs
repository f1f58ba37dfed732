//! Where our requests may go: the rules for URLs and for the addresses that names resolve to. `fetch.rs` applies them,
//! to every URL before a request, to every hop of a redirect, and to every address at the moment of connecting, so that a
//! name cannot resolve to one thing for the check and to another for the connection.

use crate::sign;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The longest URL that is requested or stored.
pub const MAX_URL: usize = 2048;

/// Which exceptions from the rules for a public server are in force.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Plain http is allowed (tests and closed networks).
    pub allow_http: bool,
    /// Networks that may be reached although they are not public.
    pub allow_private: Vec<IpNet>,
}

/// Why an address is not visited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Another scheme than https, or http where that is not allowed.
    #[error("only https addresses are visited")]
    Scheme,
    /// User name or password in the URL.
    #[error("an address must not carry credentials")]
    Credentials,
    /// No host, a one-label or numeric host, or one that is not plain ASCII.
    #[error("the host is not a public name")]
    Host,
    /// A port below 1024 that is not the scheme's own, or 0.
    #[error("the port is not one for the web")]
    Port,
    /// Too long.
    #[error("the address is too long")]
    Length,
    /// Moderators here blocked it; known to `blocklist.rs`, not to the rules below.
    #[error("this server is blocked by the moderators here")]
    Blocked,
    /// Not in the public part of the Internet.
    #[error("the address {0} is not public")]
    Private(IpAddr),
}

impl Policy {
    /// Checks everything about a URL that can be seen without resolving its name.
    ///
    /// # Errors
    /// A [`Forbidden`] that says what is wrong.
    pub fn check_url(&self, url: &Url) -> Result<(), Forbidden> {
        if url.as_str().len() > MAX_URL {
            return Err(Forbidden::Length);
        }
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Forbidden::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Credentials);
        }
        match url.port() {
            None | Some(1024..) => {}
            Some(80 | 443) => {}
            Some(_) => return Err(Forbidden::Port),
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            Some(Host::Domain(name)) => self.check_name(name),
            None => Err(Forbidden::Host),
        }
    }

    /// Refuses names that can only be local, before anyone is asked about them.
    fn check_name(&self, name: &str) -> Result<(), Forbidden> {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        let local = !name.contains('.')
            || [".localhost", ".local", ".internal", ".home.arpa", ".onion"]
                .iter()
                .any(|end| name.ends_with(end));
        if !plain || name.ends_with('.') || name.starts_with('.') || name.contains("..") {
            return Err(Forbidden::Host);
        }
        if local && self.allow_private.is_empty() {
            Err(Forbidden::Host)
        } else {
            Ok(())
        }
    }

    /// Checks one address that is about to be connected to.
    ///
    /// # Errors
    /// [`Forbidden::Private`] unless it is public or in an allowed network.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Forbidden> {
        let canonical = address.to_canonical();
        if is_public(canonical)
            || self
                .allow_private
                .iter()
                .any(|network| network.contains(&canonical))
        {
            return Ok(());
        }
        Err(Forbidden::Private(address))
    }
}

/// Whether an address can belong to a server on the public Internet (IANA special-purpose registries, and every form of
/// IPv6 that carries an IPv4 address).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only 2000::/3 is given out; ::/8 (mapped, compatible, NAT64), fc00::/7, fe80::/10 and ff00::/8 fall away here.
    let global = segments[0] & 0xe000 == 0x2000;
    let special = match segments {
        // Teredo 2001::/32, benchmarking, ORCHID, and the rest of 2001::/23.
        [0x2001, 0..=0x01ff, ..] => true,
        [0x2001, 0x0db8, ..] => true,
        // 6to4.
        [0x2002, ..] => true,
        // Documentation, RFC 9637.
        [0x3fff, 0..=0x0fff, ..] => true,
        _ => false,
    };
    global && !special
}

/// Whether two URLs have the same scheme, host and port: the unit in which ids are believed (FEP-fe34).
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str().is_some() && a.host_str() == b.host_str() && port(a) == port(b)
}

fn port(url: &Url) -> Option<u16> {
    url.port_or_known_default()
}

/// The domain or address that a text names: a host with or without scheme, port, path or user, in any spelling and script
/// (UTS #46). `None` when it names none.
pub fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.split(['/', '?', '#', '\\']).next()?;
    let bare = bare.rsplit('@').next()?;
    let url = Url::parse(&format!("https://{bare}/")).ok()?;
    let host = url.host_str()?.trim_end_matches('.');
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| host.to_owned())
}

/// The name under which a server's state is kept: lower-case host, with the port when it is not the default.
pub fn host_of(url: &Url) -> String {
    sign::authority(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    const PUBLIC: &str = "1.1.1.1 93.184.216.34 172.15.0.1 172.32.0.1 100.63.1.1 100.128.0.1 192.0.1.1 198.17.0.1 \
        223.255.255.254 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888";
    const PRIVATE: &str = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 \
        169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 \
        198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 \
        ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378::1 2001:db8::1 \
        2002:7f00:1:: 3fff:1::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 5f00::1";

    #[test]
    fn public_addresses_are_visited_and_others_are_not() {
        for public in PUBLIC.split_whitespace() {
            assert!(is_public(public.parse().expect(public)), "{public}");
        }
        for private in PRIVATE.split_whitespace() {
            assert!(!is_public(private.parse().expect(private)), "{private}");
        }
    }

    #[test]
    fn an_allowed_network_opens_only_itself() {
        let policy = Policy {
            allow_http: false,
            allow_private: vec!["127.0.0.0/8".parse().expect("a network")],
        };
        assert!(
            policy
                .check_address("127.0.0.1".parse().expect("an address"))
                .is_ok()
        );
        assert!(
            policy
                .check_address("::ffff:127.0.0.1".parse().expect("an address"))
                .is_ok()
        );
        assert!(
            policy
                .check_address("10.0.0.1".parse().expect("an address"))
                .is_err()
        );
        assert!(
            policy
                .check_address("64:ff9b::7f00:1".parse().expect("an address"))
                .is_err()
        );
    }

    #[test]
    fn urls_that_lead_nowhere_public_are_refused() {
        let policy = Policy::default();
        for fine in [
            "https://a.example/x",
            "https://a.example:8443/x",
            "https://xn--mnchen-3ya.example/",
            "https://1.1.1.1/",
        ] {
            assert_eq!(policy.check_url(&url(fine)), Ok(()), "{fine}");
        }
        for refused in [
            "http://a.example/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://user@a.example/",
            "https://u:p@a.example/",
            "https://a.example:22/",
            "https://a.example:0/",
            "https://localhost/",
            "https://localhost./",
            "https://a.example./",
            "https://printer/",
            "https://a.local/",
            "https://db.internal/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://169.254.169.254/latest",
            "https://①②⑦.0.0.1/",
        ] {
            assert!(policy.check_url(&url(refused)).is_err(), "{refused}");
        }
        let long = format!("https://a.example/{}", "a".repeat(MAX_URL));
        assert_eq!(policy.check_url(&url(&long)), Err(Forbidden::Length));
    }

    #[test]
    fn a_domain_is_found_in_whatever_was_pasted() {
        for (text, found) in [
            (" Evil.Example. ", "evil.example"),
            ("https://evil.example:8443/@spam?x#y", "evil.example"),
            ("@ann@evil.example", "evil.example"),
            ("evil.example:80", "evil.example"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("0x7f.1", "127.0.0.1"),
            ("[::ffff:10.0.0.1]:80", "::ffff:a00:1"),
        ] {
            assert_eq!(domain(text).as_deref(), Some(found), "{text}");
        }
        for none in ["", " ", ".", "https://", "a b", "ann@", "%"] {
            assert_eq!(domain(none), None, "{none}");
        }
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        let home = url("https://a.example/x");
        assert!(same_origin(&home, &url("https://A.example:443/y#z")));
        for other in [
            "http://a.example/x",
            "https://a.example:8443/x",
            "https://b.a.example/x",
            "https://a.example.b/",
        ] {
            assert!(!same_origin(&home, &url(other)), "{other}");
        }
        assert!(!same_origin(&url("data:x"), &url("data:y")));
    }
}
