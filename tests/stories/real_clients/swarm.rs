//! A folder is published with `shoal publish`, and two libtorrent sessions that know nothing but the tracker find each
//! other and move it: as v1, as v2 and as hybrid.

use std::path::Path;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::Setup;
use shoal_tests::material;
use shoal_tests::peers::Peer;
use shoal_tests::scene::{DATASET, Scene, text};

#[tokio::test]
async fn libtorrent_finds_peers_and_completes_a_v1_torrent() -> Result<()> {
    publish_and_fetch("v1").await
}

#[tokio::test]
async fn libtorrent_finds_peers_and_completes_a_v2_torrent() -> Result<()> {
    publish_and_fetch("v2").await
}

#[tokio::test]
async fn libtorrent_finds_peers_and_completes_a_hybrid_torrent() -> Result<()> {
    publish_and_fetch("hybrid").await
}

async fn publish_and_fetch(format: &str) -> Result<()> {
    let story = format!("two libtorrent sessions, {format}");
    let scene = Scene::set(Setup::new()).await?;
    let (sent, fetched) = (
        scene.shoal.folder().join("sent"),
        scene.shoal.folder().join("fetched"),
    );
    let content = material::folder(&sent, "sea ice", 7)?;
    let torrent = scene.shoal.folder().join("sea-ice.torrent");
    let upload = publish(&scene, &content, &torrent, format)?;

    let arguments = ["127.0.0.1", path(&torrent)?, path(&sent)?, path(&fetched)?];
    let Some(mut clients) = Peer::python(&story, "swarm.py", &arguments)? else {
        return Ok(());
    };
    let done = clients
        .heard("a completed transfer", |said| said.get("done").is_some())
        .await?;
    assert_eq!(
        done["done"]["v1"], upload["info_hash_v1"],
        "libtorrent computes the same v1 hash"
    );
    assert_eq!(
        done["done"]["v2"], upload["info_hash_v2"],
        "libtorrent computes the same v2 hash"
    );
    assert_eq!(
        material::contents(&fetched.join("sea ice"))?,
        material::contents(&content)?,
        "byte for byte"
    );

    let call = format!("/uploads/{}", text(&upload, "id")?);
    let now = scene
        .web()
        .call(Method::GET, &call, "", &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    let counts = (&now["seeders"], &now["leechers"], &now["completed"]);
    assert_eq!(
        counts,
        (&json!(2), &json!(0), &json!(1)),
        "two complete copies, one of them fetched: {now}"
    );
    let verified = scene.shoal.run(&[
        "torrent",
        "verify",
        path(&torrent)?,
        path(&fetched.join("sea ice"))?,
    ])?;
    assert!(verified.status.success(), "{}{}", verified.text, verified.errors);
    Ok(())
}

/// Publishes a folder with the command for it; the API's answer.
pub(super) fn publish(scene: &Scene, content: &Path, torrent: &Path, format: &str) -> Result<Value> {
    let mut publish = scene.shoal.command(&[
        "publish",
        path(content)?,
        "--dataset",
        DATASET,
        "--format",
        format,
    ]);
    publish.args(["--json", "--output", path(torrent)?]);
    publish
        .env("SHOAL_SERVER", scene.shoal.url())
        .env("SHOAL_TOKEN", &scene.archivist);
    Ok(serde_json::from_str(
        &shoal_tests::binary::finish(&mut publish)?.good()?,
    )?)
}

pub(super) fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a temporary folder has a plain name")
}
