//! Follow and Undo as they come in: once, twice, a hundred times, in any order. Next: `following.rs`.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use shoal_store::{
    AccountEdit, Arrival, Backend, CallsFor, DeliveryQuery, Effect, Id, Paging, REORDERING, StoreError,
    Target, UndoFollow,
};

use crate::cast::{NEXT_DAY, Remote, answer, new_follower, ours, received, undo_follow};
use crate::scratch::{Outcome, START, Scratch, both};

/// The answers that wait, by kind and id, in the order in which they go out.
fn answers(scratch: &Scratch) -> Vec<(String, String)> {
    let query = DeliveryQuery {
        paging: Paging::first(100),
        ..DeliveryQuery::default()
    };
    let page = scratch.store().deliveries(&query).expect("readable");
    let named = |uri: &str| uri.split('#').next().unwrap_or_default().to_owned();
    let rows = page.items.into_iter();
    let mut answers: Vec<_> = rows.map(|row| (row.kind, named(&row.activity_uri))).collect();
    answers.reverse();
    answers
}

/// The answer of that kind to that Follow.
fn said(kind: &str, follow_uri: &str) -> (String, String) {
    (kind.to_owned(), ours(&format!("{kind}/{follow_uri}")))
}

both!(a_follow_makes_a_follower_and_is_accepted, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    assert_eq!(
        scratch.follow(&ann, actor, "https://there.example/f/1")?,
        Effect::Done
    );
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    assert_eq!(
        scratch.store().followers(actor, &Paging::first(10))?.items,
        [ann.uri]
    );
    assert_eq!(answers(scratch), [said("Accept", "https://there.example/f/1")]);
    assert!(scratch.store().was_received("https://there.example/f/1")?);
    Ok(())
});

both!(a_hundred_copies_of_a_follow_at_once_have_one_effect, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    let effects = std::thread::scope(|scope| {
        let copies: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| scratch.follow(&ann, actor, "https://x.example/1")))
            .collect();
        copies
            .into_iter()
            .map(|copy| copy.join().expect("no panic"))
            .collect::<Result<Vec<_>, _>>()
    })?;
    assert_eq!(
        effects.iter().filter(|effect| **effect == Effect::Done).count(),
        1
    );
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    assert_eq!(answers(scratch).len(), 1);
    Ok(())
});

both!(a_repeated_follow_with_a_new_id_is_accepted_again, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.follow(&ann, actor, "https://x.example/1")?;
    let later = scratch.moment_at(NEXT_DAY);
    let again = received("https://x.example/2", "Follow", later.now);
    let follow = new_follower(&ann, actor, "https://x.example/2");
    scratch.receive(later, again, CallsFor::Follow(follow))?;
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    assert_eq!(answers(scratch).len(), 2);
    // The newest id is the one that counts.
    scratch.undo(&ann, actor, "https://x.example/1")?;
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    scratch.undo(&ann, actor, "https://x.example/2")?;
    assert_eq!(scratch.store().follower_count(actor)?, 0);
    Ok(())
});

both!(follow_undo_follow_ends_right_in_every_order, |scratch| {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (round, order) in orders.into_iter().enumerate() {
        let (actor, ann) = (
            scratch.actor(&format!("a{round}")),
            scratch.remote("there.example", &format!("r{round}")),
        );
        let (first, second) = (
            format!("https://x.example/{round}/1"),
            format!("https://x.example/{round}/2"),
        );
        for step in order {
            match step {
                0 => scratch.follow(&ann, actor, &first)?,
                1 => scratch.undo(&ann, actor, &first)?,
                _ => scratch.follow(&ann, actor, &second)?,
            };
        }
        assert_eq!(scratch.store().follower_count(actor)?, 1, "{order:?}");
        scratch.undo(&ann, actor, &second)?;
        assert_eq!(scratch.store().follower_count(actor)?, 0, "{order:?}");
    }
    Ok(())
});

both!(any_shuffle_with_copies_ends_as_if_in_order, |scratch| {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..40 {
        let (actor, ann) = (
            scratch.actor(&format!("a{round}")),
            scratch.remote("there.example", &format!("r{round}")),
        );
        let length = rng.random_range(1..=8);
        let mut steps: Vec<usize> = (0..length).collect();
        for _ in 0..rng.random_range(0..6) {
            steps.push(rng.random_range(0..length));
        }
        steps.shuffle(&mut rng);
        for step in &steps {
            let follow = format!("https://x.example/{round}/{}", step / 2);
            match step % 2 {
                0 => scratch.follow(&ann, actor, &follow)?,
                _ => scratch.undo(&ann, actor, &follow)?,
            };
        }
        let follows = i64::from(length % 2 == 1);
        assert_eq!(
            scratch.store().follower_count(actor)?,
            follows,
            "seed {seed}, round {round}, {steps:?}"
        );
    }
    Ok(())
});

both!(
    follow_and_undo_at_the_same_time_end_without_a_follower,
    |scratch| {
        for round in 0..30 {
            let (actor, ann) = (
                scratch.actor(&format!("a{round}")),
                scratch.remote("there.example", &format!("r{round}")),
            );
            let uri = format!("https://x.example/{round}");
            std::thread::scope(|scope| {
                let follow = scope.spawn(|| scratch.follow(&ann, actor, &uri));
                let undo = scope.spawn(|| scratch.undo(&ann, actor, &uri));
                follow
                    .join()
                    .expect("no panic")
                    .and(undo.join().expect("no panic"))
            })?;
            assert_eq!(scratch.store().follower_count(actor)?, 0, "round {round}");
        }
        Ok(())
    }
);

both!(only_the_follower_can_undo, |scratch| {
    let actor = scratch.actor("climate");
    let (ann, eve) = (
        scratch.remote("there.example", "ann"),
        scratch.remote("evil.example", "eve"),
    );
    scratch.follow(&ann, actor, "https://there.example/f/1")?;
    scratch.undo(&eve, actor, "https://there.example/f/1")?;
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    // Nor can she keep another's Follow from ever counting.
    scratch.undo(&eve, actor, "https://there.example/f/2")?;
    let ben = scratch.remote("there.example", "ben");
    scratch.follow(&ben, actor, "https://there.example/f/2")?;
    assert_eq!(scratch.store().follower_count(actor)?, 2);
    Ok(())
});

both!(an_undo_that_names_no_follow_ends_every_one, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.follow(&ann, actor, "https://x.example/1")?;
    scratch.follow(&ann, actor, "https://x.example/2")?;
    let m = scratch.moment();
    let undo = UndoFollow {
        actor: Some(actor),
        follower: ann.id,
        follow_uri: None,
    };
    let came = received("https://x.example/undo", "Undo", m.now);
    scratch.receive(m, came, CallsFor::Undo(undo))?;
    assert_eq!(scratch.store().follower_count(actor)?, 0);
    Ok(())
});

both!(an_undo_that_names_only_the_follow_finds_the_actor, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    let other = scratch.actor("oceans");
    scratch.follow(&ann, actor, "https://x.example/1")?;
    scratch.follow(&ann, other, "https://x.example/2")?;
    let m = scratch.moment();
    let undo = UndoFollow {
        actor: None,
        ..undo_follow(&ann, actor, "https://x.example/1")
    };
    let came = received("https://x.example/undo", "Undo", m.now);
    scratch.receive(m, came, CallsFor::Undo(undo))?;
    assert_eq!(scratch.store().follower_count(actor)?, 0);
    assert_eq!(scratch.store().follower_count(other)?, 1);
    Ok(())
});

both!(
    an_undo_under_another_id_counts_once_nothing_can_be_late,
    |scratch| {
        let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
        scratch.follow(&ann, actor, "https://x.example/1")?;
        let later = scratch.moment_at(START + REORDERING + 1000);
        let came = received("https://x.example/undo", "Undo", later.now);
        let undo = undo_follow(&ann, actor, "https://x.example/unknown");
        scratch.receive(later, came, CallsFor::Undo(undo))?;
        assert_eq!(scratch.store().follower_count(actor)?, 0);
        Ok(())
    }
);

both!(a_server_that_uses_its_ids_again_can_follow_again, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    let (follow_id, undo_id) = ("https://x.example/f/a/b", "https://x.example/f/a/b/undo");
    let follow = |at, signed_at| {
        let came = received(follow_id, "Follow", signed_at);
        let follow = CallsFor::Follow(new_follower(&ann, actor, follow_id));
        scratch.receive(scratch.moment_at(at), came, follow)
    };
    let undo = |at| {
        let came = received(undo_id, "Undo", at);
        let undo = CallsFor::Undo(undo_follow(&ann, actor, follow_id));
        scratch.receive(scratch.moment_at(at), came, undo)
    };
    assert_eq!(follow(START, START)?, Effect::Done);
    assert_eq!(undo(START + 1000)?, Effect::Done);
    // A copy that is late, and a replay of the first at any time, change nothing.
    assert_eq!(follow(START + 2000, START + 2000)?, Effect::Known);
    assert_eq!(follow(NEXT_DAY, START)?, Effect::Known);
    assert_eq!(scratch.store().follower_count(actor)?, 0);
    // Signed anew later, it is a new wish; so is the Undo after it.
    assert_eq!(follow(NEXT_DAY, NEXT_DAY)?, Effect::Done);
    assert_eq!(follow(NEXT_DAY, NEXT_DAY)?, Effect::Known);
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    assert_eq!(undo(NEXT_DAY + 1000)?, Effect::Done);
    assert_eq!(scratch.store().follower_count(actor)?, 0);
    assert_eq!(answers(scratch).len(), 2);
    Ok(())
});

/// Follows an actor that cannot be followed, and expects to be turned away, once.
fn is_turned_away(scratch: &Scratch, actor: Id) -> Outcome {
    let ann = scratch.remote("there.example", "ann");
    let before = answers(scratch).len();
    assert_eq!(
        scratch.follow(&ann, actor, "https://x.example/1")?,
        Effect::Refused
    );
    assert!(!scratch.store().was_received("https://x.example/1")?);
    assert_eq!(answers(scratch).len(), before);
    for effect in [Effect::Done, Effect::Known] {
        let m = scratch.moment();
        let reject = CallsFor::Answer(answer("Reject", actor, "https://x.example/1"));
        let came = received("https://x.example/1", "Follow", m.now);
        assert_eq!(scratch.receive(m, came, reject)?, effect);
    }
    assert_eq!(scratch.store().follower_count(actor)?, 0);
    assert_eq!(
        answers(scratch)[before..],
        [said("Reject", "https://x.example/1")]
    );
    Ok(())
}

both!(an_account_that_is_not_followable_rejects, |scratch| {
    let actor = scratch.account("quiet").actor_id;
    is_turned_away(scratch, actor)
});

both!(a_suspended_account_rejects, |scratch| {
    let rude = scratch.account("rude");
    let edit = AccountEdit {
        followable: Some(true),
        ..AccountEdit::default()
    };
    scratch.store().edit_account(scratch.moment(), rude.id, edit)?;
    let ben = scratch.remote("there.example", "ben");
    scratch.follow(&ben, rude.actor_id, "https://x.example/0")?;
    assert_eq!(scratch.store().follower_count(rude.actor_id)?, 1);
    scratch.undo(&ben, rude.actor_id, "https://x.example/0")?;
    scratch
        .store()
        .suspend_account(scratch.moment(), rude.id, None, "spam")?;
    is_turned_away(scratch, rude.actor_id)
});

both!(a_hidden_collection_rejects, |scratch| {
    let owner = scratch.account("owner").id;
    let ice = scratch.collection("ice", owner);
    scratch.store().hide(
        scratch.moment(),
        Target::Collection(ice.id),
        owner,
        "under review",
    )?;
    is_turned_away(scratch, ice.actor_id)
});

both!(a_follow_of_nobody_leaves_nothing_behind, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    let nobody = scratch.moment().id();
    let refused = scratch.follow(&ann, nobody, "https://x.example/1");
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "actor" })),
        "{refused:?}"
    );
    assert!(!scratch.store().was_received("https://x.example/1")?);
    let long = format!("https://x.example/{}", "x".repeat(3000));
    assert!(matches!(
        scratch.follow(&ann, actor, &long),
        Err(StoreError::Invalid(_))
    ));
    Ok(())
});

both!(what_comes_together_acts_in_order_and_fails_alone, |scratch| {
    let (actor, quiet) = (scratch.actor("climate"), scratch.account("quiet").actor_id);
    let (ann, ben) = (
        scratch.remote("there.example", "ann"),
        scratch.remote("there.example", "ben"),
    );
    let nobody = Remote {
        id: scratch.moment().id(),
        uri: "https://there.example/users/nobody".to_owned(),
    };
    let m = scratch.moment();
    let comes = |id: &str, calls_for| Arrival {
        received: received(id, "Activity", m.now),
        calls_for,
    };
    let follow = |who: &Remote, whom, id: &str| comes(id, CallsFor::Follow(new_follower(who, whom, id)));
    let undo =
        |who: &Remote, id: &str| comes(&format!("{id}/undo"), CallsFor::Undo(undo_follow(who, actor, id)));
    let (first, second, third) = (
        "https://x.example/1",
        "https://x.example/2",
        "https://x.example/3",
    );
    let long = format!("https://x.example/{}", "x".repeat(3000));
    let taken = scratch.store().receive(
        scratch.moment(),
        vec![
            follow(&ann, actor, first),
            follow(&nobody, actor, second),
            undo(&ann, first),
            follow(&ben, actor, &long),
            follow(&ben, quiet, second),
            undo(&ben, third),
            follow(&ben, actor, third),
            follow(&ben, actor, second),
            follow(&ben, actor, second),
            comes("https://x.example/4", CallsFor::Nothing),
            comes("https://x.example/4", CallsFor::Nothing),
        ],
    )?;
    let effects = taken.effects;
    let told: Vec<_> = effects
        .iter()
        .map(|effect| effect.as_ref().ok().copied())
        .collect();
    let (done, known) = (Some(Effect::Done), Some(Effect::Known));
    let expected = [
        done,
        None,
        done,
        None,
        Some(Effect::Refused),
        done,
        done,
        done,
        known,
        done,
        known,
    ];
    assert_eq!(told, expected);
    assert!(matches!(
        effects[1],
        Err(StoreError::NotFound { what: "remote actor" })
    ));
    assert!(matches!(effects[3], Err(StoreError::Invalid(_))));
    let followers = scratch.store().followers(actor, &Paging::first(10))?;
    assert_eq!(followers.items, [ben.uri]);
    assert_eq!(answers(scratch), [said("Accept", first), said("Accept", second)]);
    // Ann followed and left within it: the Undo counts, though nothing was ever written of her.
    assert_eq!(scratch.follow(&ann, actor, first)?, Effect::Known);
    Ok(())
});

both!(what_the_database_refuses_spoils_nothing_beside_it, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    let m = scratch.moment();
    // PostgreSQL cannot keep this; SQLite can.
    let odd = Arrival {
        received: received("https://x.example/odd", "Li\0ke", m.now),
        calls_for: CallsFor::Nothing,
    };
    let follow = Arrival {
        received: received("https://x.example/1", "Follow", m.now),
        calls_for: CallsFor::Follow(new_follower(&ann, actor, "https://x.example/1")),
    };
    let effects = scratch.store().receive(m, vec![odd, follow])?.effects;
    assert_eq!(effects[0].is_ok(), scratch.store().kind() == Backend::Sqlite);
    assert!(matches!(effects[1], Ok(Effect::Done)), "{effects:?}");
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    assert_eq!(answers(scratch), [said("Accept", "https://x.example/1")]);
    Ok(())
});

both!(followers_come_in_pages, |scratch| {
    let actor = scratch.actor("climate");
    for n in 0..5 {
        let one = scratch.remote("there.example", &format!("r{n}"));
        scratch.follow(&one, actor, &format!("https://x.example/{n}"))?;
    }
    let mut paging = Paging::first(2);
    let mut seen = Vec::new();
    loop {
        let page = scratch.store().followers(actor, &paging)?;
        seen.extend(page.items);
        match page.next {
            Some(next) => paging.cursor = Some(next),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    Ok(())
});

both!(a_dead_inbox_takes_all_its_followers_along, |scratch| {
    let actor = scratch.actor("climate");
    for (n, host) in ["dead.example", "dead.example", "alive.example"]
        .into_iter()
        .enumerate()
    {
        let one = scratch.remote(host, &format!("r{n}"));
        scratch.follow(&one, actor, &format!("https://x.example/{n}"))?;
    }
    assert_eq!(
        scratch
            .store()
            .drop_followers_at_inbox("https://dead.example/inbox")?,
        2
    );
    assert_eq!(scratch.store().follower_count(actor)?, 1);
    Ok(())
});

both!(old_ids_are_forgotten_in_batches, |scratch| {
    for n in 0..5 {
        let m = scratch.moment_at(START + n);
        let came = received(&format!("https://x.example/{n}"), "Like", m.now);
        assert_eq!(scratch.receive(m, came, CallsFor::Nothing)?, Effect::Done);
    }
    assert_eq!(scratch.store().sweep_received(START + 4, 3)?, 3);
    assert_eq!(scratch.store().sweep_received(START + 4, 3)?, 1);
    assert_eq!(scratch.store().sweep_received(START + 4, 3)?, 0);
    assert!(!scratch.store().was_received("https://x.example/3")?);
    assert!(scratch.store().was_received("https://x.example/4")?);
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.undo(&ann, actor, "https://x.example/1")?;
    assert_eq!(scratch.store().sweep_undone_follows(NEXT_DAY, 10)?, 1);
    assert_eq!(scratch.store().sweep_undone_follows(NEXT_DAY, 10)?, 0);
    Ok(())
});
