//! `kill -9` while events are built and delivered: after the restart nothing is lost, nothing is out of order, and the
//! counts are right. The child is this test program again; what an inbox received is a file it appends to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shoal_store::{
    Audience, Built, DeliveryQuery, DeliveryState, Event, HostQuery, Id, Millis, Moment, NewActivity, Paging,
    Role, Store, StoreError,
};

use crate::deliveries::{Tell, attempt};
use crate::scratch::{Outcome, START, Scratch};

const HOSTS: usize = 5;
const EVENTS: usize = 40;
const LEASE: Millis = 60_000;

/// A worker's life until there is nothing to do: build what happened, deliver what waits.
fn work(store: &Store, inboxes: &Path, owner: &str) -> Result<(), StoreError> {
    let clock = Cell::new(START + 1_000_000);
    let moment = || {
        clock.set(clock.get() + 1);
        Moment::new(clock.get(), rand::random())
    };
    store.clear_leases(moment())?;
    loop {
        let events = store.unbuilt_events(3)?;
        for pending in &events {
            let Event::FollowRequested { following } = pending.event else {
                continue;
            };
            let actor = store.following_by_id(following)?.actor;
            store.record_built(moment(), pending.id, said_of(actor, pending.seq, moment().id()))?;
        }
        let hosts = store.claim_hosts(moment(), owner, LEASE, 2)?.hosts;
        if hosts.is_empty() && events.is_empty() {
            if store.delivery_counts()?.waiting == 0 {
                return Ok(());
            }
            // PostgreSQL may have ended the last claim of a killed worker after it died: time passes until it runs out.
            clock.set(clock.get() + LEASE);
        }
        for (host, first) in hosts {
            for next in first {
                let letter = store.letter(next.activity)?.expect("it is still there");
                receive(&inboxes.join(&host.host), &letter.activity_uri);
                store.delivered(moment(), attempt(next.id, owner, Some(202), ""))?;
            }
            store.release_host(moment(), &host.host, owner)?;
        }
    }
}

/// An event comes to two activities, which go to every host in this order.
fn said_of(actor: Id, seq: i64, chance: Id) -> Built {
    let inboxes: Vec<(String, String)> = (0..HOSTS)
        .map(|n| (format!("https://h{n}.example/inbox"), format!("h{n}.example")))
        .collect();
    let activities = ["a", "b"].map(|part| NewActivity {
        uri: format!("https://here.example/{seq:06}{part}/{chance}"),
        actor,
        kind: "Create".to_owned(),
        object_uri: None,
        json: "{}".to_owned(),
        in_outbox: true,
        audience: Audience::Inboxes(inboxes.clone()),
    });
    Built {
        activities: activities.into(),
        ..Built::default()
    }
}

fn receive(inbox: &Path, activity: &str) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(inbox)
        .expect("a file");
    file.write_all(format!("{activity}\n").as_bytes())
        .expect("written");
}

/// What each inbox received, a repetition straight after the first counted once.
fn received(inboxes: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let files = std::fs::read_dir(inboxes)
        .expect("a folder")
        .map(|entry| entry.expect("readable").path());
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable");
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.dedup();
            (path, lines)
        })
        .collect()
}

/// Not a test by itself: what the child does when the parent starts this program with these variables.
#[test]
fn a_child_at_work() -> Outcome {
    let (Ok(url), Ok(inboxes)) = (
        std::env::var("SHOAL_CRASH_URL"),
        std::env::var("SHOAL_CRASH_INBOXES"),
    ) else {
        return Ok(());
    };
    let store = Store::open(&url, Role::Serve)?;
    work(
        &store,
        Path::new(&inboxes),
        &format!("child {}", std::process::id()),
    )?;
    Ok(())
}

/// Runs the child for a while and kills it; true if it was killed and had not ended by itself.
fn run_and_kill(url: &str, inboxes: &Path, after: Duration) -> Result<bool, Box<dyn std::error::Error>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "crash::a_child_at_work", "--nocapture"])
        .env("SHOAL_CRASH_URL", url)
        .env("SHOAL_CRASH_INBOXES", inboxes)
        .stdout(Stdio::null())
        .spawn()?;
    // It is let live until it has begun to deliver, and a little longer.
    let (started, length) = (Instant::now(), || {
        let files = std::fs::read_dir(inboxes).into_iter().flatten().flatten();
        files
            .filter_map(|file| file.metadata().ok())
            .map(|file| file.len())
            .sum::<u64>()
    });
    let before = length();
    while length() == before && started.elapsed() < Duration::from_secs(60) && child.try_wait()?.is_none() {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    while begun.elapsed() < after && child.try_wait()?.is_none() {
        std::thread::yield_now();
    }
    let killed = child.try_wait()?.is_none();
    child.kill()?;
    child.wait()?;
    Ok(killed)
}

fn nothing_is_lost(scratch: &mut Scratch) -> Outcome {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let inboxes = tempfile::tempdir()?;
    for _ in 0..EVENTS {
        scratch.event();
    }
    scratch.close();
    let mut kills = 0;
    for _ in 0..5 {
        let after = Duration::from_millis(rng.random_range(0..40));
        kills += usize::from(run_and_kill(scratch.url(), inboxes.path(), after)?);
    }
    eprintln!("killed {kills} times");
    scratch.reopen();
    work(scratch.store(), inboxes.path(), "parent")?;

    let received = received(inboxes.path());
    assert_eq!(received.len(), HOSTS, "seed {seed}");
    for (inbox, lines) in received {
        assert_eq!(lines.len(), 2 * EVENTS, "seed {seed}, {}", inbox.display());
        assert!(lines.is_sorted(), "seed {seed}, {}: {lines:?}", inbox.display());
    }
    let store = scratch.store();
    assert!(store.unbuilt_events(1)?.is_empty());
    assert_eq!(store.delivery_counts()?.waiting, 0, "seed {seed}");
    let waiting = DeliveryQuery {
        state: Some(DeliveryState::Waiting),
        ..DeliveryQuery::default()
    };
    assert!(store.deliveries(&waiting)?.items.is_empty());
    assert!(
        store
            .hosts(&HostQuery {
                only: None,
                paging: Paging::first(200)
            })?
            .items
            .iter()
            .all(|host| host.host.waiting == 0)
    );
    Ok(())
}

#[test]
fn a_crash_at_any_instant_loses_nothing_on_sqlite() -> Outcome {
    nothing_is_lost(&mut Scratch::sqlite())
}

#[test]
fn a_crash_at_any_instant_loses_nothing_on_postgres() -> Outcome {
    Scratch::postgres().map_or(Ok(()), |mut scratch| nothing_is_lost(&mut scratch))
}
