//! Two browsers move what was published from one to the other over WebRTC: WebTorrent in two pages of Chromium, which know
//! nothing of each other but what the tracker carries between them by WebSocket.

use anyhow::{Context, Result};
use serde_json::json;
use shoal_tests::peers::Peer;
use shoal_tests::{instance, material, skip};

use super::doors::{Archive, Door, plain};

#[tokio::test]
async fn two_browsers_complete_a_transfer_over_webrtc() -> Result<()> {
    let story = "two browsers with WebTorrent";
    let Some(chromium) = skip::helper(story, "SHOAL_TEST_CHROMIUM") else {
        return Ok(());
    };
    let archive = Archive::open(instance::own_address()).await?;
    let content = material::file(archive.folder(), "extent.csv", 1_000_000, 14)?;
    let published = archive.publish(&content, "hybrid", Door::WebSocket)?;
    let task = json!({
        "chromium": chromium,
        "tracker": archive.url(Door::WebSocket),
        "torrent": plain(&published.torrent)?,
        "content": plain(&content)?,
        "profile": plain(archive.folder())?,
    });
    let Some(mut browsers) = Peer::node(story, "webtorrent.mjs", &[&task.to_string()])? else {
        return Ok(());
    };

    // One bound for each stretch of the way, since the whole takes long on a loaded machine.
    let seeding = browsers
        .heard("a page that seeds", |said| said.get("seeding").is_some())
        .await?;
    assert_eq!(seeding["seeding"], published.upload["info_hash_v1"]);
    archive
        .counted(&published, "one complete copy", |counts| counts.seeders == 1)
        .await?;
    let done = browsers
        .heard("a completed transfer", |said| said.get("done").is_some())
        .await?;
    assert_eq!(done["done"]["bytes"], 1_000_000);
    assert_eq!(done["done"]["sha256"], sha256(&content)?, "byte for byte");
    let wires = done["done"]["wires"].as_array().context("connections")?;
    assert!(
        !wires.is_empty() && wires.iter().all(|kind| kind == "webrtc"),
        "over WebRTC alone: {wires:?}"
    );
    archive
        .counted(&published, "two complete copies", |counts| {
            (counts.seeders, counts.leechers) == (2, 0) && counts.completed > 0
        })
        .await?;
    assert!(archive.page(&published).await?.contains("2 complete copies"));
    Ok(())
}

/// The SHA-256 of a file in hex.
fn sha256(file: &std::path::Path) -> Result<String> {
    use aws_lc_rs::digest::{SHA256, digest};
    let sum = digest(&SHA256, &std::fs::read(file)?);
    Ok(sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
