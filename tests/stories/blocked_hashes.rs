//! A torrent that nobody has uploaded is blocked by its hash: at once the tracker refuses it over every protocol and forgets
//! its swarm, nobody can upload it, and that outlives a restart, until it is taken back.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::Setup;
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::udp::{UdpAnswer, UdpClient};
use shoal_torrent::Metainfo;

#[tokio::test]
async fn a_blocked_hash_is_refused_everywhere_until_it_is_taken_back() -> Result<()> {
    let mut scene = Scene::set(Setup::new().set("tracker.mode", "open")).await?;
    let torrent = scene.torrent(1)?;
    let metainfo = Metainfo::parse(&torrent)?;
    let hash = metainfo.info_hash_v1().expect("a hybrid torrent").to_string();
    announced(&scene, &hash, 7001, true).await?;
    announced(&scene, &hash, 7002, true).await?;

    scene.decide("blocked-hashes", &hash, "block", "Malware.").await?;
    announced(&scene, &hash, 7003, false).await?;
    refused_upload(&scene, &torrent).await?;
    assert!(scene.shoal.stop().await?.success());
    scene.shoal.start_again().await?;
    announced(&scene, &hash, 7003, false).await?;
    refused_upload(&scene, &torrent).await?;
    let listed = blocked(&scene).await?;
    assert_eq!((listed.len(), text(&listed[0], "hash")?), (1, hash.as_str()));
    assert_eq!(text(&listed[0], "reason")?, "Malware.");

    scene
        .decide("blocked-hashes", &hash, "unblock", "A mistake.")
        .await?;
    let counts = announced(&scene, &hash, 7004, true).await?;
    assert_eq!(
        counts,
        (0, 2),
        "the swarm was forgotten, and begins again with who came now"
    );
    let upload = scene.web().upload(DATASET, &scene.archivist, torrent).await?;
    upload.expect(201)?;
    assert!(blocked(&scene).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn only_moderators_block_and_a_published_torrent_is_hidden_instead() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(1).await?;
    let hash = text(&upload, "info_hash_v2")?;
    let path = format!("/admin/blocked-hashes/{hash}/block");
    let why = json!({ "reason": "why" });
    let call = async |token: &str| scene.web().call(Method::POST, &path, token, &why).await;
    assert_eq!(call("").await?.status, 401);
    assert_eq!(call(&scene.archivist).await?.status, 403);
    let refused = call(&scene.moderator).await?.expect(403)?.json()?;
    assert!(text(&refused, "detail")?.contains("hide or remove"), "{refused}");
    let wrong = "/admin/blocked-hashes/abc/block";
    let said = scene
        .web()
        .call(Method::POST, wrong, &scene.moderator, &why)
        .await?;
    assert!(said.expect(400)?.text().contains("40 hexadecimal digits"));
    Ok(())
}

/// Announces a leecher over HTTP and another over UDP, which are both served or both refused; seeders and leechers
/// as UDP counts them.
async fn announced(scene: &Scene, hash: &str, port: u16, is_served: bool) -> Result<(u32, u32)> {
    let reply = scene.web().announce(hash, port, 500, "started").await?;
    let reply = reply.expect(200)?.text();
    let over_udp = UdpClient::connect(scene.shoal.udp())?.announce(hash, port + 1000, 500)?;
    if is_served {
        assert!(reply.contains("8:interval"), "{reply}");
    } else {
        assert!(reply.contains("taken off this tracker"), "{reply}");
    }
    match over_udp {
        UdpAnswer::Peers(_, leechers, seeders) if is_served => Ok((seeders, leechers)),
        UdpAnswer::Error(sentence) if !is_served => {
            assert!(sentence.contains("taken off this tracker"), "{sentence}");
            Ok((0, 0))
        }
        other => anyhow::bail!("over UDP: {other:?}"),
    }
}

async fn refused_upload(scene: &Scene, torrent: &[u8]) -> Result<()> {
    let refused = scene
        .web()
        .upload(DATASET, &scene.archivist, torrent.to_vec())
        .await?;
    let problem = refused.expect(403)?.json()?;
    let sentence = text(&problem, "detail")?;
    assert!(
        sentence.contains("blocked the hash") && sentence.contains("Malware."),
        "{sentence}"
    );
    Ok(())
}

async fn blocked(scene: &Scene) -> Result<Vec<Value>> {
    let list = scene
        .web()
        .call(
            Method::GET,
            "/admin/blocked-hashes",
            &scene.moderator,
            &Value::Null,
        )
        .await?;
    let list = list.expect(200)?.json()?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}
