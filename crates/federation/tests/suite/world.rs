//! Our side of a test: a store in a temporary folder, federation on it, and a clock that moves when told.

use shoal_federation::{Clock, Federation, Settings, courier::Courier, keys};
use shoal_store::{
    Account, ActorKeys, ActorKind, Collection, LocalActor, Millis, Moment, NewAccount, NewCollection,
    NewDataset, NewUpload, Role, Scopes, Store, Threat, Upload,
};
use shoal_torrent::Metainfo;
use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};
use url::Url;

/// When every test begins: 2026-11-20T08:00:00Z.
pub(crate) const START: Millis = 1_795_161_600_000;

/// Our side.
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) federation: Arc<Federation>,
    clock: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// Keys take a third of a second to make, so all actors of the tests have the same.
pub(crate) fn keys() -> ActorKeys {
    static KEYS: OnceLock<ActorKeys> = OnceLock::new();
    KEYS.get_or_init(keys::generate).clone()
}

impl World {
    /// `known` are the names of the other side and where they really are.
    pub(crate) async fn new(known: Vec<(String, SocketAddr)>) -> Self {
        Self::trusting(known, None).await
    }

    /// The same, trusting one more certificate authority.
    pub(crate) async fn trusting(known: Vec<(String, SocketAddr)>, extra_ca: Option<Vec<u8>>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::within(folder, known, extra_ca).await
    }

    /// As `new`, with the database in memory where the machine has a folder there: for what writes a hundred thousand
    /// times.
    pub(crate) async fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::within(folder.expect("a temporary folder"), Vec::new(), None).await
    }

    async fn within(
        folder: tempfile::TempDir,
        known: Vec<(String, SocketAddr)>,
        extra_ca: Option<Vec<u8>>,
    ) -> Self {
        let url = format!("sqlite:{}", folder.path().join("shoal.sqlite").display());
        let store = Arc::new(Store::open(&url, Role::Serve).expect("an empty database"));
        let clock = Arc::new(AtomicI64::new(START));
        let reading = Arc::clone(&clock);
        let now: Clock = Arc::new(move || reading.load(Ordering::SeqCst));
        let settings = Settings {
            base_url: Url::parse("http://shoal.test/").expect("a URL"),
            trackers: vec!["http://shoal.test/announce".into()],
            title: "Test archive".to_owned(),
            description: "For tests.".to_owned(),
            software_version: "0.1.0".to_owned(),
            allow_http: true,
            allow_private_addresses: vec!["127.0.0.0/8".parse().expect("a network")],
            extra_ca,
            enabled: true,
            authorized_fetch: false,
            clock: now,
            open_registrations: false,
            node: "test".to_owned(),
            resolve: known,
        };
        let federation = Federation::build(settings, Arc::clone(&store))
            .await
            .expect("federation");
        Self {
            store,
            federation,
            clock,
            _folder: folder,
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) fn wait(&self, millis: Millis) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment::new(self.now(), rand::random())
    }

    /// An account of that name.
    pub(crate) fn account(&self, name: &str) -> Account {
        let scopes: Scopes = "owner".parse().expect("a scope");
        let title = format!("{name} the archivist");
        let new = NewAccount {
            name: name.to_owned(),
            title,
            password_hash: None,
            scopes,
            keys: keys(),
        };
        self.store.create_account(self.moment(), new).expect("an account")
    }

    /// A collection of that name.
    pub(crate) fn collection(&self, name: &str, account: &Account) -> Collection {
        let new = NewCollection {
            name: name.to_owned(),
            title: "Tides & ice".to_owned(),
            summary: "Sea levels.\n\n<b>All</b> of them.".to_owned(),
            account: account.id,
            keys: keys(),
        };
        self.store
            .create_collection(self.moment(), new)
            .expect("a collection")
    }

    /// A dataset of that slug.
    pub(crate) fn dataset(&self, slug: &str, account: &Account) {
        let new = NewDataset {
            slug: Some(slug.to_owned()),
            title: "Tide gauges <1900–2025>".to_owned(),
            publisher: "Office of Tides".to_owned(),
            homepage: "https://tides.example/".to_owned(),
            licence: "CC0-1.0".to_owned(),
            description: "Hourly water levels.\n\n* 212 **stations**\n* [source](https://tides.example/data)"
                .to_owned(),
            threat: Threat::Endangered,
            tags: vec!["sea-level".to_owned(), "ocean".to_owned(), "1900".to_owned()],
            account: account.id,
        };
        self.store.create_dataset(self.moment(), new).expect("a dataset");
    }

    /// An upload of a small torrent; `size` makes each torrent another.
    pub(crate) fn upload(&self, slug: &str, account: &Account, size: u32) -> Upload {
        let mut bytes =
            format!("d8:announce31:http://tracker.example/announce4:infod6:lengthi{size}e").into_bytes();
        let hashes = vec![b'a'; size.div_ceil(16_384) as usize * 20];
        bytes.extend_from_slice(b"4:name9:tides.csv12:piece lengthi16384e6:pieces");
        bytes.extend_from_slice(format!("{}:", hashes.len()).as_bytes());
        bytes.extend_from_slice(&hashes);
        bytes.extend_from_slice(b"ee");
        let metainfo = Metainfo::parse(&bytes).expect("a torrent");
        let new = NewUpload {
            dataset: slug,
            account: account.id,
            metainfo: &metainfo,
            bytes: bytes.clone(),
            method: "copied".to_owned(),
            description: "Complete.".to_owned(),
        };
        self.store.publish_upload(self.moment(), new).expect("an upload")
    }

    /// The collection's actor.
    pub(crate) fn actor(&self, kind: ActorKind, name: &str) -> LocalActor {
        self.store
            .local_actor(kind, name)
            .expect("the store answers")
            .expect("an actor")
    }

    /// Lets the courier build and carry all that is due.
    pub(crate) async fn deliver(&self) {
        Courier::new(Arc::clone(&self.federation))
            .pass()
            .await
            .expect("the store answers");
    }
}
