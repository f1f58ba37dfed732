//! Two Shoals on one machine: an account of one follows a collection of the other, by the fediverse's own rules.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::scene::{COLLECTION, Scene, text};
use shoal_tests::wait;

#[tokio::test]
async fn an_account_here_follows_a_collection_there() -> Result<()> {
    let there = Scene::set(Setup::new()).await?;
    let here = Shoal::start().await?;
    let bob = here.token("bob", "submit")?;
    let collection = format!("{}/collections/{COLLECTION}", there.shoal.url());

    let asked = here
        .web()
        .call(Method::POST, "/following", &bob, &json!({ "actor": collection }))
        .await?;
    let asked = asked.expect(202)?.json()?;
    assert_eq!(asked["actor"], json!(collection));
    let accepted = wait::until("the Accept", async || {
        following(&here, &bob, "accepted").await.ok().flatten()
    });
    assert_eq!(accepted.await?["actor"], json!(collection));
    assert_eq!(followers(&there).await?, 1);
    let list = there
        .web()
        .activity(&format!("/collections/{COLLECTION}/followers"))
        .await?
        .expect(200)?
        .json()?;
    assert_eq!(list["totalItems"], 1);

    there.publish(1).await?;
    // The post, and before it the record: its software says that it understands them.
    wait::until("both Creates delivered", async || {
        delivered(&there, "Create").await.ok().filter(|count| *count == 2)
    })
    .await?;
    let dataset = json!({ "title": "Glaciers", "slug": "glaciers" });
    there
        .change(Method::POST, "/datasets", &dataset)
        .await?
        .expect(201)?;
    let membership = format!("/collections/{COLLECTION}/datasets/glaciers");
    there.change(Method::PUT, &membership, &Value::Null).await?;
    wait::until("the Add delivered", async || {
        delivered(&there, "Add").await.ok().filter(|count| *count == 1)
    })
    .await?;

    let path = format!("/following/{}", text(&asked, "id")?);
    let ended = here.web().call(Method::DELETE, &path, &bob, &Value::Null).await?;
    assert!((200..300).contains(&ended.status), "{}", ended.text());
    wait::until("the end of the following", async || {
        followers(&there).await.ok().filter(|count| *count == 0)
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn who_cannot_be_reached_is_said_so() -> Result<()> {
    let here = Shoal::start().await?;
    let bob = here.token("bob", "submit")?;
    let nobody = json!({ "actor": format!("{}/collections/none", here.url()) });
    let refused = here.web().call(Method::POST, "/following", &bob, &nobody).await?;
    assert!(
        (400..503).contains(&refused.status),
        "{}: {}",
        refused.status,
        refused.text()
    );
    assert_eq!(refused.header("content-type"), "application/problem+json");
    Ok(())
}

async fn following(here: &Shoal, token: &str, state: &str) -> Result<Option<Value>> {
    let list = here
        .web()
        .call(Method::GET, "/following", token, &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    let items = list
        .as_array()
        .or_else(|| list["items"].as_array())
        .context("a list")?;
    Ok(items.iter().find(|item| item["state"] == state).cloned())
}

async fn followers(there: &Scene) -> Result<i64> {
    let path = format!("/collections/{COLLECTION}");
    let collection = there
        .web()
        .call(Method::GET, &path, "", &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    collection["followers"].as_i64().context("a number of followers")
}

/// How many deliveries of a kind the admin sees as delivered.
async fn delivered(there: &Scene, kind: &str) -> Result<usize> {
    let path = "/admin/deliveries?state=delivered";
    let list = there
        .web()
        .call(Method::GET, path, &there.moderator, &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    let items = list
        .as_array()
        .or_else(|| list["items"].as_array())
        .context("a list")?;
    Ok(items.iter().filter(|item| item["kind"] == kind).count())
}
