//! Keyed hashing: where a torrent and a peer stand in the tables, and the checksum of a snapshot. Not a cryptographic
//! hash: the secret seed only keeps strangers from aiming at one shard or one leaf. Next in the flow: `torrents.rs`.

use shoal_torrent::SwarmKey;

/// How many bits of the hash choose the shard.
pub(crate) const SHARD_BITS: u32 = 10;

/// Where a torrent stands: its shard, its home in the table of that shard, and the byte that is compared first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot(u64);

impl Spot {
    pub(crate) fn shard(self) -> usize {
        (self.0 >> (64 - SHARD_BITS)) as usize
    }

    /// The first place to look in a table of so many places.
    pub(crate) fn home(self, places: usize) -> usize {
        let middle = u64::from((self.0 >> 16) as u32);
        ((middle * places as u64) >> 32) as usize
    }

    /// Never zero, which marks a free place.
    pub(crate) fn tag(self) -> u8 {
        (self.0 as u8).max(1)
    }
}

/// The secret of one tracker, from which all positions follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixer {
    a: u64,
    b: u64,
    spread: u64,
}

impl Mixer {
    /// `per_address` is the most peers that one address may have in a torrent: the peers of one address are spread over
    /// few leaves, so that they can be counted.
    pub(crate) fn new(seed: u64, per_address: u32) -> Self {
        let a = fold(seed ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
        let b = fold(a ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db ^ seed);
        let spread = match per_address {
            0 => 1 << 16,
            limit => u64::from(limit / 16).next_power_of_two().clamp(4, 256),
        };
        Self {
            a,
            b,
            spread: spread - 1,
        }
    }

    pub(crate) fn spot(&self, key: &SwarmKey) -> Spot {
        let (head, tail) = words(key.as_bytes());
        let mixed = fold(head[0] ^ self.a, head[1] ^ self.b);
        Spot(fold(mixed ^ tail, self.a.rotate_left(32) ^ 0x8ebc_6af0_9c88_c6e3))
    }

    /// Where a peer of an address stands; `low` is what tells the peers of one address apart.
    pub(crate) fn peer(&self, group: u64, low: u64) -> u32 {
        fold(group ^ self.b, (low & self.spread) ^ self.a) as u32
    }

    /// What an address or a network is known by where requests are counted.
    pub(crate) fn source(&self, group: u64) -> u64 {
        fold(
            fold(group ^ self.b, self.a) ^ group,
            0x8ebc_6af0_9c88_c6e3 ^ self.b,
        )
    }

    /// What tells one peer of one torrent from most others.
    pub(crate) fn fingerprint(&self, torrent: Spot, group: u64, low: u64) -> u32 {
        fold(torrent.0 ^ group.rotate_left(20), low ^ self.a) as u32
    }

    /// All places where peers of an address may stand, each with the part of `low` that leads there.
    pub(crate) fn places(&self, group: u64) -> impl Iterator<Item = (u64, u32)> + use<> {
        let this = *self;
        (0..=this.spread).map(move |low| (low, this.peer(group, low)))
    }

    /// The part of `low` that counts for the place.
    pub(crate) fn lane(&self, low: u64) -> u64 {
        low & self.spread
    }
}

/// A running checksum, the same on every machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checksum(u64);

impl Checksum {
    pub(crate) fn new() -> Self {
        Self(0x243f_6a88_85a3_08d3)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let word = u64::from_le_bytes(word) ^ ((chunk.len() as u64) << 60);
            self.0 = fold(self.0 ^ word, 0x1319_8a2e_0370_7344).wrapping_add(self.0.rotate_left(23));
        }
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

fn fold(x: u64, y: u64) -> u64 {
    let product = u128::from(x) * u128::from(y);
    product as u64 ^ (product >> 64) as u64
}

fn words(key: &[u8; 20]) -> ([u64; 2], u64) {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&key[at..at + 8]);
        u64::from_le_bytes(word)
    };
    ([word(0), word(8)], word(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torrents_are_spread_evenly_over_shards_and_tags() {
        let mixer = Mixer::new(7, 64);
        let mut shards = vec![0_u32; 1 << SHARD_BITS];
        let mut tags = [0_u32; 256];
        for n in 0..102_400_u64 {
            let mut key = [0; 20];
            key[12..].copy_from_slice(&n.to_be_bytes());
            let spot = mixer.spot(&SwarmKey::new(key));
            shards[spot.shard()] += 1;
            tags[usize::from(spot.tag())] += 1;
            assert!(spot.home(100) < 100);
        }
        assert!(shards.iter().all(|count| (40..180).contains(count)), "{shards:?}");
        assert_eq!(tags[0], 0);
        assert!(
            tags[2..].iter().all(|count| (250..600).contains(count)),
            "{tags:?}"
        );
    }

    #[test]
    fn another_seed_means_other_places() {
        let key = SwarmKey::new([5; 20]);
        let shards = (0..64).map(|seed| Mixer::new(seed, 0).spot(&key).shard());
        assert!(shards.collect::<std::collections::BTreeSet<_>>().len() > 50);
    }

    #[test]
    fn a_checksum_sees_each_bit_and_the_order() {
        let of = |bytes: &[u8]| {
            let mut sum = Checksum::new();
            sum.add(bytes);
            sum.value()
        };
        let text = *b"swarms kept over a restart";
        for bit in 0..text.len() * 8 {
            let mut flipped = text;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(of(&text), of(&flipped));
        }
        assert_ne!(of(b"ab"), of(b"ab\0"));
        assert_ne!(of(b"12345678abcdefgh"), of(b"abcdefgh12345678"));
    }
}
