//! What our side asks of others: finding actors, following them, and where its requests will not go.

use crate::{
    foreign::{Foreign, Reply},
    world::{World, keys},
};
use serde_json::{Value, json};
use shoal_federation::{FetchError, policy::Forbidden};
use shoal_store::ActorKind;

async fn scene() -> (World, Foreign) {
    let foreign = Foreign::start("m.example").await;
    let world = World::new(vec![
        foreign.known(),
        (
            "inside.example".to_owned(),
            "10.0.0.7:80".parse().expect("an address"),
        ),
    ]);
    let world = world.await;
    foreign.house("ann", &keys());
    let answer = json!({
        "subject": "acct:ann@m.example",
        "links": [
            { "rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": foreign.url("/@ann") },
            { "rel": "self", "type": "application/activity+json", "href": foreign.url("/users/ann") },
        ],
    });
    foreign.reply("/.well-known/webfinger", Reply::activity(&answer));
    (world, foreign)
}

#[tokio::test]
async fn an_actor_is_found_by_handle_and_by_address() {
    let (world, foreign) = scene().await;
    for text in [
        "@ann@m.example",
        "ann@m.example",
        "acct:ann@m.example",
        &foreign.url("/users/ann"),
        " @ann@m.example ",
    ] {
        let found = world.federation.resolve(text).await.expect(text);
        assert_eq!(
            (found.uri, found.name),
            (foreign.url("/users/ann"), "ann".to_owned())
        );
    }
    assert_eq!(
        foreign.asked("/users/ann").len(),
        1,
        "the kept one serves afterwards"
    );
    for text in [
        "",
        "ann",
        "@ann",
        "@@",
        "ann@m.example/x",
        "http://shoal.test/actor",
        "ftp://m.example/",
        "@a b@m.example",
    ] {
        assert!(world.federation.resolve(text).await.is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_host_cannot_speak_for_another() {
    let (world, foreign) = scene().await;
    let answer = json!({
        "subject": "acct:victim@good.example",
        "links": [{ "rel": "self", "type": "application/activity+json", "href": "http://good.example/users/victim" }],
    });
    foreign.reply("/.well-known/webfinger", Reply::activity(&answer));
    let refused = world
        .federation
        .resolve("@victim@m.example")
        .await
        .expect_err("refused");
    assert!(matches!(refused, FetchError::Unusable(_)), "{refused}");
    let mut actor = foreign.actor("ann", &keys());
    actor["id"] = json!("http://good.example/users/ann");
    foreign.reply("/users/ann", Reply::activity(&actor));
    assert!(
        world
            .federation
            .resolve(&foreign.url("/users/ann"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn only_activitypub_documents_are_actors() {
    let (world, foreign) = scene().await;
    let mut reply = Reply::activity(&foreign.actor("ann", &keys()));
    reply.headers = vec![("content-type", "application/json".to_owned())];
    foreign.reply("/users/ann", reply);
    assert!(
        world
            .federation
            .resolve(&foreign.url("/users/ann"))
            .await
            .is_err()
    );
    foreign.reply("/users/ann", Reply::status(410));
    assert!(matches!(
        world.federation.resolve(&foreign.url("/users/ann")).await,
        Err(FetchError::Gone)
    ));
    foreign.reply(
        "/users/ann",
        Reply {
            body: vec![b' '; 1024 * 1024 + 1],
            ..Reply::activity(&json!({}))
        },
    );
    assert!(matches!(
        world.federation.resolve(&foreign.url("/users/ann")).await,
        Err(FetchError::TooLarge)
    ));
}

#[tokio::test]
async fn a_body_is_measured_after_decompression() {
    let (world, foreign) = scene().await;
    // 1.1 MB of blanks in one kilobyte.
    let bomb = Reply {
        body: include_bytes!("spaces.gz").to_vec(),
        ..Reply::activity(&json!({}))
    };
    foreign.reply("/users/ann", bomb.with("content-encoding", "gzip"));
    let refused = world.federation.resolve(&foreign.url("/users/ann")).await;
    assert!(matches!(refused, Err(FetchError::TooLarge)), "{refused:?}");
}

#[tokio::test]
async fn nobody_elsewhere_becomes_one_of_us() {
    let (world, foreign) = scene().await;
    for ours in ["http://shoal.test/collections/tides", "http://shoal.test./actor"] {
        let mut actor = foreign.actor("ann", &keys());
        actor["id"] = json!(ours);
        foreign.reply("/users/ann", Reply::activity(&actor));
        assert!(
            world
                .federation
                .resolve(&foreign.url("/users/ann"))
                .await
                .is_err(),
            "{ours}"
        );
    }
}

#[tokio::test]
async fn redirects_are_followed_thrice_and_each_hop_is_checked_and_signed() {
    let (world, foreign) = scene().await;
    foreign.reply("/r1", Reply::status(302).with("location", "/r2"));
    foreign.reply("/r2", Reply::status(301).with("location", &foreign.url("/r3")));
    foreign.reply(
        "/r3",
        Reply::status(307).with("location", &foreign.url("/users/ann")),
    );
    world
        .federation
        .resolve(&foreign.url("/r1"))
        .await
        .expect("three hops");
    for path in ["/r1", "/r2", "/r3", "/users/ann"] {
        let asked = foreign.asked(path);
        let signature = asked[0].headers["signature"].to_str().expect("text").to_owned();
        assert!(
            signature.contains("http://shoal.test/actor#main-key"),
            "{path}: {signature}"
        );
    }
    foreign.reply("/loop", Reply::status(302).with("location", "/loop"));
    assert!(matches!(
        world.federation.resolve(&foreign.url("/loop")).await,
        Err(FetchError::Redirects)
    ));
    assert_eq!(foreign.asked("/loop").len(), 4);
    for inside in [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://inside.example/",
        "http://u:p@m.example/",
    ] {
        foreign.reply("/in", Reply::status(302).with("location", inside));
        let refused = world
            .federation
            .resolve(&foreign.url("/in"))
            .await
            .expect_err(inside);
        assert!(
            matches!(refused, FetchError::Forbidden(_)),
            "{inside}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn no_connection_is_made_to_where_nothing_public_is() {
    let (world, _foreign) = scene().await;
    for inside in [
        "http://10.0.0.1/users/ann",
        "http://[::1]/x",
        "http://0x0a.1/",
        "http://inside.example/users/ann",
    ] {
        let refused = world.federation.resolve(inside).await.expect_err(inside);
        assert!(
            matches!(refused, FetchError::Forbidden(Forbidden::Private(_))),
            "{inside}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_follow_of_ours_is_sent_accepted_and_taken_back() {
    let (world, foreign) = scene().await;
    world.account("keeper");
    foreign.reply("/users/ann/inbox", Reply::status(202));
    let actor = world.actor(ActorKind::Account, "keeper");
    let following = world
        .federation
        .follow(&actor, "@ann@m.example")
        .await
        .expect("found");
    world.deliver().await;
    let sent: Value = serde_json::from_slice(&foreign.asked("/users/ann/inbox")[0].body).expect("JSON");
    assert_eq!(
        (sent["type"].as_str(), sent["id"].as_str()),
        (Some("Follow"), Some(following.follow_uri.as_str()))
    );
    let accept = json!({
        "id": foreign.url("/accepts/1"), "type": "Accept", "actor": foreign.url("/users/ann"),
        "object": { "id": following.follow_uri, "type": "Follow", "actor": sent["actor"], "object": sent["object"] },
    });
    let incoming = foreign.post("ann", &keys(), &accept, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    let listed = world
        .federation
        .following(&actor, Some("first"))
        .expect("the store answers");
    assert_eq!(listed["orderedItems"], json!([foreign.url("/users/ann")]));
    world.federation.unfollow(following.id).await.expect("ends");
    world.deliver().await;
    let undo: Value = serde_json::from_slice(&foreign.asked("/users/ann/inbox")[1].body).expect("JSON");
    assert_eq!(
        (undo["type"].as_str(), undo["object"]["id"].clone()),
        (Some("Undo"), sent["id"].clone())
    );
}
