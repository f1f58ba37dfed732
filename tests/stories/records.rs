//! Records beside posts: who understands them is sent them, who does not is sent none, and both hear of everything. What
//! is served at a record's addresses is the same bytes, in every version, until moderators take it away.

use anyhow::{Context, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, IF_NONE_MATCH};
use serde_json::{Value, json};
use shoal_tests::inbox::Inboxes;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{COLLECTION, DATASET, Scene, text};
use shoal_tests::wait;
use shoal_tests::web::{Answer, answer};

#[tokio::test]
async fn records_go_to_those_who_understand_them_and_to_nobody_else() -> Result<()> {
    let mut scene = Scene::set(Setup::new()).await?;
    wait::until("what is on the stage told", async || {
        scene.outbox().await.ok().filter(|told| !told.is_empty())
    })
    .await?;
    let inboxes = Inboxes::open(2)?;
    inboxes.let_through(1_000);
    inboxes.keep_records(1);
    scene.followed_by(&inboxes).await?;

    let upload = scene.publish(1).await?;
    let id = text(&upload, "id")?;
    arrived(&inboxes, "Create", [1, 2]).await?;
    let path = format!("/datasets/{DATASET}");
    let edit = json!({ "description": "Daily extent, complete." });
    scene.change(Method::PATCH, &path, &edit).await?.expect(200)?;
    arrived(&inboxes, "Update", [1, 2]).await?;
    scene.decide("uploads", id, "hide", "A mistake.").await?;
    arrived(&inboxes, "Delete", [1, 3]).await?;
    scene.decide("uploads", id, "restore", "It was none.").await?;
    arrived(&inboxes, "Create", [2, 3]).await?;
    let membership = format!("/collections/{COLLECTION}/datasets/{DATASET}");
    scene.change(Method::DELETE, &membership, &Value::Null).await?;
    arrived(&inboxes, "Remove", [0, 1]).await?;

    assert_eq!(inboxes.unread(), Vec::<Value>::new());
    let got = inboxes.got();
    // What a host is told first is that it follows: nothing overtakes.
    for told in got.values() {
        assert_eq!(told[0]["type"], "Accept");
    }
    let told = |host: usize, record: bool| -> Vec<String> {
        let all = got.get(&inboxes.host(host)).into_iter().flatten();
        let of_records =
            all.filter(|activity| activity["type"] != "Accept" && is_about_a_record(activity) == record);
        of_records
            .map(|activity| activity["type"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let posts = ["Create", "Update", "Delete", "Create"];
    assert_eq!(
        (told(0, false), told(1, false)),
        (posts.map(str::to_owned).into(), posts.map(str::to_owned).into())
    );
    assert_eq!(told(0, true), Vec::<String>::new());
    // Torrent and upload go and come back together; a torrent never changes, so that no version of it is told.
    let records = [
        "Create", "Update", "Delete", "Delete", "Undo", "Undo", "Update", "Remove",
    ];
    assert_eq!(told(1, true), records);
    Ok(())
}

/// Whether something other than a post, an actor or a Follow is told.
fn is_about_a_record(activity: &Value) -> bool {
    let object = &activity["object"];
    let kind = object["formerType"].as_str().or_else(|| object["type"].as_str());
    !matches!(kind, Some("Note" | "Follow" | "Group" | "Person") | None)
}

/// Waits until each host got so many activities of a kind.
async fn arrived(inboxes: &Inboxes, kind: &str, counts: [usize; 2]) -> Result<()> {
    wait::until(&format!("{kind} {counts:?} times"), async || {
        let got = inboxes.got();
        let count = |host: usize| {
            let all = got.get(&inboxes.host(host)).into_iter().flatten();
            all.filter(|activity| activity["type"] == kind).count()
        };
        ([count(0), count(1)] == counts).then_some(())
    })
    .await
}

#[tokio::test]
async fn a_record_is_served_as_it_was_signed_in_every_version() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let path = format!("/datasets/{DATASET}");
    let dataset = scene
        .web()
        .call(Method::GET, &path, "", &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    let record = text(&dataset, "record")?.to_owned();
    let first = version(&scene, &record, 1).await?;

    let edit = json!({ "title": "Sea ice extent, 1978 to 2025" });
    scene.change(Method::PATCH, &path, &edit).await?.expect(200)?;
    let second = version(&scene, &record, 2).await?;
    let document = second.json()?;
    let former = &document["wasRevisionOf"];
    assert_eq!(
        format!("\"{}\"", text(former, "digestMultibase")?),
        first.header("etag")
    );
    let kept = scene.web().activity(text(former, "id")?).await?.expect(200)?;
    assert_eq!(kept.bytes, first.bytes, "byte for byte");

    named_everywhere(&scene, &record, &second).await?;
    let upload = scene.publish(1).await?;
    let of_upload = text(&upload, "record")?.to_owned();
    let said = version(&scene, &of_upload, 1).await?.json()?;
    let torrent = scene
        .web()
        .activity(text(&said["torrent"], "id")?)
        .await?
        .expect(200)?
        .json()?;
    assert_eq!(torrent["type"], "Torrent");

    let uuid = record.rsplit('/').next().context("an id")?;
    let versions = [1, 2].map(|number| format!("{record}/versions/{number}"));
    scene.decide("datasets", uuid, "hide", "A mistake.").await?;
    for gone in [&record, &versions[0], &versions[1], &of_upload] {
        let stone = scene.web().activity(gone).await?.expect(410)?.json()?;
        assert_eq!(stone["type"], "Tombstone", "{gone}");
    }
    scene.decide("datasets", uuid, "restore", "It was none.").await?;
    let back = wait::until("the first version again", async || {
        scene.web().activity(&versions[0]).await.ok()?.expect(200).ok()
    });
    assert_eq!(back.await?.bytes, first.bytes);
    Ok(())
}

/// Programs that have a record are told so, people are shown its page, which names it, and its collection lists it.
async fn named_everywhere(scene: &Scene, record: &str, served: &Answer) -> Result<()> {
    let again = scene
        .web()
        .request(Method::GET, record)
        .header(IF_NONE_MATCH, served.header("etag"));
    assert_eq!(answer(again).await?.expect(304)?.bytes, b"");
    let person = scene
        .web()
        .request(Method::GET, record)
        .header(ACCEPT, "text/html");
    let shown = answer(person).await?.expect(303)?.header("location").to_owned();
    let page = scene.web().get(&shown).await?.expect(200)?.text();
    let link = format!("<link rel=\"alternate\" type=\"application/activity+json\" href=\"{record}\">");
    assert!(page.contains(&link), "{page}");

    let list = format!("/collections/{COLLECTION}/datasets");
    let list = scene.web().activity(&list).await?.expect(200)?.json()?;
    let listed = scene
        .web()
        .activity(text(&list, "first")?)
        .await?
        .expect(200)?
        .json()?;
    assert_eq!(listed["orderedItems"], json!([record]));
    Ok(())
}

/// What is served of a record, once it is at this version.
async fn version(scene: &Scene, record: &str, version: u64) -> Result<Answer> {
    let what = format!("version {version} of {record}");
    wait::until(&what, async || {
        let answer = scene.web().activity(record).await.ok()?.expect(200).ok()?;
        (answer.json().ok()?["version"] == version).then_some(answer)
    })
    .await
}
