//! Socket addresses as the system writes them, `sockaddr_in` and `sockaddr_in6`: read without taking a pointer apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The bytes of the longer of both.
pub(super) const NAME_BYTES: usize = size_of::<libc::sockaddr_in6>();

/// The address of a datagram's sender, as the system wrote it.
#[derive(Clone, Copy, Debug)]
#[repr(align(8))]
pub(super) struct Name(pub(super) [u8; NAME_BYTES]);

impl Name {
    /// The address; `None` if it is of neither family.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        address(&self.0)
    }
}

/// The address that the system wrote into some bytes; `None` if it is of neither family.
pub(super) fn address(name: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = name.split_first_chunk::<2>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let ip = match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => IpAddr::V4(Ipv4Addr::from(*rest.first_chunk::<4>()?)),
        libc::AF_INET6 => IpAddr::V6(Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
}

/// How many bytes the address of a family takes.
pub(super) fn length(address: &SocketAddr) -> libc::socklen_t {
    let length = match address {
        SocketAddr::V4(_) => size_of::<libc::sockaddr_in>(),
        SocketAddr::V6(_) => NAME_BYTES,
    };
    length as libc::socklen_t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_the_system_writes_it() {
        let mut name = [0; NAME_BYTES];
        name[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        name[2..8].copy_from_slice(&[0x1a, 0xe1, 192, 0, 2, 7]);
        assert_eq!(address(&name), "192.0.2.7:6881".parse().ok());
        name[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
        name[8..24].copy_from_slice(&"2001:db8::9".parse::<Ipv6Addr>().expect("an address").octets());
        assert_eq!(address(&name), "[2001:db8::9]:6881".parse().ok());
        name[0] ^= 0xff;
        assert_eq!(address(&name), None);
        assert_eq!(address(&name[..3]), None);
    }
}
