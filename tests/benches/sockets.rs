//! What a browser costs that only keeps its socket open: resident memory of the running program for each of ten thousand,
//! all of which have announced, made offers and were handed some.
//!
//! Run by `cargo xtask bench sockets`, which builds the program for release and names it in `SHOAL_TEST_BINARY`. Prints
//! `figure: NAME | VALUE | HOW` for each.

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shoal_tests::instance::Setup;
use shoal_tests::process::{processor_time, resident};
use shoal_tests::wait;
use shoal_tests::websocket::{Socket, announce};

const SOCKETS: usize = 10_000;

/// Browsers of one torrent.
const SWARM: usize = 10;

fn main() -> Result<()> {
    let files = getrlimit(Resource::Nofile);
    ensure!(
        files.maximum.is_none_or(|most| most > SOCKETS as u64 + 1000),
        "{SOCKETS} sockets need as many open files: the limit (ulimit -Hn) is {:?}",
        files.maximum
    );
    let most = Rlimit {
        current: files.maximum,
        ..files
    };
    setrlimit(Resource::Nofile, most)?;
    tokio::runtime::Runtime::new()?.block_on(idle_sockets())
}

async fn idle_sockets() -> Result<()> {
    let shoal = Setup::new()
        .set("tracker.mode", "open")
        .set("tracker.requests_per_second_per_address", "0")
        .set("tracker.requests_per_second_per_network", "0")
        .set("tracker.websocket.max_sockets", "20000")
        .set("tracker.websocket.max_sockets_per_address", "20000")
        .start()
        .await?;
    let here: SocketAddr = shoal.url().trim_start_matches("http://").parse()?;
    wait::pass(Duration::from_secs(3)).await;
    let (before, spent) = (resident(shoal.process())?, processor_time(shoal.process())?);
    let begun = Instant::now();
    let mut sockets = Vec::with_capacity(SOCKETS);
    for n in 0..SOCKETS {
        let mut socket = Socket::open(here).await.with_context(|| format!("socket {n}"))?;
        let torrent = format!("{:020}", n / SWARM);
        let reply = socket.ask(&announce(&torrent, &format!("p{n}"), 5, 1500)).await?;
        ensure!(reply["incomplete"] == n % SWARM + 1, "{reply}");
        sockets.push(socket);
    }
    let (took, spent) = (begun.elapsed(), processor_time(shoal.process())? - spent);
    wait::pass(Duration::from_secs(5)).await;
    let each = (resident(shoal.process())? - before) * 1024.0 / SOCKETS as f64;
    println!(
        "figure: memory of an idle WebSocket | {each:.1} KiB | resident, for each of {SOCKETS} that have announced to swarms of \
         {SWARM} with five offers of 1.5 kB; the aim is 24 KiB"
    );
    println!(
        "figure: opening a WebSocket and announcing | {:.0} µs of processor time | handshake, announce, offers handed on; {:.0}/s \
         from one client",
        spent.as_secs_f64() * 1e6 / SOCKETS as f64,
        SOCKETS as f64 / took.as_secs_f64()
    );
    let begun = Instant::now();
    drop(sockets);
    wait::until("the end of all swarms", async || {
        let reply = shoal
            .web()
            .get("/scrape?info_hash=00000000000000000999")
            .await
            .ok()?
            .text();
        reply.contains("10:incompletei0e").then_some(())
    })
    .await?;
    println!(
        "figure: until the last of them has left its swarm | {:.1} s | when all close at once",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}
