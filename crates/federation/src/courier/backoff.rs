//! When to try a host again: a minute after the first failure, twice as long after each further one, up to twelve hours,
//! each time a quarter more or less, so that hosts that failed together do not return together. Pure.

use shoal_store::Millis;

/// How long a delivery is tried: a host that is back within a week misses nothing. A day more than that, because the
/// last attempts lie up to fifteen hours apart.
pub const PROMISE: Millis = 8 * 24 * 3600 * 1000;
/// The longest that a host is left alone, even if it asks for more.
pub(super) const LONGEST: Millis = 24 * 3600 * 1000;
const FIRST: Millis = 60_000;
const MOST: Millis = 12 * 3600 * 1000;

/// How long to wait after a failure, when `failures` came before it. `chance` is any number, evenly spread.
pub(super) fn wait(failures: u32, chance: u32) -> Millis {
    let whole = FIRST.saturating_mul(1_i64 << failures.min(20)).min(MOST);
    let spread = whole / 2;
    whole - spread / 2 + spread * Millis::from(chance) / Millis::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_day_and_spread_a_quarter_each_way() {
        for (failures, whole) in [
            (0, 60_000),
            (1, 120_000),
            (5, 1_920_000),
            (10, MOST),
            (40, MOST),
            (u32::MAX, MOST),
        ] {
            assert_eq!(wait(failures, 0), whole - whole / 4);
            assert_eq!(wait(failures, u32::MAX), whole + whole / 4);
        }
    }

    #[test]
    fn whoever_returns_within_a_week_is_tried_before_it_is_given_up() {
        // The unluckiest spread: always a quarter more.
        let mut at = 0;
        let mut last_within = 0;
        for failures in 0.. {
            if at > PROMISE {
                break;
            }
            last_within = at;
            at += wait(failures, u32::MAX);
        }
        assert!(
            last_within > 7 * 24 * 3600 * 1000,
            "last attempt at {last_within}"
        );
    }
}
