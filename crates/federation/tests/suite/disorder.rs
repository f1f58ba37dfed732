//! What comes in too often, too late or in the wrong order ends right. One activity at a time is `inbox.rs`.

use crate::{
    foreign::{Foreign, Reply},
    world::{World, keys},
};
use serde_json::{Value, json};
use shoal_federation::{Receipt, keys::Signer, sign::Scheme};
use shoal_store::{ActorKind, RemoteActor};

const MINUTE: i64 = 60_000;

/// A collection here, and ann there.
async fn scene() -> (World, Foreign) {
    let foreign = Foreign::start("a.example").await;
    let world = World::new(vec![foreign.known()]).await;
    world.collection("tides", &world.account("keeper"));
    foreign.house("ann", &keys());
    foreign.reply("/users/ann/inbox", Reply::status(202));
    (world, foreign)
}

fn follow(foreign: &Foreign, number: u32) -> Value {
    json!({
        "id": foreign.url(&format!("/follows/{number}")), "type": "Follow",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/collections/tides",
    })
}

fn undo(foreign: &Foreign, number: u32) -> Value {
    let ann = foreign.url("/users/ann");
    json!({ "id": format!("{ann}#undo/{number}"), "type": "Undo", "actor": ann, "object": follow(foreign, number) })
}

/// Something that ann does to herself.
fn of_herself(foreign: &Foreign, kind: &str, number: u32) -> Value {
    let ann = foreign.url("/users/ann");
    json!({ "id": format!("{ann}#{kind}/{number}"), "type": kind, "actor": ann, "object": ann })
}

async fn send(world: &World, foreign: &Foreign, body: &Value, signed_at: i64) -> Receipt {
    world
        .federation
        .receive(foreign.post("ann", &keys(), body, signed_at))
        .await
}

fn followers(world: &World) -> i64 {
    let actor = world.actor(ActorKind::Collection, "tides");
    world.store.follower_count(actor.id).expect("the store answers")
}

fn kept(world: &World, foreign: &Foreign) -> RemoteActor {
    let found = world.store.remote_actor(&foreign.url("/users/ann"));
    found.expect("the store answers").expect("kept")
}

/// Ann under another name.
fn rename(foreign: &Foreign, name: &str) {
    let mut actor = foreign.actor("ann", &keys());
    actor["name"] = json!(name);
    foreign.reply("/users/ann", Reply::activity(&actor));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_at_two_inboxes_have_one_effect() {
    let (world, foreign) = scene().await;
    let body = follow(&foreign, 1);
    let (signer, key_id) = (
        Signer::load(&keys()).expect("a key"),
        foreign.url("/users/ann#main-key"),
    );
    let copies = (0..100).map(|number| {
        let path = if number % 2 == 0 {
            "/inbox"
        } else {
            "/collections/tides/inbox"
        };
        let scheme = if number % 3 == 0 {
            Scheme::Rfc9421
        } else {
            Scheme::Cavage
        };
        let incoming = Foreign::post_at(path, (&key_id, &signer), scheme, &body, world.now());
        let federation = std::sync::Arc::clone(&world.federation);
        tokio::spawn(async move { federation.receive(incoming).await })
    });
    for receipt in futures_util::future::join_all(copies).await {
        assert_eq!(receipt.expect("no panic").status, 202);
    }
    assert_eq!(followers(&world), 1);
    assert_eq!(foreign.asked("/users/ann").len(), 1, "one fetch for all of them");
    world.deliver().await;
    assert_eq!(foreign.asked("/users/ann/inbox").len(), 1, "one Accept");
}

#[tokio::test]
async fn follow_undo_and_follow_end_right_in_every_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (world, foreign) = scene().await;
        let sent = [follow(&foreign, 1), undo(&foreign, 1), follow(&foreign, 2)];
        for place in order {
            let signed_at = world.now() + i64::try_from(place).expect("small");
            assert_eq!(send(&world, &foreign, &sent[place], signed_at).await.status, 202);
        }
        assert_eq!(followers(&world), 1, "{order:?}");
        assert_eq!(
            send(&world, &foreign, &undo(&foreign, 2), world.now() + 3)
                .await
                .status,
            202
        );
        assert_eq!(followers(&world), 0, "{order:?}");
    }
}

#[tokio::test]
async fn what_an_actor_sent_before_it_left_comes_too_late() {
    let (world, foreign) = scene().await;
    let signed_at = world.now();
    assert_eq!(
        send(&world, &foreign, &follow(&foreign, 1), signed_at)
            .await
            .status,
        202
    );
    world.wait(MINUTE);
    let delete = of_herself(&foreign, "Delete", 1);
    for _ in 0..2 {
        assert_eq!(send(&world, &foreign, &delete, world.now()).await.status, 202);
    }
    assert_eq!(followers(&world), 0);
    let asked = foreign.asked("/users/ann").len();
    // Another Follow, sent before and overtaken; its server still shows the actor.
    let late = send(&world, &foreign, &follow(&foreign, 2), signed_at).await;
    assert_eq!((late.status, followers(&world)), (202, 0));
    assert_eq!(foreign.asked("/users/ann").len(), asked, "it costs no fetch");
    // Whoever comes back, and is there, is welcome.
    world.wait(MINUTE);
    assert_eq!(
        send(&world, &foreign, &follow(&foreign, 3), world.now())
            .await
            .status,
        202
    );
    assert_eq!(followers(&world), 1);
}

#[tokio::test]
async fn an_update_shows_the_actor_as_it_is_now_whatever_it_says() {
    let (world, foreign) = scene().await;
    assert_eq!(
        send(&world, &foreign, &follow(&foreign, 1), world.now())
            .await
            .status,
        202
    );
    rename(&foreign, "Ann the Second");
    let mut update = of_herself(&foreign, "Update", 1);
    update["object"] = foreign.actor("ann", &keys());
    update["object"]["name"] = json!("Ann the Liar");
    update["object"]["inbox"] = json!("http://elsewhere.example/inbox");
    assert_eq!(send(&world, &foreign, &update, world.now()).await.status, 202);
    assert_eq!(kept(&world, &foreign).title, "Ann the Second");
    assert_eq!(kept(&world, &foreign).inbox, foreign.url("/users/ann/inbox"));

    // An older one, late and signed anew, finds the same.
    world.wait(6 * MINUTE);
    let older = of_herself(&foreign, "Update", 0);
    assert_eq!(send(&world, &foreign, &older, world.now()).await.status, 202);
    assert_eq!(kept(&world, &foreign).title, "Ann the Second");
}

#[tokio::test]
async fn many_updates_cost_few_fetches_and_the_last_is_not_missed() {
    let (world, foreign) = scene().await;
    assert_eq!(
        send(&world, &foreign, &follow(&foreign, 1), world.now())
            .await
            .status,
        202
    );
    let before = foreign.asked("/users/ann").len();
    for number in 0..50 {
        rename(&foreign, &format!("Ann number {number}"));
        let update = of_herself(&foreign, "Update", number);
        assert_eq!(send(&world, &foreign, &update, world.now()).await.status, 202);
    }
    let cost = foreign.asked("/users/ann").len() - before;
    assert!(cost <= 2, "{cost} fetches");
    // What she does next, once she may be asked again, shows her as she is.
    world.wait(6 * MINUTE);
    let like = json!({
        "id": foreign.url("/likes/1"), "type": "Like",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/objects/1",
    });
    assert_eq!(send(&world, &foreign, &like, world.now()).await.status, 202);
    assert_eq!(kept(&world, &foreign).title, "Ann number 49");
}

#[tokio::test]
async fn an_update_that_cannot_be_looked_up_is_to_come_again() {
    let (world, foreign) = scene().await;
    assert_eq!(
        send(&world, &foreign, &follow(&foreign, 1), world.now())
            .await
            .status,
        202
    );
    foreign.reply("/users/ann", Reply::status(503));
    let update = of_herself(&foreign, "Update", 1);
    assert_eq!(send(&world, &foreign, &update, world.now()).await.status, 503);
    rename(&foreign, "Ann the Second");
    world.wait(6 * MINUTE);
    assert_eq!(send(&world, &foreign, &update, world.now()).await.status, 202);
    assert_eq!(kept(&world, &foreign).title, "Ann the Second");
    // One that shows nothing of itself any more stays as it was.
    foreign.reply("/users/ann", Reply::status(404));
    world.wait(6 * MINUTE);
    let update = of_herself(&foreign, "Update", 2);
    assert_eq!(send(&world, &foreign, &update, world.now()).await.status, 202);
    assert_eq!(kept(&world, &foreign).title, "Ann the Second");
}

#[tokio::test]
async fn a_follow_with_an_odd_id_is_answered_in_its_own_spelling() {
    let (world, foreign) = scene().await;
    // As an address it is read, with the blank escaped; as it is written its sender knows it again.
    let mut odd = follow(&foreign, 2);
    odd["id"] = json!(foreign.url("/follows/ 2"));
    for body in [follow(&foreign, 1), odd, follow(&foreign, 3)] {
        assert_eq!(send(&world, &foreign, &body, world.now()).await.status, 202);
    }
    world.deliver().await;
    let told = foreign.asked("/users/ann/inbox").into_iter().map(|asked| {
        let accept: Value = serde_json::from_slice(&asked.body).expect("JSON");
        accept["object"]["id"].clone()
    });
    let follows = ["/follows/1", "/follows/ 2", "/follows/3"];
    assert_eq!(
        told.collect::<Vec<_>>(),
        follows.map(|path| json!(foreign.url(path)))
    );
}
