//! The ways into the tracker, all open at once, and things published for those who come in by one of them.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::{binary, wait};

/// A way into the tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// HTTP on the web server's port.
    Web,
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
    /// Opens it at this address.
    pub(super) async fn open(address: Ipv4Addr) -> Result<Self> {
        let scene = Scene::set(Setup::new().at(address)).await?;
        Ok(Self { scene })
    }

    /// The announce URL of a door.
    pub(super) fn url(&self, door: Door) -> Option<String> {
        let web = self.scene.shoal.url();
        match door {
            Door::Web => Some(format!("{web}/announce")),
        }
    }

    /// A folder for the test's own files.
    pub(super) fn folder(&self) -> &Path {
        self.scene.shoal.folder()
    }

    /// Publishes a file or folder with the command for it. The torrent names the trackers that the archive wishes.
    pub(super) fn publish(&self, content: &Path, format: &str, door: Door) -> Result<Published> {
        let shoal = &self.scene.shoal;
        let torrent = self.folder().join(format!("{format}-{door:?}.torrent"));
        let mut arguments = vec!["publish", "--dataset", DATASET, "--json"];
        arguments.extend([plain(content)?, "--format", format, "--output", plain(&torrent)?]);
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
