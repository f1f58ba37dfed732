//! The tracker's own HTTP listener on the running program: it says what the web server's port says, and connections without
//! number that say nothing, or hardly anything, change nothing.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::{process, skip, wait, web};

const IDLE: usize = 10_000;
const SLOW: usize = 1_000;

/// Connections of one address, below the limit of the default configuration.
const EACH: usize = 200;

/// An announce of a torrent that anybody may announce where any is served, in four words of a client.
const ANNOUNCE: &str = "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-ST0001-000000000001&port=7001&left=1 HTTP/1.1\r\n\
    Host: t\r\n\r\n";

#[tokio::test]
async fn both_ports_answer_alike() -> Result<()> {
    let shoal = Setup::new().set("tracker.mode", "open").start().await?;
    let own = format!("http://{}", shoal.tracker_http());
    let usual = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-ST0001-000000000001&port=7001&numwant=0";
    let no_key = "0".repeat(32);
    for target in [
        format!("/announce?{usual}&left=1&ip=9.9.9.9&ipv4=9.9.9.9&ipv6=%5B2606::9%5D:80&peer_addr=9.9.9.9"),
        format!("/announce?{usual}&left=5&event=paused&compact=0&no_peer_id=1&key=7&trackerid=x"),
        format!("/announce?{usual}&left=-1&uploaded=-1&downloaded=1e99&event=nonsense"),
        format!("/announce?{usual}&left=99999999999999999999"),
        format!("/announce?{usual}&left=x"),
        format!("/announce?{usual}&info_hash=bbbbbbbbbbbbbbbbbbbb"),
        format!("/announce?{usual}&x={}", "x".repeat(8192)),
        format!("/announce/?{usual}"),
        format!("/announce/x?{usual}"),
        format!("/announce/{no_key}?{usual}"),
        "/announce".to_owned(),
        "/announce?info_hash=61616161616161616161616161616161616161".to_owned(),
        "/announce?info_hash=%zz".to_owned(),
        "/scrape".to_owned(),
        "/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash=bbbbbbbbbbbbbbbbbbbb&info_hash=aaaaaaaaaaaaaaaaaaaa".to_owned(),
        format!("/scrape/{no_key}?info_hash=aaaaaaaaaaaaaaaaaaaa"),
    ] {
        let mut said = Vec::new();
        for base in [shoal.url(), &own] {
            let ask = |method| web::answer(shoal.web().request(method, &format!("{base}{target}")));
            said.push(without_interval(&ask(Method::GET).await?.expect(200)?.text()));
            let head = ask(Method::HEAD).await?.expect(200)?;
            ensure!(head.bytes.is_empty() && head.header("content-length") != "0", "{target}");
            ask(Method::POST).await?.expect(405)?;
        }
        ensure!(said[0] == said[1] && said[0].ends_with('e'), "{target}: {said:?}");
    }
    Ok(())
}

/// An answer without its interval, which is drawn by chance.
fn without_interval(answer: &str) -> String {
    let (before, after) = answer.split_once("8:intervali").unwrap_or((answer, "e"));
    format!(
        "{before}{}",
        after.trim_start_matches(|digit: char| digit.is_ascii_digit())
    )
}

#[tokio::test]
async fn ten_thousand_idle_and_a_thousand_slow_connections_change_nothing() -> Result<()> {
    let most = getrlimit(Resource::Nofile).maximum;
    if most.is_some_and(|most| most < 12_000) {
        skip::say(
            "ten thousand idle connections",
            "this process may not have 12,000 files",
        );
        return Ok(());
    }
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, limit)?;
    let mut shoal = Setup::new().set("tracker.mode", "open").start().await?;
    announce(&mut connect(&shoal, 0)?)?;
    let before = process::resident(shoal.process())?;

    let mut crowd = Vec::with_capacity(IDLE + SLOW);
    for n in 0..IDLE {
        let mut idle = connect(&shoal, n / EACH)?;
        announce(&mut idle)?;
        crowd.push(idle);
    }
    for n in 0..SLOW {
        let mut slow = connect(&shoal, 100 + n / EACH)?;
        slow.write_all(&ANNOUNCE.as_bytes()[..10 + n % 80])?;
        crowd.push(slow);
    }
    let mut other = connect(&shoal, 200)?;
    for _ in 0..200 {
        announce(&mut other)?;
        announce(&mut connect(&shoal, 201)?)?;
    }
    let more = process::resident(shoal.process())? - before;
    let each = more * 1024.0 * 1024.0 / (IDLE + SLOW) as f64;
    ensure!(each < 1024.0, "{each:.0} bytes for each connection");

    // Who is slow is told so, and who is idle and asks is answered.
    let mut told = String::new();
    wait::until("the end of a slow connection", async || {
        crowd[IDLE].set_nonblocking(true).ok()?;
        crowd[IDLE].read_to_string(&mut told).is_ok().then_some(())
    })
    .await?;
    ensure!(told.starts_with("HTTP/1.1 408"), "{told}");
    for idle in crowd[..IDLE].iter_mut().step_by(100) {
        announce(idle)?;
    }
    announce(&mut other)?;
    ensure!(shoal.stop().await?.success(), "it stops under all of them");
    Ok(())
}

#[tokio::test]
async fn connections_wait_while_the_process_has_no_more_files() -> Result<()> {
    let shoal = Setup::new().set("tracker.mode", "open").start().await?;
    let mut kept = connect(&shoal, 0)?;
    announce(&mut kept)?;
    let server = Pid::from_raw(i32::try_from(shoal.process())?);
    let none = Rlimit {
        current: Some(3),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let usual = prlimit(server, Resource::Nofile, none)?;
    let mut late = connect(&shoal, 1)?;
    late.write_all(ANNOUNCE.as_bytes())?;
    let before = process::processor_time(shoal.process())?;
    wait::pass(Duration::from_secs(2)).await;
    let took = process::processor_time(shoal.process())? - before;
    ensure!(
        took < Duration::from_secs(1),
        "it is not asked again and again: {took:?}"
    );
    announce(&mut kept)?;
    prlimit(server, Resource::Nofile, usual)?;
    hear(&mut late)
}

/// Connects from one of many addresses.
fn connect(shoal: &Shoal, from: usize) -> Result<TcpStream> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    let from = Ipv4Addr::new(127, 1, 0, u8::try_from(from)? + 1);
    rustix::net::bind(&socket, &SocketAddr::from((from, 0)))?;
    rustix::net::connect(&socket, &shoal.tracker_http()).context("no connection is taken")?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    Ok(stream)
}

/// Announces, and reads the answer.
fn announce(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(ANNOUNCE.as_bytes())?;
    hear(stream)
}

/// Reads an answer to an announce.
fn hear(stream: &mut TcpStream) -> Result<()> {
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer)?;
    let answer = answer[..length].escape_ascii().to_string();
    ensure!(answer.contains("5:peers"), "{answer}");
    Ok(())
}
