//! Local actors: the instance, accounts and collections as the fediverse knows them, with their keys. Actors of other
//! servers are in `remote_actors.rs`. Next: `accounts.rs` and `collections.rs`, which make actors.

use std::fmt;

use diesel::prelude::*;

use crate::connection::Db;
use crate::schema::{accounts, actors, collections};
use crate::visibility::Visibility;
use crate::{Id, Millis, Moment, Store, StoreError, names, text};

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// This Shoal itself.
    Instance,
    /// A person with a login here.
    Account,
    /// A curated set of datasets.
    Collection,
}

impl ActorKind {
    /// The word in the database, the API and the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Account => "account",
            Self::Collection => "collection",
        }
    }
}

/// The two key pairs of an actor, which never change in place.
#[derive(Clone, PartialEq, Eq)]
pub struct ActorKeys {
    /// RSA-2048, PKCS#8 DER.
    pub rsa_private_der: Vec<u8>,
    /// Its public half, SPKI PEM.
    pub rsa_public_pem: String,
    /// Ed25519, PKCS#8 DER.
    pub ed25519_private_der: Vec<u8>,
    /// Its public half, 32 bytes.
    pub ed25519_public: Vec<u8>,
}

impl fmt::Debug for ActorKeys {
    /// Without the private halves, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorKeys")
            .field("rsa_public_pem", &self.rsa_public_pem)
            .finish_non_exhaustive()
    }
}

/// An actor of this Shoal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalActor {
    /// Its id; that of an account or a collection is another.
    pub id: Id,
    /// What it stands for.
    pub kind: ActorKind,
    /// Unique over all kinds, for ever.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// About it, as its owner wrote it.
    pub summary: String,
    /// Both key pairs.
    pub keys: ActorKeys,
    /// When it was made.
    pub created_at: Millis,
    /// What moderators decided about its account or collection.
    pub state: Visibility,
    /// Whether others may follow it.
    pub followable: bool,
}

/// A new row of `actors`.
pub(crate) struct NewActor<'a> {
    pub(crate) kind: ActorKind,
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) keys: ActorKeys,
    pub(crate) followable: bool,
}

impl Store {
    /// The actor of this Shoal itself, made on the first call with the keys that `make_keys` gives; a later call
    /// changes only its title.
    ///
    /// # Errors
    /// `Invalid` or `Taken` for a name that cannot be given.
    pub fn ensure_instance_actor(
        &self,
        mut moment: Moment,
        name: &str,
        title: &str,
        make_keys: impl FnOnce() -> ActorKeys,
    ) -> Result<LocalActor, StoreError> {
        let title = text::title("title", title)?;
        if let Some(actor) = self.read(instance_actor)? {
            if actor.title == title {
                return Ok(actor);
            }
            return self.write(move |tx| {
                let instance = actors::table.filter(actors::kind.eq(ActorKind::Instance.word()));
                diesel::update(instance)
                    .set(actors::title.eq(&title))
                    .execute(tx.db)?;
                Ok(LocalActor { title, ..actor })
            });
        }
        // Keys take a while to make, so they are made before the transaction; two processes may both do so at first.
        let (name, keys) = (name.to_owned(), make_keys());
        self.write(move |tx| {
            if let Some(actor) = instance_actor(tx.db)? {
                return Ok(actor);
            }
            names::give_reserved(tx.db, &name, ActorKind::Instance.word(), moment.now)?;
            let actor = NewActor {
                kind: ActorKind::Instance,
                name: &name,
                title: &title,
                summary: "",
                keys,
                followable: true,
            };
            insert(tx.db, &mut moment, &actor)?;
            instance_actor(tx.db)?.ok_or(StoreError::NotFound { what: "actor" })
        })
    }

    /// The actor of a kind with a name; without regard to case, as handles are written by people.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn local_actor(&self, kind: ActorKind, name: &str) -> Result<Option<LocalActor>, StoreError> {
        Ok(self.local_actor_by_name(name)?.filter(|actor| actor.kind == kind))
    }

    /// The actor with a name, of whatever kind; without regard to case.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn local_actor_by_name(&self, name: &str) -> Result<Option<LocalActor>, StoreError> {
        let name = name.to_ascii_lowercase();
        self.read(|db| {
            let row = actors::table
                .filter(actors::name.eq(&name))
                .select(COLUMNS)
                .first(db)
                .optional()?;
            row.map(|row| with_state(db, row)).transpose()
        })
    }

    /// The actor with an id.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn local_actor_by_id(&self, id: Id) -> Result<Option<LocalActor>, StoreError> {
        self.read(|db| by_id(db, id))
    }
}

pub(crate) fn by_id(db: &mut Db, id: Id) -> Result<Option<LocalActor>, StoreError> {
    let row = actors::table
        .filter(actors::id.eq(id))
        .select(COLUMNS)
        .first(db)
        .optional()?;
    row.map(|row| with_state(db, row)).transpose()
}

/// Writes an actor, whose name was given before, and returns its id.
pub(crate) fn insert(db: &mut Db, moment: &mut Moment, actor: &NewActor<'_>) -> Result<Id, StoreError> {
    let id = moment.id();
    diesel::insert_into(actors::table)
        .values((
            actors::id.eq(id),
            actors::kind.eq(actor.kind.word()),
            actors::name.eq(actor.name),
            actors::title.eq(actor.title),
            actors::summary.eq(actor.summary),
            actors::rsa_private_der.eq(&actor.keys.rsa_private_der),
            actors::rsa_public_pem.eq(&actor.keys.rsa_public_pem),
            actors::ed25519_private_der.eq(&actor.keys.ed25519_private_der),
            actors::ed25519_public.eq(&actor.keys.ed25519_public),
            actors::followable.eq(actor.followable),
            actors::created_at.eq(moment.now),
        ))
        .execute(db)?;
    Ok(id)
}

fn instance_actor(db: &mut Db) -> Result<Option<LocalActor>, StoreError> {
    let of_instance = actors::kind.eq(ActorKind::Instance.word());
    let row = actors::table
        .filter(of_instance)
        .select(COLUMNS)
        .first(db)
        .optional()?;
    row.map(|row| with_state(db, row)).transpose()
}

type Columns = (
    actors::id,
    actors::kind,
    actors::name,
    actors::title,
    actors::summary,
    (
        actors::rsa_private_der,
        actors::rsa_public_pem,
        actors::ed25519_private_der,
        actors::ed25519_public,
    ),
    actors::created_at,
    actors::followable,
);
const COLUMNS: Columns = (
    actors::id,
    actors::kind,
    actors::name,
    actors::title,
    actors::summary,
    (
        actors::rsa_private_der,
        actors::rsa_public_pem,
        actors::ed25519_private_der,
        actors::ed25519_public,
    ),
    actors::created_at,
    actors::followable,
);
type Row = (
    Id,
    String,
    String,
    String,
    String,
    (Vec<u8>, String, Vec<u8>, Vec<u8>),
    Millis,
    bool,
);

/// The actor of a row, with what moderators decided about whom it stands for.
fn with_state(db: &mut Db, row: Row) -> Result<LocalActor, StoreError> {
    let (id, kind, name, title, summary, keys, created_at, followable) = row;
    let (kind, state) = match kind.as_str() {
        "account" => {
            let row = accounts::table.filter(accounts::actor_id.eq(id));
            let of = (accounts::state, accounts::state_at, accounts::state_reason);
            (
                ActorKind::Account,
                row.select(of).first::<(String, Millis, String)>(db).optional()?,
            )
        }
        "collection" => {
            let row = collections::table.filter(collections::actor_id.eq(id));
            let of = (
                collections::state,
                collections::state_at,
                collections::state_reason,
            );
            (
                ActorKind::Collection,
                row.select(of).first::<(String, Millis, String)>(db).optional()?,
            )
        }
        _ => (ActorKind::Instance, None),
    };
    let state = state
        .map(|(state, at, reason)| Visibility::from_columns(&state, at, reason))
        .unwrap_or_default();
    let (rsa_private_der, rsa_public_pem, ed25519_private_der, ed25519_public) = keys;
    let keys = ActorKeys {
        rsa_private_der,
        rsa_public_pem,
        ed25519_private_der,
        ed25519_public,
    };
    Ok(LocalActor {
        id,
        kind,
        name,
        title,
        summary,
        keys,
        created_at,
        state,
        followable,
    })
}
