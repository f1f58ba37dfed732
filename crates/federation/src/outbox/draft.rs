//! What an event has come to so far: numbered, signed and addressed activities and records. `plan.rs` and the files of one
//! activity each fill it; it decides nothing.

use crate::{
    Federation, Shared, proof,
    time::rfc3339,
    urls::{Urls, proof_key},
    vocab::{PUBLIC, activity::Activity},
};
use serde_json::Value;
use shoal_store::{
    ActorKind, Audience, Built, Event, Id, LocalActor, Millis, Moment, NewActivity, NewRecord, Store,
    StoreError, Subject,
};
use std::sync::Arc;

/// The result in the making.
pub(super) struct Draft<'a> {
    pub(super) federation: &'a Federation,
    /// When the event happened; what is told bears this time.
    pub(super) at: Millis,
    moment: Moment,
    built: Built,
}

/// An activity before it has an envelope.
pub(super) struct Deed {
    pub(super) kind: &'static str,
    pub(super) context: Value,
    pub(super) to: Vec<String>,
    pub(super) cc: Vec<String>,
    pub(super) object: Value,
    /// The object's id, by which the log finds it again.
    pub(super) object_uri: Option<String>,
    pub(super) audience: Audience,
    /// Whether it stands in the actor's public log.
    pub(super) in_outbox: bool,
    /// The collection of an `Add` or `Remove`.
    pub(super) target: Option<String>,
}

/// What a record is kept as.
pub(super) struct Kept<'k> {
    pub(super) uri: &'k str,
    pub(super) kind: &'static str,
    pub(super) subject: Subject,
    pub(super) version: i64,
}

impl<'a> Draft<'a> {
    pub(super) fn new(federation: &'a Federation, at: Millis) -> Self {
        let moment = federation.shared().moment();
        Self {
            federation,
            at,
            moment,
            built: Built::default(),
        }
    }

    pub(super) fn finish(self) -> Built {
        self.built
    }

    pub(super) fn store(&self) -> &'a Store {
        self.federation.store()
    }

    pub(super) fn urls(&self) -> &'a Urls {
        self.federation.urls()
    }

    pub(super) fn shared(&self) -> &'a Arc<Shared> {
        self.federation.shared()
    }

    /// A new id.
    pub(super) fn id(&mut self) -> Id {
        self.moment.id()
    }

    /// An actor's id in the fediverse.
    pub(super) fn actor_uri(&self, actor: &LocalActor) -> String {
        self.urls().actor(actor.kind, &actor.name)
    }

    /// An actor's followers collection.
    pub(super) fn followers_uri(&self, actor: &LocalActor) -> String {
        format!("{}/followers", self.actor_uri(actor))
    }

    /// The actor behind a row; an error when there is none, which cannot be.
    pub(super) fn actor(&self, id: Id) -> Result<LocalActor, StoreError> {
        self.store()
            .local_actor_by_id(id)?
            .ok_or(StoreError::NotFound { what: "actor" })
    }

    /// The account's own actor.
    pub(super) fn account_actor(&self, name: &str) -> Result<LocalActor, StoreError> {
        self.store()
            .local_actor(ActorKind::Account, name)?
            .ok_or(StoreError::NotFound { what: "actor" })
    }

    /// Signs a document with its actor's Ed25519 key (FEP-8b32).
    pub(super) fn prove(&self, actor: &LocalActor, document: Value) -> Result<Value, StoreError> {
        let identity = self.shared().identity(actor).map_err(internal)?;
        proof::sign(
            document,
            &proof_key(&self.actor_uri(actor)),
            &identity.signer,
            self.at,
        )
        .map_err(internal)
    }

    /// Numbers, proves and keeps an activity; gives its id.
    pub(super) fn tell(&mut self, actor: &LocalActor, deed: Deed) -> Result<String, StoreError> {
        let uri = self.urls().activity(self.moment.id());
        self.tell_as(actor, uri.clone(), deed)?;
        Ok(uri)
    }

    /// Like `tell`, for an activity whose id is known already.
    pub(super) fn tell_as(&mut self, actor: &LocalActor, uri: String, deed: Deed) -> Result<(), StoreError> {
        let activity = Activity {
            context: deed.context,
            id: uri.clone(),
            kind: deed.kind,
            actor: self.actor_uri(actor),
            published: rfc3339(self.at),
            to: deed.to,
            cc: deed.cc,
            object: deed.object,
            target: deed.target,
        };
        let proved = self.prove(actor, serde_json::to_value(activity).map_err(internal)?)?;
        self.built.activities.push(NewActivity {
            uri,
            actor: actor.id,
            kind: deed.kind.to_owned(),
            object_uri: deed.object_uri,
            json: proved.to_string(),
            in_outbox: deed.in_outbox,
            audience: deed.audience,
        });
        Ok(())
    }

    /// Keeps a post: what is served at its id from now on.
    pub(super) fn keep(&mut self, actor: &LocalActor, uri: String, subject: Subject, document: &Value) {
        let kept = Kept {
            uri: &uri,
            kind: "Note",
            subject,
            version: 1,
        };
        self.keep_record(actor, kept, document);
    }

    /// Keeps a version of a record.
    pub(super) fn keep_record(&mut self, actor: &LocalActor, kept: Kept<'_>, document: &Value) {
        let key = proof_key(&self.actor_uri(actor));
        self.built.records.push(NewRecord {
            uri: kept.uri.to_owned(),
            kind: kept.kind.to_owned(),
            actor: actor.id,
            subject: kept.subject,
            json: document.to_string(),
            proof_key: Some(key),
            version: kept.version,
        });
    }

    /// From now on a Tombstone is served at this id.
    pub(super) fn bury(&mut self, uri: String) {
        self.built.tombstones.push(uri);
    }

    /// From now on the record is served again at this id.
    pub(super) fn unbury(&mut self, uri: String) {
        self.built.returned.push(uri);
    }

    /// What is too much for this event comes as another, after those that wait.
    pub(super) fn leave(&mut self, event: Event) {
        self.built.left.push(event);
    }

    /// The uploads that this event has already posted about, by this actor.
    pub(super) fn has_posted(&self, actor: Id, upload: Id) -> bool {
        let posted = |record: &NewRecord| {
            record.kind == "Note" && record.actor == actor && record.subject.upload == Some(upload)
        };
        self.built.records.iter().any(posted)
    }
}

/// `to` of everything public.
pub(super) fn everyone() -> Vec<String> {
    vec![PUBLIC.to_owned()]
}

/// What cannot go wrong unless a stored row is damaged.
pub(super) fn internal(error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(error.to_string())
}
