//! A crash at any instant loses nothing: the program is killed five times while it tells 20 hosts of 10 uploads, and
//! in the end each inbox has each activity, under the same id, in the same order.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;
use shoal_tests::database::Postgres;
use shoal_tests::inbox::{Inboxes, moment};
use shoal_tests::instance::Setup;
use shoal_tests::scene::{Scene, text};
use shoal_tests::wait;

const HOSTS: usize = 20;
const UPLOADS: usize = 10;
const KILLS: usize = 5;

#[tokio::test]
async fn five_kills_lose_no_delivery() -> Result<()> {
    kill_in_between(Setup::new()).await
}

#[tokio::test]
async fn five_kills_lose_no_delivery_on_postgresql() -> Result<()> {
    let Some(postgres) = Postgres::fresh("five kills on PostgreSQL")? else {
        return Ok(());
    };
    kill_in_between(Setup::new().set("database.url", &postgres.url())).await
}

async fn kill_in_between(setup: Setup) -> Result<()> {
    let mut scene = Scene::set(setup).await?;
    let inboxes = Inboxes::open(HOSTS)?;
    inboxes.let_through(HOSTS);
    scene.followed_by(&inboxes).await?;
    wait::until("an Accept at every host", async || {
        (inboxes.count() >= HOSTS).then_some(())
    })
    .await?;

    let mut published = Vec::new();
    for seed in 0..UPLOADS {
        published.push(text(&scene.publish(seed as u64).await?, "id")?.to_owned());
    }
    for round in 1..=KILLS {
        // The gate opens for a part of what is left; when that part has passed, the rest is held up in mid-delivery.
        let before = inboxes.count();
        inboxes.let_through(HOSTS * UPLOADS / (KILLS + 1));
        let part = format!("the deliveries before kill {round}");
        wait::until(&part, async || {
            (inboxes.still_free() == 0 && inboxes.count() > before).then_some(())
        })
        .await?;
        scene.shoal.kill()?;
        // What the dead one had claimed is free for others after two minutes; nobody waits for that here.
        scene.shoal.store()?.clear_leases(moment())?;
        scene.shoal.start_again().await?;
    }
    inboxes.let_through(HOSTS * UPLOADS * 10);
    wait::until("every activity at every host", async || {
        let got = inboxes.got();
        (got.len() == HOSTS && got.values().all(|list| creates(list).len() >= UPLOADS)).then_some(())
    })
    .await?;
    scene.shoal.stop().await?;

    let got = inboxes.got();
    let mut orders = BTreeSet::new();
    for (host, list) in &got {
        let order = creates(list);
        assert_eq!(order.len(), UPLOADS, "{host}: each upload under one id");
        orders.insert(order);
    }
    assert_eq!(
        orders.len(),
        1,
        "every host got the same ids in the same order: {orders:#?}"
    );
    let told: Vec<String> = orders.into_iter().flatten().map(|(_, about)| about).collect();
    for (id, about) in published.iter().zip(&told) {
        assert!(
            about.contains(id),
            "in the order of publishing: {published:?} {told:?}"
        );
    }
    Ok(())
}

/// The Create activities in the order in which a host first had them: the id, and what it says.
fn creates(list: &[Value]) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let creates = list.iter().filter(|activity| activity["type"] == "Create");
    creates
        .map(|activity| (activity["id"].to_string(), activity["object"].to_string()))
        .filter(|(id, _)| seen.insert(id.clone()))
        .collect()
}
