//! Peers that completed a download and then left: remembered for a while, so that one that comes again and completes
//! again is not counted again. Bounded; `shard.rs` asks.

/// How many are remembered in one shard; the oldest is forgotten first.
const MOST: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Departed {
    ring: Vec<u32>,
    oldest: usize,
}

impl Departed {
    pub(crate) fn contains(&self, fingerprint: u32) -> bool {
        self.ring.contains(&fingerprint)
    }

    pub(crate) fn remember(&mut self, fingerprint: u32) {
        if self.ring.len() < MOST {
            self.ring.push(fingerprint);
        } else {
            self.ring[self.oldest] = fingerprint;
            self.oldest = (self.oldest + 1) % MOST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut departed = Departed::default();
        (0..300).for_each(|fingerprint| departed.remember(fingerprint));
        assert!(!departed.contains(43) && departed.contains(44) && departed.contains(299));
        assert_eq!(departed.ring.len(), MOST);
    }
}
