//! The courier over real sockets, with a clock that is moved by hand: order, faults, patience, and giving up.

use crate::{
    foreign::{Foreign, Reply},
    world::{World, keys},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use shoal_federation::courier::{Courier, PROMISE};
use shoal_store::{Account, DeliveryQuery, DeliveryState, Paging};
use std::sync::Arc;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 3600 * 1000;

/// Ann of each foreign server follows the collection that `keeper` publishes into.
async fn scene(hosts: &[&str]) -> (World, Vec<Foreign>, Account) {
    let mut servers = Vec::new();
    for host in hosts {
        servers.push(Foreign::start(host).await);
    }
    let world = World::new(servers.iter().map(Foreign::known).collect()).await;
    let account = world.account("keeper");
    world.collection("tides", &account);
    world.dataset("tide-gauges", &account);
    world
        .store
        .put_dataset(world.moment(), "tides", "tide-gauges", account.id)
        .expect("put");
    for foreign in &servers {
        foreign.house("ann", &keys());
        foreign.reply("/users/ann/inbox", Reply::status(202));
        let follow = json!({
            "id": foreign.url("/follows/1"), "type": "Follow",
            "actor": foreign.url("/users/ann"), "object": "http://shoal.test/collections/tides",
        });
        let receipt = world
            .federation
            .receive(foreign.post("ann", &keys(), &follow, world.now()))
            .await;
        assert_eq!(receipt.status, 202, "{}", receipt.sentence);
    }
    world.deliver().await;
    (world, servers, account)
}

/// How often an activity was posted to the shared inbox.
fn arrivals(foreign: &Foreign) -> Vec<String> {
    let id = |asked: crate::foreign::Asked| {
        let activity: Value = serde_json::from_slice(&asked.body).expect("JSON");
        activity["id"].as_str().expect("an id").to_owned()
    };
    foreign.asked("/inbox").into_iter().map(id).collect()
}

fn state_of(world: &World, host: &str) -> (i64, u32) {
    let host = world
        .store
        .host(host)
        .expect("the store answers")
        .expect("a host");
    (host.waiting, host.failures)
}

#[tokio::test]
async fn one_broken_host_delays_no_other_and_keeps_its_order() {
    let (world, servers, account) = scene(&["a.example", "b.example"]).await;
    servers[0].reply("/inbox", Reply::status(503));
    for size in 1..=5 {
        world.upload("tide-gauges", &account, size * 1_000);
    }
    world.deliver().await;
    assert_eq!(arrivals(&servers[1]).len(), 5);
    assert_eq!(
        arrivals(&servers[0]).len(),
        1,
        "the first is tried, and nothing overtakes it"
    );
    assert_eq!(state_of(&world, "a.example"), (5, 1));
    world.deliver().await;
    assert_eq!(arrivals(&servers[0]).len(), 1, "not before its time");
    servers[0].reply("/inbox", Reply::status(202));
    world.wait(2 * MINUTE);
    world.deliver().await;
    let (broken, well) = (arrivals(&servers[0]), arrivals(&servers[1]));
    assert_eq!(broken[1..], well[..]);
    assert_eq!(broken[0], broken[1], "the same id again");
    assert_eq!(state_of(&world, "a.example"), (0, 0));
    let signatures: Vec<_> = servers[0]
        .asked("/inbox")
        .iter()
        .map(|asked| asked.headers["signature"].clone())
        .collect();
    assert_ne!(signatures[0], signatures[1], "each attempt is signed anew");
}

#[tokio::test]
async fn a_signed_request_from_a_host_ends_its_pause() {
    let (world, servers, account) = scene(&["a.example"]).await;
    servers[0].reply("/inbox", Reply::status(503));
    world.upload("tide-gauges", &account, 1_000);
    world.deliver().await;
    servers[0].reply("/inbox", Reply::status(202));
    let like = json!({
        "id": servers[0].url("/likes/1"), "type": "Like",
        "actor": servers[0].url("/users/ann"), "object": "http://shoal.test/objects/1",
    });
    let incoming = servers[0].post("ann", &keys(), &like, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    world.deliver().await;
    assert_eq!(arrivals(&servers[0]).len(), 2);
}

#[tokio::test]
async fn a_host_that_recovers_and_fails_again_starts_from_a_minute() {
    let (world, servers, account) = scene(&["a.example"]).await;
    servers[0].reply("/inbox", Reply::status(503));
    world.upload("tide-gauges", &account, 1_000);
    for _ in 0..6 {
        world.deliver().await;
        world.wait(DAY / 2);
    }
    // It takes one and breaks again in the same turn.
    servers[0].reply_once("/inbox", Reply::status(202));
    world.upload("tide-gauges", &account, 2_000);
    world.deliver().await;
    let before = arrivals(&servers[0]).len();
    servers[0].reply("/inbox", Reply::status(202));
    world.wait(2 * MINUTE);
    world.deliver().await;
    assert_eq!(arrivals(&servers[0]).len(), before + 1);
}

#[tokio::test]
async fn a_host_is_left_alone_as_long_as_it_asks() {
    let (world, servers, account) = scene(&["a.example"]).await;
    servers[0].reply("/inbox", Reply::status(429).with("retry-after", "7200"));
    world.upload("tide-gauges", &account, 1_000);
    world.deliver().await;
    for _ in 0..3 {
        world.wait(30 * MINUTE);
        world.deliver().await;
    }
    assert_eq!(arrivals(&servers[0]).len(), 1);
    servers[0].reply("/inbox", Reply::status(202));
    world.wait(31 * MINUTE);
    world.deliver().await;
    assert_eq!(arrivals(&servers[0]).len(), 2);
}

#[tokio::test]
async fn a_refusal_ends_one_delivery_and_the_next_goes_on() {
    let (world, servers, account) = scene(&["a.example"]).await;
    servers[0].reply(
        "/inbox",
        Reply {
            body: b"no such thing".to_vec(),
            ..Reply::status(404)
        },
    );
    world.upload("tide-gauges", &account, 1_000);
    world.upload("tide-gauges", &account, 2_000);
    world.deliver().await;
    assert_eq!(arrivals(&servers[0]).len(), 2);
    let query = DeliveryQuery {
        state: Some(DeliveryState::Refused),
        paging: Paging::first(10),
        ..DeliveryQuery::default()
    };
    let refused = world.store.deliveries(&query).expect("the store answers").items;
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|row| row.status == Some(404)), "{refused:?}");
    assert!(
        refused[0]
            .reason
            .as_deref()
            .unwrap_or_default()
            .contains("no such thing")
    );
}

#[tokio::test]
async fn a_post_that_always_meets_500_is_given_up_before_the_day_is_over() {
    let (world, servers, account) = scene(&["a.example"]).await;
    servers[0].reply("/inbox", Reply::status(500));
    world.upload("tide-gauges", &account, 1_000);
    world.deliver().await;
    let mut waited = 0;
    while state_of(&world, "a.example").0 > 0 {
        world.wait(10 * MINUTE);
        world.deliver().await;
        waited += 10 * MINUTE;
        assert!(waited < DAY, "the host is held up");
    }
    assert!(
        waited > 60 * MINUTE,
        "an hour of trouble is not the post's fault: {waited}"
    );
}

#[tokio::test]
async fn whoever_is_back_within_a_week_gets_everything_in_order() {
    let (world, servers, account) = scene(&["a.example", "b.example"]).await;
    servers[0].reply("/inbox", Reply::status(502));
    for size in 1..=6 {
        world.upload("tide-gauges", &account, size * 1_000);
        for _ in 0..12 {
            world.wait(2 * 60 * MINUTE);
            world.deliver().await;
        }
    }
    world.wait(DAY - MINUTE);
    servers[0].reply("/inbox", Reply::status(202));
    let before = arrivals(&servers[0]).len();
    world.deliver().await;
    for _ in 0..12 {
        world.wait(2 * 60 * MINUTE);
        world.deliver().await;
    }
    assert_eq!(arrivals(&servers[0])[before..], arrivals(&servers[1])[..]);
}

#[tokio::test]
async fn what_is_older_than_the_promise_is_given_up_and_what_is_not_stays() {
    let (world, servers, account) = scene(&["a.example"]).await;
    servers[0].reply("/inbox", Reply::status(502));
    world.upload("tide-gauges", &account, 1_000);
    world.upload("tide-gauges", &account, 2_000);
    world.deliver().await;
    world.wait(PROMISE + MINUTE);
    world.upload("tide-gauges", &account, 3_000);
    world.deliver().await;
    assert_eq!(
        state_of(&world, "a.example").0,
        1,
        "both old ones are given up, the new one waits"
    );
}

#[tokio::test]
async fn followers_are_forgotten_only_when_they_are_gone_themselves() {
    let (world, servers, account) = scene(&["a.example"]).await;
    let actor = world.actor(shoal_store::ActorKind::Collection, "tides");
    servers[0].reply("/inbox", Reply::status(410));
    world.upload("tide-gauges", &account, 1_000);
    world.deliver().await;
    assert_eq!(
        world.store.follower_count(actor.id).expect("the store answers"),
        1,
        "the actor is still there"
    );
    servers[0].reply("/users/ann", Reply::status(410));
    world.upload("tide-gauges", &account, 2_000);
    world.deliver().await;
    assert_eq!(
        world.store.follower_count(actor.id).expect("the store answers"),
        0
    );
}

#[tokio::test]
async fn two_couriers_share_the_work_without_doubling_it() {
    let (world, servers, account) = scene(&["a.example", "b.example", "c.example"]).await;
    for size in 1..=10 {
        world.upload("tide-gauges", &account, size * 1_000);
    }
    let couriers: Vec<Courier> = (0..2)
        .map(|_| Courier::new(Arc::clone(&world.federation)))
        .collect();
    let (one, two) = tokio::join!(couriers[0].pass(), couriers[1].pass());
    one.and(two).expect("the store answers");
    world.deliver().await;
    for foreign in &servers {
        let mut ids = arrivals(foreign);
        assert_eq!(ids.len(), 10);
        ids.dedup();
        assert_eq!(ids.len(), 10);
        assert_eq!(ids, arrivals(&servers[0]));
    }
}

#[tokio::test]
async fn the_courier_works_when_woken_and_stops_when_told() {
    let (world, servers, account) = scene(&["a.example"]).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let federation = Arc::clone(&world.federation);
    let running = tokio::spawn(async move { federation.run_courier(stopped).await });
    world.upload("tide-gauges", &account, 1_000);
    world.federation.wake();
    let arrived = async {
        while arrivals(&servers[0]).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), arrived)
        .await
        .expect("woken");
    stop.send(true).expect("it listens");
    tokio::time::timeout(std::time::Duration::from_secs(30), running)
        .await
        .expect("it stops")
        .expect("no panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_courier_that_dies_anywhere_loses_nothing_and_keeps_the_order() {
    let hosts = ["a.example", "b.example", "c.example", "d.example", "e.example"];
    let (world, servers, account) = scene(&hosts).await;
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    for size in 1..=20 {
        world.upload("tide-gauges", &account, size * 1_000);
    }
    let arrived = || {
        servers
            .iter()
            .map(|foreign| foreign.asked("/inbox").len())
            .sum::<usize>()
    };
    for _ in 0..5 {
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let courier = Courier::new(Arc::clone(&world.federation));
        let running = tokio::spawn(async move { courier.run(stopped).await });
        let enough = arrived() + random.random_range(1..20);
        while arrived() < enough.min(100) {
            tokio::task::yield_now().await;
        }
        // Everything under way is dropped where it stands; its leases stay.
        running.abort();
        assert!(running.await.is_err(), "seed {seed}");
    }
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let federation = Arc::clone(&world.federation);
    let running = tokio::spawn(async move { federation.run_courier(stopped).await });
    let waiting = || hosts.iter().map(|host| state_of(&world, host).0).sum::<i64>();
    while waiting() > 0 {
        tokio::task::yield_now().await;
    }
    stop.send(true).expect("it listens");
    running.await.expect("no panic");
    let told: Vec<Vec<String>> = servers.iter().map(|foreign| firsts(arrivals(foreign))).collect();
    for one in &told {
        assert_eq!((one.len(), one), (20, &told[0]), "seed {seed}");
    }
}

/// Each id where it came first.
fn firsts(ids: Vec<String>) -> Vec<String> {
    let mut seen = Vec::new();
    for id in ids {
        if !seen.contains(&id) {
            seen.push(id);
        }
    }
    seen
}
