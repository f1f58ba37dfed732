//! Datasets, their lists and tags. Next: `uploads.rs`.

use shoal_store::{
    DatasetEdit, DatasetQuery, DatasetSort, Event, NewDataset, Paging, Scope, StoreError, Target, Threat,
};

use crate::material::{all_pages, new_dataset};
use crate::scratch::both;

both!(a_dataset_is_kept_whole, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let new = NewDataset {
        slug: Some("storm-events".to_owned()),
        title: " Storm  events: 気候 ".to_owned(),
        publisher: "NOAA".to_owned(),
        homepage: "https://www.ncdc.noaa.gov/stormevents/".to_owned(),
        licence: "CC0-1.0".to_owned(),
        description: "All storms.\r\n\r\n* since 1950".to_owned(),
        threat: Threat::TakedownIssued,
        tags: vec!["Weather".to_owned(), "#climate".to_owned(), "weather".to_owned()],
        account: account.id,
    };
    let made = scratch.store().create_dataset(scratch.moment(), new)?;
    scratch.reopen();
    let store = scratch.store();
    assert_eq!(store.dataset("storm-events")?, Some(made.clone()));
    assert_eq!(store.dataset_by_id(made.id)?, Some(made.clone()));
    assert_eq!(made.title, "Storm events: 気候");
    assert_eq!(made.description, "All storms.\n\n* since 1950");
    assert_eq!(made.tags, ["climate", "weather"]);
    assert_eq!(
        (made.threat, made.account.name.as_str()),
        (Threat::TakedownIssued, "archivist")
    );
    assert_eq!(
        (made.upload_count, made.total_size, made.state.is_visible()),
        (0, 0, true)
    );
    assert_eq!(store.dataset("nothing")?, None);
    Ok(())
});

both!(slugs_are_made_from_titles_and_never_given_twice, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let slugs: Vec<String> = ["Sea level", "Sea Level!", "sea-level", "気候", "氷"]
        .map(|title| scratch.dataset(&account, title).slug)
        .into();
    assert_eq!(
        slugs,
        ["sea-level", "sea-level-2", "sea-level-3", "dataset", "dataset-2"]
    );
    let store = scratch.store();
    let dataset = store.dataset("sea-level")?.expect("just made");
    store.remove(scratch.moment(), Target::Dataset(dataset.id), account.id, "wrong")?;
    let again = NewDataset {
        slug: Some("sea-level".to_owned()),
        ..new_dataset(account.id, "Sea level")
    };
    let taken = store.create_dataset(scratch.moment(), again);
    assert!(
        matches!(
            taken,
            Err(StoreError::Taken {
                what: "slug",
                existing: None,
                ..
            })
        ),
        "{taken:?}"
    );
    let bad = NewDataset {
        slug: Some("Sea Level".to_owned()),
        ..new_dataset(account.id, "Sea level")
    };
    assert!(matches!(
        store.create_dataset(scratch.moment(), bad),
        Err(StoreError::Invalid(_))
    ));
    Ok(())
});

both!(an_edit_changes_what_it_names_and_is_told_once, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let dataset = scratch.dataset(&account, "Storm events");
    let store = scratch.store();
    let edit = DatasetEdit {
        title: Some("Storms".to_owned()),
        tags: Some(vec!["climate".to_owned()]),
        ..DatasetEdit::default()
    };
    let edited = store.edit_dataset(scratch.moment(), &dataset.slug, edit.clone(), account.id)?;
    assert_eq!(
        (edited.title.as_str(), edited.slug.as_str()),
        ("Storms", "storm-events")
    );
    assert!(edited.updated_at > dataset.updated_at);
    assert_eq!(store.dataset("storm-events")?, Some(edited.clone()));
    let same = store.edit_dataset(scratch.moment(), &dataset.slug, edit, account.id)?;
    assert_eq!(same, edited, "nothing changed, nothing is told");
    let told: Vec<Event> = store
        .unbuilt_events(10)?
        .into_iter()
        .map(|event| event.event)
        .skip(1)
        .collect();
    assert_eq!(told, [Event::DatasetEdited { dataset: dataset.id }]);
    let nothing = DatasetEdit::default();
    let missing = store.edit_dataset(scratch.moment(), "nothing", nothing.clone(), account.id);
    assert!(matches!(missing, Err(StoreError::NotFound { what: "dataset" })));
    store.remove(scratch.moment(), Target::Dataset(dataset.id), account.id, "wrong")?;
    let gone = store.edit_dataset(scratch.moment(), &dataset.slug, nothing, account.id);
    assert!(matches!(gone, Err(StoreError::Gone { .. })), "{gone:?}");
    Ok(())
});

both!(lists_go_page_by_page_in_every_order, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let titles = ["delta", "Alpha", "charlie", "Bravo", "echo", "ästhetik", "Zulu"];
    for (number, title) in titles.into_iter().enumerate() {
        let threat = Threat::ALL[number % 3];
        let new = NewDataset {
            threat,
            ..new_dataset(account.id, title)
        };
        scratch.store().create_dataset(scratch.moment(), new)?;
    }
    let edit = DatasetEdit {
        licence: Some("CC0".to_owned()),
        ..DatasetEdit::default()
    };
    scratch
        .store()
        .edit_dataset(scratch.moment(), "alpha", edit, account.id)?;
    let listed = |sort| -> Result<Vec<String>, StoreError> {
        let (all, pages) = all_pages(2, |paging| {
            scratch.store().datasets(&DatasetQuery {
                paging,
                sort,
                ..DatasetQuery::default()
            })
        })?;
        assert_eq!(pages, 4);
        Ok(all.into_iter().map(|dataset| dataset.title).collect())
    };
    assert_eq!(
        listed(DatasetSort::Newest)?,
        ["Zulu", "ästhetik", "echo", "Bravo", "charlie", "Alpha", "delta"]
    );
    assert_eq!(
        listed(DatasetSort::Updated)?,
        ["Alpha", "Zulu", "ästhetik", "echo", "Bravo", "charlie", "delta"]
    );
    assert_eq!(
        listed(DatasetSort::Title)?,
        ["Alpha", "Bravo", "charlie", "delta", "echo", "Zulu", "ästhetik"]
    );
    assert_eq!(
        listed(DatasetSort::Threat)?,
        ["ästhetik", "charlie", "echo", "Alpha", "Zulu", "Bravo", "delta"]
    );
    assert_eq!(listed(DatasetSort::Size)?.len(), 7);
    let by_title = DatasetQuery {
        sort: DatasetSort::Title,
        paging: Paging::first(2),
        ..DatasetQuery::default()
    };
    let cursor = scratch.store().datasets(&by_title)?.next;
    let by_size = DatasetQuery {
        sort: DatasetSort::Size,
        paging: Paging { limit: 2, cursor },
        ..by_title
    };
    let foreign = scratch.store().datasets(&by_size);
    assert!(matches!(foreign, Err(StoreError::Invalid(_))), "{foreign:?}");
    Ok(())
});

both!(a_list_holds_what_was_asked_for, |scratch| {
    let ada = scratch.person("ada", Scope::Owner);
    let ben = scratch.person("ben", Scope::Upload);
    let tagged = NewDataset {
        tags: vec!["climate".to_owned()],
        threat: Threat::Endangered,
        ..new_dataset(ada.id, "Sea ice")
    };
    let store = scratch.store();
    let ice = store.create_dataset(scratch.moment(), tagged)?;
    scratch.dataset(&ben, "Court records");
    let hidden = scratch.dataset(&ben, "Hidden");
    store.hide(scratch.moment(), Target::Dataset(hidden.id), ada.id, "review")?;
    scratch.curated(&ada, "oceans");
    store.put_dataset(scratch.moment(), "oceans", &ice.slug, ada.id)?;
    let titles = |query: DatasetQuery| -> Result<Vec<String>, StoreError> {
        let query = DatasetQuery {
            paging: Paging::first(10),
            ..query
        };
        Ok(store
            .datasets(&query)?
            .items
            .into_iter()
            .map(|dataset| dataset.title)
            .collect())
    };
    let any = DatasetQuery::default;
    assert_eq!(titles(any())?, ["Court records", "Sea ice"]);
    assert_eq!(
        titles(DatasetQuery {
            include_hidden: true,
            ..any()
        })?
        .len(),
        3
    );
    assert_eq!(
        titles(DatasetQuery {
            tag: Some("Climate".to_owned()),
            ..any()
        })?,
        ["Sea ice"]
    );
    assert_eq!(
        titles(DatasetQuery {
            collection: Some("oceans".to_owned()),
            ..any()
        })?,
        ["Sea ice"]
    );
    assert_eq!(
        titles(DatasetQuery {
            account: Some("ben".to_owned()),
            ..any()
        })?,
        ["Court records"]
    );
    assert_eq!(
        titles(DatasetQuery {
            threat: Some(Threat::Endangered),
            ..any()
        })?,
        ["Sea ice"]
    );
    assert_eq!(
        titles(DatasetQuery {
            threat: Some(Threat::Extinct),
            ..any()
        })?,
        Vec::<String>::new()
    );
    assert_eq!(store.tags()?, [("climate".to_owned(), 1)]);
    Ok(())
});
