//! The program as a process of its own: started on an address of its own, stopped, killed, started again.
//!
//! Each instance has a loopback address nobody else has (127.x.y.z), so that instances are different hosts to each
//! other and to the courier, and so that its URL stays the same over restarts. What it answers is in `web.rs`.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result, bail};
use shoal_store::{Role, Store};
use tempfile::TempDir;

use crate::binary::{self, Ended};
use crate::wait;
use crate::web::Web;

/// The port of the tracker, over UDP and over HTTP: free on each address, as nothing else of any test listens there.
const TRACKER_PORT: u16 = 6969;

/// What an instance is started with.
#[derive(Debug, Default)]
pub struct Setup {
    settings: Vec<(String, String)>,
    address: Option<Ipv4Addr>,
    outlives_limits: bool,
}

impl Setup {
    /// An instance that may speak plain HTTP with its neighbours on this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
            .set("federation.allow_http", "true")
            .set(
                "federation.allow_private_addresses",
                r#"["127.0.0.0/8","::1/128","10.77.0.0/24"]"#,
            )
            .set("metrics.listen", "")
    }

    /// One more setting, by its key in the configuration file; lists as JSON.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let name = format!("SHOAL__{}", key.to_uppercase().replace('.', "__"));
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.to_owned()));
        self
    }

    /// On this address instead of a loopback address of its own.
    #[must_use]
    pub fn at(mut self, address: Ipv4Addr) -> Self {
        self.address = Some(address);
        self
    }

    /// As a process to which a file that may not grow is an error and not its end, so that [`Shoal::limit_files`] can
    /// play a full disk.
    #[must_use]
    pub fn outliving_limits(mut self) -> Self {
        self.outlives_limits = true;
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before it is ready, with its log.
    pub async fn start(self) -> Result<Shoal> {
        let folder = tempfile::Builder::new().prefix("shoal-story-").tempdir()?;
        let listen = free(self.address.unwrap_or_else(own_address))?;
        let data = folder.path().join("data");
        let mut settings = self.settings;
        settings.push(("SHOAL__HTTP__LISTEN".to_owned(), listen.to_string()));
        let tracker = SocketAddr::new(listen.ip(), TRACKER_PORT);
        for name in ["SHOAL__TRACKER__UDP__LISTEN", "SHOAL__TRACKER__HTTP__LISTEN"] {
            if !settings.iter().any(|(known, _)| known == name) {
                settings.push((name.to_owned(), format!("[\"{tracker}\"]")));
            }
        }
        settings.push(("SHOAL__DATA".to_owned(), data.display().to_string()));
        let web = Web::new(format!("http://{listen}"))?;
        let mut shoal = Shoal {
            folder,
            data,
            settings,
            web,
            tracker,
            process: None,
            outlives_limits: self.outlives_limits,
        };
        shoal.start_again().await?;
        Ok(shoal)
    }
}

/// A loopback address that no other instance of any test has.
#[must_use]
pub fn own_address() -> Ipv4Addr {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id().to_be_bytes();
    let second = 64 + process[2] % 128;
    Ipv4Addr::new(127, second, process[3], COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A port of the address that is free now, and stays so: nothing else listens on an address of our own.
///
/// # Errors
/// When the machine has no such address.
pub fn free(address: Ipv4Addr) -> Result<SocketAddr> {
    let listener = TcpListener::bind((address, 0)).with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener.local_addr()?)
}

/// A running, stopped or killed instance with its folder.
#[derive(Debug)]
pub struct Shoal {
    folder: TempDir,
    data: PathBuf,
    settings: Vec<(String, String)>,
    web: Web,
    tracker: SocketAddr,
    process: Option<Child>,
    outlives_limits: bool,
}

impl Shoal {
    /// With the settings of [`Setup::new`].
    ///
    /// # Errors
    /// See [`Setup::start`].
    pub async fn start() -> Result<Self> {
        Setup::new().start().await
    }

    /// Its public URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.web.base()
    }

    /// What it answers over HTTP.
    #[must_use]
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// Where its tracker listens over HTTP, beside the web server, unless the test has set something else.
    #[must_use]
    pub fn tracker_http(&self) -> SocketAddr {
        self.tracker
    }

    /// Where it listens for UDP, unless the test has set something else.
    #[must_use]
    pub fn udp(&self) -> SocketAddr {
        self.tracker
    }

    /// A folder for the test's own files, gone with the instance.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process id of the running server.
    ///
    /// # Panics
    /// When it is not running.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process.as_ref().expect("the instance runs").id()
    }

    /// A command of the program with this instance's configuration.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary::command();
        command
            .args(arguments)
            .envs(self.settings.iter().cloned())
            .current_dir(self.folder());
        command
    }

    /// Runs a command beside the server, to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Result<Ended> {
        binary::finish(&mut self.command(arguments))
    }

    /// Starts the server on the same folder and address, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before it is ready, with its log.
    pub async fn start_again(&mut self) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let errors: File = log.try_clone()?;
        let mut serve = self.command(&["serve"]);
        if self.outlives_limits {
            let mut shell = binary::unconfigured("sh");
            shell
                .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
                .arg(binary::path());
            shell
                .envs(self.settings.iter().cloned())
                .current_dir(self.folder());
            serve = shell;
        }
        self.process = Some(
            serve
                .stdout(Stdio::from(log))
                .stderr(Stdio::from(errors))
                .spawn()?,
        );
        let started = wait::until("a server that is ready or ended", async || {
            if let Some(status) = self
                .process
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten())
            {
                return Some(Err(status));
            }
            let ready = self
                .web
                .get("/readyz")
                .await
                .is_ok_and(|answer| answer.status == 200);
            ready.then_some(Ok(()))
        })
        .await?;
        if let Err(status) = started {
            self.process = None;
            bail!("the server ended with {status}:\n{}", self.log());
        }
        Ok(())
    }

    /// Asks the server to stop, as a service manager does, and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.process.take().context("the instance runs")?;
        let process = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
        wait::until("the end of the server", async || child.try_wait().ok().flatten()).await
    }

    /// Ends the server between two instructions, as a power cut does.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.process.take().context("the instance runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Lets no file of the running server grow beyond so many bytes, its log included, as a full disk would; or lets them
    /// all grow again.
    ///
    /// # Errors
    /// When it is not running.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
        let child = self.process.as_ref().context("the instance runs")?;
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit {
            current: bytes.or(maximum),
            maximum,
        };
        prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit)?;
        Ok(())
    }

    /// Everything it has written to standard output and standard error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The owner's one-time sign-in link that the first start printed.
    ///
    /// # Errors
    /// When none was printed.
    pub fn owners_link(&self) -> Result<String> {
        let log = self.log();
        let link = log.split_whitespace().find(|word| word.contains("/sign-in/"));
        Ok(link
            .with_context(|| format!("no sign-in link in:\n{log}"))?
            .to_owned())
    }

    /// The database, opened beside the server to look inside.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self) -> Result<Arc<Store>> {
        let url = self
            .settings
            .iter()
            .find(|(name, _)| name == "SHOAL__DATABASE__URL");
        let url = url.map_or_else(
            || format!("sqlite:{}", self.data.join("shoal.db").display()),
            |(_, url)| url.clone(),
        );
        Ok(Arc::new(Store::open(&url, Role::Tool)?))
    }

    /// Makes an account with these scopes (a comma list) and gives a token with all of them.
    ///
    /// # Errors
    /// When the program refuses.
    pub fn token(&self, account: &str, scopes: &str) -> Result<String> {
        self.run(&["account", "create", account, "--scope", scopes])?
            .good()?;
        Ok(self.run(&["token", "create", account])?.good()?.trim().to_owned())
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("log")
    }
}

impl Drop for Shoal {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
        if std::thread::panicking() {
            eprintln!("---- log of {}\n{}", self.url(), self.log());
        }
    }
}
