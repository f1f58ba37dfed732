//! SIGTERM: what is in hand is finished or given back, swarms are saved, and the next start has them again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;
use shoal_store::{HostQuery, Paging};
use shoal_tests::inbox::{Inboxes, in_order, moment};
use shoal_tests::instance::Setup;
use shoal_tests::scene::{Scene, text};
use shoal_tests::udp::{UdpAnswer, UdpClient};
use shoal_tests::wait;
use shoal_tests::web::Web;

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

/// Announces one peer after the other until the tracker answers no more; how many it has taken.
async fn announce_until_the_end(web: Web, hash: String, ports: std::ops::Range<u16>) -> u32 {
    let mut taken = 0;
    for port in ports {
        match web.announce(&hash, port, 0, "started").await {
            Ok(answer) if answer.text().contains("8:interval") => taken += 1,
            _ => break,
        }
    }
    taken
}

/// The same over UDP.
fn announce_over_udp(tracker: SocketAddr, hash: &str, ports: std::ops::Range<u16>) -> u32 {
    let Ok(client) = UdpClient::connect(tracker) else {
        return 0;
    };
    let taken = ports.map_while(|port| match client.announce(hash, port, 0) {
        Ok(UdpAnswer::Peers(..)) => Some(1),
        _ => None,
    });
    taken.sum()
}

#[tokio::test]
async fn a_stop_under_load_is_in_time_and_keeps_the_swarms() -> Result<()> {
    let setup = Setup::new()
        .set("tracker.max_peers_per_address", "0")
        .set("tracker.requests_per_second_per_address", "0")
        .set("tracker.requests_per_second_per_network", "0");
    let mut scene = Scene::set(setup).await?;
    let upload = scene.publish(1).await?;
    let hash = text(&upload, "info_hash_v1")?.to_owned();
    let mut crowd: Vec<_> = (1..=8_u16)
        .map(|part| {
            let web = Web::new(scene.web().base().to_owned())?;
            let ports = part * 5000..(part + 1) * 5000;
            Ok(tokio::spawn(announce_until_the_end(web, hash.clone(), ports)))
        })
        .collect::<Result<_>>()?;
    let (udp, over_udp) = (scene.shoal.udp(), hash.clone());
    crowd.push(tokio::task::spawn_blocking(move || {
        announce_over_udp(udp, &over_udp, 46_000..65_000)
    }));
    wait::until("some hundred peers", async || {
        let (seeders, ..) = counts(&scene, &upload).await.ok()?;
        (seeders > 300).then_some(())
    })
    .await?;
    let told = Instant::now();
    assert!(scene.shoal.stop().await?.success());
    let took = told.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    let mut taken = 0;
    for part in crowd {
        taken += part.await?;
    }
    scene.shoal.start_again().await?;
    let (seeders, leechers, _) = counts(&scene, &upload).await?;
    assert!(
        seeders >= i64::from(taken) && leechers == 0,
        "{seeders} of {taken} that were answered"
    );
    Ok(())
}

#[tokio::test]
async fn a_connection_id_holds_over_a_restart_with_a_key_of_ones_own() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("connection.key");
    std::fs::write(&key, "00112233445566778899aabbccddeeff\n")?;
    let setup = Setup::new()
        .set("tracker.mode", "open")
        .set("tracker.udp.connection_key_file", &key.to_string_lossy());
    let mut shoal = setup.start().await?;
    let client = UdpClient::connect(shoal.udp())?;
    for port in [7001, 7002] {
        // After the restart by the id that was given before it.
        let answer = client.announce(&"61".repeat(20), port, 0)?;
        assert!(matches!(answer, UdpAnswer::Peers(..)), "{answer:?}");
        assert!(shoal.stop().await?.success());
        shoal.start_again().await?;
    }
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

#[tokio::test]
async fn a_stop_in_the_middle_of_deliveries_gives_everything_back_in_time() -> Result<()> {
    const HOSTS: usize = 80;
    let mut scene = Scene::set(Setup::new()).await?;
    let inboxes = Inboxes::open(HOSTS)?;
    inboxes.let_through(HOSTS);
    scene.followed_by(&inboxes).await?;
    let mut published = Vec::new();
    for seed in 0..3 {
        published.push(text(&scene.publish(seed).await?, "id")?.to_owned());
    }
    // The gate is shut: every host has taken a request and answers none.
    let store = scene.shoal.store()?;
    wait::until("deliveries under way to all hosts", async || {
        let page = store.hosts(&all_hosts()).ok()?;
        let at_work = page.items.iter().filter(|host| host.host.claimed.is_some());
        (at_work.count() == HOSTS).then_some(())
    })
    .await?;
    let told = Instant::now();
    assert!(scene.shoal.stop().await?.success());
    let took = told.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    for host in store.hosts(&all_hosts())?.items {
        assert_eq!(host.host.claimed, None);
        // Those that kept us waiting would be left alone for a minute.
        store.retry_now(moment(), &host.host.host)?;
    }
    inboxes.let_all_through();
    scene.shoal.start_again().await?;
    wait::until("every activity at every host", async || {
        let got = inboxes.got();
        let all = got.len() == HOSTS && got.values().all(|list| in_order(list).len() >= published.len());
        all.then_some(())
    })
    .await?;
    inboxes.assert_told(&published, "after the stop");
    Ok(())
}

fn all_hosts() -> HostQuery {
    HostQuery {
        only: None,
        paging: Paging::first(200),
    }
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
