//! What administrators see of deliveries and do about a server: by the API and on the pages, without script.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::inbox::Inboxes;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{Scene, text};
use shoal_tests::wait;
use shoal_tests::web::{Answer, Session, answer, form_post};

/// An archive that one actor at each of so many hosts follows, and its administrator's token.
async fn scene(hosts: usize) -> Result<(Scene, Inboxes)> {
    let mut scene = Scene::set(Setup::new()).await?;
    let inboxes = Inboxes::open(hosts)?;
    inboxes.let_through(hosts);
    scene.followed_by(&inboxes).await?;
    wait::until("an Accept at every host", async || {
        (inboxes.count() == hosts).then_some(())
    })
    .await?;
    Ok((scene, inboxes))
}

async fn hosts(scene: &Scene, query: &str) -> Result<Vec<Value>> {
    let path = format!("/admin/deliveries/hosts{query}");
    let list = scene
        .web()
        .call(Method::GET, &path, &scene.moderator, &Value::Null)
        .await?;
    let list = list.expect(200)?.json()?;
    Ok(list["items"].as_array().context("a list")?.clone())
}

async fn order(scene: &Scene, host: &Value, act: &str, token: &str) -> Result<Answer> {
    let path = format!("/admin/deliveries/hosts/{}/{act}", text(host, "host")?);
    let reason = json!({ "reason": "they asked for it" });
    scene.web().call(Method::POST, &path, token, &reason).await
}

#[tokio::test]
async fn a_server_is_held_back_and_let_go_on_by_the_api() -> Result<()> {
    let (scene, inboxes) = scene(2).await?;
    let known = hosts(&scene, "").await?;
    assert_eq!(known.len(), 2);
    for token in ["", scene.archivist.as_str()] {
        let refused = order(&scene, &known[0], "pause", token).await?;
        assert!(matches!(refused.status, 401 | 403), "{}", refused.status);
    }
    let paused = order(&scene, &known[0], "pause", &scene.moderator)
        .await?
        .expect(200)?;
    assert_eq!(paused.json()?, json!({ "dropped": 0, "waiting": 0 }));
    inboxes.let_all_through();
    scene.publish(1).await?;
    scene.publish(2).await?;
    wait::until("the other server's", async || {
        (inboxes.count() == 4).then_some(())
    })
    .await?;
    let held = hosts(&scene, "?state=paused").await?;
    assert_eq!(
        (held.len(), &held[0]["host"], &held[0]["waiting"]),
        (1, &known[0]["host"], &json!(2))
    );
    assert_eq!(
        (&held[0]["paused_by"], &held[0]["paused_reason"]),
        (&json!("mod"), &json!("they asked for it"))
    );
    assert!(held[0]["oldest_waiting_at"].is_string(), "{}", held[0]);
    let tried = order(&scene, &known[0], "retry", &scene.moderator).await?;
    assert_eq!(tried.status, 403, "{}", tried.text());
    assert_eq!(inboxes.count(), 4);

    order(&scene, &known[0], "resume", &scene.moderator)
        .await?
        .expect(200)?;
    wait::until("both servers'", async || (inboxes.count() == 6).then_some(())).await?;
    let log = scene
        .web()
        .call(Method::GET, "/admin/log", &scene.moderator, &Value::Null)
        .await?;
    let log = log.expect(200)?.json()?;
    let acts: Vec<&Value> = log["items"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|entry| &entry["act"])
        .collect();
    assert_eq!(acts, [&json!("resume"), &json!("pause")]);
    let unknown = order(
        &scene,
        &json!({ "host": "never.example" }),
        "pause",
        &scene.moderator,
    )
    .await?;
    assert_eq!(unknown.status, 404);
    let nonsense = order(&scene, &known[0], "praise", &scene.moderator).await?;
    assert_eq!(nonsense.status, 400, "{}", nonsense.text());
    Ok(())
}

#[tokio::test]
async fn a_server_is_seen_and_emptied_on_the_pages() -> Result<()> {
    let (scene, inboxes) = scene(1).await?;
    let web = scene.web();
    let session = owner(&scene).await?;
    let name = text(&hosts(&scene, "").await?[0], "host")?.to_owned();
    let page = format!("/moderation/deliveries/to/{}", name.replace(':', "%3A"));
    let post =
        async |act: &str, fields: &[(&str, &str)]| session.post(web, &format!("{page}/{act}"), fields).await;

    let unasked = answer(form_post(web, &format!("{page}/pause"), &[("reason", "x")])?).await?;
    assert!(
        unasked.status == 303 || unasked.status >= 400,
        "nobody without a session"
    );
    let forged = Session {
        csrf: "forged".to_owned(),
        ..session.clone()
    };
    assert_eq!(
        forged
            .post(web, &format!("{page}/pause"), &[("reason", "x")])
            .await?
            .status,
        403
    );
    assert_eq!(
        post("pause", &[("reason", " ")]).await?.status,
        400,
        "it needs a reason"
    );
    assert_eq!(
        post("pause", &[("reason", "too many at once")]).await?.status,
        303
    );
    for seed in 0..3 {
        scene.publish(seed).await?;
    }
    wait::until("three that wait", async || {
        let seen = session.get(web, &page).await.ok()?.text();
        seen.contains("3 deliveries wait").then_some(())
    })
    .await?;
    let seen = session.get(web, &page).await?.expect(200)?.text();
    assert!(
        seen.contains("too many at once") && seen.contains("Let it go on"),
        "{seen}"
    );
    let queue = session
        .get(web, "/moderation/deliveries?state=paused")
        .await?
        .expect(200)?
        .text();
    assert!(queue.contains(&name) && queue.contains("is held back"), "{queue}");
    assert_eq!(
        session
            .get(web, "/moderation/deliveries/all?state=waiting")
            .await?
            .status,
        200
    );

    assert_eq!(
        post("drop", &[("reason", "x")]).await?.status,
        400,
        "it must be sure"
    );
    let dropped = post("drop", &[("reason", "no longer wanted"), ("sure", "yes")])
        .await?
        .expect(303)?;
    let told = session
        .get(web, dropped.header("location"))
        .await?
        .expect(200)?
        .text();
    assert!(told.contains("What waited for this server is dropped."), "{told}");
    assert!(told.contains("Dropped: no longer wanted"), "{told}");
    assert_eq!(post("resume", &[]).await?.status, 303);
    inboxes.let_all_through();
    let last = scene.publish(9).await?;
    wait::until("what came later", async || (inboxes.count() == 2).then_some(())).await?;
    let got = inboxes.got();
    let said = got
        .values()
        .next()
        .and_then(|list| list.last())
        .context("something came")?;
    assert!(said["object"].to_string().contains(text(&last, "id")?), "{said}");
    let log = session.get(web, "/moderation").await?.expect(200)?.text();
    assert!(log.contains("dropped what waited for"), "{log}");
    Ok(())
}

/// The owner, signed in by the link of the first start.
async fn owner(scene: &Scene) -> Result<Session> {
    let link = scene.shoal.owners_link()?;
    let entered = answer(form_post(scene.web(), &link, &[])?).await?.expect(303)?;
    let cookie = entered
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut session = Session {
        cookie,
        csrf: String::new(),
    };
    let page = session.get(scene.web(), "/settings").await?.expect(200)?.text();
    let csrf = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .context("a form token")?;
    session.csrf = csrf.split('"').next().unwrap_or_default().to_owned();
    Ok(session)
}
