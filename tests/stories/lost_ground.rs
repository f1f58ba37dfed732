//! The ground is taken away for a while: PostgreSQL restarts underneath, the disk is full. What cannot be kept is refused
//! with a sentence and leaves nothing behind, the tracker goes on answering, and everything recovers by itself.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;
use shoal_tests::cluster::Cluster;
use shoal_tests::inbox::{Inboxes, in_order};
use shoal_tests::instance::Setup;
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::udp::{UdpAnswer, UdpClient};
use shoal_tests::wait;

const HOSTS: usize = 10;

#[tokio::test]
async fn a_restart_of_postgresql_is_outlived() -> Result<()> {
    let Some(mut cluster) = Cluster::start("PostgreSQL restarted underneath")? else {
        return Ok(());
    };
    let mut scene = Scene::set(Setup::new().set("database.url", cluster.url())).await?;
    let inboxes = Inboxes::open(HOSTS)?;
    inboxes.let_through(HOSTS);
    scene.followed_by(&inboxes).await?;
    let first = scene.publish(0).await?;
    let mut published = vec![text(&first, "id")?.to_owned()];
    for seed in 1..4 {
        published.push(text(&scene.publish(seed).await?, "id")?.to_owned());
    }
    // Some are delivered, the rest is under way.
    inboxes.let_through(HOSTS);
    wait::until("some deliveries", async || {
        (inboxes.count() >= 2 * HOSTS).then_some(())
    })
    .await?;
    cluster.stop()?;

    inboxes.let_through(HOSTS);
    let refused = scene
        .web()
        .upload(DATASET, &scene.archivist, scene.torrent(4)?)
        .await?;
    assert_refused(&refused.expect(503)?)?;
    assert_eq!(scene.web().get("/readyz").await?.status, 503);
    assert_eq!(scene.web().get("/healthz").await?.status, 200);
    announces_go_on(&scene, &first, 7001).await?;

    cluster.start_again()?;
    wait::until("a ready server", async || {
        let ready = scene.web().get("/readyz").await.ok()?;
        (ready.status == 200).then_some(())
    })
    .await?;
    published.push(text(&scene.publish(4).await?, "id")?.to_owned());
    inboxes.let_all_through();
    all_told(&inboxes, published.len()).await?;
    inboxes.assert_told(&published, "after the restart");
    announces_go_on(&scene, &first, 7002).await?;
    assert!(scene.shoal.stop().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_outlived() -> Result<()> {
    let mut scene = Scene::set(Setup::new().outliving_limits()).await?;
    let inboxes = Inboxes::open(HOSTS)?;
    inboxes.let_through(HOSTS);
    scene.followed_by(&inboxes).await?;
    let first = scene.publish(0).await?;
    let mut published = vec![text(&first, "id")?.to_owned()];
    wait::until("the first under way", async || {
        (inboxes.count() >= HOSTS).then_some(())
    })
    .await?;

    // Not one byte more, in the database, in its log of writes, in the log.
    scene.shoal.limit_files(Some(1))?;
    inboxes.let_through(HOSTS);
    for _ in 0..3 {
        let refused = scene
            .web()
            .upload(DATASET, &scene.archivist, scene.torrent(1)?)
            .await?;
        assert_refused(&refused.expect(503)?)?;
    }
    announces_go_on(&scene, &first, 7001).await?;
    let page = format!("/uploads/{}", published[0]);
    assert_eq!(
        scene.web().get(&page).await?.status,
        200,
        "what is there can be read"
    );
    let uploads = scene
        .web()
        .call(Method::GET, "/uploads", "", &Value::Null)
        .await?;
    let uploads = uploads.expect(200)?.json()?;
    assert_eq!(
        uploads["items"].as_array().map(Vec::len),
        Some(1),
        "no half upload"
    );

    scene.shoal.limit_files(None)?;
    // The very torrent that was refused: nothing of it was left behind.
    let upload = wait::until("space again", async || {
        let torrent = scene.torrent(1).ok()?;
        let answer = scene
            .web()
            .upload(DATASET, &scene.archivist, torrent)
            .await
            .ok()?;
        answer.expect(201).ok()?.json().ok()
    });
    published.push(text(&upload.await?, "id")?.to_owned());
    inboxes.let_all_through();
    all_told(&inboxes, published.len()).await?;
    inboxes.assert_told(&published, "with space again");
    announces_go_on(&scene, &first, 7002).await?;
    assert!(scene.shoal.stop().await?.success());
    Ok(())
}

/// A refusal that says that it is ours, and to try again.
fn assert_refused(answer: &shoal_tests::web::Answer) -> Result<()> {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json()?;
    let sentence = text(&problem, "detail")?;
    assert!(sentence.contains("again"), "{problem}");
    Ok(())
}

async fn announces_go_on(scene: &Scene, upload: &Value, port: u16) -> Result<()> {
    let hash = text(upload, "info_hash_v1")?;
    let reply = scene
        .web()
        .announce(hash, port, 0, "started")
        .await?
        .expect(200)?;
    assert!(reply.text().contains("8:completei"), "{}", reply.text());
    let over_udp = UdpClient::connect(scene.shoal.udp())?.announce(hash, port + 1000, 0)?;
    assert!(matches!(over_udp, UdpAnswer::Peers(..)), "{over_udp:?}");
    Ok(())
}

async fn all_told(inboxes: &Inboxes, uploads: usize) -> Result<()> {
    wait::until("every activity at every host", async || {
        let got = inboxes.got();
        let all = got.len() == HOSTS && got.values().all(|list| in_order(list).len() >= uploads);
        all.then_some(())
    })
    .await
}
