//! Collections and what is in them. Next: `search.rs`.

use shoal_store::{CollectionEdit, Event, Paging, Scope, StoreError, Target};

use crate::material::all_pages;
use crate::scratch::both;

both!(a_collection_is_kept_whole, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let made = scratch.curated(&account, "climate");
    scratch.reopen();
    let store = scratch.store();
    assert_eq!(store.collection("Climate")?, Some(made.clone()));
    assert_eq!(store.collection_by_id(made.id)?, Some(made.clone()));
    assert_eq!(
        (made.title.as_str(), made.account.name.as_str()),
        ("The climate collection", "archivist")
    );
    assert_eq!((made.dataset_count, made.follower_count), (0, 0));
    assert_eq!(store.collection("nothing")?, None);
    for name in ["b", "a", "d"] {
        scratch.curated(&account, name);
    }
    let (all, pages) = all_pages(3, |paging| store.collections(&paging))?;
    let names: Vec<&str> = all.iter().map(|collection| collection.name.as_str()).collect();
    assert_eq!((names.as_slice(), pages), (&["a", "b", "climate", "d"][..], 2));
    Ok(())
});

both!(a_dataset_is_put_in_and_taken_out_once, |scratch| {
    let (account, dataset, _) = scratch.published();
    let collection = scratch.curated(&account, "climate");
    let store = scratch.store();
    for _ in 0..2 {
        store.put_dataset(scratch.moment(), "climate", &dataset.slug, account.id)?;
    }
    let of_dataset = store.collections_of_dataset(dataset.id)?;
    assert_eq!(
        of_dataset
            .iter()
            .map(|one| (one.id, one.dataset_count))
            .collect::<Vec<_>>(),
        [(collection.id, 1)]
    );
    for _ in 0..2 {
        store.take_dataset(scratch.moment(), "climate", &dataset.slug, account.id)?;
    }
    assert_eq!(store.collections_of_dataset(dataset.id)?, []);
    let told: Vec<Event> = store
        .unbuilt_events(10)?
        .into_iter()
        .map(|event| event.event)
        .skip(2)
        .collect();
    let (collection, dataset_id) = (collection.id, dataset.id);
    assert_eq!(
        told,
        [
            Event::DatasetPut {
                collection,
                dataset: dataset_id
            },
            Event::DatasetTaken {
                collection,
                dataset: dataset_id
            }
        ]
    );
    for (name, slug) in [("nothing", dataset.slug.as_str()), ("climate", "nothing")] {
        let missing = store.put_dataset(scratch.moment(), name, slug, account.id);
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    }
    store.hide(
        scratch.moment(),
        Target::Dataset(dataset_id),
        account.id,
        "review",
    )?;
    let hidden = store.put_dataset(scratch.moment(), "climate", &dataset.slug, account.id);
    assert!(matches!(hidden, Err(StoreError::Refused(_))), "{hidden:?}");
    Ok(())
});

both!(an_edited_collection_is_told_once, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let made = scratch.curated(&account, "climate");
    let edit = CollectionEdit {
        summary: Some("What changes.".to_owned()),
        title: None,
    };
    for _ in 0..2 {
        let edited =
            scratch
                .store()
                .edit_collection(scratch.moment(), "climate", edit.clone(), account.id)?;
        assert_eq!(
            (edited.summary.as_str(), edited.title.as_str()),
            ("What changes.", "The climate collection")
        );
    }
    let actor = scratch
        .store()
        .local_actor_by_id(made.actor_id)?
        .expect("its actor");
    assert_eq!(actor.summary, "What changes.");
    let told: Vec<Event> = scratch
        .store()
        .unbuilt_events(10)?
        .into_iter()
        .map(|event| event.event)
        .collect();
    assert_eq!(told, [Event::CollectionEdited { collection: made.id }]);
    assert_eq!(
        scratch.store().collections(&Paging::first(1))?.items[0].summary,
        "What changes."
    );
    Ok(())
});
