//! A program of a newer Debian than this machine's, for tests that need one: fetched with apt into a folder below
//! `target/`, with all libraries that it names, and started with these alone. Nothing of the system is touched, and no
//! rights are needed.
//!
//! Which programs are wanted this way, and why, is in `machine.rs`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::machine;

/// The release that programs come from.
const RELEASE: &str = "trixie";

/// By these apt believes what it fetches.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where a program of that release is, fetched on the first call: a script that starts it.
pub(crate) fn program(folder: &Path, package: &str, name: &str) -> Result<PathBuf> {
    let home = folder.join(RELEASE).join(package);
    let script = home.join(name);
    if script.is_file() {
        return Ok(script);
    }
    println!("Fetching {package} of Debian {RELEASE} into {}", home.display());
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let apt = Apt::new(&home)?;
    apt.run(&["update"])?;
    apt.run(&[
        "install",
        "--yes",
        "--no-install-recommends",
        "--download-only",
        package,
    ])?;
    let root = home.join("root");
    for entry in fs::read_dir(home.join("cache/archives"))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            machine::run(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(&root))?;
        }
    }
    let start = script_for(&root, name)?;
    fs::remove_dir_all(home.join("cache"))?;
    fs::remove_dir_all(home.join("state"))?;
    fs::write(&script, start)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

/// An apt that knows of nothing installed and of that release alone, with all its files in one folder.
struct Apt {
    options: Vec<OsString>,
}

impl Apt {
    fn new(home: &Path) -> Result<Self> {
        ensure!(Path::new(KEYS).is_file(), "this is no Debian: there is no {KEYS}");
        for part in ["state/lists/partial", "cache/archives/partial", "root"] {
            fs::create_dir_all(home.join(part))?;
        }
        fs::write(home.join("state/status"), "")?;
        fs::write(
            home.join("state/sources.list"),
            format!("deb [signed-by={KEYS}] http://deb.debian.org/debian {RELEASE} main\n"),
        )?;
        let mut options = Vec::new();
        for (key, file) in [
            ("Dir::State", "state"),
            ("Dir::State::status", "state/status"),
            ("Dir::Cache", "cache"),
            ("Dir::Etc::SourceList", "state/sources.list"),
            ("Dir::Etc::SourceParts", "state/none"),
        ] {
            let mut option = OsString::from(format!("{key}="));
            option.push(home.join(file));
            options.extend(["-o".into(), option]);
        }
        // The folder belongs to the caller alone; descriptions and pictures are not wanted.
        for option in [
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        ] {
            options.extend(["-o".into(), option.into()]);
        }
        Ok(Self { options })
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new("apt-get");
        command.args(&self.options).args(arguments);
        machine::run(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
    }
}

/// Starts the program by the loader and with the libraries that came with it.
fn script_for(root: &Path, name: &str) -> Result<String> {
    let mut folders = vec![root.join("usr/lib")];
    for entry in fs::read_dir(root.join("usr/lib"))? {
        folders.push(entry?.path());
    }
    folders.retain(|folder| folder.is_dir());
    let loader = folders.iter().find_map(|folder| loader(folder));
    let loader = loader.with_context(|| format!("no loader below {}", root.display()))?;
    let libraries = std::env::join_paths(folders)?;
    Ok(format!(
        "#!/bin/sh\nexec '{}' --library-path '{}' '{}' \"$@\"\n",
        loader.display(),
        libraries.display(),
        root.join("usr/bin").join(name).display()
    ))
}

/// The dynamic loader, if this is its folder.
fn loader(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("ld-linux")
    })
}
