//! What an address is to a tracker: who may be told of it, and which addresses count as one. Holds no peers; `peer.rs`
//! is next in the flow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From everywhere.
    Public,
    /// From the same machine or network: loopback, private, link-local and shared addresses.
    Local,
    /// From nowhere that is agreed: documentation, benchmarks, protocol assignments, address translation.
    Reserved,
    /// It cannot be the address of one peer: unspecified, multicast, broadcast.
    Never,
}

impl Reach {
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    pub(crate) fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            [0, ..] | [224..=239, ..] | [255, 255, 255, 255] => Self::Never,
            [10 | 127, ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => {
                Self::Local
            }
            [192, 0, 0 | 2, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [240..=255, ..] => Self::Reserved,
            _ => Self::Public,
        }
    }

    pub(crate) fn of_v6(ip: Ipv6Addr) -> Self {
        match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => Self::Never,
            [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] | [0xfe80..=0xfeff, ..] => Self::Local,
            [0, 0, 0, 0, 0, 0xffff, ..] => ip.to_ipv4_mapped().map_or(Self::Reserved, Self::of_v4),
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Self::Reserved,
            [0x2002, high, low, ..] => Self::of_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Reserved,
        }
    }

    /// Whether a peer at such an address may be handed to a client at an address of reach `client`.
    pub(crate) fn may_be_told_to(self, client: Self) -> bool {
        match self {
            Self::Public => true,
            Self::Local => client == Self::Local,
            Self::Reserved => matches!(client, Self::Local | Self::Reserved),
            Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_reach() {
        let cases = [
            ("8.8.8.8", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("100.128.0.1", Reach::Public),
            ("127.0.0.2", Reach::Local),
            ("10.1.2.3", Reach::Local),
            ("172.31.255.255", Reach::Local),
            ("192.168.0.9", Reach::Local),
            ("169.254.1.1", Reach::Local),
            ("100.64.0.1", Reach::Local),
            ("192.0.2.7", Reach::Reserved),
            ("198.51.100.7", Reach::Reserved),
            ("203.0.113.7", Reach::Reserved),
            ("198.18.0.1", Reach::Reserved),
            ("250.0.0.1", Reach::Reserved),
            ("0.0.0.0", Reach::Never),
            ("239.1.1.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("2606:4700::1111", Reach::Public),
            ("::1", Reach::Local),
            ("fe80::1", Reach::Local),
            ("fd00::1", Reach::Local),
            ("::ffff:10.0.0.1", Reach::Local),
            ("2002:0a00:0001::1", Reach::Local),
            ("2001:db8::1", Reach::Reserved),
            ("64:ff9b::808:808", Reach::Reserved),
            ("::8.8.8.8", Reach::Reserved),
            ("ff02::1", Reach::Never),
            ("::", Reach::Never),
        ];
        for (text, reach) in cases {
            assert_eq!(Reach::of(text.parse().expect("an address")), reach, "{text}");
        }
    }

    #[test]
    fn local_peers_are_told_to_local_clients_only() {
        use Reach::{Local, Never, Public, Reserved};
        let told = |peer: Reach| [Public, Local, Reserved].map(|client| peer.may_be_told_to(client));
        assert_eq!(told(Public), [true, true, true]);
        assert_eq!(told(Local), [false, true, false]);
        assert_eq!(told(Reserved), [false, true, true]);
        assert_eq!(told(Never), [false, false, false]);
    }
}
