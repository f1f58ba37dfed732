//! What comes in, through the whole door: signature, sender, meaning, and what is answered later.

use crate::{
    foreign::{Foreign, Reply},
    world::{World, keys},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use shoal_federation::{Incoming, Receipt, keys::generate};
use shoal_store::{ActorKeys, ActorKind, Paging, Target};

async fn scene() -> (World, Foreign) {
    let foreign = Foreign::start("m.example").await;
    let world = World::new(vec![foreign.known()]).await;
    let account = world.account("keeper");
    world.collection("tides", &account);
    foreign.house("ann", &keys());
    (world, foreign)
}

fn follow(foreign: &Foreign, number: u32) -> Value {
    json!({
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": foreign.url(&format!("/follows/{number}")), "type": "Follow",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/collections/tides",
    })
}

fn followers(world: &World) -> i64 {
    let actor = world.actor(ActorKind::Collection, "tides");
    world.store.follower_count(actor.id).expect("the store answers")
}

async fn send(world: &World, foreign: &Foreign, body: &Value) -> Receipt {
    let incoming = foreign.post("ann", &keys(), body, world.now());
    world.federation.receive(incoming).await
}

#[tokio::test]
async fn a_follow_is_kept_and_accepted_with_the_whole_follow_inside() {
    let (world, foreign) = scene().await;
    let body = follow(&foreign, 1);
    assert_eq!(send(&world, &foreign, &body).await.status, 202);
    assert_eq!(followers(&world), 1);
    foreign.reply("/users/ann/inbox", Reply::status(202));
    world.deliver().await;
    let accepts = foreign.asked("/users/ann/inbox");
    assert_eq!(accepts.len(), 1);
    let accept: Value = serde_json::from_slice(&accepts[0].body).expect("JSON");
    assert_eq!(accept["type"], "Accept");
    assert_eq!(accept["actor"], "http://shoal.test/collections/tides");
    for member in ["id", "type", "actor", "object"] {
        assert_eq!(accept["object"][member], body[member], "{member}");
    }
    // Asked again with a new id, it is answered again.
    assert_eq!(send(&world, &foreign, &follow(&foreign, 2)).await.status, 202);
    world.deliver().await;
    assert_eq!(foreign.asked("/users/ann/inbox").len(), 2);
    assert_eq!(followers(&world), 1);
}

#[tokio::test]
async fn an_id_comes_back_as_it_was_written() {
    let (world, foreign) = scene().await;
    let mut body = follow(&foreign, 1);
    body["id"] = json!("http://M.example/follows/ü?a=[1]");
    assert_eq!(send(&world, &foreign, &body).await.status, 202);
    world.deliver().await;
    let accept: Value = serde_json::from_slice(&foreign.asked("/users/ann/inbox")[0].body).expect("JSON");
    assert_eq!(accept["object"]["id"], body["id"]);
}

#[tokio::test]
async fn a_known_id_has_no_second_effect() {
    let (world, foreign) = scene().await;
    let body = follow(&foreign, 1);
    let incoming = foreign.post("ann", &keys(), &body, world.now());
    let copies = (0..20).map(|_| {
        let incoming = Incoming {
            method: incoming.method.clone(),
            path_and_query: incoming.path_and_query.clone(),
            headers: incoming.headers.clone(),
            body: incoming.body.clone(),
            inbox_of: None,
        };
        world.federation.receive(incoming)
    });
    for receipt in futures_util::future::join_all(copies).await {
        assert_eq!(receipt.status, 202);
    }
    world.deliver().await;
    assert_eq!(foreign.asked("/users/ann/inbox").len(), 1);
}

#[tokio::test]
async fn an_undo_ends_a_follow_whichever_way_it_is_written() {
    let (world, foreign) = scene().await;
    let whole = follow(&foreign, 1);
    for (number, object) in [
        (1, whole.clone()),
        (2, json!(foreign.url("/follows/2"))),
        (
            3,
            json!({ "type": "Follow", "actor": whole["actor"], "object": whole["object"] }),
        ),
    ] {
        world.wait(60_000);
        assert_eq!(
            send(&world, &foreign, &follow(&foreign, number)).await.status,
            202
        );
        assert_eq!(followers(&world), 1, "{object}");
        let undo = json!({
            "id": foreign.url(&format!("/undos/{number}")), "type": "Undo", "actor": whole["actor"], "object": object,
        });
        world.wait(60_000);
        assert_eq!(send(&world, &foreign, &undo).await.status, 202);
        assert_eq!(followers(&world), 0, "{object}");
    }
}

#[tokio::test]
async fn nobody_undoes_for_somebody_else() {
    let (world, foreign) = scene().await;
    foreign.house("bob", &keys());
    assert_eq!(send(&world, &foreign, &follow(&foreign, 1)).await.status, 202);
    let undo = json!({
        "id": foreign.url("/undos/1"), "type": "Undo", "actor": foreign.url("/users/bob"), "object": follow(&foreign, 1),
    });
    let incoming = foreign.post("bob", &keys(), &undo, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    let bare = json!({
        "id": foreign.url("/undos/2"), "type": "Undo", "actor": foreign.url("/users/bob"),
        "object": foreign.url("/follows/1"),
    });
    let incoming = foreign.post("bob", &keys(), &bare, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    assert_eq!(followers(&world), 1);
}

#[tokio::test]
async fn what_is_not_signed_by_its_actor_changes_nothing() {
    let (world, foreign) = scene().await;
    let other = generate();
    foreign.house("bob", &other);
    for (what, incoming) in badly_signed(&foreign, &other, world.now()) {
        let receipt = world.federation.receive(incoming).await;
        assert_eq!(receipt.status, 401, "{what}: {}", receipt.sentence);
        assert_eq!(followers(&world), 0, "{what}");
    }
}

/// Follows of ann's that she did not send, or not so; `other` is bob's key.
fn badly_signed(foreign: &Foreign, other: &ActorKeys, now: i64) -> Vec<(&'static str, Incoming)> {
    let body = follow(foreign, 1);
    let mut unsigned = foreign.post("ann", &keys(), &body, now);
    unsigned.headers.remove("signature");
    let mut changed = foreign.post("ann", &keys(), &body, now);
    changed.body = body.to_string().replace("tides", "tidez").into();
    let mut path = foreign.post("ann", &keys(), &body, now);
    path.path_and_query = "/collections/tides/inbox".to_owned();
    let mut host = foreign.post("ann", &keys(), &body, now);
    host.headers.insert("host", "evil.example".parse().expect("text"));
    let mut elsewhere = foreign.post("ann", &keys(), &body, now);
    let first = elsewhere.headers.remove("signature").expect("signed");
    elsewhere.headers.insert("authorization", first);
    vec![
        ("unsigned", unsigned),
        ("signed in another header", elsewhere),
        ("another body", changed),
        ("another path", path),
        ("another host", host),
        (
            "too old",
            foreign.post("ann", &keys(), &body, now - 13 * 3_600_000),
        ),
        (
            "from the future",
            foreign.post("ann", &keys(), &body, now + 2 * 3_600_000),
        ),
        (
            "by the key of another actor",
            foreign.post("bob", other, &body, now),
        ),
        (
            "by another key under ann's name",
            foreign.post("ann", other, &body, now),
        ),
        (
            "by a key of another host",
            foreign.post_as("http://n.example/k#main-key", &keys(), &body, now),
        ),
        (
            "by a key without an address",
            foreign.post_as("urn:ann:m.example", &keys(), &body, now),
        ),
    ]
}

#[tokio::test]
async fn ids_and_actors_keep_to_their_hosts() {
    let (world, foreign) = scene().await;
    for (id, actor, status) in [
        ("http://n.example/follows/1", foreign.url("/users/ann"), 403),
        ("http://shoal.test/activities/1", foreign.url("/users/ann"), 403),
        (
            "http://shoal.test/activities/1",
            "http://shoal.test/collections/tides".to_owned(),
            403,
        ),
    ] {
        let body = json!({ "id": id, "type": "Follow", "actor": actor, "object": "http://shoal.test/collections/tides" });
        assert_eq!(
            send(&world, &foreign, &body).await.status,
            status,
            "{id} by {actor}"
        );
    }
    let nobody = json!({
        "id": foreign.url("/follows/9"), "type": "Follow", "actor": foreign.url("/users/ann"),
        "object": "http://shoal.test/collections/none",
    });
    assert_eq!(send(&world, &foreign, &nobody).await.status, 404);
}

#[tokio::test]
async fn what_means_nothing_here_is_thanked_for() {
    let (world, foreign) = scene().await;
    for (number, kind) in [
        "Like",
        "Create",
        "Announce",
        "Flag",
        "EmojiReact",
        "Undo",
        "Accept",
    ]
    .iter()
    .enumerate()
    {
        let body = json!({
            "id": foreign.url(&format!("/x/{number}")), "type": kind, "actor": foreign.url("/users/ann"),
            "object": { "id": foreign.url("/notes/1"), "type": "Note" },
        });
        assert_eq!(send(&world, &foreign, &body).await.status, 202, "{kind}");
    }
}

#[tokio::test]
async fn the_deletion_of_somebody_unknown_costs_no_fetch() {
    let (world, foreign) = scene().await;
    let gone = foreign.url("/users/gone");
    let body = json!({ "id": format!("{gone}#delete"), "type": "Delete", "actor": gone, "object": gone });
    let incoming = foreign.post("gone", &keys(), &body, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    assert!(foreign.asked("/users/gone").is_empty());
}

#[tokio::test]
async fn an_actor_that_leaves_follows_no_more() {
    let (world, foreign) = scene().await;
    assert_eq!(send(&world, &foreign, &follow(&foreign, 1)).await.status, 202);
    let ann = foreign.url("/users/ann");
    let body = json!({ "id": format!("{ann}#delete"), "type": "Delete", "actor": ann, "object": ann });
    assert_eq!(send(&world, &foreign, &body).await.status, 202);
    assert_eq!(followers(&world), 0);
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_and_a_dead_key_server_is_left_alone() {
    let (world, foreign) = scene().await;
    assert_eq!(send(&world, &foreign, &follow(&foreign, 1)).await.status, 202);
    assert_eq!(foreign.asked("/users/ann").len(), 1);
    let new = generate();
    foreign.house("ann", &new);
    let incoming = foreign.post("ann", &new, &follow(&foreign, 2), world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    assert_eq!(foreign.asked("/users/ann").len(), 2);
    // The old key is no longer believed, and asking again at once is not done.
    for number in 3..6 {
        assert_eq!(
            send(&world, &foreign, &follow(&foreign, number)).await.status,
            401
        );
    }
    assert_eq!(foreign.asked("/users/ann").len(), 2);
    // Somebody whose actor cannot be fetched is asked for once in five minutes.
    foreign.reply("/users/bob", Reply::status(503));
    for number in 1..5 {
        let body = json!({
            "id": foreign.url(&format!("/b/{number}")), "type": "Follow", "actor": foreign.url("/users/bob"),
            "object": "http://shoal.test/collections/tides",
        });
        let incoming = foreign.post("bob", &new, &body, world.now());
        assert_eq!(world.federation.receive(incoming).await.status, 503);
    }
    assert_eq!(foreign.asked("/users/bob").len(), 1);
}

#[tokio::test]
async fn a_key_id_without_a_fragment_is_the_actors_if_the_actor_says_so() {
    let (world, foreign) = scene().await;
    let key_id = foreign.url("/users/ann/main-key");
    let mut actor = foreign.actor("ann", &keys());
    actor["publicKey"]["id"] = json!(key_id);
    foreign.reply("/users/ann", Reply::activity(&actor));
    let incoming = foreign.post_as(&key_id, &keys(), &follow(&foreign, 1), world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    let fetches = foreign.asked("/users/ann");
    assert!(
        fetches[0].headers.contains_key("signature"),
        "actors are fetched with a signature"
    );
}

#[tokio::test]
async fn a_stub_actor_without_an_inbox_is_not_taken() {
    let (world, foreign) = scene().await;
    let mut actor = foreign.actor("ann", &keys());
    actor.as_object_mut().expect("an object").remove("inbox");
    foreign.reply("/users/ann", Reply::activity(&actor));
    assert_eq!(send(&world, &foreign, &follow(&foreign, 1)).await.status, 401);
}

#[tokio::test]
async fn large_and_deep_bodies_are_refused() {
    let (world, foreign) = scene().await;
    let large = json!({ "x": "a".repeat(1024 * 1024) });
    assert_eq!(send(&world, &foreign, &large).await.status, 413);
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!([deep]);
    }
    assert_eq!(send(&world, &foreign, &deep).await.status, 400);
}

#[tokio::test]
async fn a_hidden_collection_rejects_followers() {
    let (world, foreign) = scene().await;
    let collection = world
        .store
        .collection("tides")
        .expect("the store answers")
        .expect("a collection");
    let account = world
        .store
        .account("keeper")
        .expect("the store answers")
        .expect("an account");
    world
        .store
        .hide(
            world.moment(),
            Target::Collection(collection.id),
            account.id,
            "spam",
        )
        .expect("hidden");
    assert_eq!(send(&world, &foreign, &follow(&foreign, 1)).await.status, 202);
    assert_eq!(followers(&world), 0);
    world.deliver().await;
    let answers = foreign.asked("/users/ann/inbox");
    let answer: Value = serde_json::from_slice(&answers[0].body).expect("JSON");
    assert_eq!(answer["type"], "Reject");
}

#[tokio::test]
async fn followers_are_listed_in_pages() {
    let (world, foreign) = scene().await;
    assert_eq!(send(&world, &foreign, &follow(&foreign, 1)).await.status, 202);
    let actor = world.actor(ActorKind::Collection, "tides");
    let whole = world
        .federation
        .followers(&actor, None)
        .expect("the store answers");
    assert_eq!(
        (whole["totalItems"].as_i64(), whole["type"].as_str()),
        (Some(1), Some("OrderedCollection"))
    );
    let page = world
        .federation
        .followers(&actor, Some("first"))
        .expect("the store answers");
    assert_eq!(page["orderedItems"], json!([foreign.url("/users/ann")]));
    assert_eq!(page["partOf"], whole["id"]);
    let rows = world
        .store
        .followers(actor.id, &Paging::first(10))
        .expect("the store answers");
    assert_eq!(rows.items.len(), 1);
}

#[tokio::test]
async fn no_signature_header_and_no_body_makes_trouble() {
    let (world, foreign) = scene().await;
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let body = follow(&foreign, 1);
    for round in 0..2_000 {
        let mut incoming = foreign_request(&foreign, &body, world.now());
        let header = incoming.headers["signature"].as_bytes().to_vec();
        if let Ok(value) = http::HeaderValue::from_bytes(&mangled(header, &mut random)) {
            incoming.headers.insert("signature", value);
        }
        if round % 2 == 0 {
            incoming.body = mangled(incoming.body.to_vec(), &mut random).into();
        }
        let status = world.federation.receive(incoming).await.status;
        assert!(
            matches!(status, 202 | 400 | 401 | 403),
            "{status}, seed {seed}, round {round}"
        );
    }
}

fn foreign_request(foreign: &Foreign, body: &Value, now: i64) -> Incoming {
    foreign.post("ann", &keys(), body, now)
}

/// Cuts a piece out and puts it, or chance, in somewhere.
fn mangled(mut bytes: Vec<u8>, random: &mut StdRng) -> Vec<u8> {
    let (from, length) = (random.random_range(0..bytes.len()), random.random_range(1..12));
    let piece: Vec<u8> = bytes.drain(from..(from + length).min(bytes.len())).collect();
    for _ in 0..random.random_range(0..3) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..3) {
            0 => bytes.insert(at, random.random()),
            _ => bytes.splice(at..at, piece.iter().copied()).for_each(drop),
        }
    }
    bytes
}
