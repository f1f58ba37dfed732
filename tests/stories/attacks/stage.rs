//! The stage of the attacks: an instance with a collection, and foreign hosts around it, good and evil.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::foreign::Foreign;
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::scene::COLLECTION;
use shoal_tests::wait;
use shoal_tests::web::Answer;
use shoal_tests::wire::Raw;

/// The hosts around it.
pub(super) const HOSTS: [&str; 6] = [
    "good.example",
    "evil.example",
    "sub.evil.example",
    "xn--bse-sna.example",
    "evil.example.",
    "inside.example",
];

/// The instance and those around it.
pub(super) struct Stage {
    pub(super) shoal: Shoal,
    pub(super) foreign: Foreign,
    /// A token of an account that may do everything.
    pub(super) token: String,
}

impl Stage {
    /// With the usual settings.
    pub(super) async fn set() -> Result<Self> {
        Self::with(Setup::new()).await
    }

    /// With these settings.
    pub(super) async fn with(setup: Setup) -> Result<Self> {
        let foreign = Foreign::open(&HOSTS).await?;
        let shoal = foreign.known_to(setup).start().await?;
        let token = shoal.token("ann", "owner")?;
        let stage = Self {
            shoal,
            foreign,
            token,
        };
        let collection = json!({ "name": COLLECTION, "title": "Climate", "summary": "" });
        stage.call(Method::POST, "/collections", &collection).await?;
        Ok(stage)
    }

    /// A call of the API that succeeds.
    pub(super) async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let answer = self.shoal.web().call(method, path, &self.token, body).await?;
        anyhow::ensure!(
            (200..300).contains(&answer.status),
            "{path}: {}: {}",
            answer.status,
            answer.text()
        );
        Ok(answer.json().unwrap_or_default())
    }

    /// What the API answers to a POST with this token.
    pub(super) async fn ask(&self, path: &str, token: &str, body: Value) -> Result<Answer> {
        self.shoal.web().call(Method::POST, path, token, &body).await
    }

    /// Where the instance listens.
    pub(super) fn here(&self) -> Result<SocketAddr> {
        let address = self.shoal.url().trim_start_matches("http://");
        address.parse().context("the instance has an address")
    }

    /// The collection's id.
    pub(super) fn collection(&self) -> String {
        format!("{}/collections/{COLLECTION}", self.shoal.url())
    }

    /// A Follow of the collection by somebody.
    pub(super) fn follow(&self, host: &str, name: &str) -> Value {
        self.foreign
            .activity(host, name, "Follow", self.collection().into())
    }

    /// What is answered to an activity that is signed as it should be.
    pub(super) async fn tell(&self, activity: &Value) -> Result<Raw> {
        self.foreign
            .letter(&self.shoal, activity)?
            .send(self.here()?)
            .await
    }

    /// The ids of those who follow the collection.
    pub(super) async fn followers(&self) -> Result<Vec<String>> {
        let path = format!("/collections/{COLLECTION}/followers?page=first");
        let page = self.shoal.web().activity(&path).await?.expect(200)?.json()?;
        let items = page["orderedItems"].as_array().cloned().unwrap_or_default();
        Ok(items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    }

    /// Lets somebody follow the collection, rightly, and waits until it is accepted.
    pub(super) async fn followed_by(&self, host: &str, name: &str) -> Result<()> {
        self.foreign.house(host, name)?;
        let before = self.delivered(host, "Accept");
        let answer = self.tell(&self.follow(host, name)).await?;
        anyhow::ensure!(answer.status == 202, "{host}: {} {}", answer.status, answer.body);
        wait::until("the Accept", async || {
            (self.delivered(host, "Accept") > before).then_some(())
        })
        .await
    }

    /// How many activities of a kind came to any inbox of a host.
    pub(super) fn delivered(&self, host: &str, kind: &str) -> usize {
        let came = self.foreign.asked(&format!("{host}/"));
        let of_kind = came.iter().filter(|one| one.method == "POST").filter(|one| {
            serde_json::from_slice::<Value>(&one.body).is_ok_and(|activity| activity["type"] == kind)
        });
        of_kind.count()
    }

    /// A decision about another server: `block`, `allow` or `reset`.
    pub(super) async fn decide(&self, domain: &str, act: &str) -> Result<Value> {
        let path = format!("/admin/instances/{domain}/{act}");
        self.call(Method::POST, &path, &json!({ "reason": "for a test" }))
            .await
    }
}
