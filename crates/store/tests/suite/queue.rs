//! The queue as an admin sees it, and clearing it up. Next: `crash.rs`.

use shoal_store::{
    Audience, Built, DeliveryCounts, DeliveryQuery, DeliveryState, GiveUp, Paging, StoreError, Swept,
};

use crate::cast::{NEXT_DAY, activity, note, ours};
use crate::deliveries::{Tell, attempt, queue};
use crate::scratch::{START, Scratch, both};

/// The ids on all pages of a query, two at a time.
fn all(scratch: &Scratch, host: Option<&str>, state: Option<DeliveryState>) -> Vec<i64> {
    let paging = Paging::first(2);
    let mut query = DeliveryQuery {
        host: host.map(str::to_owned),
        state,
        paging,
    };
    let mut ids = Vec::new();
    loop {
        let page = scratch.store().deliveries(&query).expect("readable");
        ids.extend(page.items.iter().map(|row| row.id));
        match page.next {
            Some(next) => query.paging.cursor = Some(next),
            None => return ids,
        }
    }
}

both!(an_admin_sees_every_delivery_and_why_it_failed, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "a.example", 5);
    queue(scratch, actor, "b.example", 2);
    store.claim_hosts(scratch.moment_at(START + 10_000), "w", 1000, 10)?;
    let at = || scratch.moment_at(START + 10_000);
    let waiting: Vec<i64> = store
        .next_deliveries("a.example", 10)?
        .into_iter()
        .map(|one| one.id)
        .collect();
    store.delivered(at(), attempt(waiting[0], "w", Some(202), ""))?;
    store.refuse_delivery(at(), attempt(waiting[1], "w", Some(403), "Forbidden: blocked"))?;
    store.delay_host(
        at(),
        attempt(waiting[2], "w", None, "connection refused"),
        START + 99_000,
    )?;

    assert_eq!(all(scratch, None, None).len(), 7);
    let of_a: Vec<i64> = waiting.iter().rev().copied().collect();
    assert_eq!(all(scratch, Some("a.example"), None), of_a);
    assert_eq!(
        all(scratch, Some("a.example"), Some(DeliveryState::Waiting)),
        of_a[..3]
    );
    assert_eq!(all(scratch, None, Some(DeliveryState::Refused)), [waiting[1]]);
    assert_eq!(
        all(scratch, Some("b.example"), Some(DeliveryState::Refused)),
        [0_i64; 0]
    );

    let query = DeliveryQuery {
        host: Some("a.example".into()),
        state: None,
        paging: Paging::first(10),
    };
    let rows = store.deliveries(&query)?.items;
    let why = |id: i64| {
        rows.iter()
            .find(|row| row.id == id)
            .and_then(|row| row.reason.clone())
    };
    assert_eq!(why(waiting[1]).as_deref(), Some("Forbidden: blocked"));
    assert_eq!(why(waiting[2]).as_deref(), Some("connection refused"));
    let counts = store.delivery_counts()?;
    let oldest_waiting_at = rows.last().map(|row| row.created_at);
    let expected = DeliveryCounts {
        waiting: 5,
        hosts_waiting: 2,
        hosts_failing: 1,
        hosts_paused: 0,
        oldest_waiting_at,
    };
    assert_eq!(counts, expected);
    Ok(())
});

both!(an_admin_drops_a_delivery_and_the_log_says_who, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "a.example", 2);
    let ids = all(scratch, None, None);
    store.drop_delivery(scratch.moment(), ids[1], actor, "stuck for a week")?;
    let again = store.drop_delivery(scratch.moment(), ids[1], actor, "stuck for a week");
    assert!(matches!(again, Err(StoreError::NotFound { .. })));
    assert_eq!(store.delivery_counts()?.waiting, 1);
    assert_eq!(all(scratch, None, Some(DeliveryState::Waiting)), ids[..1]);
    let refused = DeliveryQuery {
        state: Some(DeliveryState::Refused),
        ..DeliveryQuery::default()
    };
    let row = store.deliveries(&refused)?.items.remove(0);
    assert_eq!(
        (row.id, row.reason.as_deref()),
        (ids[1], Some("stuck for a week"))
    );
    Ok(())
});

both!(what_waited_too_long_is_given_up_and_the_rest_stays, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    queue(scratch, actor, "dead.example", 5);
    queue(scratch, actor, "alive.example", 1);
    let these = |host: &str| GiveUp {
        host: host.to_owned(),
        queued_before: scratch.moment().now,
        reason: "no answer for 5 days".to_owned(),
    };
    let give_up = |limit| store.give_up_deliveries(scratch.moment(), these("dead.example"), limit);
    assert_eq!(give_up(3)?, 3);
    assert_eq!(store.host("dead.example")?.map(|host| host.waiting), Some(2));
    assert_eq!(give_up(3)?, 2);
    assert_eq!(give_up(3)?, 0);
    assert_eq!(
        store.give_up_deliveries(scratch.moment(), these("unknown.example"), 3)?,
        0
    );
    assert_eq!(store.delivery_counts()?.waiting, 1);
    let now = START + 100_000;
    let due = store.claim_hosts(scratch.moment_at(now), "w", 1000, 10)?;
    assert_eq!(
        due.hosts
            .iter()
            .map(|(host, _)| host.host.as_str())
            .collect::<Vec<_>>(),
        ["alive.example"]
    );
    Ok(())
});

both!(
    ended_deliveries_are_swept_but_who_was_addressed_is_not_forgotten,
    |scratch| {
        let (actor, store) = (scratch.actor("climate"), scratch.store());
        queue(scratch, actor, "a.example", 4);
        let named = Audience::Inboxes(vec![("https://a.example/inbox".into(), "a.example".into())]);
        scratch.say_all(Built {
            activities: vec![activity(
                actor,
                "Create",
                &ours("create/1"),
                &ours("note/1"),
                named,
            )],
            records: vec![note(&ours("note/1"), actor, actor)],
            ..Built::default()
        });
        store.claim_hosts(scratch.moment_at(START + 10_000), "w", 1000, 10)?;
        for next in store.next_deliveries("a.example", 10)? {
            store.delivered(
                scratch.moment_at(START + 10_000),
                attempt(next.id, "w", Some(202), ""),
            )?;
        }
        queue(scratch, actor, "a.example", 1);
        assert_eq!(store.sweep_deliveries(START + 10_000, 3)?, 0);
        assert_eq!(store.sweep_deliveries(START + 10_001, 3)?, 3);
        assert_eq!(store.sweep_deliveries(START + 10_001, 3)?, 1);
        assert_eq!(store.sweep_deliveries(START + 10_001, 3)?, 0);
        assert_eq!(all(scratch, None, None).len(), 2);
        // Its end is still told there; after that nothing needs to be remembered.
        let audience = Audience::FollowersAndPastRecipients {
            object_uri: ours("note/1"),
        };
        scratch.say_all(Built {
            activities: vec![activity(
                actor,
                "Delete",
                &ours("delete/1"),
                &ours("note/1"),
                audience,
            )],
            tombstones: vec![ours("note/1")],
            ..Built::default()
        });
        assert_eq!(store.delivery_counts()?.waiting, 2);
        assert_eq!(store.sweep_deliveries(START + 10_001, 3)?, 1);
        Ok(())
    }
);

both!(built_events_are_swept_in_batches, |scratch| {
    for _ in 0..3 {
        scratch.say(Vec::new());
    }
    let unbuilt = scratch.event();
    assert_eq!(scratch.store().sweep_events(NEXT_DAY, 2)?, 2);
    assert_eq!(scratch.store().sweep_events(NEXT_DAY, 2)?, 1);
    assert_eq!(scratch.store().sweep_events(NEXT_DAY, 2)?, 0);
    assert!(
        scratch
            .store()
            .unbuilt_events(10)?
            .iter()
            .any(|pending| pending.id == unbuilt)
    );
    Ok(())
});

both!(a_sweep_keeps_what_is_young_and_who_matters, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    let [fan, gone, friend, stranger] =
        ["fan", "gone", "friend", "stranger"].map(|name| scratch.remote("there.example", name));
    scratch.follow(&fan, actor, "https://there.example/1")?;
    scratch.follow(&gone, actor, "https://there.example/2")?;
    scratch.undo(&gone, actor, "https://there.example/2")?;
    store.request_follow(scratch.moment(), actor, friend.id, &ours("follow"))?;
    queue(scratch, actor, "a.example", 1);
    store.claim_hosts(scratch.moment_at(START + 10_000), "w", 1000, 10)?;
    let id = store.next_deliveries("a.example", 1)?[0].id;
    store.delivered(scratch.moment_at(START + 10_000), attempt(id, "w", Some(202), ""))?;
    store.release_host(scratch.moment_at(START + 10_000), "a.example", "w")?;

    assert_eq!(store.sweep(scratch.moment_at(NEXT_DAY))?, Swept::default());
    let year = START + 365 * (NEXT_DAY - START);
    let swept = store.sweep(scratch.moment_at(year))?;
    // One event was made by whom it wanted to follow, who is nobody's stranger either.
    let all = Swept {
        received: 3,
        undone_follows: 1,
        events: 1,
        deliveries: 1,
        held_back: 0,
        hosts: 1,
        announce_uses: 0,
        remote_actors: 1,
    };
    assert_eq!(swept, all);
    assert!(store.remote_actor(&stranger.uri)?.is_none());
    assert!(store.remote_actor(&fan.uri)?.is_some());
    // It went through all of them, and begins anew.
    assert_eq!(store.sweep(scratch.moment_at(year))?, Swept::default());
    scratch.remote("there.example", "newcomer");
    assert_eq!(store.sweep_remote_actors(year, 100)?, 1);
    Ok(())
});
