//! Whose it is: nobody changes, ends or answers what belongs to somebody else, and nobody elsewhere becomes one of us.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::foreign::Reply;
use shoal_tests::wait;

use super::stage::Stage;

#[tokio::test]
async fn what_an_actor_says_about_others_changes_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    stage.followed_by("good.example", "gil").await?;
    stage.foreign.house("evil.example", "eve")?;
    let gil = "http://good.example/users/gil";
    let note =
        json!({ "id": "http://good.example/notes/1", "type": "Note", "attributedTo": gil, "content": "x" });
    let follow = json!({ "id": "http://good.example/follows/1", "type": "Follow", "actor": gil, "object": stage.collection() });
    let before = stage.foreign.asked("good.example").len();
    for (kind, object) in [
        ("Delete", json!(gil)),
        ("Delete", json!("http://good.example/notes/1")),
        ("Update", note.clone()),
        ("Create", note),
        ("Undo", follow.clone()),
        ("Undo", json!("http://good.example/follows/1")),
        ("Accept", follow.clone()),
        ("Reject", follow),
        ("Block", json!(stage.collection())),
        ("Flag", json!([stage.collection()])),
        ("Move", json!("http://evil.example/users/eve")),
    ] {
        let mut activity = stage.foreign.activity("evil.example", "eve", kind, object);
        activity["target"] = json!("http://evil.example/users/other");
        let answer = stage.tell(&activity).await?;
        assert!(matches!(answer.status, 202 | 403), "{kind}: {}", answer.body);
        assert_eq!(stage.followers().await?, [gil], "{kind}");
    }
    assert_eq!(
        stage.foreign.asked("good.example").len(),
        before,
        "nothing is fetched"
    );
    Ok(())
}

#[tokio::test]
async fn an_update_of_an_actor_says_nothing_that_its_server_does_not() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    stage.followed_by("evil.example", "eve").await?;
    let store = stage.shoal.store()?;
    let eve = "http://evil.example/users/eve";
    let kept = store.remote_actor(eve)?.context("she is known")?;
    let mut new = foreign.actor("evil.example", "eve")?;
    new["inbox"] = json!("http://good.example/inbox");
    new["endpoints"] = json!({ "sharedInbox": "http://good.example/inbox" });
    new["publicKey"]["id"] = json!("http://good.example/users/gil#main-key");
    let answer = stage
        .tell(&foreign.activity("evil.example", "eve", "Update", new.clone()))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let now = store.remote_actor(eve)?.context("she is still known")?;
    assert_eq!((now.inbox, now.key_id), (kept.inbox, kept.key_id));
    // Nor is it taken from the document itself: inbox and key stay on the actor's own host.
    foreign.answer("evil.example/users/mallory", {
        let mut mallory = foreign.actor("evil.example", "mallory")?;
        mallory["inbox"] = json!("http://good.example/users/gil/inbox");
        Reply::activity(&mallory)
    });
    let answer = stage.tell(&stage.follow("evil.example", "mallory")).await?;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(stage.followers().await?, [eve]);
    Ok(())
}

#[tokio::test]
async fn nobody_elsewhere_speaks_for_us_or_becomes_one_of_us() -> Result<()> {
    let stage = Stage::set().await?;
    let (foreign, ours) = (&stage.foreign, stage.collection());
    let before = stage.shoal.web().activity(&ours).await?.expect(200)?.json()?;
    foreign.house("evil.example", "eve")?;
    // An activity with an id of ours; one whose actor is ours.
    let mut taken = stage.follow("evil.example", "eve");
    taken["id"] = json!(format!("{}/activities/1", stage.shoal.url()));
    assert_eq!(stage.tell(&taken).await?.status, 403);
    let mut spoken = stage.follow("evil.example", "eve");
    spoken["actor"] = json!(ours);
    spoken["id"] = json!(format!("{ours}/follows/1"));
    let letter = foreign.unsigned(&stage.shoal, &spoken, &format!("{ours}#main-key"))?;
    let answer = letter.signed(foreign.signer())?.send(stage.here()?).await?;
    assert_eq!(answer.status, 403, "{}", answer.body);
    // A document elsewhere that says to be ours, also by way of a redirect through our own host.
    let mut actor = foreign.actor("evil.example", "eve")?;
    actor["id"] = json!(ours);
    foreign.answer("evil.example/users/eve", Reply::activity(&actor));
    let remote = format!("{}/collections/climate/follow", stage.shoal.url());
    foreign.answer("evil.example/users/back", Reply::redirect(&remote));
    for actor in [
        "http://evil.example/users/eve",
        "http://evil.example/users/back",
        &ours,
    ] {
        let answer = stage
            .ask("/following", &stage.token, json!({ "actor": actor }))
            .await?;
        assert_eq!(answer.status, 502, "{actor}: {}", answer.text());
    }
    assert!(stage.shoal.store()?.remote_actor(&ours)?.is_none());
    let after = stage.shoal.web().activity(&ours).await?.expect(200)?.json()?;
    assert_eq!(before, after);
    assert_eq!(stage.followers().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn only_who_was_asked_to_be_followed_answers_and_only_what_was_asked() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    foreign.house("good.example", "gil")?;
    foreign.house("evil.example", "eve")?;
    let asked = stage
        .ask(
            "/following",
            &stage.token,
            json!({ "actor": "http://good.example/users/gil" }),
        )
        .await?;
    asked.expect(202)?;
    wait::until("our Follow", async || {
        (stage.delivered("good.example", "Follow") > 0).then_some(())
    })
    .await?;
    let inbox = foreign.asked("good.example/users/gil/inbox");
    let sent: Value = serde_json::from_slice(&inbox[0].body)?;
    let state = async || -> Result<Value> {
        let list = stage.call(Method::GET, "/following", &Value::Null).await?;
        let items = list.as_array().or(list["items"].as_array()).context("a list")?;
        Ok(items[0]["state"].clone())
    };
    let answers = async |host: &str, name: &str, kind: &str, object: Value| -> Result<u16> {
        Ok(stage
            .tell(&foreign.activity(host, name, kind, object))
            .await?
            .status)
    };
    // Somebody else answers; something that was never asked is answered.
    for kind in ["Accept", "Reject"] {
        assert_eq!(answers("evil.example", "eve", kind, sent.clone()).await?, 202);
        let mut never = sent.clone();
        never["id"] = json!(format!("{}/activities/never", stage.shoal.url()));
        assert_eq!(answers("good.example", "gil", kind, never).await?, 202);
        assert_eq!(state().await?, "requested", "{kind}");
    }
    assert_eq!(answers("good.example", "gil", "Accept", sent.clone()).await?, 202);
    assert_eq!(state().await?, "accepted");
    // Twice is once, and a refusal afterwards ends it for good.
    assert_eq!(answers("good.example", "gil", "Accept", sent.clone()).await?, 202);
    assert_eq!(answers("good.example", "gil", "Reject", sent.clone()).await?, 202);
    assert_eq!(answers("good.example", "gil", "Accept", sent).await?, 202);
    assert_eq!(state().await?, "rejected");
    Ok(())
}
