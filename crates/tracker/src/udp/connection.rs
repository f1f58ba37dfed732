//! Connection ids (BEP 15): how a client proves that it receives what is sent to its address. Nothing is kept for them: an
//! id holds the time of its making and a keyed hash over time and address. Not over the port: libtorrent shares one id
//! among the sessions of a process. Next in the flow: `desk.rs`.

use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use crate::time::Seconds;

/// How far ahead of ours the clock of another node with the same key may be, in seconds.
const SKEW: u16 = 60;

/// The longest life of an id, in seconds.
pub const LONGEST_LIFE: u16 = 43_200;

/// Bits of the hash in an id; the time takes the others.
const HASH_BITS: u32 = 48;

/// What makes and judges connection ids.
#[derive(Clone)]
pub struct ConnectionIds {
    hasher: SipHasher24,
    life: u16,
    start: u64,
}

/// What an id says of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It receives what is sent to its address.
    Fresh,
    /// It did, but longer ago than an id lives.
    Stale,
    /// Nothing: the id was not made here for this address.
    None,
}

impl std::fmt::Debug for ConnectionIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionIds")
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

impl ConnectionIds {
    /// Ids that live for `life` seconds, from 1 to [`LONGEST_LIFE`]. `start` is when the tracker's time began, in seconds
    /// since 1970: with the same key, nodes and later processes take each other's ids.
    pub fn new(key: &[u8; 16], life: u16, start: u64) -> Self {
        let life = life.clamp(1, LONGEST_LIFE);
        Self {
            hasher: SipHasher24::new_with_key(key),
            life,
            start,
        }
    }

    /// Makes an id for a client at an address.
    pub(crate) fn issue(&self, ip: IpAddr, now: Seconds) -> u64 {
        self.made_at(ip, self.start + u64::from(now.0))
    }

    /// What an id proves.
    pub(crate) fn judge(&self, ip: IpAddr, id: u64, now: Seconds) -> Proof {
        let now = self.start + u64::from(now.0);
        let age = (now as u16).wrapping_sub((id >> HASH_BITS) as u16);
        let is_ahead = age > u16::MAX - SKEW;
        let made = if is_ahead {
            now + u64::from(age.wrapping_neg())
        } else {
            now.wrapping_sub(age.into())
        };
        if self.made_at(ip, made) != id {
            Proof::None
        } else if is_ahead || age <= self.life {
            Proof::Fresh
        } else {
            Proof::Stale
        }
    }

    fn made_at(&self, ip: IpAddr, time: u64) -> u64 {
        let hash = match ip {
            IpAddr::V4(ip) => {
                let mut said = [0; 12];
                said[..8].copy_from_slice(&time.to_le_bytes());
                said[8..].copy_from_slice(&ip.octets());
                self.hasher.hash(&said)
            }
            IpAddr::V6(ip) => {
                let mut said = [0; 24];
                said[..8].copy_from_slice(&time.to_le_bytes());
                said[8..].copy_from_slice(&ip.octets());
                self.hasher.hash(&said)
            }
        };
        time << HASH_BITS | hash >> (64 - HASH_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_790_000_000;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_id_proves_its_own_address_for_its_life() {
        let ids = ConnectionIds::new(&[7; 16], 120, START);
        for address in ["192.0.2.7", "2001:db8::7"].map(ip) {
            let id = ids.issue(address, Seconds(1000));
            for (now, proof) in [
                (1000, Proof::Fresh),
                (1120, Proof::Fresh),
                (1121, Proof::Stale),
                (60_000, Proof::Stale),
                (1000 + 65_536, Proof::None),
            ] {
                assert_eq!(ids.judge(address, id, Seconds(now)), proof, "{now}");
            }
            for other in ["192.0.2.8", "2001:db8::8", "::192.0.2.7"].map(ip) {
                assert_eq!(ids.judge(other, id, Seconds(1000)), Proof::None);
            }
        }
    }

    #[test]
    fn no_bit_of_an_id_can_be_changed() {
        let ids = ConnectionIds::new(&[7; 16], 120, START);
        let (address, now) = (ip("192.0.2.7"), Seconds(5));
        let id = ids.issue(address, now);
        for bit in 0..64 {
            assert_eq!(ids.judge(address, id ^ 1 << bit, now), Proof::None, "bit {bit}");
        }
        for guess in [0, u64::MAX, id >> HASH_BITS << HASH_BITS] {
            assert_eq!(ids.judge(address, guess, now), Proof::None);
        }
    }

    #[test]
    fn nodes_with_the_same_key_take_each_others_ids() {
        let (address, key) = (ip("192.0.2.7"), [9; 16]);
        let ids = ConnectionIds::new(&key, 120, START);
        let id = ids.issue(address, Seconds(500));
        let proof = |start, now| ConnectionIds::new(&key, 120, start).judge(address, id, Seconds(now));
        // Started later, or a little behind, or far behind.
        assert_eq!(proof(START + 500, 20), Proof::Fresh);
        assert_eq!(proof(START - 60, 501), Proof::Fresh);
        assert_eq!(proof(START - 120, 500), Proof::None);
        let other = ConnectionIds::new(&[8; 16], 120, START);
        assert_eq!(other.judge(address, id, Seconds(500)), Proof::None);
    }
}
