//! Anyone can check what was published: with the program and no database, while the archive runs, after it is gone, and
//! never after something was changed. What each kind of record says is tested in the federation's own suite.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::binary;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{COLLECTION, DATASET, Scene, text};
use shoal_tests::wait;

/// The newest activity of the collection, its author's document, and where both were kept.
struct Kept {
    activity: PathBuf,
    actor: PathBuf,
    body: String,
}

/// Keeps what the archive serves, byte for byte.
async fn keep(scene: &Scene) -> Result<Kept> {
    let newest = wait::until("a post", async || {
        let newest = scene.outbox().await.ok()?.into_iter().next();
        newest.filter(|activity| activity["type"] == "Create")
    })
    .await?;
    let path = text(&newest, "id")?.replace(scene.shoal.url(), "");
    let body = scene.web().activity(&path).await?.expect(200)?.text();
    let actor = scene
        .web()
        .activity(&format!("/collections/{COLLECTION}"))
        .await?;
    let kept = Kept {
        activity: scene.shoal.folder().join("activity.json"),
        actor: scene.shoal.folder().join("actor.json"),
        body,
    };
    std::fs::write(&kept.activity, &kept.body)?;
    std::fs::write(&kept.actor, actor.expect(200)?.text())?;
    Ok(kept)
}

fn path_of(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

#[tokio::test]
async fn what_was_published_can_be_checked_after_the_archive_is_gone() -> Result<()> {
    let mut scene = Scene::set(Setup::new()).await?;
    scene.publish(1).await?;
    let kept = keep(&scene).await?;
    let collection = format!("{}/collections/{COLLECTION}", scene.shoal.url());

    let verify = ["record", "verify", path_of(&kept.activity)];
    let said = scene.shoal.run(&verify)?.good()?;
    assert!(said.contains(&format!("signed by    {collection}")), "{said}");
    assert!(said.ends_with("Every signature holds.\n"), "{said}");
    // By the rules of a server on the open Internet the same address is not visited.
    let refused = binary::run(&verify)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        refused.errors.contains("only https addresses are visited"),
        "{}",
        refused.errors
    );

    scene.shoal.stop().await?;
    let gone = scene.shoal.run(&verify)?;
    assert_eq!(gone.status.code(), Some(1));
    assert!(gone.errors.contains("name it with --actor"), "{}", gone.errors);
    let offline = [&verify[..], &["--actor", path_of(&kept.actor), "--json"]].concat();
    let found: Value = serde_json::from_str(&binary::run(&offline)?.good()?)?;
    assert_eq!(
        (&found["valid"], &found["parts"][0]["author"]),
        (&json!(true), &json!(collection))
    );
    assert_eq!(found["parts"][0]["signed"], true);
    Ok(())
}

#[tokio::test]
async fn what_was_changed_is_refused_with_a_sentence() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    scene.publish(1).await?;
    let kept = keep(&scene).await?;
    let changed = kept.body.replace("Sea ice", "Sea mice");
    assert_ne!(changed, kept.body);
    std::fs::write(&kept.activity, changed)?;
    let verify = [
        "record",
        "verify",
        path_of(&kept.activity),
        "--actor",
        path_of(&kept.actor),
    ];
    let refused = binary::run(&verify)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        refused.errors.contains("the proof does not verify"),
        "{}",
        refused.errors
    );
    assert_eq!(refused.text, "");
    let told = binary::run(&[&verify[..], &["--json"]].concat())?;
    assert_eq!(serde_json::from_str::<Value>(&told.text)?["valid"], false);
    assert_eq!(told.status.code(), Some(1));

    // Standard input, somebody else's document, and no file at all.
    let mut command = binary::command();
    command.args(["record", "verify", "-", "--actor", path_of(&kept.actor)]);
    let nothing = binary::finish(command.stdin(Stdio::null()))?;
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        nothing.errors.contains("no JSON that can be signed"),
        "{}",
        nothing.errors
    );
    assert_eq!(binary::run(&["record", "verify"])?.status.code(), Some(2));
    Ok(())
}

#[tokio::test]
async fn an_edited_record_vouches_for_the_edition_before() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let path = format!("/datasets/{DATASET}");
    let dataset = scene.change(Method::GET, &path, &Value::Null).await?;
    let dataset = dataset.expect(200)?.json()?;
    let record = text(&dataset, "record")?;
    let edition = async |version: u64| {
        wait::until("an edition", async || {
            let answer = scene.web().activity(record).await.ok()?.expect(200).ok()?;
            (answer.json().ok()?["version"] == version).then_some(answer)
        })
        .await
    };
    // Edited before it was published it would have no edition before.
    edition(1).await?;
    let edit = json!({ "title": "Sea ice extent, 1978 to 2025" });
    scene.change(Method::PATCH, &path, &edit).await?.expect(200)?;
    let second = edition(2).await?;
    let former = second.json()?["wasRevisionOf"]["id"].clone();
    let first = scene
        .web()
        .activity(former.as_str().unwrap_or_default())
        .await?
        .expect(200)?;
    let folder = scene.shoal.folder();
    let (newer, older) = (folder.join("second.json"), folder.join("first.json"));
    std::fs::write(&newer, &second.bytes)?;
    std::fs::write(&older, &first.bytes)?;

    let verify = ["record", "verify", path_of(&newer), "--previous", path_of(&older)];
    let said = scene.shoal.run(&verify)?.good()?;
    assert!(said.contains("is the file given"), "{said}");
    std::fs::write(&older, [&first.bytes[..], b"\n"].concat())?;
    let refused = scene.shoal.run(&verify)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        refused.errors.contains("another text than the one it names"),
        "{}",
        refused.errors
    );
    Ok(())
}

#[tokio::test]
async fn what_a_suspended_account_published_can_still_be_checked_and_replayed() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let path = format!("/datasets/{DATASET}");
    let dataset = scene.change(Method::GET, &path, &Value::Null).await?;
    let dataset = dataset.expect(200)?.json()?;
    let record = text(&dataset, "record")?;
    let kept = wait::until("the dataset's record", async || {
        scene.web().activity(record).await.ok()?.expect(200).ok()
    });
    kept.await?;
    let suspend = ["account", "suspend", "ann", "--reason", "Left the project."];
    scene.shoal.run(&suspend)?.good()?;

    let left = scene.web().activity("/accounts/ann").await?.expect(410)?;
    assert_eq!(left.header("content-type"), "application/activity+json");
    let left = left.json()?;
    let (kind, key) = (&left["type"], &left["assertionMethod"][0]);
    assert_eq!(
        (kind, &left["formerType"]),
        (&json!("Tombstone"), &json!("Person"))
    );
    assert_eq!(key["controller"], left["id"]);
    assert_eq!(left.get("inbox"), None, "nobody is there any more");
    // As anyone would do it, with what the addresses say now.
    let again = scene.web().activity(record).await?.expect(200)?;
    let file = scene.shoal.folder().join("record.json");
    std::fs::write(&file, &again.bytes)?;
    let said = scene.shoal.run(&["record", "verify", path_of(&file)])?.good()?;
    assert!(said.ends_with("Every signature holds.\n"), "{said}");
    let page = scene.web().activity("/accounts/ann/outbox?page=1").await?;
    let page = page.expect(200)?.json()?;
    let told = |entry: &Value| entry["type"] == "Create" && entry["object"]["id"] == dataset["record"];
    let entries = page["orderedItems"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(entries.iter().any(told), "{page}");
    Ok(())
}

#[tokio::test]
async fn the_record_of_a_torrent_holds_the_whole_torrent_and_says_so_truly() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(1).await?;
    let record = text(&upload, "record")?;
    let record = wait::until("the upload's record", async || {
        let answer = scene.web().activity(record).await.ok()?;
        answer.expect(200).ok()?.json().ok()
    });
    let torrent = record.await?["torrent"]["id"].clone();
    let path = torrent.as_str().unwrap_or_default();
    let torrent = scene.web().activity(path).await?.expect(200)?;
    let document = torrent.json()?;
    assert!(document["info"].is_object(), "it is whole: {document}");
    assert_eq!(document["infohash_v2"], upload["info_hash_v2"]);
    let file = scene.shoal.folder().join("torrent.json");
    std::fs::write(&file, &torrent.bytes)?;
    scene.shoal.run(&["record", "verify", path_of(&file)])?.good()?;
    Ok(())
}

#[tokio::test]
async fn the_words_of_records_are_a_page_for_people_and_a_context_for_programs() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let ask = async |accept: &str| {
        let request = scene.web().request(Method::GET, "/ns");
        shoal_tests::web::answer(request.header("Accept", accept)).await
    };
    for accept in ["application/ld+json", "application/json", "*/*"] {
        let answer = ask(accept).await?.expect(200)?;
        assert_eq!(answer.header("content-type"), "application/ld+json");
        assert_eq!(answer.header("vary"), "Accept");
        assert_eq!(answer.json()?["@context"]["threat"], "urn:shoal:ns:threat");
    }
    let page = ask("text/html,application/xhtml+xml,*/*;q=0.8")
        .await?
        .expect(200)?;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("vary").contains("Accept"));
    assert!(page.text().contains("urn:shoal:ns:threat"));
    let repaired = scene.web().get("/ns/d8c8").await?.expect(200)?.json()?;
    assert_eq!(
        repaired["@context"]["infohash_v2"],
        "https://w3id.org/fep/d8c8#infohash_v2"
    );
    Ok(())
}
