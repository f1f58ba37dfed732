//! What a process on this machine has cost so far, as the kernel counts it: processor time and memory.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// User and system time of a process so far, all its threads together; the kernel counts it in hundredths of a second.
///
/// # Errors
/// When there is no such process.
pub fn processor_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field, the name in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("a name in brackets")?;
    let field = |number: usize| {
        fields
            .split(' ')
            .nth(number)
            .and_then(|field| field.parse::<u64>().ok())
            .context("a number")
    };
    Ok(Duration::from_millis(10 * (field(11)? + field(12)?)))
}

/// Resident memory in MiB.
///
/// # Errors
/// When there is no such process.
pub fn resident(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("a line VmRSS")?;
    let kibibytes: f64 = line.split_whitespace().next().context("a number")?.parse()?;
    Ok(kibibytes / 1024.0)
}
