//! What the process uses, under the names that Prometheus programs share: read from `/proc`, and left out where there is
//! none.

use std::fs;
use std::time::Duration;

use super::figure::Figure;

/// Writes what the system tells.
pub(super) fn figures(uptime: Duration, out: &mut String) {
    let mut figure = |name, kind, help, value: Option<f64>| {
        if let Some(value) = value {
            Figure::new(out, name, kind, help).value("", value);
        }
    };
    figure(
        "process_resident_memory_bytes",
        "gauge",
        "Memory that the process holds.",
        resident(),
    );
    figure(
        "process_cpu_seconds_total",
        "counter",
        "Processor time used.",
        worked(),
    );
    figure(
        "process_open_fds",
        "gauge",
        "Open files and sockets.",
        open_files(),
    );
    figure(
        "process_start_time_seconds",
        "gauge",
        "When the process started, in unix seconds.",
        Some((crate::clock::now() as f64 / 1e3 - uptime.as_secs_f64()).round()),
    );
}

fn resident() -> Option<f64> {
    let pages: u64 = field(&fs::read_to_string("/proc/self/statm").ok()?, 1)?;
    Some((pages * rustix::param::page_size() as u64) as f64)
}

fn worked() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold blanks.
    let (_, rest) = stat.rsplit_once(") ")?;
    let ticks = field(rest, 11)? + field(rest, 12)?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn open_files() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn field(line: &str, at: usize) -> Option<u64> {
    line.split_whitespace().nth(at)?.parse().ok()
}
