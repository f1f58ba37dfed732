//! What administrators see of deliveries and do about a server: by the API and on the pages, without script.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::inbox::Inboxes;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{Scene, text};
use shoal_tests::wait;
use shoal_tests::web::{Answer, Session, Web, answer, form_post};

/// An archive that one actor at each of so many hosts follows, and its administrator's token.
async fn scene(hosts: usize) -> Result<(Scene, Inboxes)> {
    let mut scene = Scene::set(Setup::new()).await?;
    let inboxes = Inboxes::open(hosts)?;
    inboxes.let_through(hosts);
    scene.followed_by(&inboxes).await?;
    wait::until("an Accept at every host, and nothing that waits", async || {
        let told = inboxes.count() == hosts;
        let known = self::hosts(&scene, "").await.ok()?;
        (told && known.iter().all(|host| host["waiting"] == 0)).then_some(())
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

/// The owner at the page of the one server.
struct Desk<'a> {
    web: &'a Web,
    session: Session,
    page: String,
}

impl Desk<'_> {
    async fn order(&self, act: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let path = format!("{}/{act}", self.page);
        self.session.post(self.web, &path, fields).await
    }

    async fn see(&self, path: &str) -> Result<String> {
        Ok(self.session.get(self.web, path).await?.expect(200)?.text())
    }
}

async fn desk(scene: &Scene) -> Result<Desk<'_>> {
    let name = text(&hosts(scene, "").await?[0], "host")?.replace(':', "%3A");
    Ok(Desk {
        web: scene.web(),
        session: owner(scene).await?,
        page: format!("/moderation/deliveries/to/{name}"),
    })
}

#[tokio::test]
async fn a_server_is_held_back_on_the_pages_by_those_who_may() -> Result<()> {
    let (scene, _inboxes) = scene(1).await?;
    let desk = desk(&scene).await?;
    let unasked = form_post(desk.web, &format!("{}/pause", desk.page), &[("reason", "x")])?;
    let unasked = answer(unasked).await?;
    assert!(
        unasked.status == 303 || unasked.status >= 400,
        "nobody without a session"
    );
    let forged = Desk {
        web: desk.web,
        session: Session {
            csrf: "forged".to_owned(),
            ..desk.session.clone()
        },
        page: desk.page.clone(),
    };
    assert_eq!(forged.order("pause", &[("reason", "x")]).await?.status, 403);
    let silent = desk.order("pause", &[("reason", " ")]).await?;
    assert_eq!(silent.status, 400, "it needs a reason");
    let paused = desk.order("pause", &[("reason", "too many at once")]).await?;
    let told = desk.see(paused.expect(303)?.header("location")).await?;
    assert!(told.contains("Nothing more is sent to this server"), "{told}");
    for seed in 0..3 {
        scene.publish(seed).await?;
    }
    wait::until("three that wait", async || {
        let seen = desk.see(&desk.page).await.ok()?;
        seen.contains("3 deliveries wait").then_some(())
    })
    .await?;
    let seen = desk.see(&desk.page).await?;
    assert!(
        seen.contains("too many at once") && seen.contains("Let it go on"),
        "{seen}"
    );
    let queue = desk.see("/moderation/deliveries?state=paused").await?;
    assert!(
        queue.contains(&desk.page) && queue.contains("is held back"),
        "{queue}"
    );
    desk.see("/moderation/deliveries/all?state=waiting").await?;
    Ok(())
}

#[tokio::test]
async fn what_waits_for_a_server_is_dropped_on_its_page() -> Result<()> {
    let (scene, inboxes) = scene(1).await?;
    let desk = desk(&scene).await?;
    desk.order("pause", &[("reason", "x")]).await?.expect(303)?;
    scene.publish(1).await?;
    wait::until("one that waits", async || {
        let seen = desk.see(&desk.page).await.ok()?;
        seen.contains("1 delivery waits").then_some(())
    })
    .await?;
    let unsure = desk.order("drop", &[("reason", "x")]).await?;
    assert_eq!(unsure.status, 400, "it must be sure");
    let fields = [("reason", "no longer wanted"), ("sure", "yes")];
    let dropped = desk.order("drop", &fields).await?.expect(303)?;
    let told = desk.see(dropped.header("location")).await?;
    assert!(told.contains("What waited for this server is dropped."), "{told}");
    assert!(told.contains("Dropped: no longer wanted"), "{told}");

    desk.order("resume", &[]).await?.expect(303)?;
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
    let log = desk.see("/moderation").await?;
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
