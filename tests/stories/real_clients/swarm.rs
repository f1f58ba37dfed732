//! A folder is published with `shoal publish`, and two libtorrent sessions that know nothing but the tracker find each
//! other and move it: as v1, as v2 and as hybrid, by every door that a native client can take.

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use shoal_tests::peers::Peer;
use shoal_tests::{instance, material};

use super::doors::{Archive, Counts, Door, Published, plain};

/// By each of these doors the same torrent is moved once more, by two sessions that nobody has heard of yet.
const DOORS: &[Door] = &[Door::Web, Door::Http, Door::Udp, Door::Http6, Door::Udp6];

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
    let archive = Archive::open(instance::own_address()).await?;
    let sent = archive.folder().join("sent");
    let content = material::folder(&sent, "sea ice", 7)?;
    let published = archive.publish(&content, format, Door::Web)?;
    let mut empty = Counts {
        seeders: 0,
        leechers: 0,
        completed: 0,
    };
    for &door in DOORS {
        let fetched = archive.folder().join(format!("fetched by {door:?}"));
        let Some(mut clients) = clients(&archive, &published, [&sent, &fetched], door)? else {
            continue;
        };
        let done = clients
            .heard("a completed transfer", |said| said.get("done").is_some())
            .await?;
        let (v1, v2) = (&done["done"]["v1"], &done["done"]["v2"]);
        assert_eq!(v1, &published.upload["info_hash_v1"], "the same v1 hash");
        assert_eq!(v2, &published.upload["info_hash_v2"], "the same v2 hash");
        let got = fetched.join("sea ice");
        let same = material::contents(&got)? == material::contents(&content)?;
        assert!(same, "byte for byte, by {door:?}");
        let verify = ["torrent", "verify", plain(&published.torrent)?, plain(&got)?];
        archive.scene.shoal.run(&verify)?.good()?;

        empty.completed += 1;
        let both = Counts { seeders: 2, ..empty };
        archive
            .counted(&published, "two copies, one of them fetched", |now| now == both)
            .await?;
        assert!(archive.page(&published).await?.contains("2 complete copies"));
        clients.tell(&json!("leave"))?;
        archive
            .counted(&published, "an empty swarm", |now| now == empty)
            .await?;
    }
    Ok(())
}

/// Two sessions that come in by a door, one with the data in the first folder, one that fetches into the second; `None`
/// where there can be none.
fn clients(
    archive: &Archive,
    published: &Published,
    [sent, fetched]: [&Path; 2],
    door: Door,
) -> Result<Option<Peer>> {
    let Some(url) = archive.url(door) else {
        return Ok(None);
    };
    let listen = match door {
        Door::Http6 | Door::Udp6 => "[::1]",
        _ => "127.0.0.1",
    };
    // By the web server's door they go where the published torrent sends them.
    let tracker = if door == Door::Web { "" } else { &url };
    let torrent = plain(&published.torrent)?;
    let arguments = [listen, torrent, plain(sent)?, plain(fetched)?, tracker];
    Peer::python(&format!("libtorrent by {door:?}"), "swarm.py", &arguments)
}
