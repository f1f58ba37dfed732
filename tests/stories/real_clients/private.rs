//! A private torrent moves between two libtorrent sessions that have a personal announce key, over HTTP and over UDP, where
//! the key comes as URL data (BEP 41). Whoever has none is refused.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use shoal_tests::peers::Peer;
use shoal_tests::scene::{DATASET, text};
use shoal_tests::{instance, material};
use shoal_torrent::create::{Options, create};

use super::doors::{Archive, Counts, Door, Published, plain};

#[tokio::test]
async fn libtorrent_moves_a_private_torrent_with_a_personal_key() -> Result<()> {
    let archive = Archive::open(instance::own_address()).await?;
    let content = material::file(&archive.folder().join("sent"), "extent.csv", 300_000, 15)?;
    let published = publish(&archive, &content).await?;
    let made = archive
        .scene
        .change(Method::POST, "/announce-keys", &json!({ "label": "both" }))
        .await?;
    let key = made.expect(201)?.json()?;

    let hash = text(&published.upload, "info_hash_v1")?;
    let refused = archive.scene.web().announce(hash, 7001, 0, "started").await?;
    assert!(refused.text().contains("failure reason"), "{}", refused.text());

    let mut completed = 0;
    for door in [Door::Http, Door::Udp] {
        let Some(url) = archive.url(door) else {
            continue;
        };
        let url = format!("{url}/{}", text(&key, "key")?);
        let (sent, fetched) = (archive.folder().join("sent"), format!("fetched by {door:?}"));
        let fetched = archive.folder().join(fetched);
        let torrent = plain(&published.torrent)?;
        let arguments = ["127.0.0.1", torrent, plain(&sent)?, plain(&fetched)?, &url];
        let story = format!("libtorrent with a key by {door:?}");
        let Some(mut clients) = Peer::python(&story, "swarm.py", &arguments)? else {
            return Ok(());
        };
        clients.heard(&story, |said| said.get("done").is_some()).await?;
        let got = std::fs::read(fetched.join("extent.csv"))?;
        assert!(got == std::fs::read(&content)?, "byte for byte, by {door:?}");

        completed += 1;
        let both = Counts {
            seeders: 2,
            leechers: 0,
            completed,
        };
        archive
            .counted(&published, "two copies, one of them fetched", |now| now == both)
            .await?;
        clients.tell(&json!("leave"))?;
        archive
            .counted(&published, "an empty swarm", |now| now.seeders == 0)
            .await?;
    }
    Ok(())
}

/// Publishes a file as a private hybrid torrent.
async fn publish(archive: &Archive, content: &std::path::Path) -> Result<Published> {
    let options = Options {
        private: true,
        ..Options::default()
    };
    let bytes = create(content, &options, &|_| {})?;
    let torrent = archive.folder().join("private.torrent");
    std::fs::write(&torrent, &bytes)?;
    let scene = &archive.scene;
    let uploaded = scene.web().upload(DATASET, &scene.archivist, bytes).await?;
    let upload = uploaded.expect(201)?.json()?;
    Ok(Published { torrent, upload })
}
