//! Senders that were heard of a moment ago, with their keys ready for use: what comes from them costs one check of a
//! signature and no question to the database. Whatever does not fit here is looked up anew by `sender.rs`, so that a key
//! that changed elsewhere is found out at once; who is gone is forgotten at once here, and within a minute on other nodes.

use crate::{
    policy,
    verify::key::PublicKey,
    vocab::remote_actor::{Document, RemoteActor as Checked},
};
use moka::sync::Cache;
use shoal_store::{Id, Millis, RemoteActor};
use std::sync::Arc;
use url::Url;

/// How many are kept, at most ten keys each; the least used are forgotten.
const KEPT: u64 = 4_096;
/// How long they are believed.
const FRESH: Millis = 60_000;
/// How long a host that was well is taken to be well still, unless a delivery to it fails here.
const WELL: Millis = 5_000;

/// Somebody who sends, as far as the inbox has to know.
pub(crate) struct Sender {
    /// Its row.
    pub(super) id: Id,
    /// The host that deliveries to it go to.
    pub(super) host: Option<String>,
    /// Its own inbox, and the host of that, which answers to it go to.
    pub(super) inbox: Option<(String, String)>,
    /// When its document was fetched.
    pub(super) fetched_at: Millis,
    /// When its server said that it is gone.
    pub(super) gone_at: Option<Millis>,
    read_at: Millis,
    names: [String; 2],
    first: (String, Option<PublicKey>),
    /// Its document, if that lists more keys.
    others: Option<Checked>,
}

impl Sender {
    /// Reads the keys of a kept actor.
    pub(super) fn of(actor: RemoteActor, now: Millis) -> Self {
        let host_of = |inbox: &str| Url::parse(inbox).ok().map(|inbox| policy::host_of(&inbox));
        let own = host_of(&actor.inbox);
        Self {
            id: actor.id,
            host: match &actor.shared_inbox {
                Some(shared) => host_of(shared),
                None => own.clone(),
            },
            inbox: own.map(|host| (actor.inbox, host)),
            fetched_at: actor.fetched_at,
            gone_at: actor.gone_at,
            read_at: now,
            names: [format!("acct:{}@{}", actor.name, actor.domain), actor.uri],
            first: (actor.key_id, PublicKey::from_pem(&actor.public_key_pem)),
            others: others(&actor.json),
        }
    }

    /// Hands the key of that id over to `check`; the actor's own id and its handle stand for its first key. `None` when
    /// it lists no such key, or none that can be read.
    pub(super) fn with_key<T>(&self, key_id: &str, check: impl FnOnce(&PublicKey) -> T) -> Option<T> {
        let (id, key) = &self.first;
        if id == key_id || self.names.iter().any(|name| name == key_id) {
            return key.as_ref().map(check);
        }
        let key = self.others.as_ref()?.key(key_id)?;
        Some(check(&key))
    }
}

/// A kept document, read for its keys. Most list one key and no more; those are not read, for that costs more than the
/// check of a signature.
fn others(json: &str) -> Option<Checked> {
    let one = json.matches("\"publicKeyPem\"").nth(1).is_none() && !json.contains("\"publicKeyMultibase\"");
    if one {
        return None;
    }
    let document: Document = serde_json::from_str(json).ok()?;
    document.check().ok()
}

/// The senders, by their ids, and the hosts that were looked after.
pub(crate) struct Known {
    senders: Cache<String, Arc<Sender>>,
    hosts: Cache<String, Millis>,
}

impl Known {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self {
            senders: Cache::new(KEPT),
            hosts: Cache::new(KEPT),
        }
    }

    /// The sender of that id, if it was read within the last minute.
    pub(super) fn find(&self, now: Millis, uri: &str) -> Option<Arc<Sender>> {
        let known = self.senders.get(uri)?;
        (known.read_at..known.read_at + FRESH)
            .contains(&now)
            .then_some(known)
    }

    /// Keeps what was just read or fetched.
    pub(super) fn keep(&self, uri: &str, sender: &Arc<Sender>) {
        self.senders.insert(uri.to_owned(), Arc::clone(sender));
    }

    /// Forgets one that is gone.
    pub(crate) fn forget(&self, uri: &str) {
        self.senders.invalidate(uri);
    }

    /// Whether deliveries to a host may be held up, so that a sign of life from it has to be written down; it is asked
    /// about again after five seconds, since another node may have failed to deliver meanwhile.
    pub(super) fn may_be_held_up(&self, now: Millis, host: &str) -> bool {
        if self
            .hosts
            .get(host)
            .is_some_and(|at| (at..at + WELL).contains(&now))
        {
            return false;
        }
        self.hosts.insert(host.to_owned(), now);
        true
    }

    /// A delivery to this host failed: its next sign of life counts.
    pub(crate) fn failed(&self, host: &str) {
        self.hosts.invalidate(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(key_id: &str) -> RemoteActor {
        RemoteActor {
            id: "0198c0de-0000-7000-8000-000000000001".parse().expect("an id"),
            uri: "https://a.example/u".to_owned(),
            domain: "a.example".to_owned(),
            name: "u".to_owned(),
            actor_type: "Person".to_owned(),
            title: String::new(),
            inbox: "https://a.example/u/inbox".to_owned(),
            shared_inbox: None,
            key_id: key_id.to_owned(),
            public_key_pem: crate::keys::generate().rsa_public_pem,
            json: "{}".to_owned(),
            fetched_at: 0,
            gone_at: None,
        }
    }

    #[test]
    fn a_sender_is_known_for_a_minute_and_until_it_is_gone() {
        let known = Known::new();
        let sender = Arc::new(Sender::of(actor("https://a.example/u#main-key"), 1_000));
        known.keep("https://a.example/u", &sender);
        assert!(known.find(60_999, "https://a.example/u").is_some());
        assert!(known.find(61_000, "https://a.example/u").is_none());
        assert!(
            known.find(999, "https://a.example/u").is_none(),
            "a clock that went back"
        );
        known.forget("https://a.example/u");
        assert!(known.find(2_000, "https://a.example/u").is_none());
    }

    #[test]
    fn a_sign_of_life_counts_once_in_five_seconds_and_after_each_failure() {
        let known = Known::new();
        assert!(known.may_be_held_up(0, "a.example"));
        assert!(!known.may_be_held_up(WELL - 1, "a.example"));
        assert!(known.may_be_held_up(WELL - 1, "b.example"));
        known.failed("a.example");
        assert!(known.may_be_held_up(WELL - 1, "a.example"));
        assert!(known.may_be_held_up(2 * WELL, "a.example"));
    }

    #[test]
    fn the_first_key_goes_by_its_id_the_actors_and_the_handle() {
        let sender = Sender::of(actor("https://a.example/u#main-key"), 0);
        for name in [
            "https://a.example/u#main-key",
            "https://a.example/u",
            "acct:u@a.example",
        ] {
            assert!(sender.with_key(name, |_| ()).is_some(), "{name}");
        }
        assert!(sender.with_key("https://a.example/u#other", |_| ()).is_none());
    }

    #[test]
    fn a_second_key_is_found_where_there_is_one() {
        let pem = crate::keys::generate().rsa_public_pem;
        let key = |name: &str| {
            serde_json::json!({ "id": format!("https://a.example/u#{name}"), "owner": "https://a.example/u",
                "publicKeyPem": pem })
        };
        let listing = |keys: serde_json::Value| {
            let document = serde_json::json!({ "id": "https://a.example/u", "type": "Person",
                "preferredUsername": "u", "inbox": "https://a.example/u/inbox", "publicKey": keys });
            let mut actor = actor("https://a.example/u#first");
            actor.json = document.to_string();
            Sender::of(actor, 0)
        };
        let two = listing(serde_json::json!([key("first"), key("second")]));
        for name in ["https://a.example/u#first", "https://a.example/u#second"] {
            assert!(two.with_key(name, |_| ()).is_some(), "{name}");
        }
        assert!(two.with_key("https://a.example/u#third", |_| ()).is_none());
        let one = listing(key("first"));
        assert!(one.others.is_none());
        assert!(one.with_key("https://a.example/u#second", |_| ()).is_none());
    }
}
