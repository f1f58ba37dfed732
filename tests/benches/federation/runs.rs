//! Runs of one measurement, each beside a floor of its own: a virtual machine's processors are not equally fast from one
//! minute to the next, so what is divided by a signature stands between two signatures. What is measured is elsewhere.

use std::time::{Duration, Instant};

use anyhow::Result;
use shoal_tests::process::processor_time;

use crate::floor::Floor;
use crate::sender::percentile;

/// One run.
#[derive(Debug)]
pub(super) struct Run {
    /// Microseconds of the program's processor time for each operation.
    pub(super) spent: f64,
    /// How long each answer took, or whatever else was timed.
    times: Vec<Duration>,
    /// From the beginning to the end.
    pub(super) wall: Duration,
    /// The mean of the floors right before and right after it.
    pub(super) floor: Floor,
}

/// Several runs of the same.
#[derive(Debug)]
pub(super) struct Runs(Vec<Run>);

impl Runs {
    /// Does the same so many times (`once` is told which time it is) and measures what each of its operations costs this
    /// process.
    pub(super) async fn measure(
        rounds: usize,
        process: u32,
        operations: usize,
        mut once: impl AsyncFnMut(usize) -> Result<Vec<Duration>>,
    ) -> Result<Self> {
        let mut runs = Vec::with_capacity(rounds);
        let mut before = Floor::under_load()?;
        for round in 0..rounds {
            let (started, cpu) = (Instant::now(), processor_time(process)?);
            let times = once(round).await?;
            let (wall, cpu) = (started.elapsed(), processor_time(process)? - cpu);
            let after = Floor::under_load()?;
            runs.push(Run {
                spent: cpu.as_secs_f64() * 1e6 / operations as f64,
                times,
                wall,
                floor: before.mean(after),
            });
            before = after;
        }
        Ok(Self(runs))
    }

    /// The median of what `ratio` says of each, and the run that gave it.
    pub(super) fn median(&self, ratio: impl Fn(&Run) -> f64) -> (f64, &Run) {
        let mut each: Vec<_> = self.0.iter().map(|run| (ratio(run), run)).collect();
        each.sort_by(|one, other| one.0.total_cmp(&other.0));
        each.swap_remove(each.len() / 2)
    }

    /// The median of the runs' 99th percentiles, in milliseconds.
    pub(super) fn p99(&self) -> f64 {
        let each = self.0.iter().map(|run| percentile(run.times.clone(), 99));
        percentile(each.collect(), 50).as_secs_f64() * 1e3
    }
}
