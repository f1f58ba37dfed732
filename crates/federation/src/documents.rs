//! The documents that our actors are: who they are, where to write to them, their keys. Served at the actor's URL and
//! sent inside `Update`. Other documents are in `collections.rs` and `outbox/`.

use crate::{
    Federation, keys, records,
    time::rfc3339,
    urls::{main_key, proof_key},
    vocab::{self, Reference, actor},
};
use serde_json::Value;
use shoal_store::{ActorKind, LocalActor, Millis, StoreError};

impl Federation {
    /// The actor document of an account, a collection or the instance. Blocks on the store, briefly.
    ///
    /// It says nothing about hidden or removed actors: whether to serve it at all is the caller's decision.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn actor_document(&self, local: &LocalActor) -> Result<Value, StoreError> {
        let urls = self.urls();
        let id = urls.actor(local.kind, &local.name);
        let kind = type_of(local.kind);
        let collection = match local.kind {
            ActorKind::Collection => self.store().collection(&local.name)?,
            ActorKind::Instance | ActorKind::Account => None,
        };
        let keeper = collection.map(|collection| Reference {
            id: urls.actor(ActorKind::Account, &collection.account.name),
            kind: type_of(ActorKind::Account),
        });
        let is_instance = local.kind == ActorKind::Instance;
        let open = local.followable;
        let found = open && !is_instance;
        let document = actor::Actor {
            context: vocab::actor_context(),
            kind,
            preferred_username: local.name.clone(),
            webfinger: format!("{}@{}", local.name, urls.authority()),
            name: local.title.clone(),
            summary: crate::markdown::html(&local.summary, SUMMARY_CHARS),
            url: if is_instance {
                format!("{}/", urls.base())
            } else {
                id.clone()
            },
            inbox: format!("{id}/inbox"),
            outbox: format!("{id}/outbox"),
            followers: format!("{id}/followers"),
            following: format!("{id}/following"),
            endpoints: actor::Endpoints {
                shared_inbox: urls.shared_inbox(),
            },
            manually_approves_followers: !open,
            discoverable: found,
            indexable: found,
            published: rfc3339(local.created_at),
            attributed_to: keeper.into_iter().collect(),
            public_key: public_key(&id, local),
            assertion_method: vec![multikey(&id, local)],
            implements: if is_instance {
                actor::CAPABILITIES.to_vec()
            } else {
                Vec::new()
            },
            generator: (!is_instance).then(|| self.generator()),
            id,
        };
        serde_json::to_value(document).map_err(|error| StoreError::Internal(error.to_string()))
    }

    /// What an actor that moderators took away at `since` is answered with, beside 410. It keeps the key of its proofs:
    /// what it signed may still be read here, or be kept by others, and can be checked for ever.
    ///
    /// # Errors
    /// `Internal`, which cannot be.
    pub fn departed_actor(&self, local: &LocalActor, since: Millis) -> Result<Value, StoreError> {
        let id = self.urls().actor(local.kind, &local.name);
        let context = Some(vocab::departed_context());
        let document = actor::Departed {
            assertion_method: vec![multikey(&id, local)],
            tombstone: records::tombstone(&id, type_of(local.kind), since, context),
        };
        serde_json::to_value(document).map_err(|error| StoreError::Internal(error.to_string()))
    }

    /// The software behind every actor here, and what it can do.
    fn generator(&self) -> actor::Generator {
        actor::Generator {
            id: self.urls().actor(ActorKind::Instance, ""),
            kind: "Application",
            implements: actor::CAPABILITIES.to_vec(),
        }
    }
}

/// What the fediverse calls an actor of this kind.
fn type_of(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Instance => "Application",
        ActorKind::Account => "Person",
        ActorKind::Collection => "Group",
    }
}

/// The key of an actor's HTTP signatures.
fn public_key(id: &str, local: &LocalActor) -> actor::PublicKey {
    actor::PublicKey {
        id: main_key(id),
        owner: id.to_owned(),
        public_key_pem: local.keys.rsa_public_pem.clone(),
    }
}

/// The key of an actor's proofs.
fn multikey(id: &str, local: &LocalActor) -> actor::Multikey {
    actor::Multikey {
        id: proof_key(id),
        kind: "Multikey",
        controller: id.to_owned(),
        public_key_multibase: keys::multibase_ed25519(&local.keys.ed25519_public),
    }
}

/// How much of a summary is published; Misskey cuts at 2,048.
const SUMMARY_CHARS: usize = 1_500;
