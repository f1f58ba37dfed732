//! The stage most stories begin on: an instance, an archivist, a moderator, and a dataset in a collection.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_torrent::create::{Options, create};

use crate::inbox::Inboxes;
use crate::instance::{Setup, Shoal};
use crate::material;
use crate::web::{Answer, Web};

/// Name of the collection on the stage.
pub const COLLECTION: &str = "climate";

/// Name of the dataset on the stage, which is in the collection.
pub const DATASET: &str = "sea-ice";

/// An instance with people and things on it.
#[derive(Debug)]
pub struct Scene {
    /// The instance.
    pub shoal: Shoal,
    /// A token that may publish and curate.
    pub archivist: String,
    /// A token that may hide and restore.
    pub moderator: String,
}

impl Scene {
    /// Sets the stage on an instance with these settings.
    ///
    /// # Errors
    /// When anything on the way is refused.
    pub async fn set(setup: Setup) -> Result<Self> {
        let shoal = setup.start().await?;
        let archivist = shoal.token("ann", "submit,upload")?;
        let moderator = shoal.token("mod", "review,admin")?;
        let scene = Self {
            shoal,
            archivist,
            moderator,
        };
        let collection =
            json!({ "name": COLLECTION, "title": "Climate", "summary": "Measurements of a warming world." });
        scene
            .change(Method::POST, "/collections", &collection)
            .await?
            .expect(201)?;
        let dataset = json!({ "slug": DATASET, "title": "Sea ice extent, 1979 to 2025", "publisher": "Polar Institute",
            "description": "Daily extent of the *sea ice*.", "tags": ["arctic", "ice"], "threat": "endangered" });
        scene
            .change(Method::POST, "/datasets", &dataset)
            .await?
            .expect(201)?;
        let membership = format!("/collections/{COLLECTION}/datasets/{DATASET}");
        let put = scene.change(Method::PUT, &membership, &Value::Null).await?;
        anyhow::ensure!((200..300).contains(&put.status), "{}: {}", put.status, put.text());
        Ok(scene)
    }

    /// What the instance answers.
    #[must_use]
    pub fn web(&self) -> &Web {
        self.shoal.web()
    }

    /// A call of the API by the archivist.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        self.web().call(method, path, &self.archivist, body).await
    }

    /// The bytes of a hybrid torrent of one small file, different for each seed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn torrent(&self, seed: u64) -> Result<Vec<u8>> {
        let file = material::file(self.shoal.folder(), &format!("extent-{seed}.csv"), 20_000, seed)?;
        let trackers = vec![vec![format!("{}/announce", self.shoal.url())]];
        Ok(create(
            &file,
            &Options {
                trackers,
                ..Options::default()
            },
            &|_| {},
        )?)
    }

    /// Publishes such a torrent into the dataset; what the API answered.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn publish(&self, seed: u64) -> Result<Value> {
        self.web()
            .upload(DATASET, &self.archivist, self.torrent(seed)?)
            .await?
            .expect(201)?
            .json()
    }

    /// Makes one actor at each of these hosts a follower of the collection. The server is stopped meanwhile, since it
    /// does not look for what others write into its database.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn followed_by(&mut self, inboxes: &Inboxes) -> Result<()> {
        self.shoal.stop().await?;
        inboxes.follow(&self.shoal, COLLECTION)?;
        self.shoal.start_again().await
    }

    /// A decision of the moderator: `act` is hide, restore or remove.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn decide(&self, kind: &str, id: &str, act: &str, reason: &str) -> Result<()> {
        let path = format!("/admin/{kind}/{id}/{act}");
        let answer = self
            .web()
            .call(Method::POST, &path, &self.moderator, &json!({ "reason": reason }))
            .await?;
        anyhow::ensure!(
            (200..300).contains(&answer.status),
            "{act}: {}: {}",
            answer.status,
            answer.text()
        );
        Ok(())
    }

    /// The objects of the collection's outbox, newest first.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub async fn outbox(&self) -> Result<Vec<Value>> {
        let root = self
            .web()
            .activity(&format!("/collections/{COLLECTION}/outbox"))
            .await?
            .expect(200)?
            .json()?;
        let first = root["first"]
            .as_str()
            .context("an outbox has a first page")?
            .to_owned();
        let page = self.web().activity(&first).await?.expect(200)?.json()?;
        Ok(page["orderedItems"].as_array().cloned().unwrap_or_default())
    }
}

/// A field of an answer as text.
///
/// # Errors
/// When it is not there.
pub fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field]
        .as_str()
        .with_context(|| format!("no {field} in {value}"))
}
