//! Hiding: from the moment it is answered, the tracker, the page, the feeds and the object say so, and followers are
//! told. A restart changes nothing of it; restoring brings all back.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shoal_tests::database::Postgres;
use shoal_tests::inbox::Inboxes;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::wait;

#[tokio::test]
async fn what_is_hidden_is_gone_everywhere_and_comes_back_everywhere() -> Result<()> {
    hide_and_restore(Setup::new()).await
}

#[tokio::test]
async fn the_same_on_postgresql() -> Result<()> {
    let Some(postgres) = Postgres::fresh("a takedown on PostgreSQL")? else {
        return Ok(());
    };
    hide_and_restore(Setup::new().set("database.url", &postgres.url())).await
}

async fn hide_and_restore(setup: Setup) -> Result<()> {
    let mut scene = Scene::set(setup).await?;
    let inboxes = Inboxes::open(1)?;
    inboxes.let_through(100);
    scene.followed_by(&inboxes).await?;
    let upload = scene.publish(1).await?;
    let id = text(&upload, "id")?;
    let create = arrived(&inboxes, "Create", 1).await?;
    let note = text(&create["object"], "id")?.to_owned();
    stands(&scene, &upload, &note).await?;

    scene
        .decide("uploads", id, "hide", "The publisher's licence forbids it.")
        .await?;
    gone(&scene, &upload, &note).await?;
    let delete = arrived(&inboxes, "Delete", 1).await?;
    assert_eq!(
        delete["object"]["id"],
        json!(note),
        "the post that was sent is what is taken back"
    );
    assert_eq!(delete["object"]["type"], "Tombstone");

    assert!(scene.shoal.stop().await?.success());
    scene.shoal.start_again().await?;
    gone(&scene, &upload, &note).await?;

    scene
        .decide("uploads", id, "restore", "The publisher has agreed.")
        .await?;
    let again = arrived(&inboxes, "Create", 2).await?;
    let fresh = text(&again["object"], "id")?.to_owned();
    assert_ne!(
        fresh, note,
        "servers that saw the Delete take the post only under a new id"
    );
    stands(&scene, &upload, &fresh).await?;
    assert_eq!(
        scene.web().activity(&note).await?.status,
        410,
        "the old post stays deleted"
    );
    Ok(())
}

/// The upload is there for everyone.
async fn stands(scene: &Scene, upload: &Value, note: &str) -> Result<()> {
    scene.web().get(text(upload, "url")?).await?.expect(200)?;
    scene.web().get(text(upload, "torrent_url")?).await?.expect(200)?;
    assert_eq!(
        scene.web().activity(note).await?.expect(200)?.json()?["type"],
        "Note"
    );
    let feed = scene.web().get("/feeds/all.rss").await?.expect(200)?.text();
    assert!(feed.contains(text(upload, "id")?), "the feed has it");
    let reply = scene
        .web()
        .announce(text(upload, "info_hash_v1")?, 7001, 0, "started")
        .await?
        .text();
    assert!(reply.contains("8:interval"), "the tracker serves it: {reply}");
    Ok(())
}

/// The upload is gone for everyone, with the reason where people look.
async fn gone(scene: &Scene, upload: &Value, note: &str) -> Result<()> {
    let page = scene.web().get(text(upload, "url")?).await?.expect(410)?.text();
    assert!(page.contains("removed by the moderators"), "{page}");
    assert!(page.contains("licence forbids it"), "the reason is told: {page}");
    for path in ["info_hash_v1", "info_hash_v2"] {
        let reply = scene
            .web()
            .announce(text(upload, path)?, 7002, 0, "started")
            .await?
            .expect(200)?
            .text();
        assert!(reply.contains("14:failure reason"), "{path}: {reply}");
    }
    scene.web().get(text(upload, "torrent_url")?).await?.expect(410)?;
    let object = scene.web().activity(note).await?.expect(410)?.json()?;
    assert_eq!(
        (&object["type"], &object["id"]),
        (&json!("Tombstone"), &json!(note))
    );
    let feed = scene.web().get("/feeds/all.rss").await?.expect(200)?.text();
    assert!(!feed.contains(text(upload, "id")?), "no feed has it");
    let dataset = scene
        .web()
        .get(&format!("/datasets/{DATASET}"))
        .await?
        .expect(200)?
        .text();
    assert!(
        !dataset.contains(text(upload, "id")?),
        "the dataset's page does not name it"
    );
    Ok(())
}

/// The n-th activity of a kind that reached the only inbox.
async fn arrived(inboxes: &Inboxes, kind: &str, count: usize) -> Result<Value> {
    let what = format!("{kind} number {count}");
    let all = wait::until(&what, async || {
        let got: Vec<Value> = inboxes
            .got()
            .into_values()
            .flatten()
            .filter(|activity| activity["type"] == kind)
            .collect();
        (got.len() >= count).then_some(got)
    });
    all.await?.into_iter().nth(count - 1).context("it was counted")
}
