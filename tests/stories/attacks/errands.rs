//! Where strangers would send us: to addresses inside, by odd spellings, redirects and names, and with our signature on
//! somebody else's errand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::json;
use shoal_tests::foreign::{Foreign, Reply};
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::material;
use shoal_torrent::create::{Options, create};
use tokio::net::TcpListener;

/// Something inside, which counts who comes.
struct Canary {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Canary {
    async fn perch() -> Result<Self> {
        let visits = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let mut perches = vec![listener];
        // Where there is no IPv6, nothing can be reached by it either.
        perches.extend(TcpListener::bind(("::1", port)).await);
        for perch in perches {
            let count = Arc::clone(&visits);
            tokio::spawn(async move {
                while perch.accept().await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Ok(Self { port, visits })
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// An instance that may reach the foreign hosts' one address inside, and no other.
async fn scene(canary: &Canary) -> Result<(Shoal, Foreign, String)> {
    let foreign = Foreign::open(&["good.example", "evil.example"]).await?;
    let known = json!([
        { "name": "good.example", "address": foreign.address() },
        { "name": "evil.example", "address": foreign.address() },
        { "name": "inside.example", "address": format!("127.0.0.1:{}", canary.port) },
        { "name": "six.example", "address": format!("[::1]:{}", canary.port) },
    ]);
    let shoal = Setup::new()
        .set(
            "federation.allow_private_addresses",
            &json!([format!("{}/32", foreign.address().ip())]).to_string(),
        )
        .set("federation.known_hosts", &known.to_string())
        .start()
        .await?;
    let token = shoal.token("ann", "owner")?;
    foreign.house("evil.example", "eve")?;
    Ok((shoal, foreign, token))
}

/// Everything inside, spelled in every way, at a port.
fn inside(port: u16) -> Vec<String> {
    let hosts = "127.0.0.1 127.1 2130706433 0x7f.1 0x7f000001 0177.0.0.1 0 0.0.0.0 localhost localhost. LOCALHOST \
        printer 127.0.0.1. \u{2460}\u{2461}\u{2466}.0.0.1 [::1] [::] [::ffff:127.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1] \
        [2002:7f00:1::] [2001::1] [fe80::1] [fc00::1] [fd00::1] inside.example six.example INSIDE.example";
    let mut all: Vec<String> = hosts
        .split_whitespace()
        .map(|host| format!("http://{host}:{port}/users/eve"))
        .collect();
    // Where nobody answers here, but might elsewhere: asked without waiting for an answer.
    let networks = "169.254.169.254 10.0.0.1 172.16.0.1 172.31.255.254 192.168.0.1 100.64.0.1 198.18.0.1 192.0.0.1 \
        224.0.0.1 255.255.255.255";
    all.extend(
        networks
            .split_whitespace()
            .map(|host| format!("http://{host}/latest/meta-data")),
    );
    all
}

#[tokio::test]
async fn nobody_sends_us_inside_by_any_spelling() -> Result<()> {
    let canary = Canary::perch().await?;
    let (shoal, foreign, token) = scene(&canary).await?;
    let odd = [
        "file:///etc/passwd",
        "data:text/plain,x",
        "ftp://evil.example/",
        "gopher://evil.example/",
        "http://user:secret@evil.example/users/eve",
        "http://evil.example:22/users/eve",
        "http://evil.example:0/",
        "http://evil.example/users/eve\r\nX-Injected: 1",
        "http://evil.example /users/eve",
        "http:///users/eve",
    ];
    let errands: Vec<String> = inside(canary.port)
        .into_iter()
        .chain(odd.map(str::to_owned))
        .collect();
    let mut hops = 0;
    for errand in errands {
        // As somebody here would ask, by the redirect of a good address, and by a handle.
        let asked = shoal
            .web()
            .call(
                reqwest::Method::POST,
                "/following",
                &token,
                &json!({ "actor": errand }),
            )
            .await?;
        assert!(matches!(asked.status, 400 | 502), "{errand}: {}", asked.text());
        let clean = errand.replace(['\r', '\n'], "");
        foreign.answer("evil.example/users/moved", Reply::redirect(&clean));
        hops += 1;
        let moved = json!({ "actor": format!("http://evil.example/users/moved?{hops}") });
        let asked = shoal
            .web()
            .call(reqwest::Method::POST, "/following", &token, &moved)
            .await?;
        assert_eq!(asked.status, 502, "{errand}: {}", asked.text());
        // As the sender of an activity would have us look.
        if errand.starts_with("http://") && !errand.contains(['\r', ' ']) {
            let activity = json!({ "id": format!("{errand}/follow"), "type": "Follow", "actor": errand, "object": format!("{}/actor", shoal.url()) });
            let letter = foreign.unsigned(&shoal, &activity, &format!("{errand}#main-key"))?;
            let here = shoal.url().trim_start_matches("http://").parse()?;
            let answer = letter.signed(foreign.signer())?.send(here).await?;
            assert!(
                (400..=503).contains(&answer.status) && answer.status != 500,
                "{errand}: {}",
                answer.body
            );
        }
    }
    assert_eq!(canary.visits(), 0);
    let injected = foreign
        .asked("evil.example")
        .iter()
        .any(|one| !one.header("x-injected").is_empty());
    assert!(!injected);
    assert_eq!(foreign.asked("evil.example/users/moved").len(), hops);
    Ok(())
}

#[tokio::test]
async fn redirects_end_soon_and_each_hop_is_signed_for_itself() -> Result<()> {
    let canary = Canary::perch().await?;
    let (shoal, foreign, token) = scene(&canary).await?;
    let ask = async |actor: &str| -> Result<u16> {
        let actor = json!({ "actor": actor });
        let asked = shoal
            .web()
            .call(reqwest::Method::POST, "/following", &token, &actor)
            .await?;
        Ok(asked.status)
    };
    foreign.answer("evil.example/self", Reply::redirect("/self"));
    foreign.answer("evil.example/ping", Reply::redirect("http://good.example/pong"));
    foreign.answer("good.example/pong", Reply::redirect("http://evil.example/ping"));
    assert_eq!(ask("http://evil.example/self").await?, 502);
    assert_eq!(foreign.asked("evil.example/self").len(), 4);
    assert_eq!(ask("http://evil.example/ping").await?, 502);
    let (ping, pong) = (
        foreign.asked("evil.example/ping"),
        foreign.asked("good.example/pong"),
    );
    assert_eq!((ping.len(), pong.len()), (2, 2));
    let (there, here) = (ping[0].header("signature"), pong[0].header("signature"));
    assert!(
        there.contains("host") && !there.is_empty() && there != here,
        "signed anew for each host"
    );
    for hop in [&ping[0], &pong[0]] {
        assert!(hop.header("authorization").is_empty() && hop.header("cookie").is_empty());
        assert!(hop.header("user-agent").starts_with("Shoal/"));
    }
    Ok(())
}

/// An address that nobody should ask for.
fn trap(what: &str) -> String {
    format!("http://evil.example/trap/{what}")
}

/// A torrent full of addresses that nobody should ask for, published, and its page looked at.
async fn publish_a_trap(shoal: &Shoal, token: &str, port: u16) -> Result<()> {
    let file = material::file(shoal.folder(), "trap.csv", 20_000, 1)?;
    let options = Options {
        trackers: vec![vec![
            trap("announce"),
            format!("http://127.0.0.1:{port}/announce"),
        ]],
        web_seeds: vec![trap("seed"), format!("http://127.0.0.1:{port}/")],
        ..Options::default()
    };
    let torrent = create(&file, &options, &|_| {})?;
    let dataset = json!({ "slug": "trap", "title": "A trap", "homepage": trap("home") });
    let made = shoal
        .web()
        .call(reqwest::Method::POST, "/datasets", token, &dataset)
        .await?;
    made.expect(201)?;
    let upload = shoal
        .web()
        .upload("trap", token, torrent)
        .await?
        .expect(201)?
        .json()?;
    shoal
        .web()
        .get(upload["url"].as_str().context("a page")?)
        .await?
        .expect(200)?;
    Ok(())
}

#[tokio::test]
async fn addresses_inside_a_torrent_an_actor_or_an_activity_are_never_fetched() -> Result<()> {
    let canary = Canary::perch().await?;
    let (shoal, foreign, token) = scene(&canary).await?;
    publish_a_trap(&shoal, &token, canary.port).await?;
    // Contexts, pictures, lists, and posts that answer posts that answer posts.
    let mut actor = foreign.actor("evil.example", "eve")?;
    actor["@context"] = json!(["https://www.w3.org/ns/activitystreams", trap("context"), { "x": { "@id": "x:y", "@context": trap("scoped") } }]);
    for member in [
        "icon",
        "image",
        "featured",
        "outbox",
        "followers",
        "url",
        "movedTo",
    ] {
        actor[member] = json!(trap(member));
    }
    foreign.answer("evil.example/users/eve", Reply::activity(&actor));
    let here = shoal.url().trim_start_matches("http://").parse()?;
    for kind in [
        "Create", "Announce", "Like", "Add", "Update", "Move", "Offer", "Flag",
    ] {
        let note = json!({ "id": trap(kind), "type": "Note", "inReplyTo": trap("above"), "replies": trap("replies"),
            "attachment": [{ "type": "Document", "url": trap("attachment") }], "tag": [{ "href": trap("tag") }] });
        for object in [note, json!(trap("bare")), json!([trap("one"), trap("two")])] {
            let mut activity = foreign.activity("evil.example", "eve", kind, object);
            activity["@context"] = json!([trap("context")]);
            activity["target"] = json!(trap("target"));
            let answer = foreign.letter(&shoal, &activity)?.send(here).await?;
            assert_eq!(answer.status, 202, "{kind}: {}", answer.body);
        }
    }
    assert_eq!(foreign.asked("evil.example/trap").len(), 0);
    assert_eq!(foreign.asked("evil.example").len(), 1, "the actor, once");
    assert_eq!(canary.visits(), 0);
    Ok(())
}
