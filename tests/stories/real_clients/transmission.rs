//! Transmission, which is no libtorrent, seeds what was published, and libtorrent fetches it from there: as v1 and, with a
//! Transmission that can read one, as hybrid.
//!
//! Transmission refuses peers on 127.0.0.0/8, so the story runs in a network of its own. Here is also the daemon for
//! other stories in such a network.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use shoal_tests::daemon::Daemon;
use shoal_tests::network::{address, of_its_own};
use shoal_tests::peers::Peer;
use shoal_tests::{material, skip};
use shoal_torrent::Metainfo;

use super::doors::{Archive, Door, Published, plain};

/// Names Transmission's daemon.
pub(super) const PROGRAM: &str = "SHOAL_TEST_TRANSMISSION";

#[test]
fn transmission_seeds_v1_to_libtorrent() -> Result<()> {
    let test = "real_clients::transmission::transmission_seeds_v1_to_libtorrent";
    of_its_own(test, &[PROGRAM, "SHOAL_TEST_PYTHON"], seed_and_fetch("v1"))
}

#[test]
fn transmission_seeds_a_hybrid_to_libtorrent() -> Result<()> {
    let test = "real_clients::transmission::transmission_seeds_a_hybrid_to_libtorrent";
    if let Ok(program) = env::var(PROGRAM) {
        let version = Command::new(program).arg("--version").output()?;
        if String::from_utf8_lossy(&[version.stdout, version.stderr].concat()).contains(" 3.") {
            // It takes the empty key that ends each path of a file tree for the lack of a key.
            skip::say(
                "transmission_seeds_a_hybrid_to_libtorrent",
                "Transmission 3 calls every hybrid torrent corrupted, libtorrent's own too; 4 reads them",
            );
            return Ok(());
        }
    }
    of_its_own(test, &[PROGRAM, "SHOAL_TEST_PYTHON"], seed_and_fetch("hybrid"))
}

async fn seed_and_fetch(format: &str) -> Result<()> {
    let archive = Archive::open(address(1)).await?;
    let (sent, fetched) = (archive.folder().join("sent"), archive.folder().join("fetched"));
    let content = material::folder(&sent, "sea ice", 8)?;
    let published = archive.publish(&content, format, Door::Web)?;
    let files = material::contents(&content)?;

    lay_pads(&sent, &published.torrent)?;
    let _seeder = seeding(&archive, &published, &sent).await?;
    let arguments = ["10.77.0.3", plain(&published.torrent)?, "", plain(&fetched)?];
    let Some(mut leecher) = Peer::python("libtorrent", "swarm.py", &arguments)? else {
        return Ok(());
    };
    let done = leecher
        .heard("a completed transfer", |said| said.get("done").is_some())
        .await?;
    assert_eq!(done["done"]["v1"], published.upload["info_hash_v1"]);
    assert_eq!(done["done"]["v2"], published.upload["info_hash_v2"]);
    let got = material::contents(&fetched.join("sea ice"))?;
    assert!(got == files, "every file byte for byte, and no file more");
    Ok(())
}

/// Transmission does not know pad files: it looks for them on disk like all others, so here they are, as zeros.
fn lay_pads(sent: &Path, torrent: &Path) -> Result<()> {
    let metainfo = Metainfo::parse(&std::fs::read(torrent)?)?;
    for pad in metainfo.files().iter().filter(|file| file.pad) {
        let place = sent.join(pad.path.as_str());
        std::fs::create_dir_all(place.parent().unwrap_or(sent))?;
        std::fs::write(place, vec![0; usize::try_from(pad.size)?])?;
    }
    Ok(())
}

/// A daemon at the second address of the network that seeds one torrent, once the archive counts it.
pub(super) async fn seeding(archive: &Archive, published: &Published, sent: &Path) -> Result<Daemon> {
    // It renames what it has taken from the folder that it watches.
    let folder = archive.folder();
    let watched = folder.join("watched");
    std::fs::create_dir_all(&watched)?;
    std::fs::copy(&published.torrent, watched.join("watched.torrent"))?;
    let mut program = Command::new(env::var(PROGRAM)?);
    program.args([
        "--foreground",
        "--no-dht",
        "--no-lpd",
        "--no-portmap",
        "--no-utp",
        "--no-auth",
        "--log-info",
    ]);
    let own = address(2).to_string();
    program.args(["--bind-address-ipv4", &own, "--peerport", "51413"]);
    program
        .args(["--rpc-bind-address", &own, "--download-dir"])
        .arg(sent);
    program.arg("--config-dir").arg(folder.join("transmission"));
    program.arg("--watch-dir").arg(watched);
    let daemon = Daemon::start("transmission-daemon", folder, &mut program)?;
    let counted = archive
        .counted(published, "Transmission as a complete copy", |counts| {
            counts.seeders == 1
        })
        .await;
    counted.with_context(|| daemon.said())?;
    Ok(daemon)
}
