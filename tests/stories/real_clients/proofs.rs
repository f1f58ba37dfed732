//! Signed documents, checked by programs that others wrote, and theirs by ours: apsig and Fedify believe what this archive
//! publishes, and `shoal record verify` believes what they sign.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shoal_tests::instance::{self, Setup};
use shoal_tests::peers::Peer;
use shoal_tests::scene::{COLLECTION, Scene, text};
use shoal_tests::wait;

/// The JSON at an address of the archive.
async fn seen(scene: &Scene, url: &str) -> Result<Value> {
    let path = url.replace(scene.shoal.url(), "");
    scene.web().activity(&path).await?.expect(200)?.json()
}

/// Everything signed that the newest upload has brought about: activities and the posts and records in them.
async fn signed(scene: &Scene) -> Result<Vec<Value>> {
    scene.publish(1).await?;
    let told = wait::until("an activity", async || {
        scene.outbox().await.ok().filter(|told| !told.is_empty())
    });
    let mut documents = Vec::new();
    for activity in told.await? {
        documents.push(seen(scene, text(&activity, "id")?).await?);
        if activity["object"]["proof"].is_object() {
            documents.push(seen(scene, text(&activity["object"], "id")?).await?);
        }
    }
    anyhow::ensure!(documents.len() >= 2, "an activity and a post: {documents:#?}");
    Ok(documents)
}

/// The Delete by which the collection takes its newest post back.
async fn withdrawn(scene: &Scene) -> Result<Value> {
    let post = scene.outbox().await?.into_iter().next().context("a post")?;
    let upload = text(&post["object"], "upload")?;
    let id = upload.rsplit('/').next().unwrap_or_default();
    scene
        .decide("uploads", id, "hide", "A complaint is looked into.")
        .await?;
    wait::until("a Delete", async || {
        let mut told = scene.outbox().await.ok()?.into_iter();
        told.find(|told| told["type"] == "Delete")
    })
    .await
}

/// What `shoal record verify` says of a document.
fn checked(scene: &Scene, document: &Value, actor: &Value) -> Result<bool> {
    let file = |name: &str, value: &Value| -> Result<String> {
        let path = scene.shoal.folder().join(name);
        std::fs::write(&path, value.to_string())?;
        Ok(path.to_str().context("a path of text")?.to_owned())
    };
    let (document, actor) = (file("document.json", document)?, file("author.json", actor)?);
    let ended = scene
        .shoal
        .run(&["record", "verify", &document, "--actor", &actor])?;
    Ok(ended.status.success())
}

#[tokio::test]
async fn apsig_believes_what_is_published_and_is_believed() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let Some(mut apsig) = Peer::python("proofs by apsig", "proofs.py", &[])? else {
        return Ok(());
    };
    let collection = format!("{}/collections/{COLLECTION}", scene.shoal.url());
    let actor = seen(&scene, &collection).await?;
    let key = &actor["assertionMethod"][0]["publicKeyMultibase"];
    let mut documents = signed(&scene).await?;
    documents.push(withdrawn(&scene).await?);
    let mut believed = 0;
    // apsig compares contexts as texts, so it reads documents whose contexts are all addresses: not posts.
    for document in documents.into_iter().filter(plain) {
        apsig.tell(&json!({ "verify": document, "key": key }))?;
        believed += 1;
        let said = answer(&mut apsig, "verified", believed).await?;
        assert_eq!(
            said["verified"], document["proof"]["verificationMethod"],
            "{said} of {document}"
        );
    }
    assert!(believed > 0, "something to check");

    let me = "https://apsig.example/users/reader";
    let key_id = format!("{me}#ed25519-key");
    let note = json!({ "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"],
        "type": "Note", "id": "https://apsig.example/notes/1", "attributedTo": me, "content": "Ebbe & Flut: 1.50 €" });
    apsig.tell(&json!({ "sign": note, "key_id": key_id }))?;
    let said = answer(&mut apsig, "signed", 1).await?;
    let author = json!({ "id": me, "type": "Person", "assertionMethod": [{ "id": key_id, "type": "Multikey",
        "controller": me, "publicKeyMultibase": said["key"] }] });
    assert!(checked(&scene, &said["signed"], &author)?, "{said}");
    let mut changed = said["signed"].clone();
    changed["content"] = json!("Flut");
    assert!(!checked(&scene, &changed, &author)?);
    Ok(())
}

/// Whether all contexts of a document are addresses.
fn plain(document: &Value) -> bool {
    let contexts = document["@context"].as_array();
    contexts.is_some_and(|contexts| contexts.iter().all(Value::is_string))
}

/// The n-th answer of a kind.
async fn answer(peer: &mut Peer, member: &str, count: usize) -> Result<Value> {
    peer.heard(member, |_| true).await?;
    wait::until(member, async || {
        let said = peer.said().into_iter();
        said.filter(|said| said.get(member).is_some()).nth(count - 1)
    })
    .await
}

#[tokio::test]
async fn fedify_believes_what_is_published_and_is_believed() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let place = instance::free(instance::own_address())?;
    let (host, port) = (place.ip().to_string(), place.port().to_string());
    let Some(mut fedify) = Peer::node("proofs by Fedify", "fedify.mjs", &[&host, &port])? else {
        return Ok(());
    };
    let ready = fedify
        .heard("a Fedify server that listens", |said| said.get("ready").is_some())
        .await?;
    for document in signed(&scene).await? {
        let url = text(&document, "id")?;
        fedify.tell(&json!({ "verify": url }))?;
        let said = fedify
            .heard("a verdict", |said| {
                said.get("verified").is_some() && said["url"] == url
            })
            .await?;
        assert_eq!(
            said["verified"], document["proof"]["verificationMethod"],
            "{document}"
        );
    }

    fedify.tell(&json!({ "prove": "Low water" }))?;
    let said = fedify
        .heard("a signed Note", |said| said.get("proved").is_some())
        .await?;
    let file = scene.shoal.folder().join("note.json");
    std::fs::write(&file, said["proved"].to_string())?;
    let file = file.to_str().context("a path of text")?;
    // Its author is fetched from the running server.
    let found = scene.shoal.run(&["record", "verify", file])?.good()?;
    assert!(found.contains(text(&ready, "actor")?), "{found}");
    Ok(())
}
