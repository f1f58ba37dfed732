//! The program put together: [`App::start`] opens the store, fills the tracker, binds the sockets and runs until stopped.
//!
//! What each route does is in `routes.rs` and the rooms it names; what happens by the clock is in `tasks.rs`.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpServer, dev::ServerHandle, web};
use anyhow::Context;
use rustix::net::sockopt::{set_tcp_nodelay, set_tcp_user_timeout};
use shoal_federation::Federation;
use shoal_store::{Id, Millis, Moment, Role, Scope, Scopes, Store, StoreError};
use shoal_tracker::{Seconds, Tracker};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::config::Config;
use crate::doors::Doors;
use crate::limits::Limits;
use crate::node::Node;
use crate::stats::Stats;
use crate::telemetry::{Chores, Requests};
use crate::websocket::Sockets;
use crate::{accounts, clock, routes, tasks};

/// Name of the account that the first start makes.
pub const FIRST_ACCOUNT: &str = "owner";

/// How long requests and background work may take to end when the program stops.
const PATIENCE: Duration = Duration::from_secs(24);

/// Milliseconds after which a connection is ended that takes nothing of what was sent.
const STALLED: u32 = 60_000;

/// Everything a request can reach.
pub struct App {
    /// The configuration in force.
    pub config: Config,
    /// Public base URL: an origin, ending in `/`.
    pub url: Url,
    /// What we remember.
    pub store: Arc<Store>,
    /// Who is in the swarms.
    pub tracker: Arc<Tracker>,
    /// How we speak to other servers.
    pub federation: Arc<Federation>,
    /// Sockets of browsers.
    pub(crate) sockets: Sockets,
    /// Rates.
    pub limits: Limits,
    /// Figures of the web server.
    pub requests: Requests,
    /// Figures of what happens by the clock.
    pub chores: Chores,
    pub(crate) stats: Stats,
    runtime: Handle,
    started: Instant,
    ready: AtomicBool,
    _node: Node,
}

/// A started program: where it listens, how to stop it.
pub struct Running {
    /// Address of the web server.
    pub http: SocketAddr,
    /// Address of the figures, unless switched off.
    pub metrics: Option<SocketAddr>,
    /// Addresses of the UDP tracker.
    pub udp: Vec<SocketAddr>,
    /// Addresses of the HTTP tracker, beside that of the web server.
    pub tracker_http: Vec<SocketAddr>,
    /// The first account's one-time sign-in link, on the first start only.
    pub first_sign_in: Option<Url>,
    /// What the routes reach; tests look inside through it.
    pub app: web::Data<App>,
    servers: Vec<ServerHandle>,
    stop: watch::Sender<bool>,
    work: Vec<JoinHandle<()>>,
    doors: Doors,
}

impl App {
    /// Opens everything and begins to answer. Runs on the current tokio runtime.
    ///
    /// # Errors
    /// When the database, a socket or the saved state cannot be used; each error says which.
    pub async fn start(config: Config) -> anyhow::Result<Running> {
        let listener = TcpListener::bind(config.http.listen)
            .with_context(|| format!("http.listen: cannot listen on {}", config.http.listen))?;
        let http = listener.local_addr()?;
        // Connections inherit both: one that takes nothing of what it is sent ends, though it never closes; and the last piece
        // of an answer does not wait until the client has confirmed those before, for which it may take 40 ms.
        set_tcp_user_timeout(&listener, STALLED)?;
        set_tcp_nodelay(&listener, true)?;
        let opened = tokio::task::spawn_blocking(move || Opened::open(config, http)).await??;
        let first_sign_in = opened.first_sign_in.clone();
        let app = web::Data::new(opened.into_app().await?);
        let (stop, stopped) = watch::channel(false);
        let mut servers = Vec::new();
        let mut work = vec![run_server(serve_web(&app, listener)?, &mut servers)];
        let mut metrics = None;
        if let Some(listener) = metrics_listener(&app.config.metrics.listen)? {
            metrics = Some(listener.local_addr()?);
            work.push(run_server(serve_metrics(&app, listener)?, &mut servers));
        }
        let doors = Doors::open(&app.config, &app.tracker, app.started, http.port())?;
        work.extend(tasks::start(&app.clone().into_inner(), &stopped));
        app.ready.store(true, Ordering::Release);
        Ok(Running {
            http,
            metrics,
            udp: doors.udp().to_vec(),
            tracker_http: doors.http().to_vec(),
            first_sign_in,
            app,
            servers,
            stop,
            work,
            doors,
        })
    }

    /// Runs a reading verb where blocking is allowed.
    ///
    /// # Errors
    /// The verb's own.
    pub async fn read<T, F>(&self, verb: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        let ran = self.runtime.spawn_blocking(move || verb(&store)).await;
        ran.unwrap_or_else(|e| Err(StoreError::Internal(format!("a store verb did not end: {e}"))))
    }

    /// Runs a writing verb where blocking is allowed, then wakes the courier for what it may have to tell.
    ///
    /// # Errors
    /// The verb's own.
    pub async fn write<T, F>(&self, verb: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Store, Moment) -> Result<T, StoreError> + Send + 'static,
    {
        let done = self.read(move |store| verb(store, clock::moment())).await;
        self.federation.wake();
        done
    }

    /// Runs work that talks to other servers on the program's own runtime, which outlives every worker thread.
    ///
    /// # Errors
    /// When the work did not end, by our fault.
    pub async fn outside<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let ran = self.runtime.spawn(work).await;
        ran.map_err(|e| StoreError::Internal(format!("a call to another server did not end: {e}")))
    }

    /// Now on a clock that never steps back, as the tracker counts.
    #[must_use]
    pub fn tracker_now(&self) -> Seconds {
        Seconds(u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX))
    }

    /// How long this process has been up.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether requests can be answered: everything is started and the database answers.
    pub async fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && self.read(Store::check).await.is_ok()
    }

    /// Host, and port where it is not the scheme's usual one: what stands behind the second `@` of our handles.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// An absolute URL of a path of ours.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{}", self.url.as_str(), path.trim_start_matches('/'))
    }

    /// The record of a dataset or an upload; none where federation is switched off.
    pub(crate) fn record(&self, of: Id) -> Option<String> {
        let enabled = self.config.federation.enabled;
        enabled.then(|| self.federation.urls().record(of))
    }
}

/// What is opened before anything can answer.
struct Opened {
    config: Config,
    url: Url,
    store: Arc<Store>,
    tracker: Arc<Tracker>,
    first_sign_in: Option<Url>,
}

impl Opened {
    /// The database, the first account, the listing and the saved swarms; blocking.
    fn open(config: Config, http: SocketAddr) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open(&config.database_url()?, Role::Serve)?);
        let url = match &config.instance.url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://{http}/")).context("http.listen is not usable as a URL")?,
        };
        store.claim_base_url(clock::moment(), url.as_str())?;
        store.set_setting(clock::moment(), accounts::URL_SETTING, url.as_str())?;
        let first_sign_in = match store.account_count()? {
            0 => {
                let account = accounts::create(&store, FIRST_ACCOUNT, Scopes::of(&[Scope::Owner]), None)?;
                Some(accounts::sign_in_link(&store, &account, &url)?)
            }
            _ => None,
        };
        let tracker = tasks::open_tracker(&config, &store)?;
        Ok(Self {
            config,
            url,
            store,
            tracker,
            first_sign_in,
        })
    }

    async fn into_app(self) -> anyhow::Result<App> {
        let node = Node::of(&self.config)?;
        let settings = federation_settings(&self.config, &self.url, &node)?;
        Ok(App {
            federation: Federation::build(settings, Arc::clone(&self.store)).await?,
            url: self.url,
            store: self.store,
            tracker: self.tracker,
            sockets: Sockets::new(self.config.tracker.websocket.clone()),
            limits: Limits::default(),
            requests: Requests::default(),
            chores: Chores::default(),
            stats: Stats::default(),
            runtime: Handle::current(),
            started: Instant::now(),
            ready: AtomicBool::new(false),
            config: self.config,
            _node: node,
        })
    }
}

fn federation_settings(
    config: &Config,
    url: &Url,
    node: &Node,
) -> anyhow::Result<shoal_federation::Settings> {
    let extra_ca = match &config.federation.extra_ca_file {
        Some(file) => Some(
            std::fs::read(file).with_context(|| format!("federation.extra_ca_file: {}", file.display()))?,
        ),
        None => None,
    };
    Ok(shoal_federation::Settings {
        base_url: url.clone(),
        trackers: config.announce_urls(url),
        title: config.instance.title.clone(),
        description: config.instance.description.clone(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        allow_http: config.federation.allow_http,
        allow_private_addresses: config.federation.allow_private_addresses.clone(),
        extra_ca,
        enabled: config.federation.enabled,
        authorized_fetch: config.federation.authorized_fetch,
        clock: Arc::new(clock::now) as Arc<dyn Fn() -> Millis + Send + Sync>,
        open_registrations: false,
        node: node.name.clone(),
        resolve: (config.federation.known_hosts.iter())
            .map(|host| (host.name.clone(), host.address))
            .collect(),
    })
}

fn serve_web(app: &web::Data<App>, listener: TcpListener) -> anyhow::Result<actix_web::dev::Server> {
    let shared = app.clone();
    let mut server = HttpServer::new(move || routes::app(shared.clone()));
    if app.config.http.workers > 0 {
        server = server.workers(app.config.http.workers);
    }
    let server = server
        .disable_signals()
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(60))
        // For each worker; sockets, which stay, keep nobody else out.
        .max_connections(10_000 + app.config.tracker.websocket.max_sockets)
        .shutdown_timeout(20)
        .listen(listener)?;
    Ok(server.run())
}

fn serve_metrics(app: &web::Data<App>, listener: TcpListener) -> anyhow::Result<actix_web::dev::Server> {
    let shared = app.clone();
    let server = HttpServer::new(move || routes::metrics_app(shared.clone()));
    Ok(server
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener)?
        .run())
}

/// Lets a server answer in the background and keeps its handle for the stop.
fn run_server(server: actix_web::dev::Server, handles: &mut Vec<ServerHandle>) -> JoinHandle<()> {
    handles.push(server.handle());
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "a server ended");
        }
    })
}

fn metrics_listener(listen: &str) -> anyhow::Result<Option<TcpListener>> {
    if listen.is_empty() {
        return Ok(None);
    }
    match TcpListener::bind(listen) {
        Ok(listener) => Ok(Some(listener)),
        // Two archives on one machine must both start without any configuration.
        Err(error) if listen == Config::default().metrics.listen => {
            tracing::warn!(%error, "metrics.listen: {listen} is in use, so there are no figures at /metrics");
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("metrics.listen: cannot listen on {listen}")),
    }
}

impl Running {
    /// Stops taking work, finishes what is in hand, saves the swarms; within 30 seconds.
    ///
    /// # Errors
    /// When the swarms or last counts cannot be saved.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.app.ready.store(false, Ordering::Release);
        let _nobody_listens = self.stop.send(true);
        self.app.sockets.close();
        let servers = async {
            for server in &self.servers {
                server.stop(true).await;
            }
        };
        let work = async {
            for task in self.work {
                let _panicked = task.await;
            }
        };
        let both = futures_util::future::join(servers, work);
        if tokio::time::timeout(PATIENCE, both).await.is_err() {
            tracing::warn!("some work did not end in time; it is taken up at the next start");
        }
        let (app, doors) = (self.app.into_inner(), self.doors);
        tokio::task::spawn_blocking(move || {
            // The swarms are saved as the last announce left them.
            drop(doors);
            tasks::save(&app)
        })
        .await?
    }
}
