//! Being told: what a follower costs from the Follow to its end, what an activity costs that needs no answer, what a
//! stranger costs, and what honest senders notice of somebody who only pretends.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::json;
use shoal_tests::process::processor_time;
use shoal_tests::scene::{COLLECTION, Scene};
use shoal_tests::signer::Signer;

use crate::Bench;
use crate::sender::{Actor, Target, percentile};

/// Actors that are known beforehand, and the servers that they are on.
pub(super) const ACTORS: usize = 2_000;
pub(super) const HOSTS: usize = 200;
/// How many post at a time.
const AT_ONCE: usize = 8;
/// How many strangers come.
const STRANGERS: usize = 500;
/// How many connections somebody pesters with.
const PESTERING: usize = 50;

impl Target {
    /// The collection's own inbox.
    pub(super) fn inbox_of(scene: &Scene) -> Self {
        Self {
            address: scene.shoal.url().trim_start_matches("http://").to_owned(),
            inbox: format!("/collections/{COLLECTION}/inbox"),
        }
    }

    fn collection(&self) -> String {
        format!("http://{}/collections/{COLLECTION}", self.address)
    }
}

/// Follow, its delivered Accept, and Undo.
pub(super) async fn follows(
    bench: &Bench,
    scene: &Scene,
    target: &Target,
    actors: &[Actor],
    followers: usize,
) -> Result<()> {
    let (mut follows, mut undos) = (Vec::new(), Vec::new());
    for actor in actors {
        let follow = actor.activity("Follow", "follow", json!(target.collection()));
        let undo = actor.activity("Undo", "undo", follow.clone());
        follows.push(target.request(&bench.signer, actor, &follow)?);
        undos.push(target.request(&bench.signer, actor, &undo)?);
    }
    let process = scene.shoal.process();
    let (before, cpu) = (bench.stub.delivered().await?, processor_time(process)?);
    let mut times = target.post(&follows, AT_ONCE, 202)?;
    bench.stub.until(before + actors.len() as u64).await?;
    times.extend(target.post(&undos, AT_ONCE, 202)?);
    let spent = (processor_time(process)? - cpu).as_secs_f64() * 1e6 / actors.len() as f64;
    let least = bench.floor.sign + 2.0 * bench.floor.verify;
    bench.figure(
        &format!("Follow, Accept and Undo with {followers} followers ÷ a signature and two checks"),
        &format!("{:.2}", spent / least),
        &format!(
            "{spent:.0} µs of processor time, {} known actors on {HOSTS} hosts; answers p99 {:.1} ms, {AT_ONCE} at a time",
            actors.len(),
            percentile(times, 99).as_secs_f64() * 1e3
        ),
    );
    Ok(())
}

/// Activities that only have to be remembered, and the same once more.
pub(super) fn without_answer(bench: &Bench, scene: &Scene, target: &Target, actors: &[Actor]) -> Result<()> {
    let mut requests = Vec::new();
    for round in 0..3 {
        for actor in actors {
            let undone = json!({ "type": "Follow", "id": format!("{}/never-{round}", actor.id),
                "actor": actor.id, "object": target.collection() });
            let undo = actor.activity("Undo", &format!("undo-{round}"), undone);
            requests.push(target.request(&bench.signer, actor, &undo)?);
        }
    }
    let process = scene.shoal.process();
    for what in ["an Undo", "a known id again"] {
        let cpu = processor_time(process)?;
        let times = target.post(&requests, AT_ONCE, 202)?;
        let spent = (processor_time(process)? - cpu).as_secs_f64() * 1e6 / requests.len() as f64;
        bench.figure(
            &format!("{what} ÷ one check of a signature"),
            &format!("{:.2}", spent / bench.floor.verify),
            &format!(
                "{spent:.0} µs of processor time, {} of them; answers p99 {:.1} ms, {AT_ONCE} at a time",
                requests.len(),
                percentile(times, 99).as_secs_f64() * 1e3
            ),
        );
    }
    Ok(())
}

/// Follows by actors whose servers have to be asked who they are.
pub(super) async fn never_seen(bench: &Bench, scene: &Scene, target: &Target) -> Result<()> {
    let mut requests = Vec::new();
    for number in 0..STRANGERS {
        let id = format!("http://{}/stranger/{number}", bench.stub.host(number % HOSTS));
        let actor = Actor { id };
        let follow = actor.activity("Follow", "follow", json!(target.collection()));
        requests.push(target.request(&bench.signer, &actor, &follow)?);
    }
    let process = scene.shoal.process();
    let (before, cpu) = (bench.stub.delivered().await?, processor_time(process)?);
    target.post(&requests, AT_ONCE, 202)?;
    bench.stub.until(before + STRANGERS as u64).await?;
    let spent = (processor_time(process)? - cpu).as_secs_f64() * 1e3 / STRANGERS as f64;
    bench.figure(
        "a Follow by an actor never seen",
        &format!("{spent:.2} ms"),
        &format!("of processor time, its Accept included; {STRANGERS} strangers on {HOSTS} hosts"),
    );
    Ok(())
}

/// Honest posts beside fifty connections of posts that are signed with another key.
pub(super) fn pestered(bench: &Bench, target: &Target, actors: &[Actor]) -> Result<()> {
    let wrong = Signer::generate()?;
    let honest = |round: &str| -> Result<Vec<Vec<u8>>> {
        let like = |actor: &Actor| actor.activity("Like", round, json!(target.collection()));
        actors
            .iter()
            .map(|actor| target.request(&bench.signer, actor, &like(actor)))
            .collect()
    };
    let bad = actors.iter().take(200).map(|actor| {
        let like = actor.activity("Like", "pretended", json!(target.collection()));
        target.request(&wrong, actor, &like)
    });
    let bad = bad.collect::<Result<Vec<_>>>()?;
    let (first, warm, second) = (honest("quiet")?, honest("warm")?, honest("pestered")?);
    let quiet = percentile(target.post(&first, AT_ONCE, 202)?, 99);
    let end = AtomicBool::new(false);
    let (pestered, count) = std::thread::scope(|scope| {
        let pest = scope.spawn(|| target.pester(&bad, PESTERING, &end));
        let pestered = target
            .post(&warm, AT_ONCE, 202)
            .and_then(|_| target.post(&second, AT_ONCE, 202));
        end.store(true, Ordering::Relaxed);
        (pestered, pest.join().ok())
    });
    let pestered = percentile(pestered?, 99);
    let count = count.context("it ends")?;
    bench.figure(
        "honest posts beside an attacker ÷ without",
        &format!("{:.2}", pestered.as_secs_f64() / quiet.as_secs_f64()),
        &format!(
            "p99 {:.1} ms, without {:.1} ms; {PESTERING} connections sent {count} badly signed posts meanwhile",
            pestered.as_secs_f64() * 1e3,
            quiet.as_secs_f64() * 1e3
        ),
    );
    Ok(())
}
