//! Whose key it is: keys of other people, keys that changed, servers that do not show them.

use anyhow::Result;
use serde_json::json;
use shoal_tests::foreign::{Body, Reply};
use shoal_tests::signer::Signer;
use shoal_tests::web::ACTIVITY;

use super::stage::Stage;

#[tokio::test]
async fn nobody_speaks_with_a_key_for_somebody_else() -> Result<()> {
    let stage = Stage::set().await?;
    let (here, foreign) = (stage.here()?, &stage.foreign);
    foreign.house("good.example", "gil")?;
    foreign.house("evil.example", "eve")?;
    // Eve's own key under Gil's name: the key is on another host.
    let follow = stage.follow("good.example", "gil");
    let letter = foreign.unsigned(&stage.shoal, &follow, "http://evil.example/users/eve#main-key")?;
    let answer = letter.signed(foreign.signer())?.send(here).await?;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(foreign.connections(), 0, "nothing is fetched");
    // Another's key on the same host: Gil does not list it.
    foreign.house("good.example", "tom")?;
    let letter = foreign.unsigned(&stage.shoal, &follow, "http://good.example/users/tom#main-key")?;
    let answer = letter.signed(foreign.signer())?.send(here).await?;
    assert_eq!(answer.status, 401, "{}", answer.body);
    // The activity's id, or the actor, is on another host than the key.
    let mut foreign_id = stage.follow("evil.example", "eve");
    foreign_id["id"] = json!("http://good.example/activities/1");
    let answer = stage.tell(&foreign_id).await?;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(stage.followers().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_key_counts_only_where_its_owner_lists_it() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    for (name, member, value) in [
        ("owner", "owner", json!("http://good.example/users/gil")),
        ("id", "id", json!("http://good.example/users/gil#main-key")),
        ("none", "publicKeyPem", json!("")),
        ("short", "publicKeyPem", json!(SHORT_KEY)),
    ] {
        let mut actor = foreign.actor("evil.example", name)?;
        actor["publicKey"][member] = value;
        foreign.answer(&format!("evil.example/users/{name}"), Reply::activity(&actor));
        let answer = stage.tell(&stage.follow("evil.example", name)).await?;
        assert_eq!(answer.status, 401, "{name}: {}", answer.body);
    }
    // A document that says to be somebody on another host.
    let other = foreign.actor("good.example", "gil")?;
    foreign.answer("evil.example/users/eve", Reply::activity(&other));
    let answer = stage.tell(&stage.follow("evil.example", "eve")).await?;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(stage.followers().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_key_that_changed_is_fetched_once_more_and_not_again() -> Result<()> {
    let stage = Stage::set().await?;
    let (here, foreign) = (stage.here()?, &stage.foreign);
    stage.followed_by("good.example", "gil").await?;
    let fetched = || {
        foreign
            .asked("good.example/users/gil")
            .iter()
            .filter(|one| one.method == "GET")
            .count()
    };
    assert_eq!(fetched(), 1);
    let fresh = Signer::generate()?;
    let mut actor = foreign.actor("good.example", "gil")?;
    actor["publicKey"]["publicKeyPem"] = json!(fresh.pem()?);
    foreign.answer("good.example/users/gil", Reply::activity(&actor));
    let by = |signer: &Signer| {
        let undo = foreign.activity(
            "good.example",
            "gil",
            "Like",
            json!("http://good.example/notes/1"),
        );
        let key = "http://good.example/users/gil#main-key";
        foreign.unsigned(&stage.shoal, &undo, key)?.signed(signer)
    };
    assert_eq!(by(&fresh)?.send(here).await?.status, 202);
    assert_eq!(fetched(), 2);
    // The old key is worth nothing now, and whoever tries with wrong ones makes nobody fetch.
    for _ in 0..5 {
        assert_eq!(by(foreign.signer())?.send(here).await?.status, 401);
    }
    assert_eq!(fetched(), 2);
    assert_eq!(by(&fresh)?.send(here).await?.status, 202);
    Ok(())
}

#[tokio::test]
async fn a_server_that_shows_no_key_is_asked_once_and_remembered() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    let html = Reply::document("text/html", "<html>me</html>");
    for (name, reply, status) in [
        ("missing", Reply::status(404), 401),
        ("gone", Reply::status(410), 401),
        ("page", html, 401),
        ("broken", Reply::status(503), 503),
        ("garbled", Reply::document(ACTIVITY, "{\"id\":"), 401),
        ("silent", Reply::body(ACTIVITY, Body::Silence), 503),
    ] {
        let at = format!("evil.example/users/{name}");
        foreign.answer(&at, reply);
        for _ in 0..4 {
            let answer = stage.tell(&stage.follow("evil.example", name)).await?;
            assert_eq!(answer.status, status, "{name}: {}", answer.body);
        }
        assert_eq!(foreign.asked(&at).len(), 1, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_farewell_of_somebody_unknown_costs_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    for kind in ["Delete", "Update"] {
        for n in 0..20 {
            let name = format!("left{n}");
            let object = json!(format!("http://evil.example/users/{name}"));
            let farewell = stage.foreign.activity("evil.example", &name, kind, object);
            let answer = stage.tell(&farewell).await?;
            assert_eq!(answer.status, 202, "{kind}: {}", answer.body);
        }
    }
    assert_eq!(stage.foreign.connections(), 0);
    Ok(())
}

/// An RSA key of 512 bits, as one can be guessed.
const SHORT_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\n\
    9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==\n\
    -----END PUBLIC KEY-----\n";
