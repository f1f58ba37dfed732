//! What federation costs the whole program: telling followers, being told, and being pestered; on SQLite always and on
//! PostgreSQL where `SHOAL_TEST_POSTGRES` names a server. Each figure is given beside the bare cryptography of the same
//! minute (`floor.rs`, `runs.rs`): a ratio that does not depend on the machine.
//!
//! Run by `cargo xtask bench federation`. The foreign servers are `stub.rs`, a process of its own; `ground.rs` writes
//! followers into the database beforehand; `sender.rs` posts; `inbound.rs` and `outbound.rs` measure.

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

mod floor;
mod ground;
mod inbound;
mod outbound;
mod runs;
mod sender;
mod stub;

use anyhow::Result;
use floor::Floor;
use ground::Ground;
use sender::Target;
use shoal_tests::database::Postgres;
use shoal_tests::instance::Setup;
use shoal_tests::process::resident;
use shoal_tests::scene::{COLLECTION, Scene};
use shoal_tests::signer::Signer;
use stub::Stub;

/// Followers, and the servers that they are on.
const FOLLOWERS: usize = 10_000;
const HOSTS: usize = 1_000;
/// How many more come for the figures that must not grow with them.
const MANY: usize = 100_000;

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "--stub") {
        return stub::serve();
    }
    let runtime = tokio::runtime::Runtime::new()?;
    for (floor, how) in [
        (Floor::measure(1)?, "one processor at work"),
        (
            Floor::under_load()?,
            "all processors at work, as it is measured before and after each run below",
        ),
    ] {
        println!(
            "figure: the floor, {how} | {:.0} / {:.1} / {:.1} µs | one RSA-2048 signature / its check / one Ed25519 signature",
            floor.sign, floor.verify, floor.ed25519
        );
    }
    runtime.block_on(measure("SQLite", Setup::new()))?;
    match Postgres::fresh("bench federation")? {
        Some(database) => {
            let setup = Setup::new().set("database.url", &database.url());
            runtime.block_on(measure("PostgreSQL", setup))
        }
        None => Ok(()),
    }
}

/// One database, from the first follower to a queue of a million.
async fn measure(database: &'static str, setup: Setup) -> Result<()> {
    let signer = Signer::generate()?;
    let pem = signer.pem()?;
    let stub = Stub::start(&pem)?;
    let mut scene = Scene::set(setup).await?;

    let actors = stopped(&mut scene, &stub, &pem, |ground| {
        ground.follow(COLLECTION, "reader", FOLLOWERS, HOSTS)?;
        ground.know("known", inbound::ACTORS, inbound::HOSTS)
    })
    .await?;
    let bench = Bench {
        database,
        stub,
        signer,
    };
    let target = Target::inbox_of(&scene);
    if wanted("out") {
        outbound::fan_out(&bench, &scene).await?;
        outbound::publish(&bench, &scene).await?;
    }
    if wanted("in") {
        inbound::follows(&bench, &scene, &target, &actors, FOLLOWERS).await?;
        inbound::without_answer(&bench, &scene, &target, &actors).await?;
        inbound::never_seen(&bench, &scene, &target).await?;
        inbound::pestered(&bench, &target, &actors)?;
    }
    if !wanted("many") {
        return Ok(());
    }

    let actors = stopped(&mut scene, &bench.stub, &pem, |ground| {
        ground.follow(COLLECTION, "many", MANY - FOLLOWERS, HOSTS)?;
        ground.know("later", inbound::ACTORS, inbound::HOSTS)
    })
    .await?;
    inbound::follows(&bench, &scene, &target, &actors, MANY).await?;
    // As after a restart, without what it remembers of those who just followed.
    stopped(&mut scene, &bench.stub, &pem, |_| Ok(())).await?;
    shoal_tests::wait::pass(std::time::Duration::from_secs(3)).await;
    let idle = resident(scene.shoal.process())?;
    outbound::a_million_waiting(bench, &scene, idle).await
}

/// Whether a part is to be measured: all are, unless `SHOAL_BENCH_PART` names one (`out`, `in` or `many`).
fn wanted(part: &str) -> bool {
    std::env::var("SHOAL_BENCH_PART").map_or(true, |only| only == part)
}

/// What every measurement needs.
struct Bench {
    database: &'static str,
    stub: Stub,
    signer: Signer,
}

impl Bench {
    fn figure(&self, name: &str, value: &str, how: &str) {
        println!("figure: {name}, {} | {value} | {how}", self.database);
    }
}

/// Prepares the ground while the program is stopped.
async fn stopped<T>(
    scene: &mut Scene,
    stub: &Stub,
    pem: &str,
    prepare: impl FnOnce(&Ground<'_>) -> Result<T>,
) -> Result<T> {
    scene.shoal.stop().await?;
    let store = scene.shoal.store()?;
    let prepared = prepare(&Ground {
        store: &store,
        stub,
        pem,
    })?;
    drop(store);
    scene.shoal.start_again().await?;
    Ok(prepared)
}
