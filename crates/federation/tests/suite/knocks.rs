//! Knocking twice: a host that does not believe one scheme is addressed in the other, at once, and what worked is
//! remembered. Over real sockets.

use crate::{
    foreign::{Asked, Foreign, Reply},
    world::{World, keys},
};
use serde_json::json;
use shoal_store::Account;

const DAY: i64 = 24 * 3600 * 1000;

/// Ann follows the collection that `keeper` publishes into.
async fn scene() -> (World, Foreign, Account) {
    let foreign = Foreign::start("m.example").await;
    let world = World::new(vec![foreign.known()]).await;
    let account = world.account("keeper");
    world.collection("tides", &account);
    world.dataset("tide-gauges", &account);
    let put = world
        .store
        .put_dataset(world.moment(), "tides", "tide-gauges", account.id);
    put.expect("put");
    foreign.house("ann", &keys());
    (world, foreign, account)
}

async fn follow(world: &World, foreign: &Foreign) {
    let follow = json!({
        "id": foreign.url("/follows/1"), "type": "Follow",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/collections/tides",
    });
    let incoming = foreign.post("ann", &keys(), &follow, world.now());
    let receipt = world.federation.receive(incoming).await;
    assert_eq!(receipt.status, 202, "{}", receipt.sentence);
    foreign.reply("/users/ann/inbox", Reply::status(202));
    world.deliver().await;
}

/// In which schemes a path was addressed, oldest first: `c` or `r`.
fn schemes(foreign: &Foreign, path: &str) -> String {
    let scheme = |asked: &Asked| match asked.headers.contains_key("signature-input") {
        true => 'r',
        false => 'c',
    };
    foreign.asked(path).iter().map(scheme).collect()
}

#[tokio::test]
async fn a_host_that_believes_only_rfc9421_is_told_in_it_and_remembered_for_a_day() {
    let (world, foreign, account) = scene().await;
    follow(&world, &foreign).await;
    foreign.reply("/inbox", Reply::status(202));
    foreign.reply_once("/inbox", Reply::status(401));
    world.upload("tide-gauges", &account, 1);
    world.deliver().await;
    assert_eq!(schemes(&foreign, "/inbox"), "cr", "one delivery, two knocks");
    world.upload("tide-gauges", &account, 2);
    world.deliver().await;
    assert_eq!(schemes(&foreign, "/inbox"), "crr");
    // Every one of them is well signed, in its scheme, and both knocks are the same activity.
    let activities = foreign.inbox(&keys(), world.now());
    assert_eq!(activities[0], activities[1]);
    world.wait(DAY);
    world.upload("tide-gauges", &account, 3);
    world.deliver().await;
    assert_eq!(
        schemes(&foreign, "/inbox"),
        "crrc",
        "after a day cavage has its chance"
    );
}

#[tokio::test]
async fn a_400_is_about_the_signature_only_until_cavage_was_believed() {
    let (world, foreign, account) = scene().await;
    foreign.reply("/users/ann/inbox", Reply::status(400));
    let follow_json = json!({
        "id": foreign.url("/follows/1"), "type": "Follow",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/collections/tides",
    });
    let incoming = foreign.post("ann", &keys(), &follow_json, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    world.deliver().await;
    assert_eq!(schemes(&foreign, "/users/ann/inbox"), "cr", "believed in neither");
    world.upload("tide-gauges", &account, 1);
    world.deliver().await;
    assert_eq!(schemes(&foreign, "/inbox"), "c", "believed");
    foreign.reply("/inbox", Reply::status(400));
    world.upload("tide-gauges", &account, 2);
    world.deliver().await;
    assert_eq!(
        schemes(&foreign, "/inbox"),
        "cc",
        "the activity is what it does not like"
    );
    foreign.reply("/inbox", Reply::status(401));
    world.upload("tide-gauges", &account, 3);
    world.deliver().await;
    assert_eq!(
        schemes(&foreign, "/inbox"),
        "cccr",
        "believed in neither any more"
    );
    let host = world
        .store
        .host("m.example")
        .expect("the store answers")
        .expect("known");
    assert_eq!(
        (host.last_status, host.failures),
        (Some(401), 1),
        "two knocks are one attempt"
    );
}

#[tokio::test]
async fn actors_are_fetched_in_the_other_scheme_too() {
    let (world, foreign, _) = scene().await;
    foreign.reply_once("/users/ann", Reply::status(401));
    follow(&world, &foreign).await;
    assert_eq!(schemes(&foreign, "/users/ann"), "cr");
    // What a fetch has taught holds for deliveries.
    assert_eq!(schemes(&foreign, "/users/ann/inbox"), "r");
}
