//! What an event comes to: once, for everyone who is meant and nobody twice. Large audiences are next, in `spreads.rs`.

use shoal_store::{Audience, Built, Delivery, DeliveryQuery, Id, Letter, Paging, Role, Store};

use crate::cast::{activity, note, ours};
use crate::scratch::{Scratch, both};

/// What waits for a host: activities and inboxes in the order in which they will be sent.
pub(crate) fn waiting(scratch: &Scratch, host: &str) -> Vec<(String, String)> {
    let next: Vec<Delivery> = scratch.store().next_deliveries(host, 200).expect("readable");
    next.into_iter()
        .map(|one| (letter(scratch, one.activity).activity_uri, one.inbox))
        .collect()
}

fn letter(scratch: &Scratch, activity: i64) -> Letter {
    let letter = scratch.store().letter(activity).expect("readable");
    letter.expect("what waits is there")
}

/// The inboxes an activity was queued for, in order of name.
fn inboxes_of(scratch: &Scratch, uri: &str) -> Vec<String> {
    let query = DeliveryQuery {
        paging: Paging::first(200),
        ..DeliveryQuery::default()
    };
    let rows = scratch.store().deliveries(&query).expect("readable").items;
    let mut inboxes: Vec<String> = rows
        .into_iter()
        .filter(|row| row.activity_uri == uri)
        .map(|row| row.inbox)
        .collect();
    inboxes.sort();
    inboxes
}

pub(crate) fn post(actor: Id, name: &str) -> shoal_store::NewActivity {
    activity(
        actor,
        "Create",
        &ours(&format!("create/{name}")),
        &ours(name),
        Audience::Followers,
    )
}

fn delete(actor: Id, name: &str) -> shoal_store::NewActivity {
    let audience = Audience::FollowersAndPastRecipients {
        object_uri: ours(name),
    };
    activity(
        actor,
        "Delete",
        &ours(&format!("delete/{name}")),
        &ours(name),
        audience,
    )
}

both!(followers_that_share_an_inbox_get_one_delivery, |scratch| {
    let actor = scratch.actor("climate");
    for n in 0..10 {
        let one = scratch.remote("big.example", &format!("r{n}"));
        scratch.follow(&one, actor, &format!("https://x.example/{n}"))?;
    }
    let alone = scratch.remote_at("small.example", "s", None);
    scratch.follow(&alone, actor, "https://x.example/s")?;
    scratch.without_answers();
    scratch.say(vec![post(actor, "note/1")]);
    let inboxes = ["https://big.example/inbox", "https://small.example/users/s/inbox"];
    assert_eq!(inboxes_of(scratch, &ours("create/note/1")), inboxes);
    assert_eq!(scratch.store().delivery_counts()?.waiting, 2);
    assert_eq!(scratch.store().delivery_counts()?.hosts_waiting, 2);
    let sent = letter(
        scratch,
        scratch.store().next_deliveries("big.example", 10)?[0].activity,
    );
    assert_eq!(
        (sent.actor, sent.json.as_str()),
        (actor, "{\"id\":\"https://here.example/create/note/1\"}")
    );
    Ok(())
});

both!(an_event_is_built_once, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.follow(&ann, actor, "https://x.example/1")?;
    let event = scratch.event();
    let here = &*scratch;
    let beside = &Store::open(scratch.url(), Role::Tool)?;
    let first = std::thread::scope(|scope| {
        let builders: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn(move || {
                    let built = Built {
                        activities: vec![post(actor, &format!("note/{n}"))],
                        ..Built::default()
                    };
                    let store = if n % 2 == 0 { here.store() } else { beside };
                    store.record_built(here.moment(), event, built)
                })
            })
            .collect();
        builders
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect::<Result<Vec<bool>, _>>()
    })?;
    assert_eq!(first.iter().filter(|first| **first).count(), 1, "{first:?}");
    assert_eq!(scratch.store().outbox_count(actor)?, 1);
    assert_eq!(waiting(scratch, "there.example").len(), 1);
    let unbuilt = scratch.store().unbuilt_events(10)?;
    assert!(unbuilt.iter().all(|pending| pending.id != event));
    let nothing = scratch.moment().id();
    assert!(
        !scratch
            .store()
            .record_built(scratch.moment(), nothing, Built::default())?
    );
    Ok(())
});

both!(what_cannot_be_written_leaves_nothing_behind, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.follow(&ann, actor, "https://x.example/1")?;
    let event = scratch.event();
    let bad = activity(actor, "Create", "", &ours("note/2"), Audience::Followers);
    let built = Built {
        activities: vec![post(actor, "note/1"), bad],
        ..Built::default()
    };
    assert!(
        scratch
            .store()
            .record_built(scratch.moment(), event, built)
            .is_err()
    );
    assert_eq!(scratch.store().outbox_count(actor)?, 0);
    assert!(waiting(scratch, "there.example").is_empty());
    assert!(
        scratch
            .store()
            .unbuilt_events(10)?
            .iter()
            .any(|pending| pending.id == event)
    );
    Ok(())
});

both!(a_removal_reaches_those_who_got_the_post_and_left, |scratch| {
    let (actor, other) = (scratch.actor("climate"), scratch.actor("ann"));
    let people: Vec<_> = ["early", "stays", "leaves", "boosted", "late"]
        .into_iter()
        .map(|name| scratch.remote(&format!("{name}.example"), name))
        .collect();
    let uri = |n: usize| format!("https://x.example/{n}");
    for (n, who) in people.iter().enumerate() {
        let followed = if n == 3 { other } else { actor };
        if n < 4 {
            scratch.follow(who, followed, &uri(n))?;
        }
    }
    scratch.undo(&people[0], actor, &uri(0))?;
    let boost = activity(
        other,
        "Announce",
        &ours("announce/1"),
        &ours("note/1"),
        Audience::Followers,
    );
    scratch.say_all(Built {
        activities: vec![post(actor, "note/1"), boost],
        records: vec![note(&ours("note/1"), actor, actor)],
        ..Built::default()
    });
    scratch.undo(&people[2], actor, &uri(2))?;
    scratch.follow(&people[4], actor, &uri(4))?;
    scratch.say_all(Built {
        activities: vec![delete(actor, "note/1")],
        tombstones: vec![ours("note/1")],
        ..Built::default()
    });
    let told = ["boosted", "late", "leaves", "stays"].map(|name| format!("https://{name}.example/inbox"));
    assert_eq!(inboxes_of(scratch, &ours("delete/note/1")), told);
    Ok(())
});

both!(a_removal_reaches_those_who_were_addressed_by_name, |scratch| {
    let actor = scratch.actor("climate");
    let named = Audience::Inboxes(vec![
        ("https://a.example/inbox".into(), "a.example".into()),
        ("https://a.example/inbox".into(), "a.example".into()),
        ("https://b.example:444/inbox".into(), "b.example:444".into()),
    ]);
    let reply = activity(actor, "Create", &ours("create/note/1"), &ours("note/1"), named);
    scratch.say_all(Built {
        activities: vec![reply],
        records: vec![note(&ours("note/1"), actor, actor)],
        ..Built::default()
    });
    assert_eq!(waiting(scratch, "a.example").len(), 1);
    scratch.say(vec![delete(actor, "note/1")]);
    let both = ["https://a.example/inbox", "https://b.example:444/inbox"];
    assert_eq!(inboxes_of(scratch, &ours("delete/note/1")), both);
    Ok(())
});

both!(what_was_removed_is_sent_no_more, |scratch| {
    let (actor, ann) = (scratch.actor("climate"), scratch.remote("there.example", "ann"));
    scratch.follow(&ann, actor, "https://x.example/1")?;
    scratch.without_answers();
    scratch.say_all(Built {
        activities: vec![post(actor, "note/1"), post(actor, "note/2")],
        records: vec![
            note(&ours("note/1"), actor, actor),
            note(&ours("note/2"), actor, actor),
        ],
        ..Built::default()
    });
    scratch.say_all(Built {
        activities: vec![delete(actor, "note/1")],
        tombstones: vec![ours("note/1")],
        ..Built::default()
    });
    let next: Vec<String> = waiting(scratch, "there.example")
        .into_iter()
        .map(|(uri, _)| uri)
        .collect();
    assert_eq!(next, [ours("create/note/2"), ours("delete/note/1")]);
    assert_eq!(scratch.store().delivery_counts()?.waiting, 2);
    // The log still has it, marked; the other post stands.
    let outbox = scratch.store().outbox(actor, 1..=10)?;
    let marks: Vec<(&str, bool)> = outbox
        .iter()
        .map(|row| (row.uri.as_str(), row.buried.is_some()))
        .collect();
    let (first, second, third) = (
        ours("create/note/1"),
        ours("create/note/2"),
        ours("delete/note/1"),
    );
    assert_eq!(
        marks,
        [
            (third.as_str(), false),
            (second.as_str(), false),
            (first.as_str(), true)
        ]
    );
    assert!(
        scratch
            .store()
            .activity(&first)?
            .is_some_and(|row| row.buried.is_some())
    );
    Ok(())
});

both!(a_record_has_its_newest_body_until_it_is_gone, |scratch| {
    let (actor, upload) = (scratch.actor("climate"), scratch.moment().id());
    let store = scratch.store();
    let first = note(&ours("note/1"), actor, upload);
    scratch.say_all(Built {
        records: vec![first.clone()],
        ..Built::default()
    });
    let mut second = first.clone();
    second.json = "{\"v\":2}".to_owned();
    scratch.say_all(Built {
        records: vec![second],
        ..Built::default()
    });
    let record = store.record(&ours("note/1"))?.expect("it is there");
    assert_eq!(
        (record.json.as_str(), record.origin.as_str()),
        ("{\"v\":2}", "here.example")
    );
    assert!(record.updated_at > record.created_at);
    assert_eq!(store.live_posts(upload)?, [record]);
    scratch.say_all(Built {
        tombstones: vec![ours("note/1")],
        ..Built::default()
    });
    assert!(store.live_posts(upload)?.is_empty());
    let gone = store
        .record(&ours("note/1"))?
        .and_then(|record| record.tombstoned_at);
    assert!(gone.is_some());
    // Told again, it stays gone, since when it was first.
    scratch.say_all(Built {
        tombstones: vec![ours("note/1"), ours("note/unknown")],
        ..Built::default()
    });
    assert_eq!(
        store
            .record(&ours("note/1"))?
            .and_then(|record| record.tombstoned_at),
        gone
    );
    Ok(())
});

both!(an_outbox_is_read_by_place, |scratch| {
    let (actor, other) = (scratch.actor("climate"), scratch.actor("oceans"));
    for n in 0..5 {
        let mut quiet = post(actor, &format!("quiet/{n}"));
        quiet.in_outbox = false;
        scratch.say(vec![
            post(actor, &format!("note/{n}")),
            post(other, &format!("other/{n}")),
            quiet,
        ]);
    }
    let part = |positions| -> Result<Vec<String>, shoal_store::StoreError> {
        let rows = scratch.store().outbox(actor, positions)?;
        Ok(rows.into_iter().map(|row| row.uri).collect())
    };
    let said = |n: u32| ours(&format!("create/note/{n}"));
    assert_eq!(part(1..=2)?, [said(1), said(0)]);
    assert_eq!(part(3..=4)?, [said(3), said(2)]);
    assert_eq!(part(5..=6)?, [said(4)]);
    assert!(part(6..=9)?.is_empty());
    assert_eq!(scratch.store().outbox_count(actor)?, 5);
    Ok(())
});

both!(an_announce_stands_until_it_is_undone, |scratch| {
    let actor = scratch.actor("ann");
    let say = |kind: &str, uri: &str, object: &str| {
        scratch.say(vec![activity(
            actor,
            kind,
            &ours(uri),
            &ours(object),
            Audience::Nobody,
        )]);
    };
    say("Announce", "announce/1", "note/1");
    say("Announce", "announce/2", "note/1");
    say("Undo", "undo/1", "announce/1");
    let stands = scratch.store().announces_of(&ours("note/1"))?;
    assert_eq!(
        stands.into_iter().map(|row| row.uri).collect::<Vec<_>>(),
        [ours("announce/2")]
    );
    Ok(())
});
