//! What everything in this crate shares: settings, addresses, the store, the client, and the keys in use. Built once by
//! the server. It decides nothing; `inbox/`, `outbox/` and `courier/` do.

use crate::{
    blocklist::Blocklist,
    fetch::{self, Client, FetchError, gate},
    inbox::{budget::Budget, known::Known},
    keys::{self, Signer},
    ledger::{Gather, Ledger},
    letters::Letters,
    policy::Policy,
    urls::{self, Urls},
};
use activitypub_federation::config::{Data, FederationConfig};
use ipnet::IpNet;
use shoal_store::{ARRIVALS, ActorKind, Arrival, Effect, Id, LocalActor, Millis, Moment, Store, StoreError};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    runtime::{self, Handle},
    sync::Notify,
};
use url::Url;

/// Unix milliseconds, from wherever the server takes its time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The most fetches that one incoming request or one look-up may cause.
const FETCHES_PER_TASK: u32 = 6;
/// How many actors' keys are kept loaded (about 4 KiB each).
const IDENTITIES_KEPT: u64 = 512;
/// How many names of actors here are kept with their rows, of each kind; beyond that, it begins anew.
const LOCALS_KEPT: usize = 2_048;
/// How long what comes in may wait for what comes at the same time.
const GATHER: Gather = Gather::Returning(Duration::from_millis(1));
/// The instance actor's name; no account or collection can have it.
const INSTANCE: &str = "instance.actor";

/// What the server decides about federation.
pub struct Settings {
    /// The public base URL; never from a Host header.
    pub base_url: Url,
    /// Where torrent clients are told to announce.
    pub trackers: Vec<String>,
    /// What this server calls itself.
    pub title: String,
    /// One or two sentences about it.
    pub description: String,
    /// The program's version.
    pub software_version: String,
    /// Talk plain http too (tests and closed networks).
    pub allow_http: bool,
    /// Networks that may be reached although they are not public.
    pub allow_private_addresses: Vec<IpNet>,
    /// PEM of further certificate authorities.
    pub extra_ca: Option<Vec<u8>>,
    /// Whether anything is sent, fetched or received at all.
    pub enabled: bool,
    /// Whether posts, activities, outboxes and lists are shown only to who signs for them.
    pub authorized_fetch: bool,
    /// The time.
    pub clock: Clock,
    /// Whether anyone may register.
    pub open_registrations: bool,
    /// The name of this process among those that share its database. It has it alone while it runs, and again when it
    /// is started anew: what was begun under this name is then its own to finish.
    pub node: String,
    /// Names that are not looked up but known, for tests.
    pub resolve: Vec<(String, SocketAddr)>,
}

/// Why federation could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key or certificate cannot be used, or TLS cannot be set up.
    #[error(transparent)]
    Client(#[from] FetchError),
    /// A stored key cannot be used.
    #[error(transparent)]
    Key(#[from] keys::KeyError),
    /// The ActivityPub library refused its configuration.
    #[error("the ActivityPub library refused its configuration: {0}")]
    Library(String),
}

/// What tasks of the ActivityPub library see.
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) client: Arc<Client>,
    pub(crate) urls: Urls,
    pub(crate) settings: Settings,
    pub(crate) budget: Budget,
    pub(crate) blocklist: Arc<Blocklist>,
    pub(crate) known: Known,
    /// What came in, on its way into the store.
    pub(crate) arrivals: Ledger<Arrival, Effect>,
    /// What is carried, at hand from when it was written.
    pub(crate) letters: Arc<Letters>,
    pub(crate) instance: Id,
    identities: moka::sync::Cache<Id, Arc<Identity>>,
    locals: Locals,
    /// Something happened that may have to be told.
    pub(crate) happened: Notify,
    /// Something may be there to be sent.
    pub(crate) queued: Notify,
    runtime: Handle,
    courier: OnceLock<runtime::Id>,
}

/// What an actor of ours signs with; neither ever changes.
pub(crate) struct Identity {
    /// The actor's id in the fediverse.
    pub(crate) uri: String,
    /// `{actor}#main-key`.
    pub(crate) key_id: String,
    pub(crate) signer: Arc<Signer>,
}

/// Everything this server does with others. Shared by `Arc`.
pub struct Federation {
    shared: Arc<Shared>,
    library: FederationConfig<Arc<Shared>>,
}

impl Federation {
    /// Sets everything up: the instance actor (made on the first start), the client, the library. Has to run inside a
    /// Tokio runtime.
    ///
    /// # Errors
    /// [`BuildError`]; nothing works without.
    pub async fn build(settings: Settings, store: Arc<Store>) -> Result<Arc<Self>, BuildError> {
        let urls = Urls::new(&settings.base_url).with_announces(settings.trackers.clone());
        let moment = moment_of(&settings.clock);
        let title = settings.title.clone();
        let keeper = Arc::clone(&store);
        let made = blocking(move || keeper.ensure_instance_actor(moment, INSTANCE, &title, keys::generate));
        let actor = made.await?;
        let signer = Arc::new(Signer::load(&actor.keys)?);
        let key_id = urls::main_key(&urls.actor(actor.kind, &actor.name));
        let blocklist = Arc::new(Blocklist::new(Arc::clone(&store)));
        let client = Arc::new(Client::new(fetch::Setup {
            policy: Policy {
                allow_http: settings.allow_http,
                allow_private: settings.allow_private_addresses.clone(),
            },
            extra_ca: settings.extra_ca.clone(),
            resolve: settings.resolve.clone(),
            user_agent: format!("Shoal/{} (+{}/)", settings.software_version, urls.base()),
            instance: Some((key_id, Arc::clone(&signer))),
            clock: Arc::clone(&settings.clock),
            blocklist: Some(Arc::clone(&blocklist)),
        })?);
        let letters = Arc::new(Letters::new());
        let arrivals = open_arrivals(
            Arc::clone(&store),
            Arc::clone(&settings.clock),
            Arc::clone(&letters),
        )?;
        let shared = Arc::new(Shared {
            store,
            client: Arc::clone(&client),
            urls,
            settings,
            budget: Budget::new(),
            blocklist,
            known: Known::new(),
            arrivals,
            letters,
            instance: actor.id,
            identities: moka::sync::Cache::new(IDENTITIES_KEPT),
            locals: Locals::default(),
            happened: Notify::new(),
            queued: Notify::new(),
            runtime: Handle::current(),
            courier: OnceLock::new(),
        });
        // `debug` turns off the library's own look at names and ports: it asks the resolver a second time, before the
        // connection, and knows no exceptions. Ours looks at the moment of connecting, on every hop (`policy.rs`).
        let library = FederationConfig::builder()
            .domain(shared.urls.authority())
            .app_data(Arc::clone(&shared))
            .client(gate::client(client))
            .http_fetch_limit(FETCHES_PER_TASK)
            .debug(true)
            .build()
            .await
            .map_err(|error| BuildError::Library(error.to_string()))?;
        Ok(Arc::new(Self { shared, library }))
    }

    /// Tells the courier that there may be something to send; called after a commit that wrote an event.
    pub fn wake(&self) {
        self.shared.happened.notify_one();
        self.shared.queued.notify_one();
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Our addresses.
    pub fn urls(&self) -> &Urls {
        &self.shared.urls
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The id of the instance actor, which signs all fetches.
    pub fn instance_actor(&self) -> Id {
        self.shared.instance
    }

    /// Whose inbox it is that an actor of this kind and name has, in any state; `None` when there is no such actor.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn inbox_owner(&self, kind: ActorKind, name: &str) -> Result<Option<Id>, StoreError> {
        self.shared.local(kind, name).await
    }

    /// A fresh task for the library, with its fetch counter at zero.
    pub(crate) fn request(&self) -> Data<Arc<Shared>> {
        self.library.to_request_data()
    }
}

impl Shared {
    /// The time.
    pub(crate) fn now(&self) -> Millis {
        (self.settings.clock)()
    }

    /// What a writing verb is given.
    pub(crate) fn moment(&self) -> Moment {
        moment_of(&self.settings.clock)
    }

    /// Runs work that talks to other servers on the runtime that this was built in, whoever waits for it.
    pub(crate) async fn outside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ran = self.runtime.spawn(work).await;
        ran.map_err(|error| StoreError::Internal(format!("a call to another server did not end: {error}")))
    }

    /// From now on, what this runtime's tasks ask of the store is done by its own threads. The system makes a new thread
    /// only as urgent as the one that asks for it: the courier's would serve others later, and keep them waiting.
    pub(crate) fn work_apart(&self) {
        // Another courier of this process has its own already: then the threads are everyone's.
        let _ = self.courier.set(Handle::current().id());
    }

    /// Runs a store verb off the async threads.
    pub(crate) async fn with_store<T, F>(&self, verb: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        let work = move || verb(&store);
        let own = Handle::try_current().ok();
        let apart = own.filter(|own| self.courier.get() == Some(&own.id()));
        joined(apart.as_ref().unwrap_or(&self.runtime).spawn_blocking(work).await)
    }

    /// The local actor that an id names, in any state. Blocks on the store.
    pub(crate) fn local_actor(&self, id: &Url) -> Result<Option<LocalActor>, StoreError> {
        match self.urls.read_actor(id) {
            Some((ActorKind::Instance, _)) => self.store.local_actor_by_id(self.instance),
            Some((kind, name)) => self.store.local_actor(kind, &name),
            None => Ok(None),
        }
    }

    /// The row of the local actor of that kind and name, in any state: names are never given out again, so what was found
    /// once stays true, and the store is asked only the first time.
    pub(crate) async fn local(&self, kind: ActorKind, name: &str) -> Result<Option<Id>, StoreError> {
        let known = match kind {
            ActorKind::Instance => Some(self.instance),
            _ => self.locals.find(kind, name),
        };
        if known.is_some() {
            return Ok(known);
        }
        let asked = name.to_owned();
        let found = self
            .with_store(move |store| store.local_actor(kind, &asked))
            .await?;
        let found = found.map(|actor| actor.id);
        if let Some(id) = found {
            self.locals.keep(kind, name, id);
        }
        Ok(found)
    }

    /// The row of the local actor that an id names, in any state.
    pub(crate) async fn local_at(&self, id: &Url) -> Result<Option<Id>, StoreError> {
        match self.urls.read_actor(id) {
            Some((kind, name)) => self.local(kind, &name).await,
            None => Ok(None),
        }
    }

    /// What a local actor signs with.
    pub(crate) fn identity(&self, actor: &LocalActor) -> Result<Arc<Identity>, keys::KeyError> {
        if let Some(identity) = self.identities.get(&actor.id) {
            return Ok(identity);
        }
        let signer = Arc::new(Signer::load(&actor.keys)?);
        let uri = self.urls.actor(actor.kind, &actor.name);
        let key_id = urls::main_key(&uri);
        let identity = Arc::new(Identity { uri, key_id, signer });
        self.identities.insert(actor.id, Arc::clone(&identity));
        Ok(identity)
    }

    /// The same by the actor's row; `None` when there is none.
    pub(crate) async fn identity_of(&self, actor: Id) -> Result<Option<Arc<Identity>>, StoreError> {
        if let Some(identity) = self.identities.get(&actor) {
            return Ok(Some(identity));
        }
        let found = self
            .with_store(move |store| store.local_actor_by_id(actor))
            .await?;
        let identity = found.map(|actor| self.identity(&actor)).transpose();
        identity.map_err(|error| StoreError::Internal(error.to_string()))
    }
}

/// Rows of actors here by their names, accounts and collections apart: asked for by everything that comes in.
#[derive(Default)]
struct Locals([RwLock<HashMap<String, Id>>; 2]);

impl Locals {
    fn of(&self, kind: ActorKind) -> &RwLock<HashMap<String, Id>> {
        &self.0[usize::from(kind == ActorKind::Account)]
    }

    fn find(&self, kind: ActorKind, name: &str) -> Option<Id> {
        let kept = self.of(kind).read().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).copied()
    }

    fn keep(&self, kind: ActorKind, name: &str, id: Id) {
        let mut kept = self.of(kind).write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= LOCALS_KEPT {
            kept.clear();
        }
        kept.insert(name.to_owned(), id);
    }
}

/// What came in goes through here into the store; answers to it are at hand from then on.
fn open_arrivals(
    store: Arc<Store>,
    clock: Clock,
    letters: Arc<Letters>,
) -> Result<Ledger<Arrival, Effect>, StoreError> {
    Ledger::open("arrivals", (ARRIVALS, GATHER), move |page| {
        let taken = store.receive(moment_of(&clock), page)?;
        for (activity, answer) in taken.letters {
            letters.lay_out(activity, answer);
        }
        Ok(taken.effects)
    })
}

fn moment_of(clock: &Clock) -> Moment {
    Moment::new(clock(), rand::random())
}

/// Runs something that blocks; a panic in it becomes an error.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, StoreError> + Send + 'static,
{
    joined(tokio::task::spawn_blocking(work).await)
}

fn joined<T>(ended: Result<Result<T, StoreError>, tokio::task::JoinError>) -> Result<T, StoreError> {
    ended.unwrap_or_else(|error| {
        Err(StoreError::Internal(format!(
            "a database task broke off: {error}"
        )))
    })
}
