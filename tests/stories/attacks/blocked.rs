//! Blocked servers: nothing comes from them, goes to them or is fetched from them, however they spell themselves.

use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::database::Postgres;
use shoal_tests::foreign::{Foreign, Reply};
use shoal_tests::instance::Setup;
use shoal_tests::letter::Letter;
use shoal_tests::wait;
use shoal_tests::web::Session;

use super::stage::{HOSTS, Stage};

#[tokio::test]
async fn a_blocked_server_is_cut_off_at_once_and_for_good() -> Result<()> {
    let stage = Stage::set().await?;
    stage.followed_by("good.example", "gil").await?;
    stage.followed_by("evil.example", "eve").await?;
    let done = stage.decide("Evil.Example.", "block").await?;
    assert_eq!(
        (&done["domain"], &done["followers_ended"]),
        (&json!("evil.example"), &json!(1))
    );
    assert_eq!(stage.followers().await?, ["http://good.example/users/gil"]);

    let before = stage.foreign.asked("evil.example").len();
    let again = stage.tell(&stage.follow("evil.example", "eve")).await?;
    assert_eq!(again.status, 403, "{}", again.body);
    assert!(again.body.contains("blocked"), "{}", again.body);
    let stranger = stage.tell(&stage.follow("evil.example", "stranger")).await?;
    assert_eq!(stranger.status, 403);

    // What is published now goes to the others only.
    stage
        .call(
            Method::PATCH,
            "/collections/climate",
            &json!({ "title": "Climate, edited" }),
        )
        .await?;
    wait::until("the Update", async || {
        (stage.delivered("good.example", "Update") > 0).then_some(())
    })
    .await?;
    assert_eq!(stage.foreign.asked("evil.example").len(), before);
    assert_eq!(stage.followers().await?, ["http://good.example/users/gil"]);

    // Taken back, it may follow anew.
    stage.decide("evil.example", "reset").await?;
    stage.followed_by("evil.example", "eve").await?;
    assert_eq!(stage.followers().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_waited_for_a_server_is_not_sent_once_it_is_blocked() -> Result<()> {
    let stage = Stage::set().await?;
    stage.foreign.house("evil.example", "eve")?;
    for inbox in ["evil.example/inbox", "evil.example/users/eve/inbox"] {
        stage.foreign.answer(inbox, Reply::status(503));
    }
    let answer = stage.tell(&stage.follow("evil.example", "eve")).await?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    wait::until("the first attempt", async || {
        let list = stage
            .call(Method::GET, "/admin/deliveries?state=waiting", &Value::Null)
            .await
            .ok()?;
        list.to_string().contains("503").then_some(())
    })
    .await?;
    let done = stage.decide("evil.example", "block").await?;
    assert_eq!(done["deliveries_ended"], 1, "{done}");
    let ended = stage
        .call(Method::GET, "/admin/deliveries?state=refused", &Value::Null)
        .await?;
    assert!(ended.to_string().contains("blocked by the moderators"), "{ended}");
    let before = stage.foreign.asked("evil.example").len();
    stage.followed_by("good.example", "gil").await?;
    assert_eq!(stage.foreign.asked("evil.example").len(), before);
    Ok(())
}

#[tokio::test]
async fn a_block_holds_for_every_spelling_of_the_domain() -> Result<()> {
    let stage = Stage::set().await?;
    let port = stage.foreign.address().port();
    stage.decide("eve@Evil.example:8443", "block").await?;
    stage.decide("böse.example", "block").await?;
    let spellings = [
        "evil.example".to_owned(),
        "EVIL.example".to_owned(),
        "sub.evil.example".to_owned(),
        "evil.example.".to_owned(),
        format!("evil.example:{port}"),
        "xn--bse-sna.example".to_owned(),
        "b%C3%96se.example".to_owned(),
    ];
    for host in spellings {
        stage.foreign.house(&host, "eve")?;
        let answer = stage.tell(&stage.follow(&host, "eve")).await?;
        assert_eq!(answer.status, 403, "{host}: {}", answer.body);
    }
    assert_eq!(stage.foreign.connections(), 0, "nothing is fetched");
    stage.decide("sub.evil.example", "allow").await?;
    stage.followed_by("sub.evil.example", "eve").await?;
    let ours = format!(
        "/admin/instances/{}/block",
        stage.shoal.url().replace("http://", "")
    );
    let ours = stage
        .ask(&ours, &stage.token, json!({ "reason": "a mistake" }))
        .await?;
    ours.expect(400)?;
    Ok(())
}

#[tokio::test]
async fn a_block_holds_on_every_process_of_the_archive() -> Result<()> {
    let Some(postgres) = Postgres::fresh("a block on two processes")? else {
        return Ok(());
    };
    let foreign = Foreign::open(&HOSTS).await?;
    let setup = || {
        foreign
            .known_to(Setup::new())
            .set("database.url", &postgres.url())
            .set("instance.url", "http://archive.example")
    };
    let (here, there) = (setup().start().await?, setup().start().await?);
    let token = here.token("mod", "review")?;
    foreign.house("evil.example", "eve")?;
    let address = there.url().trim_start_matches("http://").parse()?;
    let like = async || -> Result<u16> {
        let like = foreign.activity(
            "evil.example",
            "eve",
            "Like",
            json!("http://archive.example/objects/1"),
        );
        let key = "http://evil.example/users/eve#main-key";
        let letter = Letter::post("http://archive.example", "/inbox", key, &like)?;
        Ok(letter.signed(foreign.signer())?.send(address).await?.status)
    };
    assert_eq!(like().await?, 202);
    let path = "/admin/instances/evil.example/block";
    let reason = json!({ "reason": "for a test" });
    here.web()
        .call(Method::POST, path, &token, &reason)
        .await?
        .expect(200)?;
    let decided = Instant::now();
    wait::until("the block on the other process", async || {
        like().await.ok().filter(|status| *status == 403)
    })
    .await?;
    let took = decided.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "within about a second, not {took:?}"
    );
    Ok(())
}

#[tokio::test]
async fn nothing_is_fetched_from_a_blocked_server_by_whatever_way() -> Result<()> {
    let stage = Stage::set().await?;
    stage.foreign.house("evil.example", "eve")?;
    stage.followed_by("evil.example", "known").await?;
    stage.decide("evil.example", "block").await?;
    let before = stage.foreign.asked("evil.example").len();
    let ways = [
        "http://evil.example/users/eve",
        "http://evil.example/users/known",
        "@eve@evil.example",
        "http://good.example/moved",
    ];
    let elsewhere = Reply::redirect("http://evil.example/users/eve");
    stage.foreign.answer("good.example/moved", elsewhere);
    for actor in ways {
        let answer = stage
            .ask("/following", &stage.token, json!({ "actor": actor }))
            .await?;
        assert_eq!(answer.status, 502, "{actor}: {}", answer.text());
        assert!(answer.text().contains("blocked"), "{actor}: {}", answer.text());
    }
    // By the key of a request whose actor says to be elsewhere.
    let follow = stage.follow("good.example", "gil");
    let letter = stage
        .foreign
        .unsigned(&stage.shoal, &follow, "http://evil.example/users/eve#main-key")?;
    let letter = letter.signed(stage.foreign.signer())?;
    assert_eq!(letter.send(stage.here()?).await?.status, 403);
    assert_eq!(stage.foreign.asked("evil.example").len(), before);
    Ok(())
}

#[tokio::test]
async fn moderators_decide_about_servers_on_a_page_and_it_is_logged() -> Result<()> {
    let stage = Stage::set().await?;
    let web = stage.shoal.web();
    let session = Session::by_link(web, &stage.shoal.owners_link()?).await?;
    let page = session.get(web, "/moderation/servers").await?.expect(200)?;
    assert!(page.text().contains("Nothing yet"));
    let form = [
        ("domain", "@spam@evil.example"),
        ("reason", "spam"),
        ("act", "block"),
    ];
    let done = session
        .post(web, "/moderation/servers", &form)
        .await?
        .expect(303)?;
    assert_eq!(done.header("location"), "/moderation/servers?done=blocked");
    let page = session.get(web, "/moderation/servers").await?.expect(200)?.text();
    assert!(page.contains("evil.example") && page.contains("spam"), "{page}");
    let refused = stage.tell(&stage.follow("evil.example", "eve")).await?;
    assert_eq!(refused.status, 403);
    let log = stage.call(Method::GET, "/admin/log", &Value::Null).await?;
    let entry = &log
        .as_array()
        .or(log["items"].as_array())
        .cloned()
        .unwrap_or_default()[0];
    assert_eq!(
        (&entry["act"], &entry["target"]),
        (&json!("block"), &json!("evil.example"))
    );
    let forged = Session {
        csrf: "guessed".to_owned(),
        ..session.clone()
    };
    let form = [("domain", "good.example"), ("reason", "x"), ("act", "block")];
    forged
        .post(web, "/moderation/servers", &form)
        .await?
        .expect(403)?;
    let archivist = stage.shoal.token("bob", "submit,upload")?;
    for (token, status) in [("", 401), ("guessed", 401), (archivist.as_str(), 403)] {
        let path = "/admin/instances/good.example/block";
        let refused = stage.ask(path, token, json!({ "reason": "x" })).await?;
        assert_eq!(refused.status, status, "{}", refused.text());
    }
    Ok(())
}
