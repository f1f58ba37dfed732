//! A server made with Fedify, which verifies every signature strictly, finds the collection, follows it, and receives
//! what happens: the post, its edit, its deletion, and the post anew after a restore.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::{self, Setup};
use shoal_tests::peers::Peer;
use shoal_tests::scene::{COLLECTION, DATASET, Scene, text};
use shoal_tests::wait;

#[tokio::test]
async fn a_fedify_server_follows_and_receives_post_edit_and_deletion() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let place = instance::free(instance::own_address())?;
    let (host, port) = (place.ip().to_string(), place.port().to_string());
    let Some(mut peer) = Peer::node("a Fedify server", "fedify.mjs", &[&host, &port])? else {
        return Ok(());
    };
    peer.heard("a Fedify server that listens", |said| said.get("ready").is_some())
        .await?;

    let collection = format!("{}/collections/{COLLECTION}", scene.shoal.url());
    found(&mut peer, &collection).await?;
    follow(&mut peer, &scene, &collection).await?;

    let upload = scene.publish(1).await?;
    let note = posted(&mut peer, &upload, &collection).await?;
    let edit = json!({ "title": "Sea ice extent, 1979 to 2026" });
    let path = format!("/datasets/{DATASET}");
    scene.change(Method::PATCH, &path, &edit).await?.expect(200)?;
    let update = received(&peer, "Update", 1).await?;
    assert_eq!(update["object"]["id"], json!(note));
    assert!(text(&update["object"], "content")?.contains("2026") && update["object"]["updated"].is_string());

    let id = text(&upload, "id")?;
    scene
        .decide("uploads", id, "hide", "A complaint is looked into.")
        .await?;
    let object = received(&peer, "Delete", 1).await?["object"].clone();
    assert!(object == json!(note) || object["id"] == json!(note), "{object}");
    scene
        .decide("uploads", id, "restore", "The complaint was withdrawn.")
        .await?;
    let again = received(&peer, "Create", 2).await?;
    assert_ne!(
        again["object"]["id"],
        json!(note),
        "the post comes back under a new id"
    );

    leave(&mut peer, &scene, &collection).await?;
    let errors: Vec<_> = peer
        .said()
        .into_iter()
        .filter(|said| said.get("error").is_some())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    Ok(())
}

/// The Follow is accepted by the followed actor itself, and counts.
async fn follow(peer: &mut Peer, scene: &Scene, collection: &str) -> Result<()> {
    peer.tell(&json!({ "follow": collection }))?;
    let accept = received(peer, "Accept", 1).await?;
    assert_eq!(accept["actor"], json!(collection));
    let knocks: Vec<_> = peer
        .said()
        .into_iter()
        .filter(|said| said.get("knocked").is_some())
        .collect();
    assert_eq!(
        knocks,
        [json!({ "knocked": "rfc9421", "status": 202 })],
        "believed at the first knock"
    );
    let path = format!("/collections/{COLLECTION}/followers");
    let followers = scene.web().activity(&path).await?.expect(200)?.json()?;
    assert_eq!(followers["totalItems"], 1, "{followers}");
    Ok(())
}

/// The post of an upload says to people what it is, and is the same when it is fetched; its id.
async fn posted(peer: &mut Peer, upload: &Value, collection: &str) -> Result<String> {
    let note = received(peer, "Create", 1).await?["object"].clone();
    let content = text(&note, "content")?;
    for told in ["Sea ice extent", text(upload, "url")?, "magnet:?xt=urn:bt"] {
        assert!(
            content.contains(told),
            "the post says {told:?} to people: {content}"
        );
    }
    assert_eq!(
        (&note["type"], &note["attributedTo"]),
        (&json!("Note"), &json!(collection))
    );
    let id = text(&note, "id")?.to_owned();
    peer.tell(&json!({ "look": id }))?;
    let seen = peer
        .heard("the post, fetched", |said| said["url"] == json!(id))
        .await?;
    assert_eq!(
        seen["seen"]["content"], note["content"],
        "what is fetched is what was sent"
    );
    Ok(id)
}

/// The collection as Fedify reads it.
async fn found(peer: &mut Peer, collection: &str) -> Result<()> {
    peer.tell(&json!({ "look": collection }))?;
    let seen = peer
        .heard("the collection, fetched", |said| said["url"] == json!(collection))
        .await?;
    let actor = &seen["seen"];
    assert_eq!(actor["id"], json!(collection), "{seen}");
    assert!(
        matches!(actor["kind"].as_str(), Some("Service" | "Group")),
        "an actor that can be followed: {actor}"
    );
    assert_eq!(actor["preferredUsername"], COLLECTION);
    assert_eq!(actor["publicKey"]["owner"], json!(collection));
    assert!(
        !actor["assertionMethod"].is_null(),
        "the Ed25519 key is published too: {actor}"
    );
    Ok(())
}

/// The n-th activity of a kind that passed Fedify's verification.
async fn received(peer: &Peer, kind: &str, count: usize) -> Result<Value> {
    let what = format!("{kind} number {count}");
    wait::until(&what, async || {
        let said = peer.said();
        said.into_iter()
            .filter(|said| said["received"] == kind)
            .nth(count - 1)
    })
    .await
    .map_err(|error| error.context(format!("it said {:#?}", peer.said())))
}

/// Unfollowing ends it.
async fn leave(peer: &mut Peer, scene: &Scene, collection: &str) -> Result<()> {
    peer.tell(&json!({ "unfollow": collection }))?;
    wait::until("a collection without followers", async || {
        let path = format!("/api/v1/collections/{COLLECTION}");
        let now = scene.web().get(&path).await.ok()?.json().ok()?;
        (now["followers"] == 0).then_some(())
    })
    .await
}
