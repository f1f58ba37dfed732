//! Transmission, which is no libtorrent, seeds what was published, and libtorrent fetches it from there: as v1 and, with a
//! Transmission that can read one, as hybrid.
//!
//! Transmission refuses peers on 127.0.0.0/8, so the story runs in a network of its own (`unshare --net`) where the
//! loopback device has addresses of a private network. It starts itself again inside that network.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use shoal_tests::instance::Setup;
use shoal_tests::peers::Peer;
use shoal_tests::scene::Scene;
use shoal_tests::{material, skip, wait};
use shoal_torrent::Metainfo;

use super::swarm::{path, publish};

/// Set inside the network of its own.
const INSIDE: &str = "SHOAL_TEST_INSIDE";

/// Puts the addresses on the loopback device, then becomes the test.
const ENTER: &str = "ip link set lo up && for n in 1 2 3; do ip address add 10.77.0.$n/24 dev lo || exit 1; done && exec \"$@\"";

/// Names Transmission's daemon.
const PROGRAM: &str = "SHOAL_TEST_TRANSMISSION";

#[test]
fn transmission_seeds_v1_to_libtorrent() -> Result<()> {
    in_a_network_of_its_own("transmission_seeds_v1_to_libtorrent", "v1")
}

#[test]
fn transmission_seeds_a_hybrid_to_libtorrent() -> Result<()> {
    let test = "transmission_seeds_a_hybrid_to_libtorrent";
    if let Ok(program) = env::var(PROGRAM) {
        let version = Command::new(program).arg("--version").output()?;
        if String::from_utf8_lossy(&[version.stdout, version.stderr].concat()).contains(" 3.") {
            // It takes the empty key that ends each path of a file tree for the lack of a key.
            skip::say(
                test,
                "Transmission 3 calls every hybrid torrent corrupted, libtorrent's own too; 4 reads them",
            );
            return Ok(());
        }
    }
    in_a_network_of_its_own(test, "hybrid")
}

fn in_a_network_of_its_own(test: &str, format: &str) -> Result<()> {
    if env::var_os(INSIDE).is_some() {
        return tokio::runtime::Runtime::new()?.block_on(seed_and_fetch(format));
    }
    let needed = [PROGRAM, "SHOAL_TEST_PYTHON"];
    if needed
        .into_iter()
        .any(|variable| skip::helper(test, variable).is_none())
    {
        return Ok(());
    }
    // As root the network alone is new; anyone else needs a user namespace in which they are root.
    let attempts: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    let enter = |flags: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(flags).args(["--", "sh", "-c", ENTER, "inside"]);
        command
    };
    let allowed = attempts.into_iter().find(|flags| {
        let tried = enter(flags).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    let Some(flags) = allowed else {
        skip::say(test, "this machine allows no network namespace (unshare --net)");
        return Ok(());
    };
    let name = format!("real_clients::transmission::{test}");
    let mut inside = enter(flags);
    inside
        .arg(env::current_exe()?)
        .args(["--exact", &name, "--nocapture"]);
    let output = inside.env(INSIDE, "1").output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

async fn seed_and_fetch(format: &str) -> Result<()> {
    let scene = Scene::set(Setup::new().at([10, 77, 0, 1].into())).await?;
    let folder = scene.shoal.folder();
    let (sent, fetched) = (folder.join("sent"), folder.join("fetched"));
    let content = material::folder(&sent, "sea ice", 8)?;
    let torrent = folder.join("sea-ice.torrent");
    let upload = publish(&scene, &content, &torrent, format)?;
    let files = material::contents(&content)?;

    lay_pads(&sent, &torrent)?;
    let _seeder = Seeder::start(folder, &sent, &torrent)?;
    let api = format!("/api/v1/uploads/{}", upload["id"].as_str().unwrap_or_default());
    wait::until("Transmission as a complete copy", async || {
        let now = scene.web().get(&api).await.ok()?.json().ok()?;
        (now["seeders"] == 1).then_some(())
    })
    .await
    .with_context(|| std::fs::read_to_string(folder.join("seeder.log")).unwrap_or_default())?;

    let arguments = ["10.77.0.3", path(&torrent)?, "", path(&fetched)?];
    let Some(mut leecher) = Peer::python("libtorrent", "swarm.py", &arguments)? else {
        return Ok(());
    };
    let done = leecher
        .heard("a completed transfer", |said| said.get("done").is_some())
        .await?;
    assert_eq!(done["done"]["v1"], upload["info_hash_v1"]);
    assert_eq!(done["done"]["v2"], upload["info_hash_v2"]);
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

/// A daemon that seeds one torrent.
struct Seeder(Child);

impl Seeder {
    fn start(folder: &Path, sent: &Path, torrent: &Path) -> Result<Self> {
        // It renames what it has taken from the folder that it watches.
        let watched = folder.join("watched");
        std::fs::create_dir_all(&watched)?;
        std::fs::copy(torrent, watched.join("sea-ice.torrent"))?;
        let mut daemon = Command::new(env::var(PROGRAM)?);
        daemon.args([
            "--foreground",
            "--no-dht",
            "--no-lpd",
            "--no-portmap",
            "--no-utp",
            "--no-auth",
        ]);
        daemon.args([
            "--bind-address-ipv4",
            "10.77.0.2",
            "--peerport",
            "51413",
            "--log-info",
        ]);
        daemon
            .args(["--rpc-bind-address", "10.77.0.2"])
            .arg("--download-dir")
            .arg(sent);
        daemon
            .arg("--config-dir")
            .arg(folder.join("transmission"))
            .arg("--watch-dir")
            .arg(watched);
        let log = std::fs::File::create(folder.join("seeder.log"))?;
        daemon.env("HOME", folder).stdout(log.try_clone()?).stderr(log);
        Ok(Self(daemon.spawn().context("transmission-daemon")?))
    }
}

impl Drop for Seeder {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
