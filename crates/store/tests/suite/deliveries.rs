//! The way of a delivery: in order, once at least, and nothing lost whatever the other side does. Next: `hosts.rs`.

use shoal_store::{
    Attempt, Audience, DeliveryQuery, DeliveryState, Fate, Host, Id, Millis, Moment, Outcome, Paging, Store,
    StoreError, Then,
};

use crate::cast::{activity, ours};
use crate::scratch::{START, Scratch, both};

const LEASE: i64 = 60_000;

/// Something is to be said to a host, `count` times.
pub(crate) fn queue(scratch: &Scratch, actor: Id, host: &str, count: usize) {
    let inbox = || Audience::Inboxes(vec![(format!("https://{host}/inbox"), host.to_owned())]);
    let said = (0..count)
        .map(|n| {
            let name = scratch.moment().id();
            activity(
                actor,
                "Create",
                &ours(&format!("{host}/{n}/{name}")),
                &ours("note"),
                inbox(),
            )
        })
        .collect();
    scratch.say(said);
}

pub(crate) fn attempt(delivery: i64, owner: &str, status: Option<u16>, reason: &str) -> Attempt {
    Attempt {
        delivery,
        owner: owner.to_owned(),
        lease: LEASE,
        status,
        reason: reason.to_owned(),
    }
}

/// What a worker tells that has more in hand; true while the claim is its own.
pub(crate) trait Tell {
    fn delivered(&self, m: Moment, attempt: Attempt) -> Result<bool, StoreError>;
    fn refuse_delivery(&self, m: Moment, attempt: Attempt) -> Result<bool, StoreError>;
    fn delay_host(&self, m: Moment, attempt: Attempt, retry_at: Millis) -> Result<bool, StoreError>;
}

impl Tell for Store {
    fn delivered(&self, m: Moment, attempt: Attempt) -> Result<bool, StoreError> {
        tell(self, m, attempt, Fate::Delivered)
    }

    fn refuse_delivery(&self, m: Moment, attempt: Attempt) -> Result<bool, StoreError> {
        tell(self, m, attempt, Fate::Refused)
    }

    fn delay_host(&self, m: Moment, attempt: Attempt, retry_at: Millis) -> Result<bool, StoreError> {
        let asked_until = None;
        tell(
            self,
            m,
            attempt,
            Fate::NotNow {
                retry_at,
                asked_until,
            },
        )
    }
}

fn tell(store: &Store, m: Moment, attempt: Attempt, fate: Fate) -> Result<bool, StoreError> {
    let then = Then::InHand;
    let settled = store.settle(m, vec![Outcome { attempt, fate, then }])?;
    Ok(settled[0].held)
}

/// The one host that can be claimed at a time.
fn claim(scratch: &Scratch, owner: &str, now: i64) -> Option<Host> {
    let claimed = scratch
        .store()
        .claim_hosts(scratch.moment_at(now), owner, LEASE, 10)
        .expect("claimable");
    let mut hosts = claimed.hosts;
    assert!(hosts.len() <= 1, "{hosts:?}");
    hosts.pop().map(|(host, _)| host)
}

fn ids(scratch: &Scratch, host: &str) -> Vec<i64> {
    let next = scratch.store().next_deliveries(host, 200).expect("readable");
    next.into_iter().map(|one| one.id).collect()
}

fn state(scratch: &Scratch, id: i64) -> (DeliveryState, u32, Option<u16>, Option<String>) {
    let query = DeliveryQuery {
        paging: Paging::first(200),
        ..DeliveryQuery::default()
    };
    let rows = scratch.store().deliveries(&query).expect("readable").items;
    let row = rows.into_iter().find(|row| row.id == id).expect("it is listed");
    (row.state, row.attempts, row.status, row.reason)
}

both!(deliveries_leave_in_the_order_they_were_queued, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "a.example", 3);
    queue(scratch, actor, "a.example", 2);
    let order = ids(scratch, "a.example");
    assert!(order.is_sorted() && order.len() == 5);
    let now = START + 1000;
    let host = claim(scratch, "w", now).expect("something waits");
    assert_eq!((host.host.as_str(), host.waiting), ("a.example", 5));
    for (n, id) in order.iter().enumerate() {
        assert_eq!(ids(scratch, "a.example"), order[n..]);
        assert!(store.delivered(scratch.moment_at(now), attempt(*id, "w", Some(202), ""))?);
        assert_eq!(
            state(scratch, *id),
            (DeliveryState::Delivered, 1, Some(202), None)
        );
    }
    assert_eq!(store.delivery_counts()?.waiting, 0);
    store.release_host(scratch.moment_at(now), "a.example", "w")?;
    assert!(claim(scratch, "w", now + LEASE * 2).is_none());
    Ok(())
});

both!(a_failure_delays_the_whole_host_and_loses_nothing, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "a.example", 2);
    let order = ids(scratch, "a.example");
    let now = START + 1000;
    claim(scratch, "w", now).expect("something waits");
    let failed = attempt(order[0], "w", Some(503), "busy\0\nagain later");
    assert!(store.delay_host(scratch.moment_at(now), failed, now + 5000)?);
    assert_eq!(ids(scratch, "a.example"), order);
    assert!(claim(scratch, "w", now + 4999).is_none());
    // New work does not make it due earlier.
    queue(scratch, actor, "a.example", 1);
    assert!(claim(scratch, "w", now + 4999).is_none());
    let host = claim(scratch, "w", now + 5000).expect("due again");
    assert_eq!(
        (host.failures, host.failing_since, host.last_status),
        (1, Some(now), Some(503))
    );
    assert_eq!(host.last_reason.as_deref(), Some("busy  again later"));
    assert_eq!(store.delivery_counts()?.hosts_failing, 1);
    let failed = attempt(order[0], "w", None, "refused");
    store.delay_host(scratch.moment_at(now + 5000), failed, now + 9000)?;
    let host = claim(scratch, "w", now + 9000).expect("due again");
    assert_eq!(
        (host.failures, host.failing_since, host.last_status),
        (2, Some(now), None)
    );
    // The first that is taken makes it well.
    store.delivered(
        scratch.moment_at(now + 9000),
        attempt(order[0], "w", Some(200), ""),
    )?;
    assert_eq!(
        state(scratch, order[0]),
        (DeliveryState::Delivered, 3, Some(200), None)
    );
    let host = store.host("a.example")?.expect("known");
    assert_eq!(
        (host.failures, host.failing_since, host.retry_at, host.waiting),
        (0, None, None, 2)
    );
    Ok(())
});

both!(a_refusal_ends_one_delivery_and_the_next_goes_on, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "a.example", 2);
    let order = ids(scratch, "a.example");
    claim(scratch, "w", START + 1000).expect("something waits");
    let long = "x".repeat(10_000);
    assert!(store.refuse_delivery(
        scratch.moment_at(START + 1000),
        attempt(order[0], "w", Some(404), &long)
    )?);
    let (state, _, status, reason) = state(scratch, order[0]);
    assert_eq!(
        (state, status, reason.map(|it| it.len())),
        (DeliveryState::Refused, Some(404), Some(500))
    );
    assert_eq!(ids(scratch, "a.example"), order[1..]);
    let host = store.host("a.example")?.expect("known");
    assert_eq!((host.waiting, host.failures, host.last_status), (1, 0, Some(404)));
    Ok(())
});

both!(an_answer_counts_once, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "a.example", 2);
    let order = ids(scratch, "a.example");
    claim(scratch, "w", START + 1000).expect("something waits");
    store.delivered(scratch.moment(), attempt(order[0], "w", Some(200), ""))?;
    store.delivered(scratch.moment(), attempt(order[0], "w", Some(200), ""))?;
    store.refuse_delivery(scratch.moment(), attempt(order[0], "w", Some(404), ""))?;
    assert_eq!(state(scratch, order[0]).0, DeliveryState::Delivered);
    assert_eq!(store.delivery_counts()?.waiting, 1);
    let missing = store.delivered(scratch.moment(), attempt(i64::MAX, "w", Some(200), ""));
    assert!(matches!(missing, Err(StoreError::NotFound { what: "delivery" })));
    Ok(())
});

both!(
    whoever_lost_the_host_is_told_and_changes_nothing_of_it,
    |scratch| {
        let (actor, store) = (scratch.actor("climate"), scratch.store());
        queue(scratch, actor, "a.example", 3);
        let order = ids(scratch, "a.example");
        let now = START + 1000;
        claim(scratch, "slow", now).expect("something waits");
        assert!(claim(scratch, "quick", now + LEASE - 1).is_none());
        claim(scratch, "quick", now + LEASE).expect("the claim ran out");
        // What the slow one sent did arrive; but it must stop now.
        assert!(!store.delivered(
            scratch.moment_at(now + LEASE),
            attempt(order[0], "slow", Some(200), "")
        )?);
        assert_eq!(state(scratch, order[0]).0, DeliveryState::Delivered);
        let late = attempt(order[1], "slow", None, "timeout");
        assert!(!store.delay_host(scratch.moment_at(now + LEASE), late, now + LEASE * 9)?);
        store.release_host(scratch.moment_at(now + LEASE), "a.example", "slow")?;
        let host = store.host("a.example")?.expect("known");
        assert_eq!(host.claimed, Some(("quick".to_owned(), now + LEASE * 2)));
        // Each answer renews the claim.
        assert!(store.delivered(
            scratch.moment_at(now + LEASE * 2),
            attempt(order[1], "quick", Some(200), "")
        )?);
        assert!(claim(scratch, "other", now + LEASE * 3 - 1).is_none());
        Ok(())
    }
);

both!(
    what_is_queued_while_a_worker_is_there_is_due_when_it_leaves,
    |scratch| {
        let (actor, store) = (scratch.actor("climate"), scratch.store());
        queue(scratch, actor, "a.example", 1);
        let order = ids(scratch, "a.example");
        let now = START + 1000;
        claim(scratch, "w", now).expect("something waits");
        store.delivered(scratch.moment_at(now), attempt(order[0], "w", Some(200), ""))?;
        queue(scratch, actor, "a.example", 1);
        assert!(claim(scratch, "v", now + 1).is_none());
        store.release_host(scratch.moment_at(now + 1), "a.example", "w")?;
        assert!(claim(scratch, "v", now + 1).is_some());
        Ok(())
    }
);
