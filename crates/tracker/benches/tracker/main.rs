//! What the tracker costs: swarms in memory, and each door over loopback beside the bare floor of the same run. Prints a
//! line for each figure: what, how much, and how it was measured. `SHOAL_BENCH_PART` names one part to run alone: `swarm`,
//! `udp` or one of its own parts (`io_uring`, `mmsg`, `plain`, `two`, `many`), `flood`, `http` or the name of a crowd; with
//! `floors` only the floors are opened, for a load from elsewhere, until standard input ends. Begin with `swarm.rs`; next in
//! the flow: `udp.rs`, `http.rs`.

mod crowd;
mod datagrams;
mod flood;
mod http;
mod machine;
mod swarm;
mod udp;

use std::io::Write;

use shoal_tracker::{Seconds, Tracker};

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let part = std::env::var("SHOAL_BENCH_PART").ok();
    let is_wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if let Some(crowd) = part.as_deref().and_then(crowd::named) {
        return swarm::measure(crowd);
    }
    if part.as_deref() == Some("floors") {
        return open_floors();
    }
    let is_of_udp = |name: &str| is_wanted("udp") || is_wanted(name);
    for backend in udp::BACKENDS {
        if is_of_udp(&backend.to_string()) {
            udp::measure(backend)?;
        }
    }
    if is_of_udp("two") {
        or_why_not("two", udp::measure_two())?;
    }
    if is_of_udp("many") {
        or_why_not("many", udp::measure_many())?;
    }
    if is_wanted("flood") {
        flood::measure()?;
    }
    if is_wanted("http") {
        http::measure()?;
    }
    if is_wanted("swarm") {
        swarm::measure_each_apart()?;
    }
    Ok(())
}

/// Opens every floor, says where it is, and waits for the end of standard input.
fn open_floors() -> Result<(), Fault> {
    let _open = udp::open_floors()?;
    http::open_floor()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Says of a part that could not be measured why not, and lets the others go on.
fn or_why_not(part: &str, measured: Result<(), Fault>) -> Result<(), Fault> {
    match measured {
        Ok(()) => Ok(()),
        Err(error) => say(&format!("UDP: {part}"), "not measured", &error.to_string()),
    }
}

/// What the program does beside its doors in some minutes: each second it sweeps so many.
pub(crate) fn go_on(tracker: &Tracker, now: Seconds) {
    for _ in 0..300 {
        tracker.sweep(now, 100_000);
    }
}

/// Prints one figure.
pub(crate) fn say(what: &str, figure: &str, how: &str) -> Result<(), Fault> {
    Ok(writeln!(std::io::stdout(), "figure: {what} | {figure} | {how}")?)
}

/// The middle of some runs.
pub(crate) fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}
