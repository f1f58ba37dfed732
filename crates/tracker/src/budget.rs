//! How many requests an address or a network may make: a bucket for each that was heard of lately, in a table of fixed
//! size that takes no lock and no memory. Counts requests and knows no rule; `house.rs` says what counts against whom.
//!
//! A bucket is one word: a tag of 24 bits that says whose it is, and in 40 bits the moment at which all that was asked is
//! paid for. Eight buckets are a row, one cache line, chosen by a keyed hash. Whoever has no bucket takes the one that
//! owes least and begins with nothing owed. So too many callers for the table let somebody ask more than he may, and never
//! refuse anybody for what another asked, but by chance: a tag is shared with one of a row once in two million times.
//! Two threads that count for one caller in the same instant may count once.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::Seconds;

/// Buckets in a row.
const WAYS: usize = 8;

/// Bits of a moment, and how many of them are behind the point: moments come round again after 48 days.
const MOMENT_BITS: u32 = 40;
const FRACTION_BITS: u32 = 18;
const MOMENT: u64 = (1 << MOMENT_BITS) - 1;

#[repr(align(64))]
#[derive(Debug, Default)]
struct Row([AtomicU64; WAYS]);

/// The buckets of all callers of one kind.
#[derive(Debug)]
pub(crate) struct Budget {
    /// None if there is no limit; else a power of two.
    rows: Box<[Row]>,
    /// What one request costs, in time.
    cost: u64,
    /// What may be owed.
    credit: u64,
}

impl Budget {
    /// `rate` requests in a second, and at once as many as in `burst` seconds, for about eight times `rows` callers. A
    /// rate of 0 is no limit; one above 100,000 is taken as that.
    pub(crate) fn new(rate: u32, burst: u32, rows: usize) -> Self {
        let rows = if rate == 0 { 0 } else { rows.next_power_of_two() };
        Self {
            rows: (0..rows).map(|_| Row::default()).collect(),
            cost: (1 << FRACTION_BITS) / u64::from(rate.clamp(1, 100_000)),
            credit: u64::from(burst.max(1)) << FRACTION_BITS,
        }
    }

    /// Whether a caller may make so many requests more; if so, they are counted. `mark` is a keyed hash of the caller.
    pub(crate) fn charge(&self, mark: u64, requests: u32, now: Seconds) -> bool {
        let Some(last) = self.rows.len().checked_sub(1) else {
            return true;
        };
        let now = u64::from(now.0) << FRACTION_BITS & MOMENT;
        let tag = (mark >> MOMENT_BITS).max(1);
        let row = &self.rows[mark as usize & last].0;
        let words: [u64; WAYS] = std::array::from_fn(|place| row[place].load(Ordering::Relaxed));
        // All are looked at, without a branch: nothing could foretell which one it is.
        let own = (0..WAYS)
            .rev()
            .fold(WAYS, |own, place| match words[place] >> MOMENT_BITS == tag {
                true => place,
                false => own,
            });
        let (at, owed) = match words.get(own) {
            Some(word) => (own, self.debt(*word, now)),
            None => (self.least(&words, now), 0),
        };
        let owes = owed + self.cost * u64::from(requests);
        if owes > self.credit {
            return false;
        }
        row[at].store(tag << MOMENT_BITS | (now + owes) & MOMENT, Ordering::Relaxed);
        true
    }

    /// The bucket that owes least.
    fn least(&self, words: &[u64; WAYS], now: u64) -> usize {
        let debts = words.map(|word| self.debt(word, now));
        (1..WAYS).fold(0, |least, place| match debts[place] < debts[least] {
            true => place,
            false => least,
        })
    }

    /// Asks for the memory of a row that is looked at soon.
    pub(crate) fn fetch(&self, mark: u64) {
        if let Some(last) = self.rows.len().checked_sub(1) {
            std::hint::black_box(self.rows[mark as usize & last].0[0].load(Ordering::Relaxed));
        }
    }

    /// What is owed now: nothing, if it is more than can be, since then the moment is long past.
    fn debt(&self, word: u64, now: u64) -> u64 {
        let debt = (word & MOMENT).wrapping_sub(now) & MOMENT;
        if debt > self.credit { 0 } else { debt }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn admitted(budget: &Budget, mark: u64, tries: u32, now: u32) -> u32 {
        (0..tries)
            .map(|_| u32::from(budget.charge(mark, 1, Seconds(now))))
            .sum()
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let budget = Budget::new(10, 30, 16);
        let mark = 0xabcd_ef01_2345_6789;
        assert_eq!(admitted(&budget, mark, 1000, 5), 300);
        assert_eq!(admitted(&budget, mark, 1000, 5), 0);
        assert_eq!(admitted(&budget, mark, 1000, 6), 10);
        assert_eq!(admitted(&budget, mark, 1000, 16), 100);
        assert_eq!(admitted(&budget, mark, 1000, 1000), 300);
        assert!(budget.charge(mark, 10, Seconds(1001)) && !budget.charge(mark, 1, Seconds(1001)));
    }

    #[test]
    fn no_rate_is_no_limit_and_any_other_serves() {
        let budget = Budget::new(0, 30, 16);
        assert_eq!(admitted(&budget, 7, 10_000, 0), 10_000);
        assert!(budget.rows.is_empty());
        assert_eq!(admitted(&Budget::new(1, 0, 1), 7, 10, 0), 1);
        assert_eq!(
            admitted(&Budget::new(u32::MAX, 1, 1), 7, 200_000, 0),
            131_072,
            "a request costs a whole step"
        );
    }

    #[test]
    fn whoever_asks_little_is_served_whatever_others_ask() {
        let seed = rand::random();
        eprintln!("seed {seed}");
        let mut dice = StdRng::seed_from_u64(seed);
        let budget = Budget::new(5, 4, 64);
        let honest: Vec<u64> = (0..50).map(|_| dice.random()).collect();
        let greedy: Vec<u64> = (0..100).map(|_| dice.random()).collect();
        let (mut refused, mut served) = (0, 0);
        for second in 0..300 {
            // A crowd ten times as large as the table, and some who never stop.
            for _ in 0..5000 {
                budget.charge(dice.random(), 1, Seconds(second));
            }
            for mark in &greedy {
                served += admitted(&budget, *mark, 200, second);
            }
            for mark in &honest {
                refused += 5 - admitted(&budget, *mark, 5, second);
            }
        }
        assert_eq!(refused, 0);
        assert!(served < 2 * 100 * (20 + 300 * 5), "{served} of 6,000,000");
    }

    #[test]
    fn old_debts_are_forgotten_when_moments_come_round_again() {
        let budget = Budget::new(10, 30, 1);
        let turn = 1 << (MOMENT_BITS - FRACTION_BITS);
        assert_eq!(admitted(&budget, 7, 400, turn - 2), 300);
        assert_eq!(admitted(&budget, 7, 400, turn), 20, "over the turn");
        for later in [turn + 31, turn * 3 / 2, turn * 2 - 31, u32::MAX] {
            assert_eq!(admitted(&budget, 7, 400, later), 300, "{later}");
        }
    }

    #[test]
    fn a_row_is_one_cache_line() {
        assert_eq!((size_of::<Row>(), align_of::<Row>()), (64, 64));
    }
}
