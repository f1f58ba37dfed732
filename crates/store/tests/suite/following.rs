//! Whom the actors here follow, and what the other side answers. Next: `built.rs`.

use shoal_store::{Effect, Event, FollowAnswer, FollowState, Paging, StoreError};

use crate::cast::received;
use crate::scratch::{Scratch, both};

fn answer(scratch: &Scratch, follow: &str, by: &str, accepted: bool, id: &str) -> Result<Effect, StoreError> {
    let m = scratch.moment();
    let came = received(id, if accepted { "Accept" } else { "Reject" }, m.now);
    let answer = FollowAnswer {
        follow_uri: follow.to_owned(),
        by_uri: by.to_owned(),
        accepted,
    };
    scratch.store().receive_follow_answer(m, came, answer)
}

fn state(scratch: &Scratch, id: shoal_store::Id) -> FollowState {
    scratch.store().following_by_id(id).expect("it is there").state
}

both!(asking_twice_is_asking_once, |scratch| {
    let (actor, bob) = (scratch.actor("mine"), scratch.remote("there.example", "bob"));
    let store = scratch.store();
    let first = store.request_follow(scratch.moment(), actor, bob.id, "https://here.example/1")?;
    let second = store.request_follow(scratch.moment(), actor, bob.id, "https://here.example/2")?;
    assert_eq!(first, second);
    assert_eq!(
        (first.target.uri.as_str(), first.state),
        (bob.uri.as_str(), FollowState::Requested)
    );
    assert_eq!(store.unbuilt_events(10)?.len(), 1);
    assert_eq!(store.following_count(actor)?, 0);
    assert_eq!(store.follow_requests(actor, &Paging::first(10))?.items, [first]);
    Ok(())
});

both!(only_the_one_who_was_asked_can_answer, |scratch| {
    let (actor, bob) = (scratch.actor("mine"), scratch.remote("there.example", "bob"));
    let asked = scratch
        .store()
        .request_follow(scratch.moment(), actor, bob.id, "https://here.example/1")?;
    answer(
        scratch,
        "https://here.example/1",
        "https://evil.example/eve",
        true,
        "https://evil.example/1",
    )?;
    answer(
        scratch,
        "https://here.example/never",
        &bob.uri,
        true,
        "https://there.example/0",
    )?;
    assert_eq!(state(scratch, asked.id), FollowState::Requested);
    answer(
        scratch,
        "https://here.example/1",
        &bob.uri,
        true,
        "https://there.example/1",
    )?;
    assert_eq!(state(scratch, asked.id), FollowState::Accepted);
    assert_eq!(
        scratch.store().following(actor, &Paging::first(10))?.items.len(),
        1
    );
    assert_eq!(scratch.store().following_count(actor)?, 1);
    let again = answer(
        scratch,
        "https://here.example/1",
        &bob.uri,
        true,
        "https://there.example/1",
    )?;
    assert_eq!(again, Effect::Known);
    Ok(())
});

both!(
    a_reject_ends_a_following_and_an_accept_does_not_bring_it_back,
    |scratch| {
        let (actor, bob) = (scratch.actor("mine"), scratch.remote("there.example", "bob"));
        let asked =
            scratch
                .store()
                .request_follow(scratch.moment(), actor, bob.id, "https://here.example/1")?;
        answer(
            scratch,
            "https://here.example/1",
            &bob.uri,
            true,
            "https://there.example/1",
        )?;
        answer(
            scratch,
            "https://here.example/1",
            &bob.uri,
            false,
            "https://there.example/2",
        )?;
        assert_eq!(state(scratch, asked.id), FollowState::Rejected);
        answer(
            scratch,
            "https://here.example/1",
            &bob.uri,
            true,
            "https://there.example/3",
        )?;
        assert_eq!(state(scratch, asked.id), FollowState::Rejected);
        // Asking anew is a new wish.
        let anew =
            scratch
                .store()
                .request_follow(scratch.moment(), actor, bob.id, "https://here.example/2")?;
        assert_ne!(anew.id, asked.id);
        Ok(())
    }
);

both!(a_withdrawn_wish_stays_withdrawn, |scratch| {
    let (actor, bob) = (scratch.actor("mine"), scratch.remote("there.example", "bob"));
    let store = scratch.store();
    let asked = store.request_follow(scratch.moment(), actor, bob.id, "https://here.example/1")?;
    store.withdraw_follow(scratch.moment(), asked.id)?;
    store.withdraw_follow(scratch.moment(), asked.id)?;
    answer(
        scratch,
        "https://here.example/1",
        &bob.uri,
        true,
        "https://there.example/1",
    )?;
    assert_eq!(state(scratch, asked.id), FollowState::Withdrawn);
    assert!(store.follow_requests(actor, &Paging::first(10))?.items.is_empty());
    let events: Vec<Event> = store
        .unbuilt_events(10)?
        .into_iter()
        .map(|one| one.event)
        .collect();
    let told = [
        Event::FollowRequested { following: asked.id },
        Event::FollowWithdrawn { following: asked.id },
    ];
    assert_eq!(events, told);
    let nobody = scratch.moment().id();
    let missing = store.withdraw_follow(scratch.moment(), nobody);
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    Ok(())
});
