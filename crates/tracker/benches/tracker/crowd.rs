//! Who announces in the benches: peers, and the torrents that they are in. Long-tailed (weight of torrent i of T with P
//! peers: T/P + e^(6.5 - 500 i/T)) unless said otherwise; three quarters of the peers are seeders. Next: `swarm.rs`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use shoal_tracker::SwarmKey;

/// How peers are spread over torrents.
#[derive(Clone, Copy)]
pub(crate) enum Spread {
    LongTailed,
    Uniform,
}

/// One population of a tracker.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) name: &'static str,
    pub(crate) torrents: usize,
    pub(crate) peers: usize,
    pub(crate) spread: Spread,
    pub(crate) six: bool,
}

pub(crate) const LONG_TAILED: Crowd = Crowd {
    name: "long-tailed",
    torrents: 100_000,
    peers: 1_000_000,
    spread: Spread::LongTailed,
    six: false,
};

const TEN_EACH: Crowd = Crowd {
    name: "ten-each",
    spread: Spread::Uniform,
    ..LONG_TAILED
};

const ONE_EACH: Crowd = Crowd {
    name: "one-each",
    torrents: 1_000_000,
    ..TEN_EACH
};

pub(crate) const TEN_MILLION: Crowd = Crowd {
    name: "ten-million",
    torrents: 1_000_000,
    peers: 10_000_000,
    ..LONG_TAILED
};

pub(crate) static CROWDS: [Crowd; 7] = [
    LONG_TAILED,
    TEN_EACH,
    ONE_EACH,
    Crowd {
        name: "long-tailed-ipv6",
        six: true,
        ..LONG_TAILED
    },
    Crowd {
        name: "ten-each-ipv6",
        six: true,
        ..TEN_EACH
    },
    Crowd {
        name: "one-each-ipv6",
        six: true,
        ..ONE_EACH
    },
    TEN_MILLION,
];

/// The crowd of a name.
pub(crate) fn named(name: &str) -> Option<&'static Crowd> {
    CROWDS.iter().find(|crowd| crowd.name == name)
}

impl Crowd {
    /// The torrent of each peer.
    pub(crate) fn homes(&self) -> Vec<u32> {
        let mut rng = SmallRng::seed_from_u64(9);
        let floor = self.torrents as f64 / self.peers as f64;
        let mut sum = 0.0;
        let sums: Vec<f64> = (0..self.torrents)
            .map(|i| {
                sum += match self.spread {
                    Spread::Uniform => 1.0,
                    Spread::LongTailed => floor + (6.5 - 500.0 * i as f64 / self.torrents as f64).exp(),
                };
                sum
            })
            .collect();
        (0..self.peers)
            .map(|_| {
                let mark = rng.random::<f64>() * sum;
                sums.partition_point(|sum| *sum < mark).min(self.torrents - 1) as u32
            })
            .collect()
    }

    pub(crate) fn address(&self, peer: usize) -> IpAddr {
        let mixed = mix(peer as u64);
        if self.six {
            IpAddr::V6(Ipv6Addr::from_bits(
                0x2600 << 112 | u128::from(mixed) << 48 | u128::from(mix(mixed) as u32),
            ))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(0x1000_0000 + (mixed as u32 & 0x3fff_ffff)))
        }
    }
}

pub(crate) fn port(peer: usize) -> u16 {
    1 + (peer.wrapping_mul(2_654_435_761) % 65_535) as u16
}

pub(crate) fn key(torrent: u32) -> SwarmKey {
    let mut key = [0; 20];
    for (part, seed) in key.chunks_mut(8).zip(0..) {
        part.copy_from_slice(&mix(u64::from(torrent) << 8 | seed).to_le_bytes()[..part.len()]);
    }
    SwarmKey::new(key)
}

pub(crate) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
