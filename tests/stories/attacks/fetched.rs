//! What foreign servers show us when we look: documents of the wrong sort, under wrong names, far too large, or hostile in
//! their words.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shoal_tests::foreign::{Body, Reply};
use shoal_tests::instance::Setup;
use shoal_tests::scene::Scene;
use shoal_tests::web::ACTIVITY;

use super::stage::Stage;

/// What is answered to somebody here who wants to follow that.
async fn following(stage: &Stage, actor: &str) -> Result<(u16, String)> {
    let answer = stage
        .ask("/following", &stage.token, json!({ "actor": actor }))
        .await?;
    Ok((answer.status, answer.text()))
}

#[tokio::test]
async fn only_a_document_served_as_activitypub_under_its_own_name_is_an_actor() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    let gil = foreign.actor("good.example", "gil")?;
    // A file that somebody uploaded there.
    for media in [
        "application/json",
        "text/plain",
        "text/html",
        "application/ld+json",
        "application/octet-stream",
    ] {
        foreign.answer("good.example/users/gil", Reply::document(media, gil.to_string()));
        let (status, text) = following(&stage, "http://good.example/users/gil").await?;
        assert_eq!(status, 502, "{media}: {text}");
    }
    // A document at an address that is not its id: its own address on the same host is asked, another host's is not.
    foreign.house("good.example", "gil")?;
    foreign.answer("evil.example/users/gil", Reply::activity(&gil));
    let (status, text) = following(&stage, "http://evil.example/users/gil").await?;
    assert_eq!(status, 502, "{text}");
    assert!(
        stage
            .shoal
            .store()?
            .remote_actor("http://evil.example/users/gil")?
            .is_none()
    );
    // An address that says to be another on its own host, which says the same of the first, and so on.
    for (at, id) in [("a", "b"), ("b", "a")] {
        foreign.answer(
            &format!("evil.example/users/{at}"),
            Reply::activity(&foreign.actor("evil.example", id)?),
        );
    }
    let (status, text) = following(&stage, "http://evil.example/users/a").await?;
    assert_eq!(status, 502, "{text}");
    assert!(foreign.asked("evil.example/users/").len() < 8);
    Ok(())
}

#[tokio::test]
async fn a_handle_is_confirmed_by_its_own_domain() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    foreign.house("good.example", "victim")?;
    foreign.house("evil.example", "eve")?;
    let jrd = |subject: &str, href: &str| {
        let link = json!({ "rel": "self", "type": ACTIVITY, "href": href });
        Reply::document(
            "application/jrd+json",
            json!({ "subject": subject, "links": [link] }).to_string(),
        )
    };
    for (what, reply) in [
        (
            "another's subject",
            jrd("acct:victim@good.example", "http://good.example/users/victim"),
        ),
        ("our own", jrd("acct:eve@evil.example", &stage.collection())),
        (
            "inside",
            jrd("acct:eve@evil.example", "http://169.254.169.254/latest"),
        ),
        ("a file", jrd("acct:eve@evil.example", "file:///etc/passwd")),
        (
            "no link",
            Reply::document("application/jrd+json", "{\"subject\":\"acct:eve@evil.example\"}"),
        ),
        ("no JSON", Reply::document("application/jrd+json", "<xml/>")),
        ("endless", Reply::body("application/jrd+json", Body::Endless)),
    ] {
        foreign.answer("evil.example/.well-known/webfinger", reply);
        let (status, text) = following(&stage, "@eve@evil.example").await?;
        assert_eq!(status, 502, "{what}: {text}");
    }
    let before = foreign.asked("evil.example").len();
    for handle in [
        "@eve@evil.example/../x",
        "@eve@evil.example\r\nX: y",
        "@@",
        "@eve@",
        "@a b@evil.example",
    ] {
        let (status, text) = following(&stage, handle).await?;
        assert!(matches!(status, 400 | 502), "{handle}: {text}");
    }
    assert_eq!(foreign.asked("evil.example").len(), before);
    Ok(())
}

#[tokio::test]
async fn hostile_words_are_cut_and_shown_as_words() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    let mut actor = foreign.actor("evil.example", "eve")?;
    let long = "x".repeat(300_000);
    actor["name"] = json!(format!("<script>alert(1)</script>\u{202e}\u{0}{long}"));
    actor["summary"] = json!(format!("<img src=x onerror=alert(1)>{}", "<div>".repeat(20_000)));
    actor["preferredUsername"] = json!("eve/../@admin\u{202e}\u{0}<b>");
    actor["attachment"] = Value::Array(vec![
        json!({ "type": "PropertyValue", "name": "a", "value": "b" });
        3_000
    ]);
    actor["alsoKnownAs"] = Value::Array(vec![json!("http://good.example/users/gil"); 3_000]);
    foreign.answer("evil.example/users/eve", Reply::activity(&actor));
    let answer = stage.tell(&stage.follow("evil.example", "eve")).await?;
    assert!(matches!(answer.status, 202 | 401), "{}", answer.body);
    let kept = stage
        .shoal
        .store()?
        .remote_actor("http://evil.example/users/eve")?;
    if let Some(kept) = kept {
        assert!(kept.title.chars().count() <= 250 && kept.name.chars().count() <= 250);
        assert!(!kept.title.contains('\u{0}') && !kept.name.contains('\u{0}'));
    }
    let asked = stage
        .ask(
            "/following",
            &stage.token,
            json!({ "actor": "http://evil.example/users/eve" }),
        )
        .await?;
    assert!(asked.status < 503, "{}", asked.text());
    let page = stage.shoal.web().get("/accounts/ann").await?.text();
    assert!(
        !page.contains("<script>alert") && !page.contains("onerror"),
        "{page}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_endless_slow_or_packed_tight_is_cut_off() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    let bomb = include_bytes!("../../../crates/federation/tests/suite/spaces.gz");
    let bad = [
        ("large", Reply::document(ACTIVITY, vec![b' '; (1 << 20) + 1])),
        ("endless", Reply::body(ACTIVITY, Body::Endless)),
        (
            "bomb",
            Reply::document(ACTIVITY, bomb.to_vec()).with("content-encoding", "gzip"),
        ),
        ("dripping", Reply::body(ACTIVITY, Body::Dripping)),
        ("silent", Reply::body(ACTIVITY, Body::Silence)),
        (
            "deep",
            Reply::document(
                ACTIVITY,
                format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
            ),
        ),
        (
            "wide",
            Reply::document(
                ACTIVITY,
                format!(
                    "{{{}\"z\":1}}",
                    (0..60_000).map(|n| format!("\"{n}\":1,")).collect::<String>()
                ),
            ),
        ),
    ];
    // All at once, so that the slow ones are waited for once.
    let mut told = Vec::new();
    for (name, reply) in bad {
        foreign.answer(&format!("evil.example/users/{name}"), reply);
        let letter = foreign.letter(&stage.shoal, &stage.follow("evil.example", name))?;
        let here = stage.here()?;
        told.push((name, tokio::spawn(async move { letter.send(here).await })));
    }
    for (name, answer) in told {
        let answer = answer.await??;
        assert!(
            matches!(answer.status, 401 | 503),
            "{name}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert_eq!(stage.followers().await?, [""; 0]);
    stage.followed_by("good.example", "gil").await?;
    Ok(())
}

#[tokio::test]
async fn what_people_upload_here_cannot_pass_for_an_actor() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let upload = scene.publish(1).await?;
    let path = format!(
        "/api/v1/uploads/{}/torrent",
        upload["id"].as_str().context("an id")?
    );
    let torrent = scene.web().activity(&path).await?.expect(200)?;
    assert_eq!(torrent.header("content-type"), "application/x-bittorrent");
    assert_eq!(torrent.header("x-content-type-options"), "nosniff");
    assert!(torrent.header("content-disposition").starts_with("attachment"));
    for path in [
        "/datasets/sea-ice",
        "/uploads/",
        "/assets/shoal.css",
        "/feeds/all.rss",
        "/",
    ] {
        let page = scene.web().activity(path).await?;
        assert!(
            !page.header("content-type").contains("activity"),
            "{path}: {}",
            page.header("content-type")
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
    Ok(())
}
