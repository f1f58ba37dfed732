//! Workers that share the hosts: nobody starves, no two hold one, and a worker that dies loses nothing. Next:
//! `queue.rs`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use shoal_store::{Host, HostQuery, Moment, Paging, Role, Store, StoreError};

use crate::deliveries::{Tell, attempt, queue};
use crate::scratch::{START, Scratch, both};

const LEASE: i64 = 60_000;

fn claimed(scratch: &Scratch, owner: &str, now: i64, limit: u32) -> Vec<String> {
    let hosts = scratch
        .store()
        .claim_hosts(scratch.moment_at(now), owner, LEASE, limit)
        .expect("claimable");
    let hosts = hosts.hosts.into_iter();
    hosts.map(|(host, _): (Host, _)| host.host).collect()
}

both!(whoever_was_served_goes_to_the_end, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "endless.example", 50);
    for n in 0..3 {
        queue(scratch, actor, &format!("h{n}.example"), 2);
    }
    // One worker that takes one delivery of one host at a time: after eight rounds all four had their turn twice.
    let mut turns: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..8 {
        let now = START + 10_000 + round;
        let host = claimed(scratch, "w", now, 1).pop().expect("something waits");
        let first = &store.next_deliveries(&host, 1)?[0];
        store.delivered(scratch.moment_at(now), attempt(first.id, "w", Some(200), ""))?;
        store.release_host(scratch.moment_at(now), &host, "w")?;
        *turns.entry(host).or_default() += 1;
    }
    assert_eq!(
        turns.values().copied().collect::<Vec<_>>(),
        [2, 2, 2, 2],
        "{turns:?}"
    );
    Ok(())
});

both!(a_host_is_claimed_by_one_at_a_time, |scratch| {
    let actor = scratch.actor("climate");
    for n in 0..6 {
        queue(scratch, actor, &format!("h{n}.example"), 1);
    }
    let now = START + 10_000;
    let (first, second) = (claimed(scratch, "a", now, 4), claimed(scratch, "b", now, 4));
    assert_eq!((first.len(), second.len()), (4, 2));
    assert!(first.iter().all(|host| !second.contains(host)));
    assert!(claimed(scratch, "c", now, 4).is_empty());
    // One that died holds nothing for ever.
    assert_eq!(claimed(scratch, "c", now + LEASE, 100).len(), 6);
    // And a restart of the only process holds nothing at all.
    assert_eq!(
        scratch.store().clear_leases(scratch.moment_at(now + LEASE + 1))?,
        6
    );
    assert_eq!(claimed(scratch, "d", now + LEASE + 1, 100).len(), 6);
    Ok(())
});

both!(
    a_worker_that_died_after_the_last_delivery_leaves_no_trace,
    |scratch| {
        let (actor, store) = (scratch.actor("climate"), scratch.store());
        queue(scratch, actor, "a.example", 1);
        let now = START + 10_000;
        claimed(scratch, "a", now, 1);
        let id = store.next_deliveries("a.example", 1)?[0].id;
        store.delivered(scratch.moment_at(now), attempt(id, "a", Some(200), ""))?;
        assert!(claimed(scratch, "b", now + LEASE, 1).is_empty());
        let host = store.host("a.example")?.expect("known");
        assert_eq!((host.waiting, host.claimed), (0, None));
        assert_eq!(store.sweep_hosts(now + LEASE, 10)?, 0);
        assert_eq!(store.sweep_hosts(now + LEASE + 1, 10)?, 1);
        assert_eq!(store.host("a.example")?, None);
        Ok(())
    }
);

both!(a_sign_of_life_ends_the_waiting, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    let now = START + 10_000;
    for host in ["a.example", "b.example"] {
        queue(scratch, actor, host, 1);
        let id = store.next_deliveries(host, 1)?[0].id;
        claimed(scratch, "w", now, 1);
        store.delay_host(
            scratch.moment_at(now),
            attempt(id, "w", None, "no route"),
            now + 1_000_000,
        )?;
    }
    assert!(claimed(scratch, "w", now + 10, 5).is_empty());
    assert!(store.host_answered(scratch.moment_at(now + 10), "a.example")?);
    assert!(!store.host_answered(scratch.moment_at(now + 10), "a.example")?);
    assert!(!store.host_answered(scratch.moment_at(now + 10), "never.example")?);
    assert_eq!(claimed(scratch, "w", now + 10, 5), ["a.example"]);
    store.retry_now(scratch.moment_at(now + 20), "b.example")?;
    assert_eq!(claimed(scratch, "w", now + 20, 5), ["b.example"]);
    assert_eq!(store.host("b.example")?.map(|host| host.failures), Some(1));
    let missing = store.retry_now(scratch.moment(), "never.example");
    assert!(matches!(missing, Err(StoreError::NotFound { what: "server" })));
    let names: Vec<String> = store
        .hosts(&HostQuery {
            only: None,
            paging: Paging::first(1),
        })?
        .items
        .into_iter()
        .map(|host| host.host.host)
        .collect();
    assert_eq!(names, ["a.example"]);
    Ok(())
});

both!(
    state_of_hosts_to_which_nothing_goes_expires_in_batches,
    |scratch| {
        let (actor, store) = (scratch.actor("climate"), scratch.store());
        for n in 0..5 {
            queue(scratch, actor, &format!("h{n}.example:{}", 1000 + n), 1);
        }
        for host in claimed(scratch, "w", START + 10_000, 4) {
            let id = store.next_deliveries(&host, 1)?[0].id;
            store.refuse_delivery(
                scratch.moment_at(START + 10_000),
                attempt(id, "w", None, "no such host"),
            )?;
            store.release_host(scratch.moment_at(START + 10_000), &host, "w")?;
        }
        assert_eq!(store.sweep_hosts(START + 10_001, 3)?, 3);
        assert_eq!(store.sweep_hosts(START + 10_001, 3)?, 1);
        assert_eq!(store.sweep_hosts(i64::MAX, 3)?, 0);
        assert_eq!(store.delivery_counts()?.waiting, 1);
        Ok(())
    }
);

/// What the workers of one test share: a clock they all push on, and who holds which host as they see it.
struct Yard {
    clock: AtomicI64,
    stop: AtomicBool,
    holders: Mutex<BTreeMap<String, (String, i64)>>,
    arrived: Mutex<BTreeMap<String, Vec<i64>>>,
}

impl Yard {
    fn moment(&self, rng: &mut StdRng) -> Moment {
        Moment::new(self.clock.fetch_add(1, Ordering::Relaxed), rng.random())
    }

    /// One turn of a worker that sometimes fails, sometimes is refused, and sometimes dies with its claims.
    fn turn(&self, store: &Store, owner: &str, rng: &mut StdRng) -> Result<(), StoreError> {
        let m = self.moment(rng);
        let until = m.now + LEASE;
        for (host, _) in store.claim_hosts(m, owner, LEASE, rng.random_range(1..4))?.hosts {
            let before = self
                .holders
                .lock()
                .expect("sound")
                .insert(host.host.clone(), (owner.to_owned(), until));
            assert!(
                before.is_none(),
                "{} is held by {before:?} and given to {owner}",
                host.host
            );
            self.work(store, owner, &host.host, rng)?;
        }
        Ok(())
    }

    fn work(&self, store: &Store, owner: &str, host: &str, rng: &mut StdRng) -> Result<(), StoreError> {
        for next in store.next_deliveries(host, rng.random_range(1..5))? {
            let fate = rng.random_range(0..10);
            if fate == 0 {
                let m = self.moment(rng);
                self.holders.lock().expect("sound").remove(host);
                let retry_at = m.now + rng.random_range(0..20);
                assert!(store.delay_host(m, attempt(next.id, owner, Some(500), "not now"), retry_at)?);
                return Ok(());
            }
            self.arrived
                .lock()
                .expect("sound")
                .entry(host.to_owned())
                .or_default()
                .push(next.id);
            let m = self.moment(rng);
            let held = match fate {
                1 => store.refuse_delivery(m, attempt(next.id, owner, Some(404), "no"))?,
                _ => store.delivered(m, attempt(next.id, owner, Some(202), ""))?,
            };
            assert!(held, "{owner} lost {host}");
        }
        self.holders.lock().expect("sound").remove(host);
        store.release_host(self.moment(rng), host, owner)
    }
}

both!(workers_of_two_processes_never_hold_one_host_together, |scratch| {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let actor = scratch.actor("climate");
    let mut rng = StdRng::seed_from_u64(seed);
    let names: Vec<String> = (0..12).map(|n| format!("h{n}.example")).collect();
    let mut queued = 0;
    for name in &names {
        let some = rng.random_range(1..12);
        queue(scratch, actor, name, some);
        queued += some;
    }
    let other = Store::open(scratch.url(), Role::Tool)?;
    let yard = Yard {
        clock: AtomicI64::new(START + 100_000),
        stop: AtomicBool::new(false),
        holders: Mutex::default(),
        arrived: Mutex::default(),
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..6_u64)
            .map(|n| {
                let (yard, store) = (&yard, if n % 2 == 0 { scratch.store() } else { &other });
                let mut rng = StdRng::seed_from_u64(seed ^ (n + 1));
                scope.spawn(move || {
                    while !yard.stop.load(Ordering::Relaxed) {
                        yard.turn(store, &format!("w{n}"), &mut rng)?;
                        if store.delivery_counts()?.waiting == 0 {
                            yard.stop.store(true, Ordering::Relaxed);
                        }
                    }
                    Ok::<(), StoreError>(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|one| one.join().expect("no panic"))
    })?;
    let arrived = yard.arrived.into_inner().expect("sound");
    assert_eq!(
        arrived.values().map(Vec::len).sum::<usize>(),
        queued,
        "seed {seed}"
    );
    for (host, order) in arrived {
        assert!(order.is_sorted(), "seed {seed}, {host}: {order:?}");
    }
    Ok(())
});
