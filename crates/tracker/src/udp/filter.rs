//! Keeping networks out in the kernel, before their datagrams take a place in the queue of a socket: a small program of the
//! classic packet filter, for Linux. Whom it keeps out is decided in `shield.rs`.

use std::io;
use std::net::UdpSocket;

use socket2::{SockFilter, SockRef};

use super::shield::{Network, PASSED};

/// Where the filter finds the head of the IP packet, and a random number.
const NET: u32 = -0x10_0000_i32 as u32;
const CHANCE: u32 = (-0x1000_i32 as u32) + 56;

/// Steps of the program: load a word, cut bits off, compare, end.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const SHIFT_RIGHT: u16 = 0x74;
const IS_EQUAL: u16 = 0x15;
const END: u16 = 0x06;

/// Where the sender's address is in the heads of both families.
const SOURCE_FOUR: u32 = NET + 12;
const SOURCE_SIX: u32 = NET + 8;

/// Keeps networks out of a socket, or none any more.
pub(super) fn keep_out(socket: &UdpSocket, networks: impl Iterator<Item = Network>) -> io::Result<()> {
    let steps: Vec<Network> = networks.collect();
    let socket = SockRef::from(socket);
    if steps.is_empty() {
        return match socket.detach_filter() {
            // There was none.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            ended => ended,
        };
    }
    socket.attach_filter(&program(&steps))
}

/// A socket has datagrams of one family only, and networks of the other are never found in them.
fn program(networks: &[Network]) -> Vec<SockFilter> {
    let step = |code, value| SockFilter::new(code, 0, 0, value);
    let mut steps = Vec::new();
    for network in networks {
        // Where nothing is equal, the four last steps of each are passed over.
        match *network {
            Network::Four(bits) => {
                steps.push(step(LOAD, SOURCE_FOUR));
                steps.push(step(SHIFT_RIGHT, 8));
                steps.push(SockFilter::new(IS_EQUAL, 0, 4, bits));
            }
            Network::Six(bits) => {
                steps.push(step(LOAD, SOURCE_SIX));
                steps.push(SockFilter::new(IS_EQUAL, 0, 7, (bits >> 16) as u32));
                steps.push(step(LOAD, SOURCE_SIX + 4));
                steps.push(step(SHIFT_RIGHT, 16));
                steps.push(SockFilter::new(IS_EQUAL, 0, 4, bits as u32 & 0xffff));
            }
        }
        steps.push(step(LOAD, CHANCE));
        steps.push(step(AND, PASSED - 1));
        steps.push(SockFilter::new(IS_EQUAL, 1, 0, 0));
        steps.push(step(END, 0));
    }
    steps.push(step(END, u32::MAX));
    steps
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;

    /// How many of some datagrams come through to a socket of a family, sent from each of its addresses.
    fn come_through(at: IpAddr, from: IpAddr, kept: &[Network]) -> io::Result<usize> {
        const SENT: usize = 128;
        let door = UdpSocket::bind((at, 0))?;
        keep_out(&door, kept.iter().copied())?;
        let sender = UdpSocket::bind((from, 0))?;
        for _ in 0..SENT {
            // One that is kept out is one that was sent.
            sender.send_to(b"flood", door.local_addr()?)?;
            if kept.is_empty() {
                door.recv(&mut [0; 8])?;
            }
        }
        if kept.is_empty() {
            return Ok(SENT);
        }
        door.set_nonblocking(true)?;
        Ok((0..SENT).filter(|_| door.recv(&mut [0; 8]).is_ok()).count())
    }

    #[test]
    fn those_kept_out_come_through_now_and_then_and_others_always() {
        let door = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let kept = [Network::of(ip("127.7.7.1")), Network::of(ip("127.9.9.9"))];
        for flooder in ["127.7.7.200", "127.9.9.1"] {
            let passed = come_through(door, ip(flooder), &kept).expect("the kernel filters");
            assert!(passed < 32, "{passed} of 128 came through");
        }
        assert_eq!(come_through(door, ip("127.7.8.1"), &kept).expect("loopback"), 128);
        assert_eq!(come_through(door, ip("127.7.7.1"), &[]).expect("loopback"), 128);
    }

    #[test]
    fn an_ipv6_network_is_kept_out_too() {
        let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let (own, other) = (Network::of(loopback), Network::Six(0x2001_0db8_0001));
        let Ok(others) = come_through(loopback, loopback, &[other, Network::Six(1)]) else {
            eprintln!("skipped: this machine has no IPv6 loopback");
            return;
        };
        assert_eq!(others, 128);
        let passed = come_through(loopback, loopback, &[other, own]).expect("the kernel filters");
        assert!(passed < 32, "{passed} of 128 came through");
    }

    #[test]
    fn the_filter_can_be_taken_away_again() {
        let door = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let kept = Network::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
        keep_out(&door, [kept].into_iter()).expect("the kernel filters");
        keep_out(&door, std::iter::empty()).expect("it stops");
        keep_out(&door, std::iter::empty()).expect("there is none to stop");
        door.send_to(b"x", door.local_addr().expect("it is bound"))
            .expect("loopback");
        assert_eq!(door.recv(&mut [0; 8]).expect("it comes"), 1);
    }
}
