//! Telling many: a large audience is queued page by page, nobody twice and nothing overtaken, and where each follower is
//! reached now. Next: `deliveries.rs`.

use shoal_store::{Audience, Built, GiveUp, Id, StoreError};

use crate::built::{post, waiting};
use crate::cast::{ANSWERED, activity, ours};
use crate::scratch::{Scratch, both};

/// Queues everything that is begun.
fn queue_all(scratch: &Scratch) -> Result<(), StoreError> {
    while let Some(spread) = scratch.store().next_spread()? {
        let mut next = Some(spread);
        while let Some(spread) = next {
            next = scratch.store().spread_on(scratch.moment(), spread)?;
        }
    }
    Ok(())
}

/// So many followers, the nth on host `h{n % 100}`, each with an inbox of its own.
fn crowd(scratch: &Scratch, actor: Id, count: usize) {
    let numbers: Vec<usize> = (0..count).collect();
    std::thread::scope(|scope| {
        for some in numbers.chunks(count.div_ceil(8)) {
            scope.spawn(move || {
                for n in some {
                    let one = scratch.remote_at(&format!("h{}.example", n % 100), &format!("r{n}"), None);
                    let followed = scratch.follow(&one, actor, &format!("https://x.example/{n}"));
                    followed.expect("a good Follow");
                }
            });
        }
    });
}

both!(many_are_queued_page_by_page_and_nobody_twice, |scratch| {
    let actor = scratch.actor("climate");
    crowd(scratch, actor, 1_100);
    let these = GiveUp {
        host: ANSWERED.to_owned(),
        queued_before: i64::MAX,
        reason: "not here".to_owned(),
    };
    while scratch
        .store()
        .give_up_deliveries(scratch.moment(), these.clone(), 200)?
        > 0
    {}
    scratch.say(vec![post(actor, "note/1"), post(actor, "note/2")]);
    let begun = scratch
        .store()
        .next_spread()?
        .expect("too many for one transaction");
    assert_eq!(scratch.store().delivery_counts()?.waiting, 0);
    let more = scratch.store().spread_on(scratch.moment(), begun.clone())?;
    assert!(more.is_some());
    let queued = scratch.store().delivery_counts()?.waiting;
    assert!((256..1_100).contains(&queued), "{queued}");
    let again = scratch.store().spread_on(scratch.moment(), begun)?;
    assert!(again.is_none(), "somebody has gone on with it");
    assert_eq!(scratch.store().delivery_counts()?.waiting, queued);
    // As after a crash: what was begun is found again, where it was.
    queue_all(scratch)?;
    let counts = scratch.store().delivery_counts()?;
    assert_eq!((counts.waiting, counts.hosts_waiting), (2_200, 100));
    for n in 0..100 {
        let waiting = waiting(scratch, &format!("h{n}.example"));
        let (first, second) = waiting.split_at(11);
        for (of_one, name) in [(first, "note/1"), (second, "note/2")] {
            let mut inboxes: Vec<_> = of_one.iter().map(|(_, inbox)| inbox.clone()).collect();
            inboxes.sort();
            let mut expected: Vec<_> = (0..11)
                .map(|row| format!("https://h{n}.example/users/r{}/inbox", n + 100 * row))
                .collect();
            expected.sort();
            assert_eq!(inboxes, expected, "{name}");
            let uri = ours(&format!("create/{name}"));
            assert!(of_one.iter().all(|(said, _)| *said == uri), "{of_one:?}");
        }
    }
    Ok(())
});

both!(nothing_overtakes_what_is_queued_little_by_little, |scratch| {
    let (actor, keeper) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.follow(&keeper, actor, "https://x.example/1")?;
    let to =
        |uri: &str, audience| activity(actor, "Create", &ours(uri), &ours(&format!("of/{uri}")), audience);
    let place = |n: usize| (format!("https://t{n}.example/inbox"), format!("t{n}.example"));
    let wide = Audience::Inboxes((0..400).chain(0..10).map(place).collect());
    let past = Audience::FollowersAndPastRecipients {
        object_uri: ours("of/2"),
    };
    scratch.say(vec![
        to("1", Audience::Inboxes(vec![place(7)])),
        to("2", wide),
        to("3", Audience::Inboxes(vec![place(7)])),
        to("4", past),
        to("5", Audience::Nobody),
    ]);
    let said =
        |host: &str| -> Vec<String> { waiting(scratch, host).into_iter().map(|(uri, _)| uri).collect() };
    assert_eq!(said("t7.example"), [ours("1")]);
    queue_all(scratch)?;
    assert_eq!(said("t7.example"), ["1", "2", "3", "4"].map(ours));
    assert_eq!(said("t399.example"), ["2", "4"].map(ours));
    assert_eq!(said("there.example"), [ours("4")]);
    Ok(())
});

both!(
    an_inbox_that_cannot_be_kept_is_refused_among_many_too,
    |scratch| {
        let actor = scratch.actor("climate");
        let place = |n: usize| (format!("https://t{n}.example/inbox"), format!("t{n}.example"));
        let mut places: Vec<_> = (0..400).map(place).collect();
        places[399].0.push('\0');
        let one = activity(
            actor,
            "Create",
            &ours("1"),
            &ours("of/1"),
            Audience::Inboxes(places),
        );
        let event = scratch.event();
        let built = Built {
            activities: vec![one],
            ..Built::default()
        };
        let refused = scratch.store().record_built(scratch.moment(), event, built);
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        assert!(scratch.store().next_spread()?.is_none());
        Ok(())
    }
);

both!(whoever_moves_is_told_where_it_is_reached_now, |scratch| {
    let actor = scratch.actor("climate");
    let there = |host: &str| Some(format!("https://{host}/shared"));
    let ann = scratch.remote_at("old.example", "ann", there("old.example"));
    scratch.follow(&ann, actor, "https://x.example/1")?;
    scratch.say(vec![post(actor, "note/1")]);
    assert_eq!(waiting(scratch, "old.example").len(), 1);
    let again = scratch.remote_at("old.example", "ann", there("new.example"));
    assert_eq!(again.id, ann.id);
    scratch.say(vec![post(actor, "note/2")]);
    let told = waiting(scratch, "new.example");
    assert_eq!(
        told,
        [(ours("create/note/2"), "https://new.example/shared".to_owned())]
    );
    assert_eq!(waiting(scratch, "old.example").len(), 1, "what was queued stays");
    Ok(())
});
