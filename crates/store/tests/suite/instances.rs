//! Decisions about other servers: what a block ends, what it covers, and who hears of it. Next: `moderation.rs`.

use shoal_store::{
    Blocks, DeliveryQuery, DeliveryState, FollowState, Instance, Paging, Severed, Standing, Store, StoreError,
};

use crate::deliveries::queue;
use crate::scratch::{Scratch, both};

fn now(store: &Store) -> Blocks {
    let known = store.blocks(&Blocks::default()).expect("readable");
    known.unwrap_or_default()
}

fn waiting(scratch: &Scratch, host: &str) -> usize {
    scratch
        .store()
        .next_deliveries(host, 200)
        .expect("readable")
        .len()
}

both!(a_block_ends_every_tie_and_no_other, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    let moderator = scratch.account("mod");
    for (n, host) in ["evil.example:8443", "a.evil.example", "good.example"]
        .iter()
        .enumerate()
    {
        let there = scratch.remote(host, "ann");
        scratch.follow(&there, actor, &format!("https://{host}/f/{n}"))?;
        queue(scratch, actor, host, 3);
    }
    scratch.without_answers();
    let followed = scratch.remote("evil.example", "bob");
    let wish = store.request_follow(scratch.moment(), actor, followed.id, "https://here.example/1")?;
    let severed = store.block_instance(scratch.moment(), "Evil.example.", moderator.id, "spam")?;
    assert_eq!(
        severed,
        Severed {
            followers: 2,
            followed: 1,
            deliveries: 6
        }
    );
    assert_eq!(
        store.followers(actor, &Paging::first(9))?.items,
        ["https://good.example/users/ann"]
    );
    assert_eq!(store.following_by_id(wish.id)?.state, FollowState::Withdrawn);
    assert_eq!(
        ["evil.example:8443", "a.evil.example", "good.example"].map(|host| waiting(scratch, host)),
        [0, 0, 3]
    );
    let refused = DeliveryQuery {
        host: Some("a.evil.example".to_owned()),
        state: Some(DeliveryState::Refused),
        paging: Paging::first(9),
    };
    let refused = store.deliveries(&refused)?.items;
    assert_eq!(refused.len(), 3);
    assert!(
        refused[0]
            .reason
            .as_deref()
            .is_some_and(|why| why.contains("blocked"))
    );
    assert_eq!(store.host("a.evil.example")?.map(|host| host.waiting), Some(0));
    let claimed = store.claim_hosts(scratch.moment_at(i64::MAX / 2), "w", 1, 9)?;
    assert_eq!(
        claimed
            .hosts
            .iter()
            .map(|(host, _)| host.host.as_str())
            .collect::<Vec<_>>(),
        ["good.example"]
    );
    Ok(())
});

both!(the_closest_decision_counts_and_can_be_taken_back, |scratch| {
    let (store, moderator) = (scratch.store(), scratch.account("mod"));
    store.block_instance(scratch.moment(), "evil.example", moderator.id, "spam")?;
    store.allow_instance(
        scratch.moment(),
        "good.evil.example",
        moderator.id,
        "they are fine",
    )?;
    let blocks = now(store);
    assert!(blocks.is_blocked("x.evil.example:81") && !blocks.is_blocked("x.good.evil.example"));
    let listed: Vec<(String, Standing, Option<String>)> = store
        .instances(&Paging::first(9))?
        .items
        .into_iter()
        .map(|one: Instance| (one.domain, one.standing, one.by))
        .collect();
    let by = Some("mod".to_owned());
    assert_eq!(
        listed,
        [
            ("evil.example".to_owned(), Standing::Blocked, by.clone()),
            ("good.evil.example".to_owned(), Standing::Allowed, by)
        ]
    );
    store.reset_instance(scratch.moment(), "evil.example", moderator.id, "")?;
    assert!(!now(store).is_blocked("evil.example"));
    let again = store.reset_instance(scratch.moment(), "evil.example", moderator.id, "");
    assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
    let log = store.moderation_log(&Paging::first(9))?.items;
    let acts: Vec<(&str, &str)> = log
        .iter()
        .map(|line| (line.act.as_str(), line.target_label.as_str()))
        .collect();
    assert_eq!(
        acts,
        [
            ("reset", "evil.example"),
            ("allow", "good.evil.example"),
            ("block", "evil.example")
        ]
    );
    Ok(())
});

both!(another_process_sees_a_change_and_only_a_change, |scratch| {
    let (store, moderator) = (scratch.store(), scratch.account("mod"));
    let other = Store::open(scratch.url(), shoal_store::Role::Tool)?;
    assert_eq!(other.blocks(&Blocks::default())?, None);
    store.block_instance(scratch.moment(), "evil.example", moderator.id, "spam")?;
    let seen = other.blocks(&Blocks::default())?.expect("something changed");
    assert!(seen.is_blocked("evil.example"));
    assert_eq!(other.blocks(&seen)?, None);
    store.block_instance(scratch.moment(), "evil.example", moderator.id, "spam, still")?;
    assert!(other.blocks(&seen)?.is_some());
    Ok(())
});

both!(a_decision_needs_a_domain_and_a_block_a_reason, |scratch| {
    let (store, moderator) = (scratch.store(), scratch.account("mod"));
    for (domain, reason) in [
        ("evil.example", " "),
        ("https://evil.example/", "spam"),
        ("", "spam"),
    ] {
        let refused = store.block_instance(scratch.moment(), domain, moderator.id, reason);
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{domain}: {refused:?}"
        );
    }
    assert_eq!(store.instances(&Paging::first(9))?.items, []);
    Ok(())
});
