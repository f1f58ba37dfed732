//! The ways into the tracker, all open at once, and things published for those who come in by one of them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shoal_tests::instance::Setup;
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::{binary, skip, wait};

/// The port of the tracker's own listeners, at an address that nobody else has.
const PORT: u16 = 6969;

/// A way into the tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// HTTP on the web server's port.
    Web,
    /// HTTP on the tracker's own listener.
    Http,
    /// The same over IPv6.
    Http6,
    /// UDP.
    Udp,
    /// The same over IPv6.
    Udp6,
    /// WebSocket, on the web server's port.
    WebSocket,
}

/// How many the archive says have all, fetch, and have fetched a torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) seeders: u64,
    pub(super) leechers: u64,
    pub(super) completed: u64,
}

/// An archive whose tracker has every door open.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) scene: Scene,
    own: SocketAddr,
    own6: Option<SocketAddr>,
}

/// Something that it has published.
#[derive(Debug)]
pub(super) struct Published {
    /// The `.torrent`, as a client gets it.
    pub(super) torrent: PathBuf,
    /// What the API said.
    pub(super) upload: Value,
}

impl Archive {
    /// Opens it at this address, and the tracker's own listeners at `::1` too.
    pub(super) async fn open(address: Ipv4Addr) -> Result<Self> {
        let own = SocketAddr::from((address, PORT));
        let own6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let own6 = own6.ok();
        let listen: Vec<_> = [Some(own), own6].into_iter().flatten().collect();
        let listen = json!(listen).to_string();
        let setup = Setup::new()
            .at(address)
            .set("tracker.udp.listen", &listen)
            .set("tracker.http.listen", &listen);
        let scene = Scene::set(setup).await?;
        Ok(Self { scene, own, own6 })
    }

    /// The announce URL of a door; `None`, said aloud, where the machine has no IPv6 and the door is an IPv6 one.
    pub(super) fn url(&self, door: Door) -> Option<String> {
        let web = self.scene.shoal.url();
        let (scheme, place) = match door {
            Door::Web => return Some(format!("{web}/announce")),
            Door::WebSocket => return Some(format!("{}/announce", web.replacen("http", "ws", 1))),
            Door::Http => ("http", Some(self.own)),
            Door::Http6 => ("http", self.own6),
            Door::Udp => ("udp", Some(self.own)),
            Door::Udp6 => ("udp", self.own6),
        };
        if place.is_none() {
            skip::say(&format!("clients by {door:?}"), "this machine has no ::1");
        }
        place.map(|place| format!("{scheme}://{place}/announce"))
    }

    /// A folder for the test's own files.
    pub(super) fn folder(&self) -> &Path {
        self.scene.shoal.folder()
    }

    /// Publishes a file or folder with the command for it. By the web server's door the torrent names the trackers that
    /// the archive wishes; by every other, that door alone.
    pub(super) fn publish(&self, content: &Path, format: &str, door: Door) -> Result<Published> {
        let shoal = &self.scene.shoal;
        let torrent = self.folder().join(format!("{format}-{door:?}.torrent"));
        let mut arguments = vec!["publish", "--dataset", DATASET, "--json"];
        if door == Door::Web {
            arguments.extend([plain(content)?, "--format", format, "--output", plain(&torrent)?]);
        } else {
            let url = self.url(door).context("a door that is there")?;
            let make = ["torrent", "create", plain(content)?, "--format", format];
            let made = [&make[..], &["--tracker", &url, "--output", plain(&torrent)?]].concat();
            shoal.run(&made)?.good()?;
            arguments.push(plain(&torrent)?);
        }
        let mut publish = shoal.command(&arguments);
        publish
            .env("SHOAL_SERVER", shoal.url())
            .env("SHOAL_TOKEN", &self.scene.archivist);
        let upload = serde_json::from_str(&binary::finish(&mut publish)?.good()?)?;
        Ok(Published { torrent, upload })
    }

    /// What the API says of an upload's swarm now.
    pub(super) async fn counts(&self, published: &Published) -> Result<Counts> {
        let path = format!("/api/v1/uploads/{}", text(&published.upload, "id")?);
        let now = self.scene.web().get(&path).await?.expect(200)?.json()?;
        let count = |field: &str| now[field].as_u64().with_context(|| format!("{field}: {now}"));
        Ok(Counts {
            seeders: count("seeders")?,
            leechers: count("leechers")?,
            completed: count("completed")?,
        })
    }

    /// Waits until the swarm is as the condition wants it; with the last counts in the complaint.
    pub(super) async fn counted(
        &self,
        published: &Published,
        what: &str,
        fits: impl Fn(Counts) -> bool,
    ) -> Result<Counts> {
        let mut last = None;
        let found = wait::until(what, async || {
            last = self.counts(published).await.ok();
            last.filter(|counts| fits(*counts))
        })
        .await;
        found.with_context(|| format!("the archive counts {last:?}"))
    }

    /// Waits until `/stats` counts exactly so many announces and scrapes by the protocol of a door, and none refused.
    pub(super) async fn asked(&self, door: Door, announces: u64, scrapes: u64) -> Result<()> {
        let protocol = match door {
            Door::Web | Door::Http | Door::Http6 => "http",
            Door::Udp | Door::Udp6 => "udp",
            Door::WebSocket => "websocket",
        };
        let mut last = Value::Null;
        let counted = wait::until("the figures of all requests", async || {
            let stats = self.scene.web().get("/stats").await.ok()?.json().ok()?;
            last = stats["requests"][protocol].clone();
            let wanted = [("announce", announces), ("scrape", scrapes), ("refused", 0)];
            wanted
                .iter()
                .all(|(kind, count)| last[*kind] == *count)
                .then_some(())
        })
        .await;
        counted.with_context(|| format!("by {protocol} the archive counts {last}"))
    }

    /// The page of an upload, as a browser gets it.
    pub(super) async fn page(&self, published: &Published) -> Result<String> {
        let url = text(&published.upload, "url")?;
        Ok(self.scene.web().get(url).await?.expect(200)?.text())
    }
}

/// A path as text.
pub(super) fn plain(path: &Path) -> Result<&str> {
    path.to_str().context("a temporary folder has a plain name")
}
