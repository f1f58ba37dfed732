//! Stub servers that only receive: one address per host, one list of what each inbox got, in order of arrival.
//!
//! A gate holds every answer back until the test lets it through, so that a crash falls between two deliveries and
//! not after the last one. A host answers 500 to objects of types that people's servers do not know, as some of these
//! do, unless it is said to keep records.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context, Result};
use parking_lot::Mutex;
use serde_json::{Value, json};
use shoal_store::{ActorKind, Answer, Arrival, CallsFor, Moment, NewFollower, NewRemoteActor, Received};
use tokio::sync::Semaphore;

use crate::instance::{self, Shoal};

/// What the inboxes got.
#[derive(Clone, Debug)]
pub struct Inboxes {
    desk: Desk,
    hosts: Vec<SocketAddr>,
    server: ServerHandle,
}

impl Inboxes {
    /// Opens so many hosts, each on a loopback address of its own, with the gate shut.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub fn open(count: usize) -> Result<Self> {
        let desk = Desk::default();
        let shared = web::Data::new(desk.clone());
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals();
        let mut hosts = Vec::new();
        for _ in 0..count {
            let address: Ipv4Addr = instance::own_address();
            let listener = std::net::TcpListener::bind((address, 0))?;
            hosts.push(listener.local_addr()?);
            server = server.listen(listener)?;
        }
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            desk,
            hosts,
            server: handle,
        })
    }

    /// From now on what this host's actor says of its software is that it understands records, and so it does.
    pub fn keep_records(&self, host: usize) {
        self.desk.keepers.lock().insert(self.host(host));
    }

    /// The name of a host, by which `got` knows it.
    #[must_use]
    pub fn host(&self, host: usize) -> String {
        self.hosts[host].to_string()
    }

    /// What came that a host could not read and answered 500 to.
    #[must_use]
    pub fn unread(&self) -> Vec<Value> {
        self.desk.unread.lock().clone()
    }

    /// Makes one actor at each host a follower of a collection, as if its Follow had come in just now.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn follow(&self, shoal: &Shoal, collection: &str) -> Result<()> {
        let store = shoal.store()?;
        let followed = store
            .local_actor(ActorKind::Collection, collection)?
            .context("the collection is there")?;
        for host in &self.hosts {
            let base = format!("http://{host}");
            let actor = NewRemoteActor {
                uri: format!("{base}/reader"),
                domain: host.to_string(),
                name: "reader".to_owned(),
                actor_type: "Person".to_owned(),
                title: "A reader".to_owned(),
                inbox: format!("{base}/reader/inbox"),
                shared_inbox: Some(format!("{base}/inbox")),
                key_id: format!("{base}/reader#main-key"),
                public_key_pem: String::new(),
                json: "{}".to_owned(),
                understands_records: self.desk.keepers.lock().contains(&host.to_string()),
            };
            let follow = format!("{base}/follows/1");
            let actor_uri = &actor.uri;
            let object = format!("{}/collections/{collection}", shoal.url());
            let follow_json = json!({ "id": follow, "type": "Follow", "actor": actor_uri, "object": object });
            let accept = json!({ "id": format!("{object}/accepts/{host}"), "type": "Accept", "actor": object,
                "to": [actor_uri], "object": follow_json });
            let accept = Answer {
                uri: format!("{object}/accepts/{host}"),
                actor: followed.id,
                kind: "Accept".to_owned(),
                object_uri: follow.clone(),
                json: accept.to_string(),
                inbox: actor.inbox.clone(),
                host: shoal_store::host_of(&actor.inbox)?,
            };
            let follower = store.save_remote_actor(moment(), actor)?.id;
            let received = Received {
                activity_id: follow.clone(),
                host: host.to_string(),
                kind: "Follow".to_owned(),
                signed_at: moment().now,
            };
            let new = NewFollower {
                actor: followed.id,
                follower,
                follow_uri: follow,
                accept,
            };
            let calls_for = CallsFor::Follow(new);
            for effect in store
                .receive(moment(), vec![Arrival { received, calls_for }])?
                .effects
            {
                effect?;
            }
        }
        Ok(())
    }

    /// Lets so many more requests through; each of them is answered 202.
    pub fn let_through(&self, count: usize) {
        self.desk.gate.add_permits(count);
    }

    /// Lets everything through from now on.
    pub fn let_all_through(&self) {
        self.desk.gate.add_permits(1 << 20);
    }

    /// How many more requests the gate would let through.
    #[must_use]
    pub fn still_free(&self) -> usize {
        self.desk.gate.available_permits()
    }

    /// What each host got that was let through, in order of arrival.
    #[must_use]
    pub fn got(&self) -> BTreeMap<String, Vec<Value>> {
        self.desk.got.lock().clone()
    }

    /// Checks that every host was told of exactly these uploads, in this order, each under one id that all hosts had.
    ///
    /// # Panics
    /// When that is not so; `about` says in which run.
    pub fn assert_told(&self, uploads: &[String], about: &str) {
        let mut orders = BTreeSet::new();
        for (host, list) in self.got() {
            let order = in_order(&list);
            assert_eq!(
                order.len(),
                uploads.len(),
                "{about}, {host}: each upload under one id"
            );
            orders.insert(order);
        }
        assert_eq!(
            orders.len(),
            1,
            "{about}: every host got the same ids in the same order: {orders:#?}"
        );
        let told: Vec<String> = orders.into_iter().flatten().map(|(_, said)| said).collect();
        for (upload, said) in uploads.iter().zip(&told) {
            assert!(
                said.contains(upload),
                "{about}: in the order of publishing: {uploads:?} {told:?}"
            );
        }
    }

    /// How many activities were let through in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.desk.got.lock().values().map(Vec::len).sum()
    }
}

/// The Create activities in the order in which a host first had them: the id, and what it says.
#[must_use]
pub fn in_order(list: &[Value]) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let creates = list
        .iter()
        .filter(|activity| activity["type"] == "Create" && activity["object"]["type"] == "Note");
    creates
        .map(|activity| (activity["id"].to_string(), activity["object"].to_string()))
        .filter(|(id, _)| seen.insert(id.clone()))
        .collect()
}

impl Drop for Inboxes {
    fn drop(&mut self) {
        self.desk.gate.close();
        drop(self.server.stop(false));
    }
}

/// What all hosts share.
#[derive(Clone, Debug)]
struct Desk {
    got: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
    unread: Arc<Mutex<Vec<Value>>>,
    keepers: Arc<Mutex<BTreeSet<String>>>,
    gate: Arc<Semaphore>,
}

impl Default for Desk {
    /// With the gate shut.
    fn default() -> Self {
        Self {
            got: Arc::default(),
            unread: Arc::default(),
            keepers: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }
}

async fn receive(request: HttpRequest, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    match desk.gate.acquire().await {
        Ok(permit) => permit.forget(),
        Err(_) => return HttpResponse::ServiceUnavailable().finish(),
    }
    let host = request.connection_info().host().to_owned();
    let Ok(activity) = serde_json::from_slice::<Value>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    if !is_known(&activity["object"]) && !desk.keepers.lock().contains(&host) {
        desk.unread.lock().push(activity);
        return HttpResponse::InternalServerError().finish();
    }
    desk.got.lock().entry(host).or_default().push(activity);
    HttpResponse::Accepted().finish()
}

/// Whether an object is one that people's servers read.
fn is_known(object: &Value) -> bool {
    let kind = match object["type"].as_str() {
        Some("Tombstone") => object["formerType"].as_str(),
        other => other,
    };
    object.is_string() || matches!(kind, Some("Note" | "Follow" | "Announce" | "Group" | "Person"))
}

/// Now, as the store wants it.
#[must_use]
pub fn moment() -> Moment {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::new(i64::try_from(now.as_millis()).unwrap_or(i64::MAX), rand::random())
}
