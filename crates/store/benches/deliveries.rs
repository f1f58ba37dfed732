//! What publishing to many followers and delivering costs in the database: SQLite always, PostgreSQL where
//! `SHOAL_TEST_POSTGRES` names a server. No network: an inbox that takes everything at once is imagined.
//!
//! Followers and the long queue are written by raw SQL, for they are only the ground; what is measured goes through
//! the verbs.

#![expect(clippy::print_stdout, reason = "printing figures is what a bench is for")]

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use shoal_store::{
    ActorKeys, Attempt, Audience, Built, Claimed, Fate, Id, Millis, Moment, NewAccount, NewActivity,
    NewCollection, NewRemoteActor, Role, Scopes, Store, StoreError, Then,
};

const FOLLOWERS: usize = 10_000;
const HOSTS: usize = 1_000;
const BACKLOG: usize = 1_000_000;
const BACKLOG_HOSTS: usize = 10_000;
const WORKERS: usize = 8;
const LEASE: Millis = 120_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.sqlite").display());
    measure("SQLite", &url, |sql| {
        let path = folder.path().join("bench.sqlite");
        let path = path.to_str().ok_or("the folder's name is UTF-8")?;
        Ok(SqliteConnection::establish(path)?.batch_execute(sql)?)
    })?;
    let Ok(server) = std::env::var("SHOAL_TEST_POSTGRES") else {
        println!("PostgreSQL is skipped: SHOAL_TEST_POSTGRES names no server");
        return Ok(());
    };
    let mut conn = PgConnection::establish(&server)?;
    let schema = format!("bench_{}", std::process::id());
    conn.batch_execute(&format!("CREATE SCHEMA {schema}"))?;
    let sep = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{sep}options=-csearch_path%3D{schema}");
    let measured = measure("PostgreSQL", &url, |sql| {
        Ok(PgConnection::establish(&url)?.batch_execute(sql)?)
    });
    conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))?;
    measured
}

fn measure(database: &str, url: &str, sql: impl Fn(&str) -> Outcome<()>) -> Outcome<()> {
    let bench = Bench {
        store: Store::open(url, Role::Serve)?,
        clock: AtomicI64::new(1_763_600_000_000),
    };
    let actor = bench.actor()?;
    bench.queue_to_nobody(actor)?;
    sql(&followers(actor))?;

    let post = median_of(10, || bench.publish(actor))?;
    let how = format!("one post to {FOLLOWERS} followers on {HOSTS} hosts, median of 10");
    figure(database, "publish", &millis(post), &how);
    let (count, took, claim) = bench.deliver_everything()?;
    let each = took / u32::try_from(count)?;
    let how = format!("{count} deliveries by {WORKERS} workers, each claimed, read, answered and released");
    figure(database, "deliver, in all", &micros(each), &how);
    let how = "median of all claims of that run";
    figure(database, "claim 16 hosts", &micros(claim), how);

    sql(&backlog())?;
    measure_beside_many(database, &bench, actor)
}

/// The same once a long queue stands.
fn measure_beside_many(database: &str, bench: &Bench, actor: Id) -> Outcome<()> {
    let (store, how) = (&bench.store, "one lease renewed, median of 20");
    let write = || time(|| store.take_lease(bench.moment().now, "bench", "bench", LEASE));
    figure(database, "smallest write", &micros(median_of(20, write)?), how);

    let how = format!("{BACKLOG} deliveries wait for {BACKLOG_HOSTS} hosts, median of 20");
    let claim = median_of(20, || bench.claim().map(|(_, took)| took))?;
    figure(database, "claim 16 hosts of many", &micros(claim), &how);
    let count = median_of(20, || time(|| store.delivery_counts()))?;
    figure(database, "count what waits", &micros(count), &how);
    let read = median_of(20, || time(|| store.next_deliveries("b7.example", 10)))?;
    figure(database, "read 10 of a host", &micros(read), &how);
    let post = median_of(5, || bench.publish(actor))?;
    let how = format!("the same post while {BACKLOG} deliveries wait, median of 5");
    figure(database, "publish beside many", &millis(post), &how);
    Ok(())
}

struct Bench {
    store: Store,
    clock: AtomicI64,
}

impl Bench {
    fn moment(&self) -> Moment {
        Moment::new(self.clock.fetch_add(1, Ordering::Relaxed), rand::random())
    }

    /// A collection that can be followed.
    fn actor(&self) -> Result<Id, StoreError> {
        let keys = || ActorKeys {
            rsa_private_der: vec![0; 1200],
            rsa_public_pem: "x".repeat(450),
            ed25519_private_der: vec![0; 48],
            ed25519_public: vec![0; 32],
        };
        let (scopes, password_hash) = (Scopes::default(), None);
        let (name, title) = ("archivist".to_owned(), String::new());
        let new = NewAccount {
            name,
            title,
            password_hash,
            scopes,
            keys: keys(),
        };
        let account = self.store.create_account(self.moment(), new)?.id;
        let (name, title, summary) = ("climate".to_owned(), String::new(), String::new());
        let new = NewCollection {
            name,
            title,
            summary,
            account,
            keys: keys(),
        };
        Ok(self.store.create_collection(self.moment(), new)?.actor_id)
    }

    /// One activity that the long queue will carry; its number in the log is 1.
    fn queue_to_nobody(&self, actor: Id) -> Result<(), StoreError> {
        self.build(actor, Audience::Nobody).map(|_| ())
    }

    fn publish(&self, actor: Id) -> Result<Duration, StoreError> {
        self.build(actor, Audience::Followers)
    }

    /// Writes down what an event came to and queues it for all; only this is timed, not the event.
    fn build(&self, actor: Id, audience: Audience) -> Result<Duration, StoreError> {
        let name = self.moment().id();
        let uri = format!("https://elsewhere.example/users/{name}");
        let target = self.store.save_remote_actor(
            self.moment(),
            NewRemoteActor {
                uri: uri.clone(),
                domain: "elsewhere.example".to_owned(),
                name: "target".to_owned(),
                actor_type: "Person".to_owned(),
                title: String::new(),
                inbox: format!("{uri}/inbox"),
                shared_inbox: None,
                key_id: format!("{uri}#main-key"),
                public_key_pem: String::new(),
                json: "{}".to_owned(),
                understands_records: false,
            },
        )?;
        let follow = format!("https://here.example/activities/{name}/follow");
        self.store
            .request_follow(self.moment(), actor, target.id, &follow)?;
        let events = self.store.unbuilt_events(1)?;
        let event = events.first().ok_or(StoreError::NotFound { what: "event" })?.id;
        let activity = NewActivity {
            uri: format!("https://here.example/activities/{name}"),
            actor,
            kind: "Create".to_owned(),
            object_uri: Some(format!("https://here.example/objects/{name}")),
            json: format!("{{\"content\":\"{}\"}}", "x".repeat(3000)),
            in_outbox: true,
            audience,
        };
        let built = Built {
            activities: vec![activity],
            ..Built::default()
        };
        time(|| {
            self.store.record_built(self.moment(), event, built)?;
            while let Some(begun) = self.store.next_spread()? {
                let mut next = Some(begun);
                while let Some(spread) = next {
                    next = self.store.spread_on(self.moment(), spread)?;
                }
            }
            Ok(())
        })
    }

    /// Claims 16 hosts, and how long that took.
    fn claim(&self) -> Result<(Claimed, Duration), StoreError> {
        timed(|| self.store.claim_hosts(self.moment(), "bench", LEASE, 16))
    }

    /// Works the whole queue off: how many, how long it took, and the median claim.
    fn deliver_everything(&self) -> Result<(usize, Duration, Duration), StoreError> {
        let began = Instant::now();
        let lives: Vec<(usize, Vec<Duration>)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| self.work())).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("a worker does not panic"))
                .collect::<Result<_, _>>()
        })?;
        let took = began.elapsed();
        let count = lives.iter().map(|(count, _)| count).sum();
        Ok((
            count,
            took,
            median(lives.into_iter().flat_map(|(_, claims)| claims).collect()),
        ))
    }

    fn work(&self) -> Result<(usize, Vec<Duration>), StoreError> {
        let (mut count, mut claims) = (0, Vec::new());
        loop {
            let (claimed, took) = self.claim()?;
            if claimed.hosts.is_empty() {
                return Ok((count, claims));
            }
            claims.push(took);
            for (_, mut hand) in claimed.hosts {
                while !hand.is_empty() {
                    let last = hand.len() - 1;
                    for (place, delivery) in std::mem::take(&mut hand).into_iter().enumerate() {
                        let then = if place < last {
                            Then::InHand
                        } else {
                            Then::More(10)
                        };
                        let settled = self.store.settle(self.moment(), vec![taken(delivery.id, then)])?;
                        hand.extend(settled.into_iter().flat_map(|settled| settled.next));
                        count += 1;
                    }
                }
            }
        }
    }
}

/// That a delivery was taken.
fn taken(delivery: i64, then: Then) -> shoal_store::Outcome {
    let attempt = Attempt {
        delivery,
        owner: "bench".to_owned(),
        lease: LEASE,
        status: Some(202),
        reason: String::new(),
    };
    let fate = Fate::Delivered;
    shoal_store::Outcome { attempt, fate, then }
}

/// Remote actors and that they follow; on each host all share an inbox.
fn followers(actor: Id) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {FOLLOWERS})
         INSERT INTO remote_actors (id, uri, domain, name, actor_type, title, inbox, shared_inbox, delivery_inbox,
             delivery_host, key_id, public_key_pem, json, created_at, fetched_at)
         SELECT '00000000-0000-7000-8000-' || (100000000000 + i),
             'https://h' || (i % {HOSTS}) || '.example/users/' || i, 'h' || (i % {HOSTS}) || '.example', 'u' || i,
             'Person', '', 'https://h' || (i % {HOSTS}) || '.example/users/' || i || '/inbox',
             'https://h' || (i % {HOSTS}) || '.example/inbox', 'https://h' || (i % {HOSTS}) || '.example/inbox',
             'h' || (i % {HOSTS}) || '.example', 'https://h' || (i % {HOSTS}) || '.example/users/' || i || '#k',
             '', '{{}}', 1, 1
         FROM n;
         INSERT INTO followers (actor_id, follower_id, follow_uri, standing, created_at, host, inbox)
         SELECT '{actor}', id, uri || '/follow', '[]', 1, delivery_host, delivery_inbox FROM remote_actors WHERE domain <> 'elsewhere.example';"
    )
}

/// A long queue, as after a week in which many servers were down.
fn backlog() -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {BACKLOG})
         INSERT INTO deliveries (activity, host, inbox, state, attempts, created_at)
         SELECT 1, 'b' || (i % {BACKLOG_HOSTS}) || '.example', 'https://b' || (i % {BACKLOG_HOSTS}) || '.example/inbox',
             'waiting', 0, 1 FROM n;
         INSERT INTO hosts (host, waiting, due_at, failures)
         SELECT host, COUNT(*), 1, 0 FROM deliveries WHERE state = 'waiting' GROUP BY host;
         ANALYZE;"
    )
}

fn timed<T>(verb: impl FnOnce() -> Result<T, StoreError>) -> Result<(T, Duration), StoreError> {
    let began = Instant::now();
    let value = verb()?;
    Ok((value, began.elapsed()))
}

fn time<T>(verb: impl FnOnce() -> Result<T, StoreError>) -> Result<Duration, StoreError> {
    Ok(timed(verb)?.1)
}

fn median_of(
    times: usize,
    measure: impl Fn() -> Result<Duration, StoreError>,
) -> Result<Duration, StoreError> {
    Ok(median((0..times).map(|_| measure()).collect::<Result<_, _>>()?))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

fn figure(database: &str, name: &str, value: &str, how: &str) {
    println!("figure: {database}: {name} | {value} | {how}");
}
