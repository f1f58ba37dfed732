//! qBittorrent as on a server (`qbittorrent-nox`, with the libtorrent that its distribution has) moves a hybrid torrent
//! from one of it to another, found over UDP, and over HTTP on the tracker's own listener.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use shoal_tests::daemon::Daemon;
use shoal_tests::material;
use shoal_tests::network::{address, of_its_own};

use super::doors::{Archive, Counts, Door, Published};

/// Names `qbittorrent-nox`.
const PROGRAM: &str = "SHOAL_TEST_QBITTORRENT";

/// What both are told before they start: nobody but the tracker introduces them.
const SETTINGS: &str = r"[LegalNotice]
Accepted=true

[BitTorrent]
Session\InterfaceAddress={address}
Session\Port=51600
Session\DHTEnabled=false
Session\PeXEnabled=false
Session\LSDEnabled=false
Session\MultiConnectionsPerIp=true
Session\SSRFMitigation=false
Session\QueueingSystemEnabled=false

[Network]
PortForwardingEnabled=false

[Preferences]
WebUI\Address={address}
WebUI\Port=8080
WebUI\UseUPnP=false
";

#[test]
fn qbittorrent_moves_a_hybrid_over_udp() -> Result<()> {
    let test = "real_clients::qbittorrent::qbittorrent_moves_a_hybrid_over_udp";
    of_its_own(test, &[PROGRAM], seed_and_fetch(Door::Udp))
}

#[test]
fn qbittorrent_moves_a_hybrid_over_http() -> Result<()> {
    let test = "real_clients::qbittorrent::qbittorrent_moves_a_hybrid_over_http";
    of_its_own(test, &[PROGRAM], seed_and_fetch(Door::Http))
}

async fn seed_and_fetch(door: Door) -> Result<()> {
    let archive = Archive::open(address(1)).await?;
    let (sent, fetched) = (archive.folder().join("sent"), archive.folder().join("fetched"));
    let content = material::folder(&sent, "sea ice", 12)?;
    let published = archive.publish(&content, "hybrid", door)?;

    let seeder = start(&archive, &published, 4, &sent)?;
    let alone = Counts {
        seeders: 1,
        leechers: 0,
        completed: 0,
    };
    archive
        .counted(&published, "one complete copy", |counts| counts == alone)
        .await
        .with_context(|| seeder.said())?;
    let leecher = start(&archive, &published, 5, &fetched)?;
    let both = Counts {
        seeders: 2,
        leechers: 0,
        completed: 1,
    };
    archive
        .counted(&published, "two copies, one of them fetched", |counts| {
            counts == both
        })
        .await
        .with_context(|| leecher.said())?;
    assert!(archive.page(&published).await?.contains("2 complete copies"));
    let got = material::contents(&fetched.join("sea ice"))?;
    assert!(got == material::contents(&content)?, "byte for byte");
    Ok(())
}

/// One that has a torrent and the folder for its data, at one of the network's addresses.
fn start(archive: &Archive, published: &Published, number: u8, data: &Path) -> Result<Daemon> {
    let name = format!("qbittorrent-{number}");
    let profile = archive.folder().join(&name);
    let settings = profile.join("qBittorrent/config/qBittorrent.conf");
    fs::create_dir_all(settings.parent().context("a file lies in a folder")?)?;
    let own = address(number).to_string();
    fs::write(settings, SETTINGS.replace("{address}", &own))?;
    fs::create_dir_all(data)?;
    let argument = |flag: &str, value: &Path| format!("--{flag}={}", value.display());
    let mut program = Command::new(env::var(PROGRAM)?);
    program.arg(argument("profile", &profile));
    program.arg(argument("save-path", data)).arg(&published.torrent);
    Daemon::start(&name, archive.folder(), &mut program)
}
