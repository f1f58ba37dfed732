//! Signed documents, checked by programs that others wrote, and theirs by ours: apsig and Fedify believe what this archive
//! publishes, and `shoal record verify` believes what they sign.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shoal_tests::instance::{self, Setup};
use shoal_tests::peers::Peer;
use shoal_tests::scene::{Scene, text};
use shoal_tests::wait;

/// The JSON at an address of the archive.
async fn seen(scene: &Scene, url: &str) -> Result<Value> {
    let path = url.replace(scene.shoal.url(), "");
    scene.web().activity(&path).await?.expect(200)?.json()
}

/// What an upload brings about: the records of its dataset, of itself, of its torrent and of the dataset's place in the
/// collection, and what the collection told.
async fn signed(scene: &Scene) -> Result<Vec<Value>> {
    let upload = scene.publish(1).await?;
    let record = text(&upload, "record")?;
    let record = wait::until("the record of the upload", async || {
        seen(scene, record).await.ok()
    })
    .await?;
    let mut documents = vec![
        seen(scene, text(&record, "dataset")?).await?,
        seen(scene, text(&record["torrent"], "id")?).await?,
        record,
    ];
    let told = wait::until("a post and a membership", async || {
        let told = scene.outbox().await.ok()?;
        let has = |kind: &str| told.iter().any(|told| told["object"]["type"] == kind);
        (has("Note") && has("Membership")).then_some(told)
    });
    for activity in told.await? {
        documents.push(seen(scene, text(&activity["object"], "id")?).await?);
        documents.push(activity);
    }
    Ok(documents)
}

/// The document of whoever made something.
async fn author(scene: &Scene, document: &Value) -> Result<Value> {
    let author = document["attributedTo"]
        .as_str()
        .or_else(|| document["actor"].as_str());
    seen(scene, author.context("an author")?).await
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
    let documents = signed(&scene).await?;
    let mut believed = 0;
    // apsig compares contexts as texts, so it reads documents whose contexts are all addresses: not posts.
    for document in documents.into_iter().filter(plain) {
        let actor = author(&scene, &document).await?;
        let key = &actor["assertionMethod"][0]["publicKeyMultibase"];
        assert!(checked(&scene, &document, &actor)?, "{document}");
        apsig.tell(&json!({ "verify": document, "key": key }))?;
        believed += 1;
        let said = answer(&mut apsig, "verified", believed).await?;
        assert_eq!(
            said["verified"], document["proof"]["verificationMethod"],
            "{said} of {document}"
        );
    }
    assert!(believed >= 5, "four records and an activity: {believed}");

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
