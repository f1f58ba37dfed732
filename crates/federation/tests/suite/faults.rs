//! The courier among servers that misbehave on the wire: whatever they do, others are not delayed, nothing is lost, and an
//! admin reads why. Order, patience and giving up are in `courier.rs`.

use crate::{
    foreign::{Foreign, Reply},
    stub::{Authority, Manner, Stub},
    world::{START, World, keys},
};
use serde_json::json;
use shoal_federation::courier::Courier;
use shoal_store::{
    Account, ActorKind, Answer, Arrival, CallsFor, Effect, GiveUp, Host, NewFollower, NewRemoteActor,
    Received, host_of,
};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

const MINUTE: i64 = 60_000;
/// Far more than an honest host needs, and less than the faults of others take.
const SOON: Duration = Duration::from_secs(8);

/// A collection, and somebody behind each of these inboxes who follows it.
async fn scene(
    known: Vec<(String, SocketAddr)>,
    inboxes: &[String],
    extra_ca: Option<Vec<u8>>,
) -> (World, Account) {
    let world = World::trusting(known, extra_ca).await;
    let account = world.account("keeper");
    world.collection("tides", &account);
    world.dataset("tide-gauges", &account);
    world
        .store
        .put_dataset(world.moment(), "tides", "tide-gauges", account.id)
        .expect("put");
    for inbox in inboxes {
        follow(&world, inbox);
    }
    world.deliver().await;
    (world, account)
}

/// Somebody behind this inbox follows, as if that had been answered long ago.
fn follow(world: &World, inbox: &str) {
    let base = inbox.trim_end_matches("/inbox");
    let actor = NewRemoteActor {
        uri: format!("{base}/ann"),
        domain: host_of(inbox).expect("a host"),
        name: "ann".to_owned(),
        actor_type: "Person".to_owned(),
        title: String::new(),
        inbox: inbox.to_owned(),
        shared_inbox: Some(inbox.to_owned()),
        key_id: format!("{base}/ann#main-key"),
        public_key_pem: keys().rsa_public_pem,
        json: "{}".to_owned(),
        understands_records: false,
    };
    let saved = world.store.save_remote_actor(world.moment(), actor);
    let follow_uri = format!("{base}/follows/1");
    let received = Received {
        activity_id: follow_uri.clone(),
        host: host_of(inbox).expect("a host"),
        kind: "Follow".to_owned(),
        signed_at: world.now(),
    };
    let actor = world.actor(ActorKind::Collection, "tides").id;
    let accept = Answer {
        uri: format!("{base}/accepts/1"),
        actor,
        kind: "Accept".to_owned(),
        object_uri: follow_uri.clone(),
        json: "{}".to_owned(),
        inbox: inbox.to_owned(),
        host: received.host.clone(),
    };
    let new = NewFollower {
        actor,
        follower: saved.expect("kept").id,
        follow_uri,
        accept,
    };
    let host = received.host.clone();
    let calls_for = CallsFor::Follow(new);
    let taken = world
        .store
        .receive(world.moment(), vec![Arrival { received, calls_for }]);
    let taken = taken.expect("the store answers").effects.pop();
    assert!(matches!(taken, Some(Ok(Effect::Done))), "{taken:?}");
    // The answer is not what these tests are about.
    let answer = GiveUp {
        host,
        queued_before: world.now() + 1,
        reason: "not here".to_owned(),
    };
    let given_up = world.store.give_up_deliveries(world.moment(), answer, 10);
    assert_eq!(given_up.expect("the store answers"), 1);
}

fn host(world: &World, name: &str) -> Host {
    let found = world.store.host(name).expect("the store answers");
    found.unwrap_or_else(|| panic!("nothing is queued for {name}"))
}

/// Looks until it is so; everything here happens within a minute.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "waited in vain for {what}"
        );
        tokio::task::yield_now().await;
    }
}

/// Who misbehaves, how, and what an admin reads of it; nothing for those that take what comes all the same.
fn cast(authority: &Authority) -> Vec<(&'static str, Manner, &'static str)> {
    let redirect = "HTTP/1.1 307 X\r\nlocation: http://well.example/elsewhere\r\ncontent-length: 0";
    let asked = "HTTP/1.1 429 X\r\nretry-after: 7200\r\ncontent-length: 0";
    let busy = "HTTP/1.1 503 X\r\nretry-after: Fri, 20 Nov 2026 14:00:00 GMT\r\ncontent-length: 0";
    let gone = "HTTP/1.1 410 X\r\ncontent-length: 0";
    let unsigned = "HTTP/1.1 401 X\r\ncontent-length: 0";
    let (expired, valid) = (
        authority.server("expired.example", 2024),
        authority.server("valid.example", 2090),
    );
    vec![
        ("hang.example", Manner::Hang, "took too long"),
        ("drip.example", Manner::DripHead, "took too long"),
        ("reset.example", Manner::Reset, "the exchange broke off"),
        (
            "nonsense.example",
            Manner::Answer("SSH-2.0-OpenSSH"),
            "the exchange broke off",
        ),
        ("redirect.example", Manner::Answer(redirect), "answered 307"),
        ("asked.example", Manner::Answer(asked), "answered 429"),
        ("busy.example", Manner::Answer(busy), "answered 503"),
        ("unsigned.example", Manner::Answer(unsigned), "answered 401"),
        ("expired.example", expired, "certificate"),
        ("slowbody.example", Manner::DripBody(502), "answered 502"),
        ("valid.example", valid, ""),
        ("chatty.example", Manner::DripBody(202), ""),
        ("gone.example", Manner::Answer(gone), "answered 410"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_some_hosts_do_the_others_get_theirs_at_once() {
    let authority = Authority::new();
    let cast = cast(&authority);
    let well = Foreign::start("well.example").await;
    let (mut known, mut inboxes, mut stubs) = (vec![well.known()], vec![well.url("/inbox")], Vec::new());
    for (name, manner, _) in &cast {
        let stub = Stub::start(manner.clone()).await;
        known.push(((*name).to_owned(), stub.address));
        let scheme = if matches!(manner, Manner::Tls(_)) {
            "https"
        } else {
            "http"
        };
        inboxes.push(format!("{scheme}://{name}/inbox"));
        stubs.push(stub);
    }
    let (world, account) = scene(known, &inboxes, Some(authority.pem())).await;
    for size in 1..=3 {
        world.upload("tide-gauges", &account, size * 1_000);
    }
    let (begun, courier) = (Instant::now(), Courier::new(Arc::clone(&world.federation)));
    let pass = tokio::spawn(async move { courier.pass().await });
    until("the honest ones", || well.asked("/inbox").len() == 3).await;
    assert!(begun.elapsed() < SOON, "after {:?}", begun.elapsed());
    assert!(!pass.is_finished(), "others still keep it waiting");
    pass.await.expect("no panic").expect("the store answers");

    for ((name, _, said), stub) in cast.iter().zip(&stubs) {
        let host = host(&world, name);
        let reason = host.last_reason.clone().unwrap_or_default();
        assert!(reason.contains(said), "{name}: {reason}");
        let (waiting, failures, taken) = match *name {
            "valid.example" | "chatty.example" => (0, 0, 3),
            // Its actor is looked at once, and is gone too.
            "gone.example" => (0, 0, 4),
            "expired.example" => (3, 1, 0),
            // Asked in both ways of signing, as one attempt.
            "unsigned.example" => (3, 1, 2),
            _ => (3, 1, 1),
        };
        assert_eq!(
            (host.waiting, host.failures),
            (waiting, failures),
            "{name}: {reason}"
        );
        assert_eq!(stub.taken(), taken, "{name}");
        assert!(host.claimed.is_none(), "{name}");
    }
    assert!(
        well.asked("/elsewhere").is_empty(),
        "redirects are an answer, not a way"
    );
    assert_eq!(host(&world, "asked.example").retry_at, Some(START + 120 * MINUTE));
    assert_eq!(host(&world, "busy.example").retry_at, Some(START + 360 * MINUTE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_hanging_hosts_than_slots_leave_room_for_the_others() {
    let (stub, well) = (
        Stub::start(Manner::Hang).await,
        Foreign::start("well.example").await,
    );
    let names: Vec<String> = (0..150).map(|n| format!("h{n:03}.example")).collect();
    let mut known = vec![well.known()];
    known.extend(names.iter().map(|name| (name.clone(), stub.address)));
    let mut inboxes: Vec<String> = names.iter().map(|name| format!("http://{name}/inbox")).collect();
    // Its name comes last, and hosts that are due at once are taken by name.
    inboxes.push(well.url("/inbox"));
    let (world, account) = scene(known, &inboxes, None).await;
    world.upload("tide-gauges", &account, 1_000);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (begun, federation) = (Instant::now(), Arc::clone(&world.federation));
    let running = tokio::spawn(async move { federation.run_courier(stopped).await });
    until("the honest one", || well.asked("/inbox").len() == 1).await;
    assert!(begun.elapsed() < SOON, "after {:?}", begun.elapsed());
    until("all of them", || stub.taken() == names.len()).await;
    stop.send(true).expect("it listens");
    running.await.expect("no panic");
    let left = names.iter().filter(|name| host(&world, name).claimed.is_some());
    assert_eq!(left.count(), 0, "nothing stays claimed after the stop");
}

#[tokio::test]
async fn hosts_that_failed_together_do_not_return_together() {
    let closed = Stub::start(Manner::Reset).await;
    let names: Vec<String> = (0..40).map(|n| format!("h{n}.example")).collect();
    let known = names.iter().map(|name| (name.clone(), closed.address)).collect();
    let inboxes: Vec<String> = names.iter().map(|name| format!("http://{name}/inbox")).collect();
    let (world, account) = scene(known, &inboxes, None).await;
    world.upload("tide-gauges", &account, 1_000);
    let mut whole = MINUTE;
    for round in 0..4 {
        world.deliver().await;
        let waits: BTreeSet<i64> = names
            .iter()
            .map(|name| host(&world, name).retry_at.expect("it waits") - world.now())
            .collect();
        let (first, last) = (waits.first().expect("some"), waits.last().expect("some"));
        assert!(
            *first >= whole * 3 / 4 && *last <= whole * 5 / 4,
            "round {round}: {waits:?}"
        );
        // Forty even draws all fall into half of the range once in 2^39.
        assert!(last - first > whole / 4, "round {round}: {waits:?}");
        assert!(waits.len() > 35, "round {round}: {waits:?}");
        world.wait(whole * 5 / 4);
        whole *= 2;
    }
    assert_eq!(closed.taken(), 160, "one attempt for each in each round");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_returns_is_met_by_one_request_at_a_time() {
    let foreign = Foreign::start("a.example").await;
    let (world, account) = scene(vec![foreign.known()], &[foreign.url("/inbox")], None).await;
    foreign.reply("/inbox", Reply::status(503));
    for size in 1..=40 {
        world.upload("tide-gauges", &account, size * 1_000);
    }
    world.deliver().await;
    assert_eq!(foreign.asked("/inbox").len(), 1);
    world.wait(2 * MINUTE);
    world.deliver().await;
    assert_eq!(foreign.asked("/inbox").len(), 2, "a probe, and not forty");
    foreign.reply("/inbox", Reply::status(202));
    world.wait(4 * MINUTE);
    let couriers: Vec<Courier> = (0..3)
        .map(|_| Courier::new(Arc::clone(&world.federation)))
        .collect();
    let (one, two, three) = tokio::join!(couriers[0].pass(), couriers[1].pass(), couriers[2].pass());
    one.and(two).and(three).expect("the store answers");
    assert_eq!(foreign.asked("/inbox").len(), 42);
    assert_eq!(foreign.most_at_once.load(Ordering::SeqCst), 1);
    assert_eq!(host(&world, "a.example").waiting, 0);
}

#[tokio::test]
async fn a_request_to_be_left_alone_outlives_a_sign_of_life() {
    let foreign = Foreign::start("a.example").await;
    foreign.house("ann", &keys());
    let (world, account) = scene(vec![foreign.known()], &[foreign.url("/inbox")], None).await;
    foreign.reply("/inbox", Reply::status(429).with("retry-after", "1800"));
    world.upload("tide-gauges", &account, 1_000);
    world.deliver().await;
    let like = json!({
        "id": foreign.url("/likes/1"), "type": "Like",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/objects/1",
    });
    let incoming = foreign.post("ann", &keys(), &like, world.now());
    assert_eq!(world.federation.receive(incoming).await.status, 202);
    world.deliver().await;
    assert_eq!(foreign.asked("/inbox").len(), 1);
    world.wait(31 * MINUTE);
    world.deliver().await;
    assert_eq!(foreign.asked("/inbox").len(), 2);
}

#[tokio::test]
async fn a_resolver_that_is_down_loses_nothing() {
    let foreign = Foreign::start("a.example").await;
    // Nobody knows where this one is.
    let inboxes = [foreign.url("/inbox"), "http://nowhere.invalid/inbox".to_owned()];
    let (world, account) = scene(vec![foreign.known()], &inboxes, None).await;
    world.upload("tide-gauges", &account, 1_000);
    world.deliver().await;
    assert_eq!(foreign.asked("/inbox").len(), 1);
    let lost = host(&world, "nowhere.invalid");
    assert_eq!((lost.waiting, lost.failures), (1, 1));
    assert!(
        lost.last_reason
            .is_some_and(|reason| reason.starts_with("no connection"))
    );
}
