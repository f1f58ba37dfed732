//! When and with what chance a verb runs: what every writing verb is given instead of a clock and a random generator.
//! Holds no clock itself. Next: `ids.rs`.

use crate::ids::Id;

/// Unix time in milliseconds.
pub type Millis = i64;

/// The instant at which a writing verb happens, and the chance it may use for new ids.
///
/// Not `Clone`: two verbs with one moment would make the same ids.
#[derive(Debug)]
pub struct Moment {
    /// Unix milliseconds; what the verb writes down as its time.
    pub now: Millis,
    seed: u128,
    made: u32,
}

impl Moment {
    /// A moment at `now`, whose ids come from `seed`: 128 bits that nobody outside can foresee.
    #[must_use]
    pub fn new(now: Millis, seed: u128) -> Self {
        Self { now, seed, made: 0 }
    }

    /// A new UUIDv7 (RFC 9562 §5.7): the millisecond, then a counter, then 62 bits of mixed seed, so that ids of
    /// one moment sort in the order they were made.
    #[must_use]
    pub fn id(&mut self) -> Id {
        let count = self.made;
        self.made += 1;
        let millis = u64::try_from(self.now).unwrap_or(0) + u64::from(count >> 12);
        let low = u64::try_from(self.seed & u128::from(u64::MAX)).expect("masked to 64 bits");
        let high = u64::try_from(self.seed >> 64).expect("shifted to 64 bits");
        let mixed = mix(mix(low ^ u64::from(count).wrapping_mul(0x9e37_79b9_7f4a_7c15)) ^ high);
        let mut tail = [0_u8; 10];
        tail[..2].copy_from_slice(&((count & 0xfff) as u16).to_be_bytes());
        tail[2..].copy_from_slice(&mixed.to_be_bytes());
        Id::from(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

/// The finishing permutation of `SplitMix64`: every output bit depends on every input bit.
fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_moment_differ_and_sort_in_the_order_made() {
        let mut moment = Moment::new(1_700_000_000_000, 7);
        let ids: Vec<Id> = (0..10_000).map(|_| moment.id()).collect();
        assert!(
            ids.windows(2)
                .all(|pair| pair[0].to_string() < pair[1].to_string())
        );
        assert!(ids[0].to_string().starts_with("018bcfe5-6800-7000-"));
    }

    #[test]
    fn moments_with_different_seeds_make_different_ids() {
        let first = Moment::new(5, 1).id();
        assert_ne!(first, Moment::new(5, 2).id());
        assert_ne!(first, Moment::new(5, 1 << 64).id());
        assert_eq!(first, Moment::new(5, 1).id());
    }
}
