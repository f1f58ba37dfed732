//! Time as the tracker is told it: whole seconds of a clock that never goes back. Holds no clock; `tracker.rs` is
//! given the time with every call, doors are given a clock, and `peer.rs` keeps time as a tick of eleven bits.

use std::sync::Arc;
use std::time::Duration;

/// Tells the time since the tracker began, by a clock that never goes back.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Seconds of a monotonic clock since a moment of the caller's choice, such as the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u32);

impl Seconds {
    /// The whole seconds of a time, for 136 years.
    pub fn of(time: Duration) -> Self {
        Self(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))
    }
}

/// How many seconds one tick lasts.
pub(crate) const TICK: u32 = 32;

/// The longest time in seconds for which a peer may be kept without an announce: half of the eighteen hours after
/// which ticks come round again.
pub(crate) const LONGEST_TIMEOUT: u32 = TICK * (Tick::MASK as u32 + 1) / 2;

/// A moment in units of 32 seconds, modulo 2048: two moments can be compared if they are less than eighteen hours
/// apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tick(u16);

impl Tick {
    pub(crate) const MASK: u16 = (1 << 11) - 1;

    pub(crate) fn of(now: Seconds) -> Self {
        Self((now.0 / TICK) as u16 & Self::MASK)
    }

    pub(crate) fn from_bits(bits: u16) -> Self {
        Self(bits & Self::MASK)
    }

    pub(crate) fn bits(self) -> u16 {
        self.0
    }

    /// How many ticks ago this was.
    pub(crate) fn age(self, now: Self) -> u16 {
        now.0.wrapping_sub(self.0) & Self::MASK
    }

    /// The moment so many ticks before this one.
    pub(crate) fn before(self, ticks: u16) -> Self {
        Self(self.0.wrapping_sub(ticks) & Self::MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_right_over_the_turn() {
        let late = Tick::of(Seconds(2048 * TICK - 1));
        let early = Tick::of(Seconds(2048 * TICK + TICK + 1));
        assert_eq!(late.age(early), 2);
        assert_eq!(early.before(2), late);
        assert_eq!(early.age(early), 0);
    }
}
