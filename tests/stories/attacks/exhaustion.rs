//! Too much of everything: bodies, nesting, new actors, and connections that never come to the point.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use shoal_tests::foreign::Reply;
use shoal_tests::letter::sha256;
use shoal_tests::wire::Raw;
use shoal_tests::{wait, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stage::Stage;

/// How many connections dawdle at once.
const DAWDLERS: usize = 500;

#[tokio::test]
async fn a_body_beyond_a_megabyte_is_refused_while_it_comes() -> Result<()> {
    let stage = Stage::set().await?;
    let here = stage.here()?;
    let head = |more: &str| {
        format!(
            "POST /inbox HTTP/1.1\r\nHost: {here}\r\nSignature: keyId=\"x\"\r\nConnection: close\r\n{more}\r\n\r\n"
        )
    };
    let announced = wire::send(here, head("Content-Length: 104857600").as_bytes()).await?;
    assert_eq!(announced.status, 413, "{}", announced.head);
    // Without an announcement, chunk after chunk until the answer comes.
    let mut stream = TcpStream::connect(here).await?;
    stream
        .write_all(head("Transfer-Encoding: chunked").as_bytes())
        .await?;
    let (mut coming, mut going) = stream.split();
    let mut sent = 0_usize;
    let flood = async {
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        while sent < 100 << 20 && going.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        std::future::pending::<()>().await;
    };
    let mut start = [0; 1024];
    let read = tokio::select! {
        () = flood => 0,
        read = coming.read(&mut start) => read?,
    };
    let answer = Raw::of(&start[..read]);
    assert_eq!(answer.status, 413, "{}", answer.head);
    assert!(sent < 32 << 20, "answered after {sent} bytes");
    // Packed tight: a megabyte and more in a few bytes, each decoder of which would have to hold it.
    let bomb = include_bytes!("../../../crates/federation/tests/suite/spaces.gz");
    let mut packed = stage
        .foreign
        .letter(&stage.shoal, &stage.follow("evil.example", "eve"))?;
    packed.body = bomb.to_vec();
    let answer = packed.with("Content-Encoding", "gzip").send(here).await?;
    assert!(
        (400..500).contains(&answer.status),
        "{} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

#[tokio::test]
async fn json_that_is_made_to_break_readers_is_refused_or_means_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    stage.foreign.house("evil.example", "eve")?;
    let base = "\"id\":\"http://evil.example/activities/bomb\",\"type\":\"Like\",\"actor\":\"http://evil.example/users/eve\"";
    let deep = |open: &str, close: &str, count: usize| {
        format!(
            "{{{base},\"object\":{}1{}}}",
            open.repeat(count),
            close.repeat(count)
        )
    };
    let keys: String = (0..90_000).map(|n| format!("\"{n}\":1,")).collect();
    let bombs = [
        ("lists in lists", deep("[", "]", 100_000)),
        ("objects in objects", deep("{\"a\":", "}", 100_000)),
        (
            "never closed",
            format!("{{{base},\"object\":{}", "[".repeat(100_000)),
        ),
        ("many keys", format!("{{{keys}{base}}}")),
        (
            "a long number",
            format!("{{{base},\"object\":{}}}", "9".repeat(1_000_000)),
        ),
        (
            "a long fraction",
            format!("{{{base},\"object\":0.{}e999999}}", "1".repeat(900_000)),
        ),
        (
            "a long text",
            format!("{{{base},\"object\":\"{}\"}}", "x".repeat(1_000_000)),
        ),
        (
            "many recipients",
            format!(
                "{{{base},\"to\":[{}\"x\"]}}",
                "\"http://good.example/users/gil\",".repeat(30_000)
            ),
        ),
        ("half a character", format!("{{{base},\"object\":\"\\ud800\"}}")),
        ("twice the same", format!("{{{base},{base}}}")),
        ("not an object", "[1]".to_owned()),
        ("nothing", String::new()),
    ];
    for (what, body) in bombs {
        let mut letter =
            stage
                .foreign
                .unsigned(&stage.shoal, &json!({}), "http://evil.example/users/eve#main-key")?;
        letter.body = body.into_bytes();
        let letter = letter.clone().with("Digest", &sha256(&letter.body));
        let answer = letter.signed(stage.foreign.signer())?.send(stage.here()?).await?;
        assert!(
            matches!(answer.status, 202 | 400),
            "{what}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert_eq!(stage.followers().await?, [""; 0]);
    stage.followed_by("good.example", "gil").await
}

#[tokio::test]
async fn ever_new_actors_of_one_host_are_looked_up_at_a_bounded_rate() -> Result<()> {
    let stage = Stage::set().await?;
    let foreign = &stage.foreign;
    let mut tally = [0_usize; 3];
    for n in 0..330 {
        let name = format!("n{n}");
        foreign.answer(&format!("evil.example/users/{name}"), Reply::status(404));
        let answer = stage.tell(&stage.follow("evil.example", &name)).await?;
        match answer.status {
            401 => tally[0] += 1,
            429 => tally[1] += 1,
            _ => tally[2] += 1,
        }
    }
    assert_eq!(tally, [300, 30, 0]);
    // Each is asked for in both signature schemes at the most.
    assert!(foreign.asked("evil.example/users/").len() <= 600);
    // Others are let in as before.
    stage.followed_by("good.example", "gil").await
}

#[tokio::test]
async fn connections_that_dawdle_keep_nobody_out_and_are_closed() -> Result<()> {
    let stage = Stage::set().await?;
    let here = stage.here()?;
    let heads = [
        "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
        format!("POST /inbox HTTP/1.1\r\nHost: {here}\r\nContent-Length: 1000\r\n\r\n{{"),
        format!("POST /inbox HTTP/1.1\r\nHost: {here}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"),
        format!(
            "POST /api/v1/reports HTTP/1.1\r\nHost: {here}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
        ),
        format!(
            "POST /sign-in HTTP/1.1\r\nHost: {here}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nn"
        ),
        String::new(),
    ];
    let mut dawdlers = Vec::new();
    for n in 0..DAWDLERS {
        let mut stream = TcpStream::connect(here).await?;
        stream.write_all(heads[n % heads.len()].as_bytes()).await?;
        dawdlers.push(tokio::spawn(dawdle(stream)));
    }
    stage.followed_by("good.example", "gil").await?;
    for path in ["/", "/healthz", "/collections/climate"] {
        stage.shoal.web().get(path).await?.expect(200)?;
    }
    wait::until("the end of all that dawdled", async || {
        dawdlers
            .iter()
            .all(tokio::task::JoinHandle::is_finished)
            .then_some(())
    })
    .await
    .context("a connection was kept open")?;
    // Whoever began a body is told that it was too slow, not that it was wrong: servers send again after a 408.
    // Where bodies are taken from strangers, that is; elsewhere the answer does not wait for one.
    let is_taken = |head: &str| head.starts_with("POST /inbox") || head.starts_with("POST /sign-in");
    let takes_bodies = |head: &str| head.contains("Content-Length") && is_taken(head);
    for (n, dawdler) in dawdlers.into_iter().enumerate() {
        let told = dawdler.await?;
        if takes_bodies(&heads[n % heads.len()]) {
            assert!(told.starts_with("HTTP/1.1 408 "), "{n}: {told}");
        }
    }
    stage.shoal.web().get("/").await?.expect(200)?;
    Ok(())
}

/// Sends a byte every other second until the other side has had enough; gives what it said.
async fn dawdle(stream: TcpStream) -> String {
    let (mut coming, mut going) = stream.into_split();
    let drip = tokio::spawn(async move {
        while going.write_all(b" ").await.is_ok() {
            wait::pass(Duration::from_secs(2)).await;
        }
    });
    let mut answer = Vec::new();
    let _closed = coming.read_to_end(&mut answer).await;
    drip.abort();
    String::from_utf8_lossy(&answer).into_owned()
}
