//! The tracker client of the npm package `bittorrent-tracker`, which WebTorrent uses: one that has all and one that fetches
//! start, ask again, ask for counts, complete and stop, over HTTP, UDP and WebSocket. It is a tracker client alone, so
//! nothing is transferred.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shoal_tests::instance;
use shoal_tests::material;
use shoal_tests::peers::Peer;
use shoal_tests::scene::text;

use super::doors::{Archive, Counts, Door};

/// Where the one with all says that it listens, and where the other does.
const PORTS: [u16; 2] = [7001, 7002];

#[tokio::test]
async fn bittorrent_tracker_announces_over_http_on_the_web_port() -> Result<()> {
    told_and_counted(Door::Web).await
}

#[tokio::test]
async fn bittorrent_tracker_announces_over_http() -> Result<()> {
    told_and_counted(Door::Http).await
}

#[tokio::test]
async fn bittorrent_tracker_announces_over_udp() -> Result<()> {
    told_and_counted(Door::Udp).await
}

#[tokio::test]
async fn bittorrent_tracker_announces_over_websocket() -> Result<()> {
    told_and_counted(Door::WebSocket).await
}

async fn told_and_counted(door: Door) -> Result<()> {
    let archive = Archive::open(instance::own_address()).await?;
    let content = material::file(archive.folder(), "extent.csv", 20_000, 13)?;
    let published = archive.publish(&content, "v1", Door::Web)?;
    let url = archive.url(door).context("a door that is there")?;
    let hash = text(&published.upload, "info_hash_v1")?;
    let Some(mut seeder) = Actor::start(door, &url, hash, "seeder", PORTS[0])? else {
        return Ok(());
    };
    let Some(mut leecher) = Actor::start(door, &url, hash, "leecher", PORTS[1])? else {
        return Ok(());
    };

    seeder.announces("start", 0, (1, 0)).await?;
    leecher.announces("start", 20_000, (1, 1)).await?;
    introduced(door, &mut seeder, &mut leecher).await?;
    seeder.announces("update", 0, (1, 1)).await?;
    let fetching = json!({ "complete": 1, "incomplete": 1, "downloaded": 0 });
    assert_eq!(seeder.told("scrape", 0, "scrape").await?, fetching);
    leecher.announces("complete", 0, (2, 0)).await?;
    let fetched = json!({ "complete": 2, "incomplete": 0, "downloaded": 1 });
    assert_eq!(leecher.told("scrape", 0, "scrape").await?, fetched);

    let both = Counts {
        seeders: 2,
        leechers: 0,
        completed: 1,
    };
    assert_eq!(archive.counts(&published).await?, both);
    assert!(archive.page(&published).await?.contains("2 complete copies"));

    seeder.order("stop", 0)?;
    leecher.order("stop", 0)?;
    let empty = Counts { seeders: 0, ..both };
    archive
        .counted(&published, "an empty swarm", |counts| counts == empty)
        .await?;
    archive.asked(door, 6, 2).await?;
    seeder.content(PORTS[0])?;
    leecher.content(PORTS[1])
}

/// The one that fetches hears of the one that has all: its address, or by WebSocket its answer to an offer.
async fn introduced(door: Door, seeder: &mut Actor, leecher: &mut Actor) -> Result<()> {
    if door != Door::WebSocket {
        return leecher.meets(&at(PORTS[0])).await;
    }
    let (one, other) = (seeder.id().await?, leecher.id().await?);
    seeder.meets(&other).await?;
    leecher.meets(&one).await
}

/// How an address of this machine is told.
fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A client, and how many orders it has had.
struct Actor {
    peer: Peer,
    orders: u64,
}

impl Actor {
    fn start(door: Door, url: &str, hash: &str, name: &str, port: u16) -> Result<Option<Self>> {
        let story = format!("bittorrent-tracker by {door:?}");
        let arguments = [url, hash, name, &port.to_string()];
        let peer = Peer::node(&story, "tracker_client.mjs", &arguments)?;
        Ok(peer.map(|peer| Self { peer, orders: 0 }))
    }

    /// The id that it gives itself, in hex.
    async fn id(&mut self) -> Result<String> {
        let made = self
            .peer
            .heard("the id of a client", |said| said.get("id").is_some())
            .await?;
        Ok(text(&made, "id")?.to_owned())
    }

    /// Tells it what to do.
    fn order(&mut self, act: &str, left: u64) -> Result<()> {
        self.orders += 1;
        self.peer
            .tell(&json!({ "order": self.orders, "act": act, "left": left }))
    }

    /// Tells it what to do, and gives what the tracker said then: an `update` or a `scrape`.
    async fn told(&mut self, act: &str, left: u64, what: &str) -> Result<Value> {
        self.order(act, left)?;
        let number = json!(self.orders);
        let fits = |said: &Value| said["order"] == number && said.get(what).is_some();
        let waited = format!("the answer to {act}");
        Ok(self.peer.heard(&waited, fits).await?[what].take())
    }

    /// Has it announce, and says that the tracker counts so many seeders and leechers.
    async fn announces(&mut self, event: &str, left: u64, counts: (u64, u64)) -> Result<()> {
        let told = self.told(event, left, "update").await?;
        let counted = (told["complete"].as_u64(), told["incomplete"].as_u64());
        ensure!(
            counted == (Some(counts.0), Some(counts.1)),
            "{told} after {event}, not {counts:?}"
        );
        Ok(())
    }

    /// Waits until it hears of this peer.
    async fn meets(&mut self, peer: &str) -> Result<()> {
        let fits = |said: &Value| said["peer"] == peer;
        self.peer.heard(peer, fits).await.map(|_| ())
    }

    /// It was warned of nothing, and not told of itself, who listens on this port.
    fn content(&self, port: u16) -> Result<()> {
        let said = self.peer.said();
        let itself = at(port);
        let fault = said
            .iter()
            .find(|said| said.get("warning").is_some() || said["peer"] == itself.as_str());
        ensure!(fault.is_none(), "{said:#?}");
        Ok(())
    }
}
