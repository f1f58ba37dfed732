//! The configuration: one documented tree of plain structs with the defaults, and what is wrong with a given one.
//!
//! How a tree is put together from defaults, file, environment and flags is in `config/load.rs`; the text that
//! `shoal config` prints is `shoal.example.toml`, kept equal to these defaults by a test there. Next in the flow: `app.rs`.

mod addresses;
mod load;
mod tracker_clients;
mod tracker_http;
mod udp;
mod websocket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

pub use load::{ConfigError, Overrides};
pub use tracker_clients::TrackerClients;
pub use tracker_http::TrackerHttp;
pub use udp::{Udp, UdpBackend};
pub use websocket::WebSocketSettings;

/// The documented default configuration, as `shoal config` prints it.
pub const EXAMPLE: &str = include_str!("../../../shoal.example.toml");

/// Everything an operator can set. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the database, the saved swarms, this process's name and nothing else.
    pub data: PathBuf,
    /// What the archive is called and where the world reaches it.
    pub instance: Instance,
    /// Where rows are kept.
    pub database: Database,
    /// The web server.
    pub http: Http,
    /// The Prometheus listener.
    pub metrics: Metrics,
    /// The BitTorrent tracker.
    pub tracker: TrackerSettings,
    /// Talking to other servers.
    pub federation: FederationSettings,
    /// The log on standard error.
    pub log: Log,
}

/// `[instance]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Instance {
    /// Public base URL; without it, `http://` and the address of `http.listen`. Fixed once anything was federated.
    pub url: Option<Url>,
    /// Name of the archive, at most 100 characters.
    pub title: String,
    /// One or two sentences about the archive, plain text, at most 1,000 characters.
    pub description: String,
    /// Whom to write to: an address or a URL, shown on the page about the archive.
    pub contact: String,
}

/// `[database]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; without it, `shoal.db` in the data folder.
    pub url: Option<String>,
    /// A file that holds the URL, so that a password stays out of configuration and environment.
    pub url_file: Option<PathBuf>,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port of the web server; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Worker threads; 0 means one per core.
    pub workers: usize,
    /// Largest `.torrent` accepted, in bytes; never above 10,000,000.
    pub max_torrent_bytes: usize,
}

/// `[metrics]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Address and port of `/metrics`; an empty text switches it off.
    pub listen: String,
}

/// Which torrents the tracker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackerMode {
    /// Only torrents published here.
    Listed,
    /// Any torrent that is not forbidden, up to `max_torrents`.
    Open,
    /// None.
    Closed,
}

/// `[tracker]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrackerSettings {
    /// Which torrents are served.
    pub mode: TrackerMode,
    /// Seconds between two announces of one client.
    pub interval: u32,
    /// Seconds a client must wait at least.
    pub min_interval: u32,
    /// Most unlisted torrents at a time, where the mode is open.
    pub max_torrents: usize,
    /// Most peers in all.
    pub max_peers: usize,
    /// Most peers of one torrent.
    pub max_peers_per_torrent: usize,
    /// Most peers of one torrent at one address (one IPv4 address, one IPv6 /64).
    pub max_peers_per_address: usize,
    /// Requests in a second of one address (one IPv4 address, one IPv6 /64), a minute's worth at once; 0 is no limit.
    pub requests_per_second_per_address: u32,
    /// Requests in a second of one network (IPv4 /24, IPv6 /48), twenty seconds' worth at once; 0 is no limit.
    pub requests_per_second_per_network: u32,
    /// Networks of reverse proxies whose `X-Forwarded-For` is believed, right-most foreign address first.
    pub trusted_proxies: Vec<IpNet>,
    /// Where clients are told to announce; none means what follows from `instance.url` and the listeners.
    pub announce_urls: Vec<Url>,
    /// Listening for UDP.
    pub udp: Udp,
    /// The tracker's own listener for HTTP.
    pub http: TrackerHttp,
    /// Which client programs are served.
    pub clients: TrackerClients,
    /// The tracker for browsers.
    pub websocket: WebSocketSettings,
}

/// `[federation]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FederationSettings {
    /// Whether other servers can follow and are told anything.
    pub enabled: bool,
    /// Show posts, activities, outboxes and lists of followers only to servers that sign for them.
    pub authorized_fetch: bool,
    /// Speak to servers over plain HTTP: for tests and closed networks.
    pub allow_http: bool,
    /// Private networks that may be reached: for tests and closed networks.
    pub allow_private_addresses: Vec<IpNet>,
    /// Servers that are not looked up but known: for tests and closed networks.
    pub known_hosts: Vec<KnownHost>,
    /// A file of PEM certificates of one more certificate authority.
    pub extra_ca_file: Option<PathBuf>,
}

/// Where a server is that no resolver knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownHost {
    /// Its name, as in its addresses.
    pub name: String,
    /// Where it listens; the port counts where its addresses name none.
    pub address: SocketAddr,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,shoal_federation=debug`.
    pub level: String,
    /// Text or JSON.
    pub format: LogFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./shoal-data"),
            instance: Instance {
                title: "Shoal".into(),
                ..Instance::default()
            },
            database: Database::default(),
            http: Http::default(),
            metrics: Metrics::default(),
            tracker: TrackerSettings::default(),
            federation: FederationSettings::default(),
            log: Log::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: 0,
            max_torrent_bytes: 10_000_000,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8081".into(),
        }
    }
}

impl Default for TrackerSettings {
    fn default() -> Self {
        Self {
            mode: TrackerMode::Listed,
            interval: 1800,
            min_interval: 60,
            max_torrents: 1_000_000,
            max_peers: 10_000_000,
            max_peers_per_torrent: 200_000,
            max_peers_per_address: 50,
            requests_per_second_per_address: 200,
            requests_per_second_per_network: 2000,
            trusted_proxies: Vec::new(),
            announce_urls: Vec::new(),
            udp: Udp::default(),
            http: TrackerHttp::default(),
            clients: TrackerClients::default(),
            websocket: WebSocketSettings::default(),
        }
    }
}

impl Default for FederationSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            authorized_fetch: false,
            allow_http: false,
            allow_private_addresses: Vec::new(),
            known_hosts: Vec::new(),
            extra_ca_file: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info,actix_server=warn".into(),
            format: LogFormat::Text,
        }
    }
}

impl Config {
    /// The database URL in force: the configured one, the content of `url_file`, or SQLite in the data folder.
    ///
    /// # Errors
    /// When `url_file` cannot be read.
    pub fn database_url(&self) -> Result<String, ConfigError> {
        if let Some(file) = &self.database.url_file {
            let text = std::fs::read_to_string(file).map_err(|e| {
                ConfigError::one(format!("database.url_file: cannot read {}: {e}", file.display()))
            })?;
            return Ok(text.trim().to_owned());
        }
        let sqlite = || format!("sqlite:{}", self.data.join("shoal.db").display());
        Ok(self.database.url.clone().unwrap_or_else(sqlite))
    }

    /// Where swarms are saved between two runs.
    #[must_use]
    pub fn swarms_file(&self) -> PathBuf {
        self.data.join("swarms.bin")
    }

    /// Every fault of this configuration, each a sentence that names the key.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, sentence: &str| {
            if !holds {
                faults.push(sentence.to_owned());
            }
        };
        if let Some(url) = &self.instance.url {
            require(
                matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|h| !h.is_empty()),
                "instance.url: must be an http or https URL with a host, such as https://archive.example",
            );
            require(
                url.path() == "/"
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty(),
                "instance.url: must be a bare origin, without path, query, fragment or user name",
            );
        }
        let (title, description) = (&self.instance.title, &self.instance.description);
        require(!title.trim().is_empty(), "instance.title: must not be empty");
        require(
            title.chars().count() <= 100,
            "instance.title: must have at most 100 characters",
        );
        require(
            description.chars().count() <= 1000,
            "instance.description: must have at most 1,000 characters",
        );
        let one_url = self.database.url.is_none() || self.database.url_file.is_none();
        require(one_url, "database: give url or url_file, not both");
        let torrent = self.http.max_torrent_bytes;
        require(
            (1..=10_000_000).contains(&torrent),
            "http.max_torrent_bytes: must be between 1 and 10,000,000",
        );
        require(
            self.metrics.listen.is_empty() || self.metrics.listen.parse::<SocketAddr>().is_ok(),
            "metrics.listen: must be an address and a port, such as 127.0.0.1:8081, or empty",
        );
        faults.extend(self.tracker.faults());
        faults.extend(readable(
            self.federation.extra_ca_file.as_deref(),
            "federation.extra_ca_file",
        ));
        faults.extend(readable(self.database.url_file.as_deref(), "database.url_file"));
        faults.extend(unknown_database(self.database.url.as_deref()));
        faults
    }
}

impl TrackerSettings {
    /// Every fault, each a sentence that names the key.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, sentence: &str| {
            if !holds {
                faults.push(sentence.to_owned());
            }
        };
        require(
            (60..=7_200).contains(&self.interval),
            "tracker.interval: must be between 60 and 7,200 seconds",
        );
        require(
            self.min_interval <= self.interval,
            "tracker.min_interval: must not be above tracker.interval",
        );
        require(
            self.max_peers_per_torrent > 0,
            "tracker.max_peers_per_torrent: must be at least 1",
        );
        require(
            self.requests_per_second_per_address
                .max(self.requests_per_second_per_network)
                <= 100_000,
            "tracker.requests_per_second_per_address, …_per_network: must be at most 100,000, or 0 for no limit",
        );
        faults.extend(self.faults_of_addresses());
        faults.extend(self.udp.faults());
        faults.extend(self.http.faults());
        faults.extend(self.clients.faults());
        faults.extend(self.websocket.faults());
        faults
    }
}

/// The sentence for a database of a kind that the store does not know; the URL itself may hold a password.
fn unknown_database(url: Option<&str>) -> Option<String> {
    let scheme = url?.split(':').next().unwrap_or_default();
    let known = ["sqlite", "postgres", "postgresql"].contains(&scheme);
    (!known).then(|| format!("database.url: {scheme}: is not known; use sqlite:PATH or postgres://…"))
}

/// The sentence for a configured file that cannot be read.
fn readable(file: Option<&Path>, key: &str) -> Option<String> {
    let file = file?;
    let error = std::fs::File::open(file).err()?;
    Some(format!("{key}: cannot read {}: {error}", file.display()))
}
