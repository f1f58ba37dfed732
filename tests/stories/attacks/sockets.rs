//! What strangers try on the tracker's WebSocket: too much of everything, answers to nothing, others' names, and silence.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::scene::{Scene, text};
use shoal_tests::wait;
use shoal_tests::websocket::{BINARY, Came, LAST, PING, Socket, TEXT, announce, answer, hash};
use shoal_tests::wire;

const TORRENT: &str = "aaaaaaaaaaaaaaaaaaaa";

/// An instance that serves any torrent, and where it listens.
async fn open(setup: Setup) -> Result<(Shoal, SocketAddr)> {
    let shoal = setup.set("tracker.mode", "open").start().await?;
    let here = shoal.url().trim_start_matches("http://").parse()?;
    Ok((shoal, here))
}

/// What a swarm counts: seeders and leechers, asked for over HTTP.
async fn counts(shoal: &Shoal, info_hash: &str) -> Result<(u64, u64)> {
    let reply = shoal
        .web()
        .get(&format!("/scrape?info_hash={info_hash}"))
        .await?
        .text();
    let number = |name: &str| {
        let (_, rest) = reply.split_once(&format!("{name}i"))?;
        rest.split_once('e')?.0.parse().ok()
    };
    Ok((
        number("8:complete").unwrap_or(0),
        number("10:incomplete").unwrap_or(0),
    ))
}

/// Waits until a swarm counts so many leechers.
async fn until_there_are(shoal: &Shoal, leechers: u64) -> Result<()> {
    wait::until(&format!("{leechers} leechers"), async || {
        (counts(shoal, TORRENT).await.ok()? == (0, leechers)).then_some(())
    })
    .await
}

/// That a socket is served.
async fn is_served(socket: &mut Socket, peer: &str) -> Result<()> {
    let reply = socket.ask(&announce(TORRENT, peer, 0, 0)).await?;
    ensure!(reply["interval"].is_u64(), "{reply}");
    Ok(())
}

#[tokio::test]
async fn too_much_of_anything_closes_the_socket_and_no_other() -> Result<()> {
    let (shoal, here) = open(Setup::new()).await?;
    let mut other = Socket::open(here).await?;
    is_served(&mut other, "other").await?;
    // Ten megabytes in one frame, by its head alone and in full; in many frames; one frame that never ends.
    let mut large = Socket::open(here).await?;
    let _cut_short = large.send(LAST | TEXT, &vec![b' '; 10 << 20]).await;
    assert!(matches!(large.closed().await?, 0 | 1009));
    let mut parts = Socket::open(here).await?;
    let _cut_short = parts.send(TEXT, &[b' '; 1000]).await;
    for _ in 0..200 {
        let _cut_short = parts.send(0, &[b' '; 1000]).await;
    }
    assert!(matches!(parts.closed().await?, 0 | 1009));
    // What fits is read, and bounded.
    let mut many = Socket::open(here).await?;
    let reply = many.ask(&announce(TORRENT, "many", 500, 1)).await;
    assert!(reply?["interval"].is_u64());
    assert_eq!(other.letter().await?["peer_id"], "many----------------");
    let reply = many.ask(&announce(TORRENT, "many", 1, 20_000)).await?;
    assert!(
        reply["failure reason"]
            .as_str()
            .is_some_and(|words| words.contains("16,384")),
        "{reply}"
    );
    // As fast as can be: messages, signs of life, parts of messages.
    for first in [LAST | TEXT, LAST | PING, LAST | 10] {
        let mut fast = Socket::open(here).await?;
        for _ in 0..2000 {
            if fast.send(first, b"{}").await.is_err() {
                break;
            }
        }
        assert!(matches!(fast.closed().await?, 0 | 1008), "{first}");
    }
    // What is no frame at all.
    for rubbish in [
        &b"\xff\xff\xff\xff"[..],
        b"\x81\x05hello",
        b"\x80\x80\0\0\0\0",
        b"\x83\x80\0\0\0\0",
    ] {
        let mut socket = Socket::open(here).await?;
        socket.write(rubbish).await?;
        assert!(matches!(socket.closed().await?, 0 | 1002), "{rubbish:?}");
    }
    is_served(&mut other, "other").await?;
    drop(many);
    until_there_are(&shoal, 1).await
}

#[tokio::test]
async fn an_answer_reaches_only_whom_it_answers() -> Result<()> {
    let (_shoal, here) = open(Setup::new()).await?;
    let [mut ann, mut bob, mut eve] = [
        Socket::open(here).await?,
        Socket::open(here).await?,
        Socket::open(here).await?,
    ];
    is_served(&mut ann, "ann").await?;
    bob.ask(&announce(TORRENT, "bob", 1, 10)).await?;
    let offer = ann.letter().await?;
    assert_eq!(offer["offer"]["type"], "offer");
    is_served(&mut eve, "eve").await?;
    // Somebody whom the offer was not handed to answers it, by every name; and answers what nobody offered.
    for name in ["eve", "ann", "bob"] {
        eve.say(&answer(&offer, name)).await?;
    }
    let invented = json!({ "info_hash": TORRENT, "peer_id": "bob-----------------", "offer_id": "00000000000000000000" });
    eve.say(&answer(&invented, "eve")).await?;
    ann.say(&answer(&invented, "ann")).await?;
    // What is said on one socket is served in its order, and reaches others before the next is served.
    is_served(&mut eve, "eve").await?;
    ann.say(&answer(&offer, "ann")).await?;
    let back = bob.letter().await?;
    assert_eq!(
        (&back["peer_id"], &back["answer"]["sdp"]),
        (&json!("ann-----------------"), &json!("v=0"))
    );
    is_served(&mut bob, "bob").await
}

#[tokio::test]
async fn names_are_nobodys_and_do_not_cross() -> Result<()> {
    let (shoal, here) = open(Setup::new()).await?;
    let mut first = Socket::open(here).await?;
    let mut second = Socket::open(here).await?;
    is_served(&mut first, "same").await?;
    let refused = first.ask(&announce(TORRENT, "changed", 1, 10)).await?;
    assert!(refused["failure reason"].is_string(), "{refused}");
    until_there_are(&shoal, 1).await?;
    // Another socket by the same name is another peer: it takes nothing from the first, and is handed nothing of it.
    let alone = second.ask(&announce(TORRENT, "same", 1, 10)).await?;
    assert_eq!(alone["incomplete"], 2);
    let mut third = Socket::open(here).await?;
    third.ask(&announce(TORRENT, "third", 0, 0)).await?;
    let stopped = json!({ "event": "stopped" });
    let mut message = announce(TORRENT, "same", 0, 0);
    message["event"] = stopped["event"].clone();
    second.say(&message).await?;
    until_there_are(&shoal, 2).await?;
    drop((second, third));
    until_there_are(&shoal, 1).await?;
    is_served(&mut first, "same").await
}

#[tokio::test]
async fn browsers_and_other_clients_share_a_swarm_and_never_meet() -> Result<()> {
    let (shoal, here) = open(Setup::new()).await?;
    let mut ann = Socket::open(here).await?;
    let seeded = shoal
        .web()
        .announce(&"61".repeat(20), 6881, 0, "started")
        .await?
        .text();
    assert!(
        seeded.contains("8:completei1e") && seeded.contains("10:incompletei0e"),
        "{seeded}"
    );
    let reply = ann.ask(&announce(TORRENT, "ann", 5, 100)).await?;
    assert_eq!((&reply["complete"], &reply["incomplete"]), (&json!(1), &json!(1)));
    let leeched = shoal
        .web()
        .announce(&"61".repeat(20), 6882, 5, "started")
        .await?
        .text();
    // Of three peers, one at another address of the same machine is told of.
    assert!(
        leeched.contains("8:completei1e") && leeched.contains("10:incompletei2e"),
        "{leeched}"
    );
    assert!(leeched.contains("5:peers6:"), "{leeched}");
    let scraped = ann
        .ask(&json!({ "action": "scrape", "info_hash": [TORRENT] }))
        .await?;
    assert_eq!(scraped["files"][TORRENT]["incomplete"], 2);
    // Offers for nobody were handed to nobody.
    let mut bob = Socket::open(here).await?;
    bob.ask(&announce(TORRENT, "bob", 5, 10)).await?;
    assert_eq!(ann.letter().await?["peer_id"], "bob-----------------");
    is_served(&mut ann, "ann").await
}

#[tokio::test]
async fn what_is_hidden_loses_its_browsers_at_once() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let here = scene.shoal.url().trim_start_matches("http://").parse()?;
    let upload = scene.publish(1).await?;
    let (v1, v2) = (
        hash(text(&upload, "info_hash_v1")?)?,
        hash(text(&upload, "info_hash_v2")?)?,
    );
    let (mut ann, mut bob) = (Socket::open(here).await?, Socket::open(here).await?);
    let unknown = ann.ask(&announce(TORRENT, "ann", 0, 0)).await?;
    assert!(
        unknown["failure reason"]
            .as_str()
            .is_some_and(|words| words.contains("not listed")),
        "{unknown}"
    );
    ann.ask(&announce(&v1, "ann", 0, 0)).await?;
    // By the other hash of the hybrid it is the same swarm, and each hears the hash that it knows.
    assert_eq!(bob.ask(&announce(&v2, "bob", 1, 10)).await?["incomplete"], 2);
    assert_eq!(ann.letter().await?["info_hash"], v1);
    let page = scene.web().get(text(&upload, "url")?).await?.expect(200)?.text();
    assert!(page.contains("No complete copy online, 2 fetching"), "{page}");
    let id = text(&upload, "id")?;
    scene
        .decide("uploads", id, "hide", "The publisher's licence forbids it.")
        .await?;
    for (socket, known) in [(&mut ann, &v1), (&mut bob, &v2)] {
        let refused = socket.ask(&announce(known, "any", 1, 10)).await?;
        assert!(
            refused["failure reason"]
                .as_str()
                .is_some_and(|words| words.contains("moderators")),
            "{refused}"
        );
    }
    scene
        .decide("uploads", id, "restore", "The publisher has agreed.")
        .await?;
    assert_eq!(ann.ask(&announce(&v1, "ann", 0, 0)).await?["incomplete"], 1);
    Ok(())
}

#[tokio::test]
async fn whoever_is_silent_or_does_not_read_is_let_go() -> Result<()> {
    let (shoal, here) = open(Setup::new().set("tracker.websocket.idle_seconds", "3")).await?;
    // Gone without a word, as when a line is cut: nothing that it is asked is answered.
    let mut gone = Socket::open(here).await?;
    is_served(&mut gone, "gone").await?;
    // In no swarm, though it shows signs of life.
    let mut idle = Socket::open(here).await?;
    // In a swarm, with signs of life.
    let mut alive = Socket::open(here).await?;
    is_served(&mut alive, "alive").await?;
    let living = tokio::spawn(async move {
        let _until_aborted = alive.letter().await;
    });
    let begun = std::time::Instant::now();
    assert!(idle.letter().await.is_err(), "it is closed and not told anything");
    assert!(begun.elapsed().as_secs() < 30);
    until_there_are(&shoal, 1).await?;
    assert_eq!(gone.closed().await?, 1001);
    living.abort();
    until_there_are(&shoal, 0).await?;
    // One that does not read what it is sent has left the swarm before its connection ends.
    let (shoal, here) = open(Setup::new()).await?;
    let mut slow = Socket::narrow(here).await?;
    slow.say(&announce(TORRENT, "slow", 0, 0)).await?;
    until_there_are(&shoal, 1).await?;
    let mut eager = Vec::new();
    for n in 0..8 {
        eager.push((Socket::open(here).await?, format!("eager{n}")));
    }
    let mut seed = announce(TORRENT, "", 1, 16_000);
    seed["left"] = json!(0);
    let mut left = false;
    // Seeders offer to leechers only, so each of these offers goes to the one that does not read.
    'all: for (socket, name) in &mut eager {
        seed["peer_id"] = json!(format!("{name:-<20}"));
        for _ in 0..390 {
            let reply = socket.ask(&seed).await?;
            left = reply["incomplete"] == 0;
            if left {
                break 'all;
            }
        }
    }
    ensure!(left, "it was never given up");
    drop(eager);
    assert!(matches!(slow.closed().await?, 0 | 1008));
    until_there_are(&shoal, 0).await
}

#[tokio::test]
async fn sockets_are_bounded_for_each_address_and_in_all() -> Result<()> {
    let setup = Setup::new()
        .set("tracker.websocket.max_sockets", "12")
        .set("tracker.websocket.max_sockets_per_address", "10")
        .set("tracker.trusted_proxies", "[\"127.0.0.0/8\"]");
    let (shoal, here) = open(setup).await?;
    let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
    let mut open = Vec::new();
    for n in 0..10 {
        // One IPv6 network is one address, however many it has.
        let (answer, socket) = Socket::knock(here, "/announce", &from(&format!("2001:db8::{n:x}"))).await?;
        assert_eq!(answer.status, 101);
        open.push(socket);
    }
    let (answer, _closed) = Socket::knock(here, "/announce", &from("2001:db8::ffff:1")).await?;
    assert_eq!(answer.status, 429, "{}", answer.head);
    for n in 1..3 {
        let (answer, socket) = Socket::knock(here, "/announce", &from(&format!("192.0.2.{n}"))).await?;
        assert_eq!(answer.status, 101);
        open.push(socket);
    }
    let (answer, _closed) = Socket::knock(here, "/announce", &from("192.0.2.3")).await?;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, "300"),
        "{}",
        answer.head
    );
    // Others are served as before, and a socket that closes makes room.
    shoal.web().get("/").await?.expect(200)?;
    open.pop();
    wait::until("room for one more", async || {
        let (answer, _socket) = Socket::knock(here, "/announce", &from("192.0.2.3")).await.ok()?;
        (answer.status == 101).then_some(())
    })
    .await
}

#[tokio::test]
async fn a_socket_has_no_authority_but_its_own_messages() -> Result<()> {
    let (shoal, here) = open(Setup::new()).await?;
    // A page of another site, in the browser of somebody who is signed in here: announced like anybody, and nothing more.
    let foreign = "Origin: https://evil.example\r\nCookie: shoal_session=0123456789abcdef; session=1\r\n\
        Authorization: Bearer shoal_0000\r\n";
    let (answer, mut socket) = Socket::knock(here, "/announce", foreign).await?;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("set-cookie"), "");
    is_served(&mut socket, "page").await?;
    let refused = socket
        .ask(&json!({ "action": "upload", "info_hash": TORRENT }))
        .await?;
    assert!(refused["failure reason"].is_string());
    // Nowhere else is there a socket, and an upgrade there is an ordinary request.
    for path in ["/", "/sign-in", "/api/v1/datasets", "/inbox", "/scrape"] {
        let (answer, _closed) = Socket::knock(here, path, foreign).await?;
        assert_ne!(answer.status, 101, "{path}");
    }
    // A wrong personal key is told, not passed over; a handshake that is none is refused.
    let (answer, mut socket) = Socket::knock(here, "/announce/nokey", "").await?;
    assert_eq!(answer.status, 101);
    let refused = socket.ask(&announce(TORRENT, "ann", 0, 0)).await?;
    assert!(refused["failure reason"].is_string(), "{refused}");
    let half =
        b"GET /announce HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n";
    let answer = wire::send(here, half).await?;
    assert_eq!(answer.status, 400, "{}", answer.head);
    shoal.web().get("/announce?info_hash=x").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_stop_closes_sockets_and_does_not_wait_for_them() -> Result<()> {
    let (mut shoal, here) = open(Setup::new()).await?;
    let mut sockets = Vec::new();
    for n in 0..50 {
        let mut socket = Socket::open(here).await?;
        is_served(&mut socket, &format!("p{n}")).await?;
        sockets.push(socket);
    }
    let begun = std::time::Instant::now();
    let closing = tokio::spawn(async move {
        let mut codes = Vec::new();
        for socket in &mut sockets {
            codes.push(socket.closed().await);
        }
        codes
    });
    assert!(shoal.stop().await?.success());
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    for code in closing.await? {
        assert_eq!(code?, 1001);
    }
    Ok(())
}

#[tokio::test]
async fn messages_of_the_corpora_leave_the_socket_or_close_it() -> Result<()> {
    let folder = std::env::var("SHOAL_CORPORA").map_or_else(
        |_| shoal_tests::checkout().join("../shared/corpora"),
        PathBuf::from,
    );
    let Ok(cases) = std::fs::read_to_string(folder.join("vectors/tracker/websocket.json")) else {
        eprintln!("skipped: no corpora at {}", folder.display());
        return Ok(());
    };
    let (shoal, here) = open(Setup::new()).await?;
    let cases: Value = serde_json::from_str(&cases)?;
    for case in cases["cases"].as_array().context("there are cases")? {
        let mut socket = Socket::open(here).await?;
        let name = case["name"].as_str().unwrap_or_default();
        let frame = if name == "binary frame" { BINARY } else { TEXT };
        let messages = match &case["message"] {
            Value::Array(all) if !all.is_empty() => all.clone(),
            one => vec![one.clone()],
        };
        for message in messages {
            let text = message
                .as_str()
                .map_or_else(|| message.to_string(), str::to_owned);
            let _closed_early = socket.send(LAST | frame, text.as_bytes()).await;
        }
        let _closed_early = socket
            .say(&json!({ "action": "scrape", "info_hash": "last----------------" }))
            .await;
        loop {
            match socket.next().await {
                Ok(Came::Frame(TEXT, text)) => {
                    let letter: Value = serde_json::from_slice(&text)?;
                    if letter["action"] == "scrape"
                        && letter["files"] == json!({})
                        && letter["failure reason"].is_null()
                    {
                        break;
                    }
                }
                Ok(Came::Frame(..)) => {}
                Ok(Came::End) | Err(_) => {
                    ensure!(
                        ["sdp of 1 MiB", "deep nesting", "offers: 1000"].contains(&name),
                        "{name} closed the socket"
                    );
                    break;
                }
            }
        }
    }
    let hash = hash(&"61".repeat(20))?;
    assert_eq!(hash, TORRENT);
    shoal.web().get("/").await?.expect(200)?;
    Ok(())
}
