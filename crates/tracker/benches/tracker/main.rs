//! What the tracker costs: swarms in memory, and each door over loopback beside the bare floor of the same run. Prints a
//! line for each figure: what, how much, and how it was measured. `SHOAL_BENCH_PART` names one part to run alone: `swarm`,
//! `udp` or one of its own parts (`io_uring`, `mmsg`, `plain`, `two`, `many`), `flood`, `http` or the name of a crowd. Begin
//! with `swarm.rs`; next in the flow: `udp.rs`, `http.rs`.

mod crowd;
mod datagrams;
mod flood;
mod http;
mod machine;
mod swarm;
mod udp;

use std::io::Write;

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let part = std::env::var("SHOAL_BENCH_PART").ok();
    let is_wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if let Some(crowd) = part.as_deref().and_then(crowd::named) {
        return swarm::measure(crowd);
    }
    let is_of_udp = |name: &str| is_wanted("udp") || is_wanted(name);
    for backend in udp::BACKENDS {
        if is_of_udp(&backend.to_string()) {
            udp::measure(backend)?;
        }
    }
    let others: [(&str, fn() -> Result<(), Fault>); 2] =
        [("two", udp::measure_two), ("many", udp::measure_many)];
    for (name, measure) in others {
        if is_of_udp(name)
            && let Err(error) = measure()
        {
            say(&format!("UDP: {name}"), "not measured", &error.to_string())?;
        }
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

/// Prints one figure.
pub(crate) fn say(what: &str, figure: &str, how: &str) -> Result<(), Fault> {
    Ok(writeln!(std::io::stdout(), "figure: {what} | {figure} | {how}")?)
}

/// The middle of some runs.
pub(crate) fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}
