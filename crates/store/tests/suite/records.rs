//! Records that are edited, go and come back, and who is told of them: nobody whose software does not understand.
//! Next: `deliveries.rs`.

use shoal_store::{
    Audience, Built, Event, Id, NewActivity, NewRecord, NewRemoteActor, Paging, Scope, Subject, Target,
};

use crate::cast::{Remote, activity, ours};
use crate::scratch::{Scratch, both};

/// A version of a record about something.
fn record(actor: Id, name: &str, version: i64, subject: Subject) -> NewRecord {
    let kind = name.split('/').next().unwrap_or_default().to_owned();
    NewRecord {
        uri: ours(name),
        kind,
        actor,
        subject,
        json: format!("{{\"name\": \"{name}\",\"version\":{version}}}"),
        proof_key: Some(format!("key/{version}")),
        version,
    }
}

fn of_dataset(dataset: Id) -> Subject {
    Subject {
        dataset: Some(dataset),
        ..Subject::default()
    }
}

/// An activity about a record, for the keepers among the followers of these actors.
fn told(actor: Id, kind: &str, number: u32, followers_of: &[Id]) -> NewActivity {
    let audience = Audience::KeepersOfRecords {
        followers_of: followers_of.to_vec(),
        record: ours("Dataset/1"),
    };
    activity(
        actor,
        kind,
        &ours(&format!("activity/{number}")),
        &ours("Dataset/1"),
        audience,
    )
}

/// A remote actor whose software understands records, at an inbox of its own.
fn keeper(scratch: &Scratch, host: &str, understands_records: bool) -> Remote {
    let uri = format!("https://{host}/users/keeper");
    let new = NewRemoteActor {
        uri: uri.clone(),
        domain: host.to_owned(),
        name: "keeper".to_owned(),
        actor_type: "Person".to_owned(),
        title: String::new(),
        inbox: format!("{uri}/inbox"),
        shared_inbox: None,
        key_id: format!("{uri}#main-key"),
        public_key_pem: String::new(),
        json: "{}".to_owned(),
        understands_records,
    };
    let saved = scratch.store().save_remote_actor(scratch.moment(), new);
    Remote {
        id: saved.expect("a good actor").id,
        uri,
    }
}

/// How many deliveries wait for a host.
fn waiting(scratch: &Scratch, host: &str) -> usize {
    scratch
        .store()
        .next_deliveries(host, 200)
        .expect("readable")
        .len()
}

both!(every_version_of_a_record_is_kept_as_it_was, |scratch| {
    let (actor, dataset, store) = (scratch.actor("climate"), scratch.moment().id(), scratch.store());
    for version in 1..=3 {
        scratch.say_all(Built {
            records: vec![record(actor, "Dataset/1", version, of_dataset(dataset))],
            ..Built::default()
        });
    }
    for version in 1..=3 {
        let json = record(actor, "Dataset/1", version, of_dataset(dataset)).json;
        assert_eq!(store.record_version(&ours("Dataset/1"), version)?, Some(json));
    }
    for (name, version) in [("Dataset/1", 0), ("Dataset/1", 4), ("Dataset/2", 1)] {
        assert_eq!(store.record_version(&ours(name), version)?, None);
    }
    let present = store.record(&ours("Dataset/1"))?.expect("it is there");
    assert_eq!(
        (present.version, present.proof_key.as_deref()),
        (3, Some("key/3"))
    );
    Ok(())
});

both!(a_record_comes_back_under_its_id, |scratch| {
    let (actor, upload, store) = (scratch.actor("climate"), scratch.moment().id(), scratch.store());
    let subject = Subject {
        upload: Some(upload),
        ..Subject::default()
    };
    scratch.say_all(Built {
        records: vec![record(actor, "Torrent/1", 1, subject)],
        ..Built::default()
    });
    assert_eq!(store.torrent_record(upload)?, Some((ours("Torrent/1"), None)));
    let before = store.record(&ours("Torrent/1"))?.expect("it is there");
    scratch.say_all(Built {
        tombstones: vec![ours("Torrent/1")],
        ..Built::default()
    });
    assert!(
        store
            .torrent_record(upload)?
            .is_some_and(|(_, gone)| gone.is_some())
    );
    scratch.say_all(Built {
        returned: vec![ours("Torrent/1")],
        ..Built::default()
    });
    assert_eq!(store.record(&ours("Torrent/1"))?, Some(before));
    Ok(())
});

both!(the_newest_membership_is_the_one_that_counts, |scratch| {
    let (actor, store) = (scratch.actor("climate"), scratch.store());
    let subject = Subject {
        dataset: Some(scratch.moment().id()),
        collection: Some(scratch.moment().id()),
        upload: None,
    };
    let (dataset, collection) = (subject.dataset.expect("set"), subject.collection.expect("set"));
    assert_eq!(store.membership(collection, dataset)?, None);
    for number in 1..=2 {
        scratch.say_all(Built {
            records: vec![record(actor, &format!("Membership/{number}"), 1, subject)],
            ..Built::default()
        });
    }
    let found = store
        .membership(collection, dataset)?
        .map(|found| (found.uri, found.subject));
    assert_eq!(found, Some((ours("Membership/2"), subject)));
    assert_eq!(store.membership(dataset, collection)?, None);
    Ok(())
});

both!(only_who_understands_records_is_told_of_them, |scratch| {
    let (account, collection) = (scratch.actor("ann"), scratch.actor("climate"));
    let (knows, other) = (
        keeper(scratch, "knows.example", true),
        keeper(scratch, "other.example", false),
    );
    scratch.follow(&knows, collection, "https://x.example/1")?;
    scratch.follow(&other, collection, "https://x.example/2")?;
    scratch.follow(&other, account, "https://x.example/3")?;
    let of = [account, collection];
    scratch.say(vec![told(account, "Create", 1, &of)]);
    scratch.say(vec![
        told(account, "Update", 2, &of),
        told(account, "Delete", 3, &of),
    ]);
    assert_eq!(
        (
            waiting(scratch, "knows.example"),
            waiting(scratch, "other.example")
        ),
        (3, 0)
    );
    // Once its software understands, it is told like the others.
    keeper(scratch, "other.example", true);
    scratch.say(vec![told(account, "Update", 4, &of)]);
    assert_eq!(
        (
            waiting(scratch, "knows.example"),
            waiting(scratch, "other.example")
        ),
        (4, 1)
    );
    Ok(())
});

both!(who_was_told_of_a_record_hears_how_it_goes_on, |scratch| {
    let (account, left, taken) = (
        scratch.actor("ann"),
        scratch.actor("climate"),
        scratch.actor("ice"),
    );
    let (gone, stays) = (
        keeper(scratch, "gone.example", true),
        keeper(scratch, "stays.example", true),
    );
    let early = keeper(scratch, "early.example", true);
    scratch.follow(&gone, left, "https://x.example/1")?;
    scratch.follow(&stays, taken, "https://x.example/2")?;
    scratch.follow(&early, left, "https://x.example/3")?;
    scratch.undo(&early, left, "https://x.example/3")?;
    scratch.say(vec![told(account, "Create", 1, &[account, left, taken])]);
    scratch.undo(&gone, left, "https://x.example/1")?;
    // The dataset is in neither collection any more.
    scratch.say(vec![told(account, "Delete", 2, &[account])]);
    for (host, count) in [("gone.example", 2), ("stays.example", 2), ("early.example", 0)] {
        assert_eq!(waiting(scratch, host), count, "{host}");
    }
    Ok(())
});

both!(what_is_too_much_for_one_event_comes_as_another, |scratch| {
    let left = vec![
        Event::DatasetsLeft { after: None },
        Event::UploadsLeft {
            dataset: scratch.moment().id(),
            after: Some(scratch.moment().id()),
        },
    ];
    scratch.say_all(Built {
        left: left.clone(),
        ..Built::default()
    });
    let next: Vec<Event> = scratch
        .store()
        .unbuilt_events(10)?
        .into_iter()
        .map(|one| one.event)
        .collect();
    assert_eq!(next[next.len() - 2..], left);
    Ok(())
});

both!(the_records_of_a_collection_are_listed_page_by_page, |scratch| {
    let owner = scratch.person("archivist", Scope::Owner);
    let collection = scratch.curated(&owner, "climate");
    let mut all = Vec::new();
    for number in 0..5 {
        let dataset = scratch.dataset(&owner, &format!("Dataset {number}"));
        scratch
            .store()
            .put_dataset(scratch.moment(), "climate", &dataset.slug, owner.id)?;
        // Of one the record is not made yet.
        if number != 3 {
            let name = format!("Dataset/{number}");
            scratch.say_all(Built {
                records: vec![record(owner.actor_id, &name, 1, of_dataset(dataset.id))],
                ..Built::default()
            });
            all.insert(0, ours(&name));
        }
    }
    let (found, pages) = crate::material::all_pages(2, |paging: Paging| {
        scratch.store().dataset_records(collection.id, &paging)
    })?;
    assert_eq!((found, pages), (all, 2));
    Ok(())
});

both!(everything_can_be_gone_through_step_by_step, |scratch| {
    let (owner, dataset, upload) = scratch.published();
    let (collection, store) = (scratch.curated(&owner, "climate"), scratch.store());
    let other = scratch.dataset(&owner, "Other");
    for dataset in [&dataset, &other] {
        store.put_dataset(scratch.moment(), "climate", &dataset.slug, owner.id)?;
    }
    store.hide(
        scratch.moment(),
        Target::Dataset(other.id),
        owner.id,
        "under review",
    )?;
    assert_eq!(store.walk_datasets(None, 1)?, [dataset.id]);
    assert_eq!(store.walk_datasets(Some(dataset.id), 5)?, [other.id]);
    assert_eq!(store.walk_members(collection.id, None, 1)?, [dataset.id]);
    assert_eq!(
        store.walk_members(collection.id, Some(dataset.id), 5)?,
        [other.id]
    );
    assert_eq!(store.walk_uploads(dataset.id, None, 5)?, [upload.id]);
    assert!(store.walk_uploads(dataset.id, Some(upload.id), 5)?.is_empty());
    let member = store
        .member(collection.id, dataset.id)?
        .map(|member| member.added_by.id);
    assert_eq!(member, Some(owner.id));
    assert_eq!(store.member(dataset.id, collection.id)?, None);
    Ok(())
});

both!(
    what_was_published_before_there_were_records_is_an_event,
    |scratch| {
        let backend = if scratch.folder().is_some() {
            "sqlite"
        } else {
            "postgres"
        };
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let first = std::fs::read_to_string(format!("{root}/{backend}/0001_first_light/up.sql"))?;
        let noted = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,
            run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
        INSERT INTO __diesel_schema_migrations (version) VALUES ('0001');";
        for published in [false, true] {
            scratch.empty();
            scratch.sql(&first);
            scratch.sql(noted);
            if published {
                scratch.sql(&OLD.replace("$EMPTY", if backend == "sqlite" { "x''" } else { "''" }));
            }
            scratch.reopen();
            let events = scratch.store().unbuilt_events(10)?;
            let events: Vec<Event> = events.into_iter().map(|one| one.event).collect();
            if published {
                assert_eq!(events, [Event::DatasetsLeft { after: None }]);
                let actor = "018bcfe5-6800-7000-8000-000000000001".parse()?;
                let rows = scratch.store().outbox(actor, 1..=10)?;
                let told: Vec<&str> = rows.iter().map(|row| row.uri.as_str()).collect();
                assert_eq!(told, ["https://here.example/3", "https://here.example/1"]);
            } else {
                assert!(events.is_empty());
            }
        }
        Ok(())
    }
);

/// A catalogue of before: one dataset, and a log with an answer to somebody alone between two posts.
const OLD: &str = "
    INSERT INTO actors (id, kind, name, title, summary, rsa_private_der, rsa_public_pem, ed25519_private_der,
        ed25519_public, followable, created_at)
        VALUES ('018bcfe5-6800-7000-8000-000000000001', 'account', 'ann', 'Ann', '', $EMPTY, '', $EMPTY, $EMPTY, FALSE, 1);
    INSERT INTO accounts (id, actor_id, name, scopes, created_at, state, state_at, state_reason)
        VALUES ('018bcfe5-6800-7000-8000-000000000002', '018bcfe5-6800-7000-8000-000000000001', 'ann', 1, 1,
            'visible', 1, '');
    INSERT INTO datasets (id, slug, title, title_key, publisher, homepage, licence, description, threat, account_id,
        created_at, updated_at, state, state_at, state_reason, upload_count, total_size)
        VALUES ('018bcfe5-6800-7000-8000-000000000003', 'ice', 'Ice', 'ice', '', '', '', '', 0,
            '018bcfe5-6800-7000-8000-000000000002', 1, 1, 'visible', 1, '', 0, 0);
    INSERT INTO activities (uri, event_id, actor_id, kind, json, in_outbox, addressed, at) VALUES
        ('https://here.example/1', '1', '018bcfe5-6800-7000-8000-000000000001', 'Create', '{}', TRUE, FALSE, 1),
        ('https://here.example/2', '2', '018bcfe5-6800-7000-8000-000000000001', 'Accept', '{}', FALSE, TRUE, 2),
        ('https://here.example/3', '3', '018bcfe5-6800-7000-8000-000000000001', 'Create', '{}', TRUE, FALSE, 3);
";
