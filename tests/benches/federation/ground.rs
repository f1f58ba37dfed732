//! The ground that is measured on: followers and known actors, written straight into the store while the program is
//! stopped, for they are not what is measured. What following would have to be answered with is left out.

use std::thread;

use anyhow::{Context, Result};
use serde_json::json;
use shoal_store::{
    ActorKind, Answer, Arrival, CallsFor, GiveUp, Id, NewFollower, NewRemoteActor, Received, Store,
};
use shoal_tests::inbox::moment;

use crate::sender::Actor;
use crate::stub::{self, Stub};

/// How many write at once, so that they share commits.
const WRITERS: usize = 48;

/// Foreign servers and what is to be known of them.
pub(super) struct Ground<'a> {
    /// The program's database.
    pub(super) store: &'a Store,
    /// The foreign servers.
    pub(super) stub: &'a Stub,
    /// The public key of every foreign actor.
    pub(super) pem: &'a str,
}

impl Ground<'_> {
    /// Makes known `count` actors spread over `hosts` servers; `kind` is the first part of their paths.
    pub(super) fn know(&self, kind: &str, count: usize, hosts: usize) -> Result<Vec<Actor>> {
        let known = self.each(count, |number| {
            let host = self.stub.host(number % hosts);
            Ok((self.save(&host, kind, number)?, host))
        })?;
        Ok(known.into_iter().map(|((actor, _), _)| actor).collect())
    }

    /// The same, each following a collection; nothing is told of it.
    pub(super) fn follow(&self, collection: &str, kind: &str, count: usize, hosts: usize) -> Result<()> {
        let followed = self.store.local_actor(ActorKind::Collection, collection)?;
        let followed = followed.context("the collection is there")?.id;
        self.each(count, |number| {
            let host = self.stub.host(number % hosts);
            let (actor, follower) = self.save(&host, kind, number)?;
            let follow = actor.activity("Follow", "ground", json!(collection));
            let follow_uri = format!("{}/ground", actor.id);
            let received = Received {
                activity_id: follow_uri.clone(),
                host,
                kind: "Follow".to_owned(),
                signed_at: moment().now,
            };
            let accept = Answer {
                uri: format!("{follow_uri}/accept"),
                actor: followed,
                kind: "Accept".to_owned(),
                object_uri: follow_uri.clone(),
                json: follow.to_string(),
                inbox: format!("http://{}/inbox", received.host),
                host: received.host.clone(),
            };
            let new = NewFollower {
                actor: followed,
                follower,
                follow_uri,
                accept,
            };
            let calls_for = CallsFor::Follow(new);
            let taken = self
                .store
                .receive(moment(), vec![Arrival { received, calls_for }])?;
            Ok(taken
                .effects
                .into_iter()
                .try_for_each(|effect| effect.map(drop))?)
        })?;
        self.leave_untold(hosts)
    }

    fn save(&self, host: &str, kind: &str, number: usize) -> Result<(Actor, Id)> {
        let document = stub::actor(host, &format!("/{kind}/{number}"), self.pem);
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let id = text("id");
        let new = NewRemoteActor {
            uri: id.clone(),
            domain: host.to_owned(),
            name: text("preferredUsername"),
            actor_type: "Person".to_owned(),
            title: text("preferredUsername"),
            inbox: text("inbox"),
            shared_inbox: Some(format!("http://{host}/inbox")),
            key_id: format!("{id}#main-key"),
            public_key_pem: self.pem.to_owned(),
            json: document.to_string(),
            understands_records: false,
        };
        let row = self.store.save_remote_actor(moment(), new)?.id;
        Ok((Actor { id }, row))
    }

    /// Every answer that waits is given up.
    fn leave_untold(&self, hosts: usize) -> Result<()> {
        self.each(hosts, |number| {
            let these = GiveUp {
                host: self.stub.host(number),
                queued_before: moment().now + 1,
                reason: "not what is measured".to_owned(),
            };
            while self.store.give_up_deliveries(moment(), these.clone(), 500)? > 0 {}
            Ok(())
        })?;
        Ok(())
    }

    /// Does something for each number, many at a time.
    fn each<T: Send>(&self, count: usize, act: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
        let act = &act;
        let work = move |first: usize| {
            (first..count)
                .step_by(WRITERS)
                .map(act)
                .collect::<Result<Vec<_>>>()
        };
        let all = thread::scope(|scope| {
            let workers: Vec<_> = (0..WRITERS.min(count))
                .map(|first| scope.spawn(move || work(first)))
                .collect();
            let join =
                |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("a worker does not panic");
            workers.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        Ok(all.into_iter().flatten().collect())
    }
}
