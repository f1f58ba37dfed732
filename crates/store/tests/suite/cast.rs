//! The people of the tests: local actors, remote actors, what they send and what is said. Next: `followers.rs`.

use shoal_store::{
    Account, ActorKeys, Answer, Arrival, Audience, Built, CallsFor, Collection, Effect, Event, GiveUp, Id,
    Millis, Moment, NewAccount, NewActivity, NewCollection, NewFollower, NewRecord, NewRemoteActor, Received,
    Scopes, StoreError, Subject, UndoFollow,
};

use crate::scratch::{START, Scratch};

/// A remote actor.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) id: Id,
    pub(crate) uri: String,
}

impl Scratch {
    /// The actor of a collection, whose owner is made with it.
    pub(crate) fn actor(&self, name: &str) -> Id {
        self.collection(name, self.account(&format!("{name}.owner")).id)
            .actor_id
    }

    /// A collection of an account.
    pub(crate) fn collection(&self, name: &str, account: Id) -> Collection {
        let (name, title, summary) = (name.to_owned(), String::new(), String::new());
        let new = NewCollection {
            name,
            title,
            summary,
            account,
            keys: keys(),
        };
        self.store()
            .create_collection(self.moment(), new)
            .expect("a free name")
    }

    /// An account that others may not follow yet.
    pub(crate) fn account(&self, name: &str) -> Account {
        let new = NewAccount {
            name: name.to_owned(),
            title: String::new(),
            password_hash: None,
            scopes: Scopes::default(),
            keys: keys(),
        };
        self.store()
            .create_account(self.moment(), new)
            .expect("a free name")
    }

    /// A remote actor whose server has a shared inbox.
    pub(crate) fn remote(&self, host: &str, name: &str) -> Remote {
        self.remote_at(host, name, Some(format!("https://{host}/inbox")))
    }

    /// A remote actor that is reached at its own inbox, or at the one it shares.
    pub(crate) fn remote_at(&self, host: &str, name: &str, shared_inbox: Option<String>) -> Remote {
        let uri = format!("https://{host}/users/{name}");
        let new = NewRemoteActor {
            uri: uri.clone(),
            domain: host.to_owned(),
            name: name.to_owned(),
            actor_type: "Person".to_owned(),
            title: String::new(),
            inbox: format!("{uri}/inbox"),
            shared_inbox,
            key_id: format!("{uri}#main-key"),
            public_key_pem: String::new(),
            json: "{}".to_owned(),
            understands_records: false,
        };
        let id = self
            .store()
            .save_remote_actor(self.moment(), new)
            .expect("a good actor")
            .id;
        Remote { id, uri }
    }

    /// Follows, with the activity's id as given, signed at the time it comes.
    pub(crate) fn follow(&self, who: &Remote, actor: Id, follow_uri: &str) -> Result<Effect, StoreError> {
        let m = self.moment();
        let received = received(follow_uri, "Follow", m.now);
        self.receive(
            m,
            received,
            CallsFor::Follow(new_follower(who, actor, follow_uri)),
        )
    }

    /// Undoes a Follow, with an id of its own made from the Follow's.
    pub(crate) fn undo(&self, who: &Remote, actor: Id, follow_uri: &str) -> Result<Effect, StoreError> {
        let m = self.moment();
        let received = received(&format!("{follow_uri}/undo"), "Undo", m.now);
        self.receive(m, received, CallsFor::Undo(undo_follow(who, actor, follow_uri)))
    }

    /// Gives up the answers that wait, where everything that waits is counted.
    pub(crate) fn without_answers(&self) {
        let these = GiveUp {
            host: ANSWERED.to_owned(),
            queued_before: Millis::MAX,
            reason: "not here".to_owned(),
        };
        let given_up = self.store().give_up_deliveries(self.moment(), these, 100);
        assert!(given_up.expect("they wait") > 0);
    }

    /// Takes in one activity by itself.
    pub(crate) fn receive(
        &self,
        m: Moment,
        received: Received,
        calls_for: CallsFor,
    ) -> Result<Effect, StoreError> {
        let mut all = self
            .store()
            .receive(m, vec![Arrival { received, calls_for }])?
            .effects;
        all.pop().expect("one effect for one activity")
    }

    /// An event that nobody has built; made by a local actor that wants to follow someone.
    pub(crate) fn event(&self) -> Id {
        let known = self.store().unbuilt_events(200).expect("readable").len();
        let count = self.moment().id();
        let (actor, target) = (
            self.actor(&format!("e{count}")),
            self.remote("events.example", &format!("e{count}")),
        );
        let uri = format!("https://here.example/activities/{count}");
        self.store()
            .request_follow(self.moment(), actor, target.id, &uri)
            .expect("a new wish");
        let events = self.store().unbuilt_events(200).expect("readable");
        assert_eq!(events.len(), known + 1);
        let last = events.last().expect("one was just written");
        assert!(matches!(last.event, Event::FollowRequested { .. }));
        last.id
    }

    /// Builds a new event into these activities.
    pub(crate) fn say(&self, activities: Vec<NewActivity>) {
        self.say_all(Built {
            activities,
            ..Built::default()
        });
    }

    /// Builds a new event into all this.
    pub(crate) fn say_all(&self, built: Built) {
        let event = self.event();
        assert!(
            self.store()
                .record_built(self.moment(), event, built)
                .expect("it can be written")
        );
    }
}

pub(crate) fn received(id: &str, kind: &str, signed_at: Millis) -> Received {
    Received {
        activity_id: id.to_owned(),
        host: "there.example".to_owned(),
        kind: kind.to_owned(),
        signed_at,
    }
}

pub(crate) fn new_follower(who: &Remote, actor: Id, follow_uri: &str) -> NewFollower {
    NewFollower {
        actor,
        follower: who.id,
        follow_uri: follow_uri.to_owned(),
        accept: answer("Accept", actor, follow_uri),
    }
}

/// An answer to a Follow. It goes to a host of its own, out of the way of what else is told.
pub(crate) fn answer(kind: &str, actor: Id, follow_uri: &str) -> Answer {
    Answer {
        uri: format!(
            "{}#{:x}",
            ours(&format!("{kind}/{follow_uri}")),
            rand::random::<u64>()
        ),
        actor,
        kind: kind.to_owned(),
        object_uri: follow_uri.to_owned(),
        json: "{}".to_owned(),
        inbox: format!("https://{ANSWERED}/inbox"),
        host: ANSWERED.to_owned(),
    }
}

/// Where answers go.
pub(crate) const ANSWERED: &str = "answered.example";

pub(crate) fn undo_follow(who: &Remote, actor: Id, follow_uri: &str) -> UndoFollow {
    UndoFollow {
        actor: Some(actor),
        follower: who.id,
        follow_uri: Some(follow_uri.to_owned()),
    }
}

/// An activity about an object.
pub(crate) fn activity(actor: Id, kind: &str, uri: &str, object: &str, audience: Audience) -> NewActivity {
    NewActivity {
        uri: uri.to_owned(),
        actor,
        kind: kind.to_owned(),
        object_uri: Some(object.to_owned()),
        json: format!("{{\"id\":\"{uri}\"}}"),
        in_outbox: true,
        audience,
    }
}

/// Keys that fit no lock.
pub(crate) fn keys() -> ActorKeys {
    ActorKeys {
        rsa_private_der: vec![1],
        rsa_public_pem: "rsa".to_owned(),
        ed25519_private_der: vec![2],
        ed25519_public: vec![3; 32],
    }
}

/// The URI of a thing of ours.
pub(crate) fn ours(name: &str) -> String {
    format!("https://here.example/{name}")
}

/// A post about an upload.
pub(crate) fn note(uri: &str, actor: Id, upload: Id) -> NewRecord {
    NewRecord {
        uri: uri.to_owned(),
        kind: "Note".to_owned(),
        actor,
        subject: Subject {
            upload: Some(upload),
            ..Subject::default()
        },
        json: "{\"v\":1}".to_owned(),
        proof_key: None,
        version: 1,
    }
}

/// A day after the tests begin.
pub(crate) const NEXT_DAY: Millis = START + 24 * 60 * 60 * 1000;
