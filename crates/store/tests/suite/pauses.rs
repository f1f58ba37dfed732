//! What an admin sees of hosts and does to them, and workers that die or lose count. Next: `queue.rs`.

use shoal_store::{
    Attempt, Delivery, DeliveryState, Fate, HELD_BACK_KEPT, HostOrder, HostQuery, Id, Outcome, Paging,
    Settled, Shelved, Store, StoreError, Then,
};

use crate::deliveries::{Tell, attempt, queue};
use crate::scratch::{START, Scratch, both};

const LEASE: i64 = 60_000;
const NOW: i64 = START + 10_000;

fn order(host: &str, by: Id, reason: &str) -> HostOrder {
    HostOrder {
        host: host.to_owned(),
        by,
        reason: reason.to_owned(),
    }
}

fn claimed(scratch: &Scratch, owner: &str, now: i64) -> Vec<String> {
    let store = scratch.store();
    let hosts = store.claim_hosts(scratch.moment_at(now), owner, LEASE, 10);
    let hosts = hosts.expect("claimable").hosts.into_iter();
    hosts.map(|(host, _)| host.host).collect()
}

fn listed(store: &Store, only: Option<Shelved>) -> Vec<String> {
    let mut paging = Paging::first(1);
    let mut names = Vec::new();
    loop {
        let query = HostQuery {
            only,
            paging: paging.clone(),
        };
        let page = store.hosts(&query).expect("readable");
        names.extend(page.items.into_iter().map(|host| host.host.host));
        match page.next {
            Some(next) => paging.cursor = Some(next),
            None => return names,
        }
    }
}

fn outcome(delivery: i64, fate: Fate, then: Then) -> Outcome {
    let attempt = Attempt {
        lease: LEASE,
        ..attempt(delivery, "w", Some(202), "")
    };
    Outcome { attempt, fate, then }
}

both!(
    a_host_that_is_held_back_is_left_alone_until_it_goes_on,
    |scratch| {
        let (account, store) = (scratch.account("admin").id, scratch.store());
        let actor = scratch.actor("climate");
        queue(scratch, actor, "a.example", 2);
        queue(scratch, actor, "b.example", 1);
        let at = |later| scratch.moment_at(NOW + later);
        store.pause_host(at(0), order("a.example", account, "they asked\0 us"))?;
        assert_eq!(claimed(scratch, "w", NOW), ["b.example"]);
        // New things queue up behind, and wake nobody.
        queue(scratch, actor, "a.example", 1);
        assert_eq!(claimed(scratch, "w", NOW + 1), [""; 0]);
        let counts = store.delivery_counts()?;
        assert_eq!(
            (counts.waiting, counts.hosts_waiting, counts.hosts_paused),
            (4, 1, 1)
        );
        let seen = store.queued_host("a.example")?.expect("known");
        let pause = seen.host.paused.expect("held back");
        assert_eq!((pause.at, pause.reason.as_str()), (NOW, "they asked  us"));
        assert_eq!((seen.host.waiting, seen.paused_by.as_deref()), (3, Some("admin")));
        assert!(seen.oldest_waiting_at.is_some_and(|at| at < NOW));
        let tried = store.retry_now(at(2), "a.example");
        assert!(matches!(tried, Err(StoreError::Refused(_))));
        assert!(!store.host_answered(at(2), "a.example")?);
        // A host that is held back is not forgotten either.
        assert_eq!(store.sweep_hosts(i64::MAX, 10)?, 0);

        store.resume_host(at(3), order("a.example", account, ""))?;
        let again = store.resume_host(at(3), order("a.example", account, ""));
        assert!(matches!(again, Err(StoreError::NotFound { .. })));
        assert_eq!(claimed(scratch, "w", NOW + 4), ["a.example"]);
        let log = store.moderation_log(&Paging::first(10))?.items;
        let acts: Vec<_> = log
            .iter()
            .map(|entry| (entry.act.as_str(), entry.target_label.as_str()))
            .collect();
        assert_eq!(acts, [("resume", "a.example"), ("pause", "a.example")]);
        let unknown = store.pause_host(at(5), order("never.example", account, "x"));
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
        Ok(())
    }
);

both!(a_pause_ends_the_turn_of_the_worker_at_it, |scratch| {
    let (account, store) = (scratch.account("admin").id, scratch.store());
    queue(scratch, scratch.actor("climate"), "a.example", 3);
    claimed(scratch, "w", NOW);
    let ids: Vec<i64> = store
        .next_deliveries("a.example", 9)?
        .iter()
        .map(|one| one.id)
        .collect();
    store.pause_host(scratch.moment_at(NOW), order("a.example", account, "x"))?;
    let told = store.settle(
        scratch.moment_at(NOW),
        vec![outcome(ids[0], Fate::Delivered, Then::InHand)],
    )?;
    assert_eq!(told, [Settled::default()]);
    let host = store.host("a.example")?.expect("known");
    assert_eq!((host.waiting, host.claimed), (2, None));
    assert!(claimed(scratch, "w", NOW + 2 * LEASE).is_empty());
    Ok(())
});

both!(
    what_waits_for_a_host_is_dropped_and_what_comes_later_is_not,
    |scratch| {
        let (account, store) = (scratch.account("admin").id, scratch.store());
        let actor = scratch.actor("climate");
        queue(scratch, actor, "a.example", 1203);
        queue(scratch, actor, "b.example", 1);
        let drop =
            |limit| store.drop_deliveries_to(scratch.moment(), order("a.example", account, "gone"), limit);
        assert_eq!(drop(5)?, 5);
        assert_eq!(drop(10_000)?, 1198);
        assert_eq!(drop(10_000)?, 0);
        queue(scratch, actor, "a.example", 1);
        assert_eq!(store.host("a.example")?.map(|host| host.waiting), Some(1));
        let refused = shoal_store::DeliveryQuery {
            host: Some("a.example".into()),
            state: Some(DeliveryState::Refused),
            paging: Paging::first(1),
        };
        let reason = store.deliveries(&refused)?.items.remove(0).reason;
        assert_eq!(reason.as_deref(), Some("dropped: gone"));
        assert_eq!(store.moderation_log(&Paging::first(10))?.items.len(), 3);
        let unknown = store.drop_deliveries_to(scratch.moment(), order("never.example", account, "x"), 9);
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
        Ok(())
    }
);

both!(a_pause_does_not_keep_things_for_ever, |scratch| {
    let (account, store) = (scratch.account("admin").id, scratch.store());
    let actor = scratch.actor("climate");
    queue(scratch, actor, "a.example", 2);
    queue(scratch, actor, "b.example", 1);
    store.pause_host(scratch.moment(), order("a.example", account, "x"))?;
    assert_eq!(
        store.sweep(scratch.moment_at(START + HELD_BACK_KEPT))?.held_back,
        0
    );
    let swept = store.sweep(scratch.moment_at(START + HELD_BACK_KEPT + 10_000))?;
    assert_eq!(swept.held_back, 2);
    assert_eq!(store.delivery_counts()?.waiting, 1);
    Ok(())
});

both!(hosts_are_listed_by_what_is_the_matter_with_them, |scratch| {
    let (account, store) = (scratch.account("admin").id, scratch.store());
    let actor = scratch.actor("climate");
    for host in ["a", "b", "c", "d"] {
        queue(scratch, actor, &format!("{host}.example"), 1);
    }
    claimed(scratch, "w", NOW);
    for (later, host) in [(5, "c.example"), (9, "a.example")] {
        let id = store.next_deliveries(host, 1)?[0].id;
        let failed = attempt(id, "w", Some(503), "busy");
        store.delay_host(scratch.moment_at(NOW + later), failed, NOW + 1000 - later)?;
    }
    store.release_host(scratch.moment_at(NOW), "b.example", "w")?;
    let id = store.next_deliveries("d.example", 1)?[0].id;
    let last = vec![outcome(id, Fate::Delivered, Then::More(9))];
    assert_eq!(store.settle(scratch.moment_at(NOW), last)?, [Settled::default()]);
    assert_eq!(
        listed(store, None),
        ["a.example", "b.example", "c.example", "d.example"]
    );
    assert_eq!(
        listed(store, Some(Shelved::Waiting)),
        ["b.example", "a.example", "c.example"]
    );
    assert_eq!(listed(store, Some(Shelved::Failing)), ["c.example", "a.example"]);
    assert_eq!(listed(store, Some(Shelved::Paused)), [""; 0]);
    store.pause_host(scratch.moment_at(NOW + 2), order("b.example", account, "x"))?;
    store.pause_host(scratch.moment_at(NOW + 1), order("a.example", account, "x"))?;
    assert_eq!(listed(store, Some(Shelved::Paused)), ["a.example", "b.example"]);
    assert_eq!(listed(store, Some(Shelved::Waiting)), ["c.example"]);
    Ok(())
});

both!(a_sign_of_life_does_not_shorten_what_a_host_asked_for, |scratch| {
    let store = scratch.store();
    queue(scratch, scratch.actor("climate"), "a.example", 1);
    claimed(scratch, "w", NOW);
    let id = store.next_deliveries("a.example", 1)?[0].id;
    let asked = Fate::NotNow {
        retry_at: NOW + 9000,
        asked_until: Some(NOW + 5000),
    };
    store.settle(scratch.moment_at(NOW), vec![outcome(id, asked, Then::Release)])?;
    assert!(!store.host_answered(scratch.moment_at(NOW + 10), "a.example")?);
    assert!(claimed(scratch, "w", NOW + 4999).is_empty());
    assert_eq!(claimed(scratch, "w", NOW + 5000), ["a.example"]);
    store.settle(
        scratch.moment_at(NOW + 5000),
        vec![outcome(id, asked, Then::Release)],
    )?;
    store.retry_now(scratch.moment_at(NOW + 5001), "a.example")?;
    assert_eq!(claimed(scratch, "w", NOW + 5001), ["a.example"], "an admin may");
    Ok(())
});

both!(outcomes_of_many_hosts_are_written_together, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    for n in 0..5 {
        queue(scratch, actor, &format!("h{n}.example"), 3);
    }
    let claimed = store.claim_hosts(scratch.moment_at(NOW), "w", LEASE, 10)?;
    let first: Vec<Vec<Delivery>> = claimed.hosts.into_iter().map(|(_, first)| first).collect();
    assert!(first.iter().all(|first| first.len() == 3), "{first:?}");
    let carried = |first: &Vec<Delivery>| claimed.letters.contains_key(&first[0].activity);
    assert!(first.iter().all(carried), "what is first for each comes with it");
    let not_now = Fate::NotNow {
        retry_at: NOW + 9000,
        asked_until: None,
    };
    let told = [
        outcome(first[4][0].id, Fate::Delivered, Then::InHand),
        outcome(first[0][0].id, Fate::Delivered, Then::More(1)),
        outcome(first[1][0].id, not_now, Then::More(1)),
        outcome(first[2][0].id, Fate::Refused, Then::Release),
    ];
    let settled = store.settle(scratch.moment_at(NOW), told.to_vec())?;
    let held: Vec<(bool, usize)> = settled.iter().map(|one| (one.held, one.next.len())).collect();
    assert_eq!(held, [(true, 0), (true, 1), (true, 0), (false, 0)]);
    assert_eq!(settled[1].next[0].id, first[0][1].id);
    // What ended meanwhile is counted once, and its worker reads anew.
    let again = store.settle(scratch.moment_at(NOW), told[..1].to_vec())?;
    assert_eq!(again, [Settled::default()]);
    assert_eq!(store.delivery_counts()?.waiting, 12);
    let unknown = vec![outcome(i64::MAX, Fate::Delivered, Then::InHand)];
    assert!(matches!(
        store.settle(scratch.moment_at(NOW), unknown),
        Err(StoreError::NotFound { .. })
    ));
    Ok(())
});

both!(what_is_written_for_many_is_what_is_written_for_one, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    let names: Vec<String> = (0..5).map(|n| format!("h{n}.example")).collect();
    for name in &names {
        queue(scratch, actor, name, 2);
    }
    queue(scratch, actor, "odd.example", 9);
    let ids = |name: &str| -> Result<Vec<i64>, StoreError> {
        let next = store.next_deliveries(name, 2)?;
        Ok(next.iter().map(|delivery| delivery.id).collect())
    };
    for (now, then) in [(NOW, Then::InHand), (NOW + 7, Then::More(5))] {
        claimed(scratch, "w", now);
        // Two of one host in a page make all of that page odd, and each is written by itself.
        let mut odd = vec![outcome(ids(&names[0])?[0], Fate::Delivered, then)];
        for id in ids("odd.example")? {
            odd.push(outcome(id, Fate::Delivered, Then::InHand));
        }
        let mut plain = Vec::new();
        for name in &names[1..] {
            plain.push(outcome(ids(name)?[0], Fate::Delivered, then));
        }
        let alone = store.settle(scratch.moment_at(now), odd)?.swap_remove(0);
        let together = store.settle(scratch.moment_at(now), plain)?;
        assert_eq!(together, vec![alone; 4]);
        let mut one = store.host(&names[0])?.expect("known");
        assert_eq!(one.last_success_at, Some(now));
        assert_eq!(one.claimed.is_some(), then == Then::InHand);
        for name in &names[1..] {
            one.host.clone_from(name);
            assert_eq!(store.host(name)?.as_ref(), Some(&one));
        }
    }
    assert_eq!(store.sweep_hosts(NOW + 7, 10)?, 0);
    assert_eq!(store.sweep_hosts(NOW + 8, 10)?, 5, "idle since the last");
    Ok(())
});

both!(a_dead_worker_is_heard_of_and_buried, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    for n in 0..4 {
        queue(scratch, actor, &format!("h{n}.example"), 1);
    }
    assert_eq!(store.beat(scratch.moment_at(NOW), "a")?, [("a".to_owned(), NOW)]);
    let both = store.beat(scratch.moment_at(NOW + 1), "b")?;
    assert_eq!(both, [("a".to_owned(), NOW), ("b".to_owned(), NOW + 1)]);
    assert!(store.take_lease(NOW, "work", "a", LEASE)?);
    assert_eq!(claimed(scratch, "a", NOW).len(), 4);
    // It knows of two of them; the database failed when it claimed the others.
    let known = ["h0.example".to_owned(), "h2.example".to_owned()];
    assert_eq!(store.release_all_but(scratch.moment_at(NOW), "a", &known)?, 2);
    assert_eq!(claimed(scratch, "b", NOW), ["h1.example", "h3.example"]);
    assert_eq!(store.end_claims(scratch.moment_at(NOW + 2), "a")?, 2);
    assert_eq!(claimed(scratch, "b", NOW + 2), ["h0.example", "h2.example"]);
    assert!(store.take_lease(NOW + 2, "work", "b", LEASE)?);
    let left = store.beat(scratch.moment_at(NOW + 3), "b")?;
    assert_eq!(left, [("b".to_owned(), NOW + 3)]);
    Ok(())
});
