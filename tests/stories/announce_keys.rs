//! Announce keys: a member makes one, announces with it at each door, and is served private torrents by it; without it, or
//! when it is revoked, nobody is. Who hosts an upload is told if they want it, and no key stands in any log.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::database::Postgres;
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::material;
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::wait;
use shoal_torrent::create::{Options, create};

/// What a client shows when its key does not let it in, and when it should have one.
const NOT_VALID: &str = "not valid";
const PRIVATE: &str = "this torrent is private";

/// Publishes a private torrent (BEP 27); its bytes and what the API answered.
async fn private(scene: &Scene) -> Result<(Vec<u8>, Value)> {
    let file = material::file(scene.shoal.folder(), "members.csv", 20_000, 7)?;
    let options = Options {
        private: true,
        trackers: vec![vec![format!("{}/announce", scene.shoal.url())]],
        ..Options::default()
    };
    let torrent = create(&file, &options, &|_| {})?;
    let answer = scene
        .web()
        .upload(DATASET, &scene.archivist, torrent.clone())
        .await?;
    Ok((torrent, answer.expect(201)?.json()?))
}

/// Makes a key for the archivist; what the API answered.
async fn make(scene: &Scene, named: bool) -> Result<Value> {
    let wish = json!({ "label": "the server in the cellar", "named": named });
    let made = scene.change(Method::POST, "/announce-keys", &wish).await?;
    made.expect(201)?.json()
}

/// Announces a seeder that listens on this port to an announce URL, and gives what the tracker answered.
async fn announce(shoal: &Shoal, url: &str, upload: &Value, port: u16) -> Result<String> {
    let hash = escaped(text(upload, "info_hash_v1")?);
    let query = format!("info_hash={hash}&peer_id=-ST0001-{port:0>12}&port={port}&left=0&compact=1");
    Ok(shoal
        .web()
        .get(&format!("{url}?{query}"))
        .await?
        .expect(200)?
        .text())
}

fn escaped(hash: &str) -> String {
    let pairs = hash.as_bytes().chunks(2);
    pairs
        .map(|pair| format!("%{}", String::from_utf8_lossy(pair)))
        .collect()
}

/// Announces over UDP with this path as URL data (BEP 15, BEP 41); the whole answer.
fn announce_by_udp(to: SocketAddr, path: &str, hash: &str) -> Result<Vec<u8>> {
    let socket = UdpSocket::bind((to.ip(), 0))?;
    socket.set_read_timeout(Some(wait::PATIENCE))?;
    socket.connect(to)?;
    let mut answer = [0; 1500];
    let mut ask = |request: &[u8]| -> Result<Vec<u8>> {
        socket.send(request)?;
        let length = socket.recv(&mut answer)?;
        Ok(answer[..length].to_vec())
    };
    let connect = [&0x0417_2710_1980_u64.to_be_bytes()[..], &[0; 4], b"abcd"].concat();
    let connected = ask(&connect)?;
    let hash: Vec<u8> = (0..20)
        .map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16))
        .collect::<Result<_, _>>()?;
    let request = [
        connected.get(8..16).context("a connection id")?,
        &1_u32.to_be_bytes(),
        b"efgh",
        &hash,
        b"-ST0001-udpudpudpudp",
        &[0; 24],
        &2_u32.to_be_bytes(),
        &[0; 8],
        &(-1_i32).to_be_bytes(),
        &9009_u16.to_be_bytes(),
        &[2, u8::try_from(path.len())?],
        path.as_bytes(),
    ];
    ask(&request.concat())
}

#[tokio::test]
async fn a_private_torrent_is_served_to_keys_until_they_are_revoked() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    served_until_revoked(&scene, &scene.shoal).await
}

#[tokio::test]
async fn the_same_on_another_node() -> Result<()> {
    let Some(postgres) = Postgres::fresh("announce keys on two nodes")? else {
        return Ok(());
    };
    let setup = || {
        Setup::new()
            .set("database.url", &postgres.url())
            .set("instance.url", "http://archive.example")
    };
    let scene = Scene::set(setup()).await?;
    let other = setup().start().await?;
    served_until_revoked(&scene, &other).await
}

/// Keys are made on the scene's node, and used on this one.
async fn served_until_revoked(scene: &Scene, node: &Shoal) -> Result<()> {
    let (torrent, upload) = private(scene).await?;
    let open = scene.publish(1).await?;
    let made = make(scene, false).await?;
    let (key, id) = (text(&made, "key")?, text(&made, "id")?);
    let url = format!("/announce/{key}");
    assert!(text(&made, "announce_url")?.ends_with(&url));
    let path = format!("/api/v1/uploads/{}/torrent", text(&upload, "id")?);
    assert_eq!(
        scene.web().get(&path).await?.expect(200)?.bytes,
        torrent,
        "byte for byte"
    );

    wait::until("a key that is heard of", async || {
        let reply = announce(node, &url, &upload, 9001).await.ok()?;
        reply.contains("8:interval").then_some(())
    })
    .await?;
    let bare = announce(node, "/announce", &upload, 9002).await?;
    assert!(bare.contains(PRIVATE), "{bare}");
    for wrong in [
        "/announce/x",
        &format!("/announce/{}", "0".repeat(32)),
        &format!("{url}/"),
    ] {
        for torrent in [&upload, &open] {
            let reply = announce(node, wrong, torrent, 9002).await?;
            assert!(reply.contains(NOT_VALID), "{wrong}: {reply}");
        }
    }
    let reply = announce(node, "/announce", &open, 9002).await?;
    assert!(reply.contains("8:interval"), "others need no key: {reply}");
    let hash = escaped(text(&upload, "info_hash_v1")?);
    let scraped = |path: String| async move { anyhow::Ok(node.web().get(&path).await?.expect(200)?.text()) };
    assert_eq!(scraped(format!("/scrape?info_hash={hash}")).await?, "d5:filesdee");
    let with_key = scraped(format!("/scrape/{key}?info_hash={hash}")).await?;
    assert!(with_key.contains("8:completei1e"), "{with_key}");
    at_the_trackers_own_doors(node, &url, &upload).await?;

    let path = format!("/announce-keys/{id}");
    scene
        .change(Method::DELETE, &path, &Value::Null)
        .await?
        .expect(204)?;
    if std::ptr::eq(node, &raw const scene.shoal) {
        let reply = announce(node, &url, &upload, 9001).await?;
        assert!(reply.contains(NOT_VALID), "at once: {reply}");
    }
    wait::until("a refusal of the revoked key", async || {
        let reply = announce(node, &url, &upload, 9001).await.ok()?;
        reply.contains(NOT_VALID).then_some(())
    })
    .await
}

/// The listeners of the tracker read the same path.
async fn at_the_trackers_own_doors(node: &Shoal, url: &str, upload: &Value) -> Result<()> {
    let over_http = format!("http://{}", node.tracker_http());
    let reply = announce(node, &format!("{over_http}{url}"), upload, 9003).await?;
    assert!(reply.contains("8:interval"), "{reply}");
    let reply = announce(node, &format!("{over_http}/announce"), upload, 9003).await?;
    assert!(reply.contains(PRIVATE), "{reply}");
    let hash = text(upload, "info_hash_v1")?;
    let reply = announce_by_udp(node.udp(), url, hash)?;
    assert_eq!(reply[..4], 1_u32.to_be_bytes(), "{reply:?}");
    for (path, words) in [("/announce", PRIVATE), ("/announce/x", NOT_VALID)] {
        let reply = announce_by_udp(node.udp(), path, hash)?;
        assert_eq!(reply[..4], 3_u32.to_be_bytes());
        assert!(
            String::from_utf8_lossy(&reply).contains(words),
            "{path}: {reply:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_the_command_line_does_is_heard_by_the_running_server() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let (_, upload) = private(&scene).await?;
    let url = scene
        .shoal
        .run(&["announce-key", "create", "ann", "--label", "cellar"])?
        .good()?;
    let url = url.trim();
    let served = async |expected: bool| {
        wait::until("a server that has heard", async || {
            let reply = announce(&scene.shoal, url, &upload, 9001).await.ok()?;
            (reply.contains("8:interval") == expected).then_some(())
        })
        .await
    };
    served(true).await?;
    let list = scene.shoal.run(&["announce-key", "list", "ann"])?.good()?;
    let secret = url.rsplit('/').next().context("the URL ends with the key")?;
    assert!(list.contains("cellar") && !list.contains(secret), "{list}");
    scene
        .shoal
        .run(&["account", "suspend", "ann", "--reason", "spam"])?
        .good()?;
    served(false).await?;
    scene.shoal.run(&["account", "restore", "ann"])?.good()?;
    served(true).await?;
    let id = list.split_whitespace().next().context("the list names the key")?;
    scene.shoal.run(&["announce-key", "revoke", id])?.good()?;
    served(false).await
}

#[tokio::test]
async fn a_torrent_with_a_members_key_in_it_is_not_published() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let made = make(&scene, false).await?;
    let (key, url) = (text(&made, "key")?, text(&made, "announce_url")?);
    let file = material::file(scene.shoal.folder(), "members.csv", 20_000, 7)?;
    let in_trackers = Options {
        trackers: vec![vec!["udp://tracker.example:6969".to_owned(), url.to_owned()]],
        ..Options::default()
    };
    let in_comment = Options {
        comment: Some(format!("seed it to {url}")),
        ..Options::default()
    };
    let torrents = [in_trackers, in_comment].map(|options| create(&file, &options, &|_| {}));
    for torrent in &torrents {
        let torrent = torrent.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        let refused = scene
            .web()
            .upload(DATASET, &scene.archivist, torrent.clone())
            .await?;
        let refused = refused.expect(400)?;
        let sentence = refused.text();
        assert!(
            sentence.contains("personal announce URL") && !sentence.contains(key),
            "{sentence}"
        );
    }
    // A key that is revoked tells nobody anything.
    let path = format!("/announce-keys/{}", text(&made, "id")?);
    scene
        .change(Method::DELETE, &path, &Value::Null)
        .await?
        .expect(204)?;
    let [torrent, _] = torrents;
    scene
        .web()
        .upload(DATASET, &scene.archivist, torrent?)
        .await?
        .expect(201)?;
    Ok(())
}

/// Sends requests with a key in them that go wrong in one way or the other, to both ports that speak HTTP.
fn leave_traces(shoal: &Shoal, key: &str) -> Result<()> {
    let web: SocketAddr = shoal.url().trim_start_matches("http://").parse()?;
    for to in [web, shoal.tracker_http()] {
        for request in [
            format!("GET /announce/{key}?info_hash=short HTTP/1.1\r\nHost: t\r\n\r\n"),
            format!("GET /scrape/{key} HTTP/1.1\r\nHost: t\r\n\r\n"),
            format!(
                "GET /announce/{key}?{} HTTP/1.1\r\nHost: t\r\n\r\n",
                "a".repeat(140_000)
            ),
            format!("GET /announce/{key} HTTP/9.9\r\nHost: t\r\n\r\n"),
            format!("GET /announce/{key}\u{1} HTTP/1.1\r\nHost: t\r\n\r\n"),
            format!(
                "GET /announce/{key} HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            ),
            format!("GET /nowhere/announce/{key} HTTP/1.1\r\nHost: t\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nHost: t\r\nReferer: http://t/announce/{key}\r\n\r\n"),
        ] {
            let mut client = TcpStream::connect(to)?;
            client.set_read_timeout(Some(wait::PATIENCE))?;
            // What is too long may be cut off before all of it is sent, and before its answer is read.
            let heard = client
                .write_all(request.as_bytes())
                .and_then(|()| client.read(&mut [0; 4096]));
            assert!(heard.is_ok() || request.len() > 100_000, "{heard:?} to {request}");
        }
    }
    Ok(())
}

/// Whoever follows a magnet link looks for peers everywhere, since the torrent that forbids it is not there yet.
#[tokio::test]
async fn a_private_torrent_has_no_magnet_link_anywhere() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let (_, upload) = private(&scene).await?;
    assert_eq!(upload["magnet"], Value::Null);
    let (page, record) = (text(&upload, "url")?, text(&upload, "record")?);
    let dataset = format!("/datasets/{DATASET}");
    for path in [page, &dataset, "/uploads", "/feeds/all.rss", "/feeds/all.atom"] {
        let shown = scene.web().get(path).await?.expect(200)?.text();
        assert!(
            shown.contains("members.csv") && !shown.contains("magnet:"),
            "{path}: {shown}"
        );
    }
    let hash = text(&upload, "info_hash_v1")?;
    let told = wait::until("its record and its post", async || {
        let record = scene.web().activity(record).await.ok()?.expect(200).ok()?.text();
        let posts = serde_json::to_string(&scene.outbox().await.ok()?).ok()?;
        posts.contains(hash).then_some([record, posts])
    });
    for told in told.await? {
        assert!(told.contains("members.csv") || told.contains(hash), "{told}");
        assert!(!told.contains("magnet:"), "{told}");
    }
    Ok(())
}

/// An announce that cannot be one, and is told so without its key.
async fn post_in_vain(scene: &Scene, key: &str) -> Result<()> {
    let refused = scene.web().request(Method::POST, &format!("/announce/{key}"));
    let page = shoal_tests::web::answer(refused).await?;
    assert_eq!(page.status, 405);
    assert!(!page.text().contains(key), "{}", page.text());
    Ok(())
}

#[tokio::test]
async fn hosts_are_named_if_they_want_and_keys_stand_nowhere() -> Result<()> {
    let mut scene = Scene::set(Setup::new().set("log.level", "trace")).await?;
    let upload = scene.publish(1).await?;
    let (silent, named) = (make(&scene, false).await?, make(&scene, true).await?);
    let hosts = format!("/uploads/{}/hosts", text(&upload, "id")?);
    for (made, expected) in [(&silent, json!([])), (&named, json!(["ann"]))] {
        let key = text(made, "key")?;
        let reply = announce(&scene.shoal, &format!("/announce/{key}"), &upload, 9001).await?;
        assert!(reply.contains("8:interval"), "{reply}");
        post_in_vain(&scene, key).await?;
        leave_traces(&scene.shoal, key)?;
        announce_by_udp(
            scene.shoal.udp(),
            &format!("/announce/{key}"),
            text(&upload, "info_hash_v1")?,
        )?;
        // What was noted is stored at the latest when the program stops.
        assert!(scene.shoal.stop().await?.success());
        scene.shoal.start_again().await?;
        let told = scene
            .change(Method::GET, &hosts, &Value::Null)
            .await?
            .expect(200)?
            .json()?;
        assert_eq!(told, expected);
    }
    let page = scene
        .web()
        .get(&format!("/uploads/{}", text(&upload, "id")?))
        .await?
        .expect(200)?
        .text();
    assert!(
        page.contains("Hosted by") && page.contains("/accounts/ann"),
        "{page}"
    );
    let keys = scene
        .change(Method::GET, "/announce-keys", &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    assert_eq!(
        (&keys[1]["seeds"], &keys[1]["seeding"][0]["upload"]),
        (&json!(1), &upload["id"])
    );
    assert!(keys[1]["last_used"].is_string());

    assert!(scene.shoal.stop().await?.success());
    let rows = std::fs::read(scene.shoal.data().join("shoal.db"))?;
    for made in [&silent, &named] {
        let key = text(made, "key")?;
        assert!(!scene.shoal.log().contains(key), "not even at the finest level");
        assert!(
            !rows.windows(key.len()).any(|window| window == key.as_bytes()),
            "only its hash is kept"
        );
    }
    Ok(())
}
