//! aria2 fetches what was published from Transmission: two clients of different makers that find each other over UDP, and
//! over HTTP on the tracker's own listener. Neither reads v2, so as v1.

use std::env;
use std::process::Command;

use anyhow::{Result, ensure};
use shoal_tests::daemon::Daemon;
use shoal_tests::material;
use shoal_tests::network::{address, of_its_own};

use super::doors::{Archive, Door, Published};
use super::transmission;

/// Names aria2.
const PROGRAM: &str = "SHOAL_TEST_ARIA2";

#[test]
fn aria2_fetches_from_transmission_over_udp() -> Result<()> {
    let test = "real_clients::aria2::aria2_fetches_from_transmission_over_udp";
    of_its_own(test, &[PROGRAM, transmission::PROGRAM], seed_and_fetch(Door::Udp))
}

#[test]
fn aria2_fetches_from_transmission_over_http() -> Result<()> {
    let test = "real_clients::aria2::aria2_fetches_from_transmission_over_http";
    of_its_own(
        test,
        &[PROGRAM, transmission::PROGRAM],
        seed_and_fetch(Door::Http),
    )
}

async fn seed_and_fetch(door: Door) -> Result<()> {
    let archive = Archive::open(address(1)).await?;
    let sent = archive.folder().join("sent");
    let content = material::file(&sent, "extent.csv", 3_000_000, 11)?;
    let published = archive.publish(&content, "v1", door)?;
    let seeder = transmission::seeding(&archive, &published, &sent).await?;

    let mut leecher = fetching(&archive, &published)?;
    let status = leecher.ended("the end of aria2").await?;
    ensure!(status.success(), "{}{}", leecher.said(), seeder.said());
    let got = std::fs::read(archive.folder().join("fetched/extent.csv"))?;
    assert!(got == std::fs::read(&content)?, "byte for byte");
    // When it is done it leaves.
    archive
        .counted(&published, "the seeder alone", |counts| {
            (counts.seeders, counts.leechers) == (1, 0)
        })
        .await?;
    assert!(archive.page(&published).await?.contains("1 complete copy"));
    Ok(())
}

/// aria2 at the third address, which ends when it has all. It asks UDP trackers only while its DHT is on, and the DHT
/// reaches nobody here.
fn fetching(archive: &Archive, published: &Published) -> Result<Daemon> {
    let folder = archive.folder();
    let mut program = Command::new(env::var(PROGRAM)?);
    program.args([
        "--no-conf",
        "--enable-dht=true",
        "--dht-listen-port=52000",
        "--enable-peer-exchange=false",
        "--bt-enable-lpd=false",
        "--listen-port=51500",
        "--seed-time=0",
        "--dir=fetched",
        "--dht-file-path=dht.dat",
    ]);
    program
        .arg(format!("--interface={}", address(3)))
        .arg(&published.torrent);
    Daemon::start("aria2c", folder, &mut program)
}
