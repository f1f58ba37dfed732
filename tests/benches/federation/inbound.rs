//! Being told: what a follower costs from the Follow to its end, what an activity costs that needs no answer, what a
//! stranger costs, and what honest senders notice of somebody who only pretends.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::json;
use shoal_tests::scene::{COLLECTION, Scene};
use shoal_tests::signer::Signer;

use crate::Bench;
use crate::runs::Runs;
use crate::sender::{Actor, Target, percentile};

/// Actors that are known beforehand, and the servers that they are on.
pub(super) const ACTORS: usize = 2_000;
pub(super) const HOSTS: usize = 200;
/// How many post at a time.
const AT_ONCE: usize = 8;
/// How many strangers come in each round.
const STRANGERS: usize = 400;
/// How often each is measured.
const ROUNDS: usize = 3;
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
    for round in 0..ROUNDS {
        for actor in actors {
            let follow = actor.activity("Follow", &format!("follow-{round}"), json!(target.collection()));
            let undo = actor.activity("Undo", &format!("unfollow-{round}"), follow.clone());
            follows.push(target.request(&bench.signer, actor, &follow)?);
            undos.push(target.request(&bench.signer, actor, &undo)?);
        }
    }
    let (count, process) = (actors.len(), scene.shoal.process());
    let runs = Runs::measure(ROUNDS, process, count, async |round| {
        let before = bench.stub.delivered().await?;
        let mut times = target.post(&follows[round * count..][..count], AT_ONCE, 202)?;
        bench.stub.until(before + count as u64).await?;
        times.extend(target.post(&undos[round * count..][..count], AT_ONCE, 202)?);
        Ok(times)
    });
    let runs = runs.await?;
    let (ratio, run) = runs.median(|run| run.spent / (run.floor.sign + 2.0 * run.floor.verify));
    bench.figure(
        &format!("Follow, Accept and Undo with {followers} followers ÷ a signature and two checks"),
        &format!("{ratio:.2}"),
        &format!(
            "{:.0} µs of processor time, {count} known actors on {HOSTS} hosts; answers p99 {:.1} ms, {AT_ONCE} at a time",
            run.spent,
            runs.p99()
        ),
    );
    Ok(())
}

/// Activities that only have to be remembered, and the same once more.
pub(super) async fn without_answer(
    bench: &Bench,
    scene: &Scene,
    target: &Target,
    actors: &[Actor],
) -> Result<()> {
    let mut requests = Vec::new();
    for round in 0..ROUNDS {
        let undo = |actor: &Actor| {
            let undone = json!({ "type": "Follow", "id": format!("{}/never-{round}", actor.id),
                "actor": actor.id, "object": target.collection() });
            let undo = actor.activity("Undo", &format!("undo-{round}"), undone);
            target.request(&bench.signer, actor, &undo)
        };
        requests.push(actors.iter().map(undo).collect::<Result<Vec<_>>>()?);
    }
    for what in ["an Undo", "a known id again"] {
        let runs = Runs::measure(ROUNDS, scene.shoal.process(), actors.len(), async |round| {
            target.post(&requests[round], AT_ONCE, 202)
        });
        let runs = runs.await?;
        let (ratio, run) = runs.median(|run| run.spent / run.floor.verify);
        bench.figure(
            &format!("{what} ÷ one check of a signature"),
            &format!("{ratio:.2}"),
            &format!(
                "{:.0} µs of processor time, {} of them; answers p99 {:.1} ms, {AT_ONCE} at a time",
                run.spent,
                actors.len(),
                runs.p99()
            ),
        );
    }
    Ok(())
}

/// Follows by actors whose servers have to be asked who they are.
pub(super) async fn never_seen(bench: &Bench, scene: &Scene, target: &Target) -> Result<()> {
    let mut requests = Vec::new();
    for number in 0..STRANGERS * ROUNDS {
        let id = format!("http://{}/stranger/{number}", bench.stub.host(number % HOSTS));
        let actor = Actor { id };
        let follow = actor.activity("Follow", "follow", json!(target.collection()));
        requests.push(target.request(&bench.signer, &actor, &follow)?);
    }
    let runs = Runs::measure(ROUNDS, scene.shoal.process(), STRANGERS, async |round| {
        let before = bench.stub.delivered().await?;
        let times = target.post(&requests[round * STRANGERS..][..STRANGERS], AT_ONCE, 202)?;
        bench.stub.until(before + STRANGERS as u64).await?;
        Ok(times)
    });
    let runs = runs.await?;
    let (ratio, run) = runs.median(|run| run.spent / run.floor.sign);
    bench.figure(
        "a Follow by an actor never seen",
        &format!("{:.2} ms", run.spent * 1e-3),
        &format!(
            "of processor time, its Accept included: {ratio:.2} RSA-2048 signatures, of which it takes two; {STRANGERS} strangers on {HOSTS} hosts"
        ),
    );
    Ok(())
}

/// Honest posts beside fifty connections of posts that are signed with another key.
pub(super) fn pestered(bench: &Bench, target: &Target, actors: &[Actor]) -> Result<()> {
    let wrong = Signer::generate()?;
    let bad = actors.iter().take(200).map(|actor| {
        let like = actor.activity("Like", "pretended", json!(target.collection()));
        target.request(&wrong, actor, &like)
    });
    let bad = bad.collect::<Result<Vec<_>>>()?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let honest = |word: &str| -> Result<Vec<Vec<u8>>> {
            let like = |actor: &Actor| {
                actor.activity("Like", &format!("{word}-{round}"), json!(target.collection()))
            };
            actors
                .iter()
                .map(|actor| target.request(&bench.signer, actor, &like(actor)))
                .collect()
        };
        let (first, warm, second) = (honest("quiet")?, honest("warm")?, honest("pestered")?);
        let quiet = percentile(target.post(&first, AT_ONCE, 202)?, 99).as_secs_f64();
        let end = AtomicBool::new(false);
        let (pestered, count) = std::thread::scope(|scope| {
            let pest = scope.spawn(|| target.pester(&bad, PESTERING, &end));
            let pestered = target
                .post(&warm, AT_ONCE, 202)
                .and_then(|_| target.post(&second, AT_ONCE, 202));
            end.store(true, Ordering::Relaxed);
            (pestered, pest.join().ok())
        });
        let pestered = percentile(pestered?, 99).as_secs_f64();
        rounds.push((
            pestered / quiet,
            pestered * 1e3,
            quiet * 1e3,
            count.context("it ends")?,
        ));
    }
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (ratio, pestered, quiet, count) = rounds[ROUNDS / 2];
    bench.figure(
        "honest posts beside an attacker ÷ without",
        &format!("{ratio:.2}"),
        &format!(
            "p99 {pestered:.1} ms, without {quiet:.1} ms; {PESTERING} connections sent {count} badly signed posts meanwhile"
        ),
    );
    Ok(())
}
