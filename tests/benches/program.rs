//! What the whole program costs: processor time of an HTTP announce beside a server that only repeats one answer, memory
//! of an idle `serve`, and the time from start to ready on an existing database.
//!
//! Run by `cargo xtask bench program`, which builds the program for release and names it in `SHOAL_TEST_BINARY`. Prints
//! `figure: NAME | VALUE | HOW` for each. The load generator and the floor are in `load.rs`.

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

mod load;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use load::{CONNECTIONS, Load};
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::process::{processor_time, resident};
use shoal_tests::scene::Scene;
use shoal_tests::wait;

/// Uploads in the database that the program starts on.
const UPLOADS: u64 = 300;

fn main() -> Result<()> {
    // The floor runs as a process of its own, so that its processor time can be told from the generator's.
    if std::env::args().any(|argument| argument == "--floor") {
        return load::floor();
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(idle_and_start())?;
    runtime.block_on(announces())
}

async fn idle_and_start() -> Result<()> {
    let fresh = Shoal::start().await?;
    wait::pass(Duration::from_secs(5)).await;
    println!(
        "figure: memory of an idle `serve` | {:.1} MiB | resident, 5 s after the first start on an empty SQLite database",
        resident(fresh.process())?
    );
    drop(fresh);

    let mut scene = Scene::set(Setup::new()).await?;
    for seed in 0..UPLOADS {
        scene.publish(seed).await?;
    }
    wait::until("the events built into activities", async || {
        let told = scene.outbox().await.ok()?;
        told.iter()
            .any(|activity| activity["type"] == "Create")
            .then_some(())
    })
    .await?;
    scene.shoal.stop().await?;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..11 {
        times.push(start_to_ready(&scene.shoal)?);
    }
    times.sort_unstable();
    println!(
        "figure: start to ready | {:.0} ms | median of 11 starts on an SQLite database with {UPLOADS} uploads; slowest {:.0} ms",
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() - 1].as_secs_f64() * 1e3
    );
    scene.shoal.start_again().await?;
    wait::pass(Duration::from_secs(5)).await;
    println!(
        "figure: memory of `serve` with {UPLOADS} uploads | {:.1} MiB | resident, 5 s after a start on that database",
        resident(scene.shoal.process())?
    );
    Ok(())
}

/// From the birth of the process to the line that says where it is, after which it must be ready.
fn start_to_ready(shoal: &Shoal) -> Result<Duration> {
    let started = Instant::now();
    let mut serve = Running(
        shoal
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let output = serve.0.stdout.take().context("its output is ours")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let took = started.elapsed();
    ensure!(line.contains("http://"), "it said {line:?}");
    let address = shoal.url().trim_start_matches("http://");
    ensure!(
        load::get(address, "/readyz")?.starts_with("HTTP/1.1 200"),
        "the line came before it was ready"
    );
    Ok(took)
}

async fn announces() -> Result<()> {
    let shoal = Setup::new()
        .set("tracker.mode", "open")
        .set("tracker.max_peers_per_address", "1000000")
        .set("tracker.requests_per_second_per_address", "0")
        .set("tracker.requests_per_second_per_network", "0")
        .start()
        .await?;
    let address = shoal.url().trim_start_matches("http://").to_owned();
    let me = std::env::current_exe()?;
    let mut floor = Running(Command::new(me).arg("--floor").stdout(Stdio::piped()).spawn()?);
    let mut floor_address = String::new();
    BufReader::new(floor.0.stdout.take().context("its output is ours")?).read_line(&mut floor_address)?;

    let kept = Load {
        requests: 200_000,
        connections: CONNECTIONS,
        keep_alive: true,
    };
    let fresh = Load {
        requests: 20_000,
        connections: CONNECTIONS,
        keep_alive: false,
    };
    for (name, load) in [("kept connections", kept), ("a new connection each", fresh)] {
        // The first pass fills the swarms and warms both up.
        load.run(&address)?;
        let shoal = measured(&load, &address, shoal.process())?;
        let floor = measured(&load, floor_address.trim(), floor.0.id())?;
        println!(
            "figure: HTTP announce, {name} | {:.1} µs of processor time | {} announces of 10,000 torrents over {CONNECTIONS} \
             connections, {:.0}/s; a server that repeats one answer of the same size needs {:.1} µs, {:.0}/s",
            shoal.0, load.requests, shoal.1, floor.0, floor.1
        );
    }
    println!(
        "figure: memory after these announces | {:.1} MiB | resident",
        resident(shoal.process())?
    );
    Ok(())
}

/// Microseconds of processor time for one request, and requests in a second.
fn measured(load: &Load, address: &str, process: u32) -> Result<(f64, f64)> {
    let (before, started) = (processor_time(process)?, Instant::now());
    load.run(address)?;
    let (wall, spent) = (started.elapsed(), processor_time(process)? - before);
    let requests = load.requests as f64;
    Ok((
        spent.as_secs_f64() * 1e6 / requests,
        requests / wall.as_secs_f64(),
    ))
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
