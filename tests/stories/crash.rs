//! A crash at any instant loses nothing: the program is killed fifty times while it tells 50 hosts of 20 uploads, and in
//! the end each inbox has each activity, under the same id, in the same order. Several processes on one database are
//! `two_processes.rs`.

use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shoal_tests::database::Postgres;
use shoal_tests::inbox::{Inboxes, in_order};
use shoal_tests::instance::Setup;
use shoal_tests::scene::{Scene, text};
use shoal_tests::wait;

const HOSTS: usize = 50;
const UPLOADS: usize = 20;
const KILLS: usize = 50;

#[tokio::test]
async fn fifty_kills_lose_no_delivery() -> Result<()> {
    kill_in_between(Setup::new()).await
}

#[tokio::test]
async fn fifty_kills_lose_no_delivery_on_postgresql() -> Result<()> {
    let Some(postgres) = Postgres::fresh("fifty kills on PostgreSQL")? else {
        return Ok(());
    };
    kill_in_between(Setup::new().set("database.url", &postgres.url())).await
}

async fn kill_in_between(setup: Setup) -> Result<()> {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::set(setup).await?;
    let inboxes = Inboxes::open(HOSTS)?;
    inboxes.let_through(HOSTS);
    scene.followed_by(&inboxes).await?;
    wait::until("an Accept at every host", async || {
        (inboxes.count() >= HOSTS).then_some(())
    })
    .await?;

    let mut published = Vec::new();
    for round in 0..KILLS {
        // Half of the uploads stand before the first kill; the others come in between.
        while published.len() < UPLOADS && published.len() < UPLOADS / 2 + round {
            let upload = scene.publish(published.len() as u64).await?;
            published.push(text(&upload, "id")?.to_owned());
        }
        // The gate opens for a part of what is left; when some of that has passed, and a moment later, the end comes:
        // before, in or after a delivery, while an answer is written down, while hosts are claimed, or at the start.
        let part = HOSTS * UPLOADS / KILLS;
        let enough = inboxes.count() + random.random_range(0..=part);
        inboxes.let_through(part);
        wait::until(&format!("the deliveries before kill {round}"), async || {
            (inboxes.count() >= enough).then_some(())
        })
        .await?;
        let (reached, later) = (Instant::now(), Duration::from_millis(random.random_range(0..60)));
        wait::until("the instant", async || (reached.elapsed() >= later).then_some(())).await?;
        scene.shoal.kill()?;
        scene.shoal.start_again().await?;
    }
    let back = Instant::now();
    inboxes.let_all_through();
    wait::until("every activity at every host", async || {
        let got = inboxes.got();
        (got.len() == HOSTS && got.values().all(|list| in_order(list).len() >= UPLOADS)).then_some(())
    })
    .await?;
    let took = back.elapsed();
    assert!(
        took < Duration::from_secs(60),
        "seed {seed}: nobody waits for leases of the dead: {took:?}"
    );
    scene.shoal.stop().await?;
    inboxes.assert_told(&published, &format!("seed {seed}"));
    Ok(())
}
