//! A backup is one file that holds everything; it comes back into an empty database of either kind.

use anyhow::Result;
use serde_json::Value;
use shoal_tests::binary;
use shoal_tests::database::Postgres;
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::scene::{COLLECTION, DATASET, Scene, text};
use shoal_tests::web::Web;

#[tokio::test]
async fn a_backup_made_beside_the_server_comes_back_whole() -> Result<()> {
    let mut scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(1).await?;
    let (torrent, key) = (torrent(&scene, &upload).await?, key(&scene).await?);
    let file = scene.shoal.folder().join("all.backup");
    let database = |act: &str| scene.shoal.run(&["database", act, &file.to_string_lossy()]);
    database("backup")?.good()?;
    assert_eq!(
        database("backup")?.status.code(),
        Some(1),
        "a backup overwrites nothing"
    );

    scene.publish(2).await?;
    assert!(scene.shoal.stop().await?.success());
    let database = |act: &str| scene.shoal.run(&["database", act, &file.to_string_lossy()]);
    let over = database("restore")?;
    assert_eq!(
        over.status.code(),
        Some(1),
        "what is there is not written over: {}",
        over.text
    );
    std::fs::remove_dir_all(scene.shoal.data())?;
    database("restore")?.good()?;

    scene.shoal.start_again().await?;
    assert!(self::torrent(&scene, &upload).await? == torrent, "byte for byte");
    assert_eq!(self::key(&scene).await?, key);
    let hash = text(&upload, "info_hash_v2")?;
    let reply = scene.web().announce(hash, 7001, 0, "started").await?.text();
    assert!(reply.contains("8:interval"), "it is listed: {reply}");
    assert_eq!(
        scene.publish(2).await?["dataset"],
        DATASET,
        "tokens came back; what came later is gone"
    );
    Ok(())
}

async fn torrent(scene: &Scene, upload: &Value) -> Result<Vec<u8>> {
    Ok(scene
        .web()
        .get(text(upload, "torrent_url")?)
        .await?
        .expect(200)?
        .bytes)
}

/// The collection's public key, as other servers remember it.
async fn key(scene: &Scene) -> Result<Value> {
    let actor = scene
        .web()
        .activity(&format!("/collections/{COLLECTION}"))
        .await?
        .expect(200)?
        .json()?;
    Ok(actor["publicKey"].clone())
}

#[tokio::test]
async fn a_backup_moves_from_sqlite_to_postgresql() -> Result<()> {
    let Some(postgres) = Postgres::fresh("a backup moves from SQLite to PostgreSQL")? else {
        return Ok(());
    };
    let mut scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(1).await?;
    let file = scene.shoal.folder().join("all.backup");
    scene
        .shoal
        .run(&["database", "backup", &file.to_string_lossy()])?
        .good()?;
    scene.shoal.stop().await?;
    let mut restore = scene
        .shoal
        .command(&["database", "restore", &file.to_string_lossy()]);
    binary::finish(restore.env("SHOAL__DATABASE__URL", postgres.url()))?.good()?;

    // It is another process at another address, but the archive keeps its name: others know its posts by it.
    let setup = Setup::new().set("instance.url", scene.shoal.url());
    let moved: Shoal = setup.set("database.url", &postgres.url()).start().await?;
    let web: &Web = moved.web();
    let path = format!("/api/v1/uploads/{}/torrent", text(&upload, "id")?);
    assert_eq!(web.get(&path).await?.expect(200)?.bytes, scene.torrent(1)?);
    assert_eq!(web.get(&format!("/datasets/{DATASET}")).await?.status, 200);
    Ok(())
}
