//! Hide, restore, remove: at once, everywhere, and for ever where it is meant so. Next: `listing.rs`.

use shoal_store::{DatasetQuery, Event, Paging, SearchQuery, StoreError, Target, UploadQuery, Visibility};

use crate::material::v2;
use crate::scratch::{Scratch, both};

/// What has to be told to others, in order, without what is there when a test begins.
fn told(scratch: &Scratch) -> Result<Vec<Event>, StoreError> {
    let events = scratch.store().unbuilt_events(100)?;
    Ok(events.into_iter().map(|event| event.event).skip(2).collect())
}

both!(a_hidden_upload_is_gone_until_it_is_restored, |scratch| {
    let (moderator, dataset, upload) = scratch.published();
    let store = scratch.store();
    let (id, target) = (upload.id, Target::Upload(upload.id));
    store.hide(scratch.moment(), target, moderator.id, "personal data")?;
    let hidden = store.upload(id)?.expect("the row stays");
    assert!(matches!(&hidden.state, Visibility::Hidden { reason, .. } if reason == "personal data"));
    assert_eq!(
        store
            .uploads(&UploadQuery {
                paging: Paging::first(9),
                ..UploadQuery::default()
            })?
            .items,
        []
    );
    let found = SearchQuery {
        q: "storms".to_owned(),
        paging: Paging::first(9),
        kind: None,
    };
    assert!(!store.search(&found)?.items.iter().any(|hit| hit.id == id));
    assert_eq!(
        store.dataset(&dataset.slug)?.map(|dataset| dataset.upload_count),
        Some(0)
    );
    assert_eq!(store.stats()?.uploads, 0);
    let again = scratch.publish(&moderator, &dataset, &v2("storms", &["a.csv", "b.csv"]));
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");

    store.hide(scratch.moment(), target, moderator.id, "personal data in b.csv")?;
    let hidden = store.upload(id)?.expect("the row stays");
    assert!(matches!(&hidden.state, Visibility::Hidden { reason, .. } if reason == "personal data in b.csv"));
    store.restore(scratch.moment(), target, moderator.id, "cleared")?;
    store.restore(scratch.moment(), target, moderator.id, "cleared twice")?;
    assert!(store.upload(id)?.expect("back").state.is_visible());
    assert!(store.search(&found)?.items.iter().any(|hit| hit.id == id));
    assert_eq!(
        store.dataset(&dataset.slug)?.map(|dataset| dataset.upload_count),
        Some(1)
    );
    assert_eq!(
        told(scratch)?,
        [
            Event::UploadHidden { upload: id },
            Event::UploadRestored { upload: id }
        ]
    );
    Ok(())
});

both!(a_removed_upload_stays_out_under_any_name, |scratch| {
    let (moderator, dataset, upload) = scratch.published();
    let store = scratch.store();
    store.remove(
        scratch.moment(),
        Target::Upload(upload.id),
        moderator.id,
        "court order 7",
    )?;
    let gone = store.upload(upload.id)?.expect("the row stays");
    assert!(gone.state.is_removed());
    for again in [
        scratch.publish(&moderator, &dataset, &v2("storms", &["a.csv", "b.csv"])),
        scratch.publish(&moderator, &dataset, &v2("renamed", &["c.csv", "d.csv"])),
    ] {
        assert!(
            matches!(&again, Err(StoreError::Refused(why)) if why.contains("court order 7")),
            "{again:?}"
        );
    }
    scratch.publish(&moderator, &dataset, &v2("storms", &["a.csv"]))?;
    for act in [
        store.restore(scratch.moment(), Target::Upload(upload.id), moderator.id, "no"),
        store.hide(scratch.moment(), Target::Upload(upload.id), moderator.id, "no"),
        store.remove(scratch.moment(), Target::Upload(upload.id), moderator.id, "no"),
    ] {
        assert!(matches!(act, Err(StoreError::Gone { .. })), "{act:?}");
    }
    Ok(())
});

both!(
    a_hidden_dataset_hides_its_uploads_and_restores_only_its_own,
    |scratch| {
        let (moderator, dataset, upload) = scratch.published();
        let other = scratch.publish(&moderator, &dataset, &v2("more", &["a"]))?;
        let store = scratch.store();
        store.hide(scratch.moment(), Target::Upload(other.id), moderator.id, "broken")?;
        store.hide(
            scratch.moment(),
            Target::Dataset(dataset.id),
            moderator.id,
            "review",
        )?;
        for id in [upload.id, other.id] {
            assert!(!store.upload(id)?.expect("the row stays").state.is_visible());
        }
        assert_eq!(
            store
                .datasets(&DatasetQuery {
                    paging: Paging::first(9),
                    ..DatasetQuery::default()
                })?
                .items,
            []
        );
        let all = SearchQuery {
            q: "storm".to_owned(),
            paging: Paging::first(9),
            kind: None,
        };
        assert_eq!(store.search(&all)?.items, []);
        assert_eq!(store.stats()?.files, 0);
        store.restore(
            scratch.moment(),
            Target::Dataset(dataset.id),
            moderator.id,
            "fine",
        )?;
        assert!(store.upload(upload.id)?.expect("back").state.is_visible());
        assert!(
            !store.upload(other.id)?.expect("the row stays").state.is_visible(),
            "it was hidden for itself"
        );
        assert_eq!(store.search(&all)?.items.len(), 2);

        store.remove(
            scratch.moment(),
            Target::Dataset(dataset.id),
            moderator.id,
            "illegal",
        )?;
        assert!(
            store
                .upload(upload.id)?
                .expect("the row stays")
                .state
                .is_removed()
        );
        let elsewhere = scratch.dataset(&moderator, "Elsewhere");
        let again = scratch.publish(&moderator, &elsewhere, &v2("other name", &["x", "y"]));
        assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
        Ok(())
    }
);

both!(
    an_upload_of_a_hidden_dataset_is_told_with_its_dataset,
    |scratch| {
        let (moderator, dataset, upload) = scratch.published();
        let store = scratch.store();
        store.hide(
            scratch.moment(),
            Target::Upload(upload.id),
            moderator.id,
            "review",
        )?;
        store.hide(
            scratch.moment(),
            Target::Dataset(dataset.id),
            moderator.id,
            "review",
        )?;
        store.restore(scratch.moment(), Target::Upload(upload.id), moderator.id, "")?;
        assert!(
            !store
                .upload(upload.id)?
                .expect("the row stays")
                .state
                .is_visible()
        );
        store.restore(scratch.moment(), Target::Dataset(dataset.id), moderator.id, "")?;
        assert!(store.upload(upload.id)?.expect("back").state.is_visible());
        let (upload, dataset) = (upload.id, dataset.id);
        let acts = [
            Event::UploadHidden { upload },
            Event::DatasetHidden { dataset },
            Event::DatasetRestored { dataset },
        ];
        assert_eq!(told(scratch)?, acts);
        Ok(())
    }
);

both!(a_hidden_collection_keeps_its_datasets_visible, |scratch| {
    let (moderator, dataset, _) = scratch.published();
    let collection = scratch.curated(&moderator, "weather");
    let store = scratch.store();
    store.put_dataset(scratch.moment(), "weather", &dataset.slug, moderator.id)?;
    store.hide(
        scratch.moment(),
        Target::Collection(collection.id),
        moderator.id,
        "name",
    )?;
    assert_eq!(store.collections(&Paging::first(9))?.items, []);
    assert_eq!(store.collections_of_dataset(dataset.id)?, []);
    assert!(
        store
            .dataset(&dataset.slug)?
            .expect("still there")
            .state
            .is_visible()
    );
    store.restore(
        scratch.moment(),
        Target::Collection(collection.id),
        moderator.id,
        "",
    )?;
    assert_eq!(store.collections_of_dataset(dataset.id)?.len(), 1);
    store.remove(
        scratch.moment(),
        Target::Collection(collection.id),
        moderator.id,
        "name",
    )?;
    let put = store.put_dataset(scratch.moment(), "weather", &dataset.slug, moderator.id);
    assert!(matches!(put, Err(StoreError::Gone { .. })), "{put:?}");
    let id = collection.id;
    let put = Event::DatasetPut {
        collection: id,
        dataset: dataset.id,
    };
    let acts = [
        put,
        Event::CollectionHidden { collection: id },
        Event::CollectionRestored { collection: id },
        Event::CollectionRemoved { collection: id },
    ];
    assert_eq!(told(scratch)?, acts);
    Ok(())
});

both!(every_act_stands_in_the_log, |scratch| {
    let (moderator, dataset, upload) = scratch.published();
    let store = scratch.store();
    let target = Target::Upload(upload.id);
    store.hide(scratch.moment(), target, moderator.id, "first\nsecond")?;
    store.restore(scratch.moment(), target, moderator.id, "")?;
    store.remove(
        scratch.moment(),
        Target::Dataset(dataset.id),
        moderator.id,
        "third",
    )?;
    let page = store.moderation_log(&Paging::first(2))?;
    assert_eq!(page.items.len(), 2);
    assert_eq!(
        (page.items[0].act.as_str(), page.items[0].target_label.as_str()),
        ("remove", "Storm events")
    );
    assert_eq!(page.items[0].by.as_deref(), Some("archivist"));
    let last = store.moderation_log(&Paging {
        limit: 2,
        cursor: page.next,
    })?;
    assert_eq!((last.items.len(), last.next), (1, None));
    assert_eq!(
        (last.items[0].reason.as_str(), last.items[0].target_id.clone()),
        ("first\nsecond", upload.id.to_string())
    );
    let nobody = Target::Upload(moderator.id);
    let missing = store.hide(scratch.moment(), nobody, moderator.id, "why");
    assert!(
        matches!(missing, Err(StoreError::NotFound { what: "upload" })),
        "{missing:?}"
    );
    let unsaid = store.hide(scratch.moment(), target, moderator.id, " \n");
    assert!(matches!(unsaid, Err(StoreError::Invalid(_))), "{unsaid:?}");
    Ok(())
});
