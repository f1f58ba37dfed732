//! Telling followers: what one delivery costs beside the signature that it cannot do without, how long the whole fan-out
//! takes, how soon the archivist has an answer, and what a queue of a million costs in memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use shoal_tests::process::resident;
use shoal_tests::scene::Scene;
use shoal_tests::wait;

use crate::floor::Floor;
use crate::runs::Runs;
use crate::sender::percentile;
use crate::{Bench, FOLLOWERS, HOSTS};

/// How many posts are told to all.
const POSTS: usize = 5;
/// How many uploads are published one after the other.
const UPLOADS: u64 = 100;
/// How many deliveries wait in the end.
const MILLION: i64 = 1_000_000;

/// One post to ten thousand followers on a thousand hosts, some times over.
pub(super) async fn fan_out(bench: &Bench, scene: &Scene) -> Result<()> {
    let (hosts, process) = (HOSTS as u64, scene.shoal.process());
    let before = bench.stub.delivered().await?;
    scene.publish(1).await?;
    bench.stub.until(before + hosts).await?;
    let runs = Runs::measure(POSTS, process, HOSTS, async |post| {
        let before = bench.stub.delivered().await?;
        scene.publish(10 + post as u64).await?;
        bench.stub.until(before + hosts).await?;
        Ok(Vec::new())
    });
    let runs = runs.await?;
    let (ratio, run) = runs.median(|run| run.spent / run.floor.sign);
    bench.figure(
        "a delivery ÷ one RSA-2048 signature",
        &format!("{ratio:.2}"),
        &format!("{:.0} µs of processor time each, everything counted; median of {POSTS} posts to {FOLLOWERS} followers on {HOSTS} hosts that answer at once", run.spent),
    );
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let least = |floor: &Floor| floor.sign * 1e-6 * HOSTS as f64 / cores as f64;
    let (ratio, run) = runs.median(|run| run.wall.as_secs_f64() / least(&run.floor));
    bench.figure(
        "that fan-out ÷ (signatures ÷ cores)",
        &format!("{ratio:.2}"),
        &format!(
            "{:.0} ms from the call to the last delivery, median; {cores} cores, which the thousand hosts share",
            run.wall.as_secs_f64() * 1e3
        ),
    );
    Ok(())
}

/// How long the call takes that publishes: each after the last was told to all, and then one after the other, while what
/// was published before is being told.
pub(super) async fn publish(bench: &Bench, scene: &Scene) -> Result<()> {
    let hosts = HOSTS as u64;
    let mut calls = Vec::new();
    for seed in 0..UPLOADS {
        let before = bench.stub.delivered().await?;
        calls.push(upload(scene, 1_000 + seed).await?);
        bench.stub.until(before + hosts).await?;
    }
    tell(bench, calls, "each after the last was told to all");
    let (before, mut calls) = (bench.stub.delivered().await?, Vec::new());
    for seed in 0..UPLOADS {
        calls.push(upload(scene, 10_000 + seed).await?);
    }
    tell(
        bench,
        calls,
        "one after the other, what was published before being told meanwhile",
    );
    bench.stub.until(before + UPLOADS * hosts).await
}

/// The time of one call.
async fn upload(scene: &Scene, seed: u64) -> Result<Duration> {
    let torrent = scene.torrent(seed)?;
    let started = Instant::now();
    let answer = scene
        .web()
        .upload(shoal_tests::scene::DATASET, &scene.archivist, torrent);
    answer.await?.expect(201)?;
    Ok(started.elapsed())
}

/// Publishes, waiting as long as the instance asks for where an account may not publish more at a time.
async fn publish_when_allowed(scene: &Scene, seed: u64) -> Result<()> {
    loop {
        let torrent = scene.torrent(seed)?;
        let answer = scene
            .web()
            .upload(shoal_tests::scene::DATASET, &scene.archivist, torrent);
        let answer = answer.await?;
        if answer.status != 429 {
            return answer.expect(201).map(drop);
        }
        let seconds = answer.header("Retry-After").parse();
        wait::pass(Duration::from_secs(seconds.context("429 says how long to wait")?)).await;
    }
}

fn tell(bench: &Bench, calls: Vec<Duration>, when: &str) {
    bench.figure(
        "publishing returns",
        &format!("{:.1} ms", percentile(calls.clone(), 99).as_secs_f64() * 1e3),
        &format!(
            "p99 of {UPLOADS} calls with {FOLLOWERS} followers, {when}; median {:.1} ms",
            percentile(calls, 50).as_secs_f64() * 1e3
        ),
    );
}

/// A thousand posts to a thousand hosts that are all gone. Ends the stub.
pub(super) async fn a_million_waiting(bench: Bench, scene: &Scene, idle: f64) -> Result<()> {
    let Bench { database, stub, .. } = bench;
    drop(stub);
    let posts = u64::try_from(MILLION)? / HOSTS as u64;
    for post in 0..posts {
        publish_when_allowed(scene, 100_000 + post).await?;
    }
    let store = scene.shoal.store()?;
    let (enough, mut waiting) = (MILLION - HOSTS as i64, 0);
    while waiting < enough {
        // They are queued little by little: it may take long, but never without progress.
        let more = async || Some(store.delivery_counts().ok()?.waiting).filter(|count| *count > waiting);
        waiting = wait::until("more deliveries in the queue", more).await?;
    }
    wait::pass(Duration::from_secs(2)).await;
    let now = resident(scene.shoal.process()).context("it runs")?;
    println!(
        "figure: memory above idle with a million deliveries queued, {database} | {:.1} MiB | {now:.1} MiB resident with {waiting} waiting for {HOSTS} hosts that are gone; {idle:.1} MiB before",
        now - idle
    );
    Ok(())
}
