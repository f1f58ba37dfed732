//! Uploads: what comes in is what is kept, once. Next: `moderation.rs`.

use std::sync::Barrier;

use shoal_store::{Event, Paging, Scope, StoreError, Target, UploadEdit, UploadQuery, UploadSort};
use shoal_torrent::{Format, Metainfo};

use crate::material::{all_pages, publish, v1, v2};
use crate::scratch::both;

both!(an_upload_is_kept_byte_for_byte, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let dataset = scratch.dataset(&account, "Storm events");
    let torrent = v2(
        "ストーム",
        &["2025/a.csv", "b.csv"].map(|name| name.rsplit('/').next().expect("a name")),
    );
    let made = scratch.publish(&account, &dataset, &torrent)?;
    scratch.reopen();
    let store = scratch.store();
    assert_eq!(store.torrent_bytes(made.id)?, Some(torrent.clone()));
    let metainfo = Metainfo::parse(&torrent)?;
    assert_eq!(
        (made.info_hash_v1, made.info_hash_v2),
        (None, metainfo.info_hash_v2())
    );
    assert_eq!((made.format, made.name.as_str()), (Format::V2, "ストーム"));
    assert_eq!(
        (made.total_size, made.file_count, made.piece_length),
        (6, 2, 16384)
    );
    assert_eq!(made.swarm_keys(), Some(metainfo.swarm_keys()));
    assert_eq!(store.upload(made.id)?, Some(made.clone()));
    let hash = made.info_hash_v2.expect("v2").to_string();
    assert_eq!(
        store
            .upload_by_hash(&hash.to_uppercase())?
            .map(|upload| upload.id),
        Some(made.id)
    );
    for nothing in ["", &hash[..40], "'; DROP TABLE uploads; --"] {
        assert_eq!(store.upload_by_hash(nothing)?, None, "{nothing}");
    }
    let files = store.upload_files(made.id, &Paging::first(10))?.items;
    assert_eq!(files.len(), 2);
    assert_eq!(
        (files[0].path.as_slice(), files[0].size, files[0].pad),
        (&["ストーム".to_owned(), "a.csv".to_owned()][..], 3, false)
    );
    assert_eq!(
        files[0].pieces_root.as_deref(),
        Some("00000001".repeat(8).as_str())
    );
    let dataset = store.dataset(&dataset.slug)?.expect("still there");
    assert_eq!((dataset.upload_count, dataset.total_size), (1, 6));
    let told: Vec<Event> = store
        .unbuilt_events(10)?
        .into_iter()
        .map(|event| event.event)
        .collect();
    assert_eq!(
        told,
        [
            Event::DatasetCreated { dataset: dataset.id },
            Event::UploadPublished { upload: made.id }
        ]
    );
    Ok(())
});

both!(trackers_and_web_seeds_are_kept, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let dataset = scratch.dataset(&account, "Storm events");
    let made = scratch.publish(&account, &dataset, &v1("storms.csv"))?;
    assert_eq!(made.trackers, ["https://tracker.example/announce"]);
    assert_eq!(made.web_seeds, ["https://web.example/seed/"]);
    let hash = made.info_hash_v1.expect("v1").to_string();
    assert_eq!(scratch.store().upload_by_hash(&hash)?, Some(made));
    Ok(())
});

both!(the_same_torrent_at_the_same_moment_gives_one_row, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let dataset = scratch.dataset(&account, "Storm events");
    let torrent = v2("storms", &["a.csv"]);
    let (store, start) = (scratch.store(), Barrier::new(6));
    let results: Vec<_> = std::thread::scope(|scope| {
        let publishers: Vec<_> = (0..6)
            .map(|_| {
                let (moment, start, torrent) = (scratch.moment(), &start, &torrent);
                let (account, slug) = (account.id, dataset.slug.as_str());
                scope.spawn(move || {
                    start.wait();
                    publish(store, moment, (account, slug), torrent)
                })
            })
            .collect();
        publishers
            .into_iter()
            .map(|publisher| publisher.join().expect("no panic"))
            .collect()
    });
    let made: Vec<_> = results.iter().flatten().collect();
    assert_eq!(made.len(), 1);
    for other in results.iter().filter_map(|result| result.as_ref().err()) {
        match other {
            StoreError::Taken {
                what: "torrent",
                existing,
                sentence,
            } => {
                assert_eq!(*existing, Some(made[0].id));
                assert!(sentence.contains("Storm events"), "{sentence}");
            }
            other => panic!("expected Taken, got {other:?}"),
        }
    }
    Ok(())
});

both!(nothing_is_published_where_moderators_said_no, |scratch| {
    let owner = scratch.person("owner", Scope::Owner);
    let account = scratch.person("archivist", Scope::Upload);
    let dataset = scratch.dataset(&account, "Storm events");
    let other = scratch.dataset(&account, "Other");
    let store = scratch.store();
    store.hide(
        scratch.moment(),
        Target::Dataset(dataset.id),
        owner.id,
        "under review",
    )?;
    let refused = scratch.publish(&account, &dataset, &v1("a"));
    assert!(
        matches!(&refused, Err(StoreError::Refused(why)) if why.contains("under review")),
        "{refused:?}"
    );
    store.remove(scratch.moment(), Target::Dataset(dataset.id), owner.id, "illegal")?;
    let gone = scratch.publish(&account, &dataset, &v1("a"));
    assert!(matches!(gone, Err(StoreError::Gone { .. })), "{gone:?}");
    store.suspend_account(scratch.moment(), account.id, Some(owner.id), "spam")?;
    let suspended = scratch.publish(&account, &other, &v1("a"));
    assert!(matches!(suspended, Err(StoreError::Refused(_))), "{suspended:?}");
    assert_eq!(store.stats()?.uploads, 0);
    assert_eq!(
        store.unbuilt_events(10)?.len(),
        4,
        "two datasets and what the moderators did"
    );
    Ok(())
});

both!(an_upload_is_described_but_never_edited_in_place, |scratch| {
    let (account, _, upload) = scratch.published();
    let store = scratch.store();
    let edit = UploadEdit {
        description: Some("Complete since 1950.".to_owned()),
        ..UploadEdit::default()
    };
    let edited = store.edit_upload(scratch.moment(), upload.id, edit.clone(), account.id)?;
    assert_eq!(edited.description, "Complete since 1950.");
    assert_eq!(
        (edited.method, edited.info_hash_v2),
        (upload.method, upload.info_hash_v2)
    );
    store.edit_upload(scratch.moment(), upload.id, edit, account.id)?;
    let told: Vec<Event> = store
        .unbuilt_events(10)?
        .into_iter()
        .map(|event| event.event)
        .skip(1)
        .collect();
    assert_eq!(
        told,
        [
            Event::UploadPublished { upload: upload.id },
            Event::UploadEdited { upload: upload.id }
        ]
    );
    Ok(())
});

both!(finished_downloads_are_added_up, |scratch| {
    let (_, _, upload) = scratch.published();
    let key = upload.swarm_keys().expect("v2").primary;
    let unknown = shoal_torrent::SwarmKey::new([9; 20]);
    scratch
        .store()
        .add_completions(scratch.moment(), &[(key, 2), (unknown, 5)])?;
    scratch.store().add_completions(scratch.moment(), &[(key, 1)])?;
    assert_eq!(
        scratch.store().upload(upload.id)?.map(|upload| upload.completed),
        Some(3)
    );
    Ok(())
});

both!(uploads_are_listed_page_by_page_in_every_order, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let dataset = scratch.dataset(&account, "Storm events");
    let names = ["a", "b", "c", "d", "e"];
    let mut made = Vec::new();
    for count in [2, 5, 1, 4, 3] {
        made.push(scratch.publish(
            &account,
            &dataset,
            &v2(&format!("torrent-{count}"), &names[..count]),
        )?);
    }
    let key = made[2].swarm_keys().expect("v2").primary;
    scratch.store().add_completions(scratch.moment(), &[(key, 1)])?;
    let listed = |query: UploadQuery| -> Result<Vec<i64>, StoreError> {
        let (all, _) = all_pages(2, |paging| {
            scratch.store().uploads(&UploadQuery {
                paging,
                ..query.clone()
            })
        })?;
        Ok(all.into_iter().map(|upload| upload.file_count).collect())
    };
    let by = |sort| UploadQuery {
        sort,
        ..UploadQuery::default()
    };
    assert_eq!(listed(by(UploadSort::Newest))?, [3, 4, 1, 5, 2]);
    assert_eq!(listed(by(UploadSort::Size))?, [5, 4, 3, 2, 1]);
    assert_eq!(listed(by(UploadSort::Completed))?, [1, 3, 4, 5, 2]);
    let of = |slug: &str| UploadQuery {
        dataset: Some(slug.to_owned()),
        ..UploadQuery::default()
    };
    assert_eq!(listed(of("storm-events"))?.len(), 5);
    assert_eq!(listed(of("nothing"))?.len(), 0);
    let nobody = UploadQuery {
        account: Some("nobody".to_owned()),
        ..UploadQuery::default()
    };
    assert_eq!(listed(nobody)?.len(), 0);
    Ok(())
});

both!(a_torrent_of_many_files_is_published_in_batches, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let dataset = scratch.dataset(&account, "Storm events");
    let names: Vec<String> = (0..3456).map(|number| format!("file-{number:05}.csv")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let made = scratch.publish(&account, &dataset, &v2("many", &names))?;
    let (files, pages) = all_pages(200, |paging| scratch.store().upload_files(made.id, &paging))?;
    assert_eq!((files.len(), pages), (3456, 18));
    assert_eq!(files[3455].path, ["many", "file-03455.csv"]);
    Ok(())
});
