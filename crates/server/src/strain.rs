//! How hard the program works, in eighths, for the tracker: it tells clients to come later while there is too much to do.
//! Holds no clock; `tasks.rs` reads the clocks and passes on what comes of it.

use std::time::Duration;

/// The most eighths.
const MOST: u32 = 8;

/// What was measured last, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Strain {
    last: Option<(Duration, Duration)>,
    eighths: u32,
}

impl Strain {
    /// Takes the time of a steady clock, the processor time that this program has used by then and how many processors
    /// there are. One eighth more if above seven eighths of what there was since the last time were used, one less if
    /// below five.
    pub(crate) fn measure(&mut self, now: Duration, worked: Duration, processors: usize) -> u32 {
        if let Some((then, before)) = self.last.replace((now, worked)) {
            let there_was = now.saturating_sub(then).as_secs_f64() * processors as f64;
            let used = worked.saturating_sub(before).as_secs_f64();
            if used * 8.0 > there_was * 7.0 {
                self.eighths = (self.eighths + 1).min(MOST);
            } else if used * 8.0 < there_was * 5.0 {
                self.eighths = self.eighths.saturating_sub(1);
            }
        }
        self.eighths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strain_grows_with_work_and_passes_with_it() {
        let mut strain = Strain::default();
        let mut clock = (Duration::ZERO, Duration::ZERO);
        let mut after = |seconds: f64| {
            clock.0 += Duration::from_secs(10);
            clock.1 += Duration::from_secs_f64(seconds);
            strain.measure(clock.0, clock.1, 2)
        };
        assert_eq!([0.0, 20.0, 18.0, 17.0, 14.0].map(&mut after), [0, 1, 2, 2, 2]);
        assert_eq!([20.0; 8].map(&mut after), [3, 4, 5, 6, 7, 8, 8, 8]);
        assert_eq!([13.0, 12.0, 0.0].map(&mut after), [8, 7, 6]);
        assert_eq!([0.0; 8].map(&mut after)[7], 0);
    }
}
