//! SIGTERM: what is in hand is finished, swarms are saved, and the next start has them again.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{Scene, text};

#[tokio::test]
async fn swarms_and_completions_outlive_a_restart() -> Result<()> {
    let mut scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(1).await?;
    let (v1, v2) = (
        text(&upload, "info_hash_v1")?.to_owned(),
        text(&upload, "info_hash_v2")?.to_owned(),
    );
    for (port, left) in [(7001, 0), (7002, 0), (7003, 500)] {
        scene
            .web()
            .announce(&v1, port, left, "started")
            .await?
            .expect(200)?;
    }
    scene
        .web()
        .announce(&v2, 7004, 500, "started")
        .await?
        .expect(200)?;
    scene
        .web()
        .announce(&v2, 7004, 0, "completed")
        .await?
        .expect(200)?;
    assert_eq!(
        counts(&scene, &upload).await?,
        (3, 1, 1),
        "one swarm under both hashes"
    );

    assert!(scene.shoal.stop().await?.success());
    scene.shoal.start_again().await?;
    assert_eq!(counts(&scene, &upload).await?, (3, 1, 1));

    let reply = scene.web().announce(&v2, 7005, 500, "started").await?.text();
    assert!(
        reply.contains("8:completei3e"),
        "newcomers meet those who were there: {reply}"
    );
    Ok(())
}

#[tokio::test]
async fn a_kill_loses_no_completed_download_that_was_counted() -> Result<()> {
    let mut scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(2).await?;
    let v1 = text(&upload, "info_hash_v1")?.to_owned();
    scene
        .web()
        .announce(&v1, 7001, 0, "completed")
        .await?
        .expect(200)?;
    assert!(scene.shoal.stop().await?.success());
    scene.shoal.start_again().await?;
    scene.shoal.kill()?;
    scene.shoal.start_again().await?;
    let (.., completed) = counts(&scene, &upload).await?;
    assert_eq!(completed, 1, "neither lost nor counted again");
    Ok(())
}

/// Seeders, leechers and completions that the API tells.
async fn counts(scene: &Scene, upload: &Value) -> Result<(i64, i64, i64)> {
    let path = format!("/uploads/{}", text(upload, "id")?);
    let now = scene
        .web()
        .call(Method::GET, &path, "", &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    let number = |field: &str| now[field].as_i64().unwrap_or(-1);
    Ok((number("seeders"), number("leechers"), number("completed")))
}
