//! What Shoal remembers: SQLite or PostgreSQL behind one set of verbs. Knows no HTTP and no ActivityPub.
//!
//! A verb is a method of [`Store`], a plain word, and one transaction; if something must be told to others, its event
//! row is written inside it. Verbs block: call them where blocking is allowed. There is one file for each noun, with
//! its rows, its `New…` input and its verbs. Next: `engine.rs`, how verbs run.

mod accounts;
mod activities;
mod actors;
mod announce_keys;
mod announce_uses;
mod answers;
mod arrivals;
mod audience;
mod backup;
mod blocks;
mod book;
mod built;
mod claims;
mod collections;
mod connection;
mod curation;
mod dataset_lists;
mod datasets;
mod deliveries;
mod engine;
mod enqueue;
mod error;
mod events;
mod followers;
mod following;
mod hash_blocks;
mod hex;
mod homing;
mod hosts;
mod ids;
mod instances;
mod kept;
mod lanes;
mod listing;
mod migrations;
mod moderation;
mod moderation_log;
mod moment;
mod names;
mod observer;
mod paging;
mod pauses;
mod portable;
mod postgres;
mod publish;
mod queue;
mod received;
mod recipients;
mod records;
mod remote_actors;
mod restore;
mod schema;
mod scopes;
mod search;
mod sessions;
mod settings;
mod settle;
mod shelf;
mod sign_in;
mod slugs;
mod spreads;
mod sqlite;
mod standing;
mod stats;
mod sweep;
mod tags;
mod text;
mod threat;
mod tokens;
mod upload_files;
mod upload_lists;
mod uploads;
mod uris;
mod versions;
mod visibility;
mod walks;
mod words;
mod writer;

use std::sync::Arc;

use diesel::connection::SimpleConnection;

pub use accounts::{Account, AccountEdit, AccountRef, NewAccount};
pub use activities::{ActivityRow, Buried};
pub use actors::{ActorKeys, ActorKind, LocalActor};
pub use announce_keys::{AnnounceKey, AnnounceKeyChange, AnnounceKeyCursor, AnnounceKeyEdit, NewAnnounceKey};
pub use announce_uses::{ANNOUNCE_USES_KEPT, AnnounceUse, Seeded};
pub use answers::Answer;
pub use arrivals::{ARRIVALS, Arrival, CallsFor, Taken};
pub use audience::Audience;
pub use backup::backup;
pub use blocks::Blocks;
pub use built::{Built, NewActivity};
pub use claims::Claimed;
pub use collections::{Collection, CollectionEdit, NewCollection};
pub use dataset_lists::{DatasetQuery, DatasetSort};
pub use datasets::{Dataset, DatasetEdit, NewDataset};
pub use deliveries::{Delivery, DeliveryState, Letter};
pub use error::StoreError;
pub use events::{BUILT_EVENTS_KEPT, Event, PendingEvent};
pub use followers::{NewFollower, UndoFollow};
pub use following::{FollowAnswer, FollowState, Following, RemoteActorRef};
pub use hash_blocks::BlockedHash;
pub use hosts::{Host, IDLE_HOSTS_KEPT, Pause};
pub use ids::Id;
pub use instances::{Instance, Severed, Standing};
pub use listing::{Listing, ListingChange, ListingCursor};
pub use moderation::Target;
pub use moderation_log::LogEntry;
pub use moment::{Millis, Moment};
pub use observer::Hearing;
pub use paging::{Page, Paging};
pub use pauses::{HELD_BACK_KEPT, HostOrder, HostQuery, QueuedHost, Shelved};
pub use publish::NewUpload;
pub use queue::{DeliveryCounts, DeliveryQuery, DeliveryRow, ENDED_DELIVERIES_KEPT, GiveUp};
pub use received::{Effect, RECEIVED_KEPT, Received};
pub use records::{NewRecord, Record, Subject};
pub use remote_actors::{NewRemoteActor, RemoteActor};
pub use restore::{restore, restore_over};
pub use scopes::{Scope, Scopes};
pub use search::{Hit, HitKind, SearchQuery};
pub use sessions::{NewSession, Session};
pub use settle::{Attempt, Fate, Outcome, Settled, Then};
pub use spreads::Spread;
pub use standing::REORDERING;
pub use stats::Stats;
pub use sweep::{STRANGERS_KEPT, Swept};
pub use threat::Threat;
pub use tokens::{NewToken, Token};
pub use upload_files::UploadFile;
pub use upload_lists::{UploadQuery, UploadSort};
pub use uploads::{DatasetRef, Upload, UploadEdit};
pub use uris::{MAX_URI_BYTES, host_of};
pub use visibility::Visibility;
pub use walks::Member;

use connection::Place;
use engine::Engine;

/// Why a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// To serve: on SQLite nobody else may serve the same file.
    Serve,
    /// For one command: may run beside a serving process.
    Tool,
}

/// Which database a store is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One file of this machine, with one writer thread.
    Sqlite,
    /// A server, which several processes of Shoal may share.
    Postgres,
}

/// Everything Shoal remembers. All its verbs block, and all may be called from several threads.
pub struct Store {
    engine: Engine,
    observer: Arc<observer::Observer>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `url` (`sqlite:PATH` or `postgres://…`) and brings its schema up to date.
    ///
    /// # Errors
    /// `UnknownScheme` and `Invalid` for a bad URL, `NewerSchema` for a database of a newer Shoal, `Locked` for a
    /// SQLite file that another process serves, `Unavailable` when it cannot be reached.
    pub fn open(url: &str, role: Role) -> Result<Self, StoreError> {
        let observer = Arc::default();
        let engine = match Place::parse(url)? {
            Place::Sqlite(path) => sqlite::open(&path, role, &observer)?,
            Place::Postgres(url) => postgres::open(&url)?,
        };
        Ok(Self { engine, observer })
    }

    /// Which database this store is on.
    #[must_use]
    pub fn kind(&self) -> Backend {
        match self.engine {
            Engine::Sqlite { .. } => Backend::Sqlite,
            Engine::Postgres { .. } => Backend::Postgres,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    pub fn check(&self) -> Result<(), StoreError> {
        self.read(|db| Ok(db.batch_execute("SELECT count(*) FROM settings")?))
    }

    /// The version of the schema, which is the newest this Shoal knows once a store is open.
    ///
    /// # Errors
    /// None in a sound build.
    pub fn schema_version(&self) -> Result<String, StoreError> {
        migrations::newest()
    }
}

/// Brings the schema of the database at `url` up to date and says at which version it is then.
///
/// # Errors
/// As [`Store::open`]; on SQLite `Locked` while a process serves the file and a migration is missing.
pub fn migrate(url: &str) -> Result<String, StoreError> {
    match Place::parse(url)? {
        Place::Sqlite(path) => sqlite::migrate(&path)?,
        Place::Postgres(url) => postgres::migrate(&url)?,
    }
    migrations::newest()
}
