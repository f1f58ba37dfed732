//! Search finds the same on both databases. Next: `backup.rs`.

use shoal_store::{DatasetEdit, HitKind, NewDataset, Paging, Scope, SearchQuery, StoreError};

use crate::material::{all_pages, new_dataset, v2};
use crate::scratch::{Scratch, both};

/// The titles found, the best first.
fn found(scratch: &Scratch, q: &str) -> Result<Vec<String>, StoreError> {
    let query = SearchQuery {
        q: q.to_owned(),
        kind: None,
        paging: Paging::first(50),
    };
    Ok(scratch
        .store()
        .search(&query)?
        .items
        .into_iter()
        .map(|hit| hit.title)
        .collect())
}

both!(
    words_are_found_in_titles_descriptions_tags_and_file_names,
    |scratch| {
        let account = scratch.person("archivist", Scope::Owner);
        let new = NewDataset {
            description: "Hail and **tornadoes**, county by county.".to_owned(),
            tags: vec!["sea-level".to_owned()],
            publisher: "Météo-France".to_owned(),
            ..new_dataset(account.id, "Storm events 1950–2025")
        };
        let dataset = scratch.store().create_dataset(scratch.moment(), new)?;
        scratch.dataset(&account, "北極の気候データ");
        let upload = scratch.publish(
            &account,
            &dataset,
            &v2("archive", &["hurricane_katrina.csv", "readme.txt"]),
        )?;
        scratch.curated(&account, "disasters");
        let storm = "Storm events 1950–2025";
        for q in [
            "storm",
            "STORM Events",
            "1950",
            "tornado",
            "sea level",
            "meteo france",
            "county storm",
            "torn",
        ] {
            assert_eq!(found(scratch, q)?, [storm], "{q}");
        }
        for q in [
            "katrina",
            "hurricane_katrina.csv",
            "readme.txt",
            &upload.info_hash_v2.expect("v2").to_string(),
        ] {
            assert_eq!(found(scratch, q)?, ["archive"], "{q}");
        }
        for q in ["気候", "北極 データ", "候デ"] {
            assert_eq!(found(scratch, q)?, ["北極の気候データ"], "{q}");
        }
        assert_eq!(found(scratch, "disasters")?, ["The disasters collection"]);
        for q in ["", "*", "storm wind", "nado", "候気", "\"", "level-sea"] {
            assert_eq!(found(scratch, q)?, Vec::<String>::new(), "{q}");
        }
        Ok(())
    }
);

both!(no_query_is_an_error, |scratch| {
    scratch.published();
    for q in [
        "foo-bar: *",
        "NEAR(storm, 5)",
        "storm AND",
        "title:storm",
        "'; DROP TABLE uploads; --",
        "storm\0",
        "a & b | !c <-> (",
        "\\",
        "'storm",
        "\"storm",
        "%_",
        "😀",
        "^storm$",
        "{storm}",
    ] {
        found(scratch, q)?;
    }
    found(scratch, &"storm ".repeat(100_000))?;
    Ok(())
});

both!(a_title_weighs_more_than_a_description, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let described = NewDataset {
        description: "about glaciers".to_owned(),
        ..new_dataset(account.id, "Ice")
    };
    scratch.dataset(&account, "Glaciers");
    scratch.store().create_dataset(scratch.moment(), described)?;
    assert_eq!(found(scratch, "glaciers")?, ["Glaciers", "Ice"]);
    Ok(())
});

both!(an_edit_is_found_by_its_new_words_only, |scratch| {
    let (account, dataset, _) = scratch.published();
    let edit = DatasetEdit {
        title: Some("Tempests".to_owned()),
        ..DatasetEdit::default()
    };
    scratch
        .store()
        .edit_dataset(scratch.moment(), &dataset.slug, edit, account.id)?;
    assert_eq!(found(scratch, "tempests")?, ["Tempests"]);
    let upload = SearchQuery {
        q: "storms".to_owned(),
        kind: Some(HitKind::Upload),
        paging: Paging::first(5),
    };
    assert_eq!(scratch.store().search(&upload)?.items.len(), 1);
    let none = SearchQuery {
        kind: Some(HitKind::Collection),
        ..upload
    };
    assert_eq!(scratch.store().search(&none)?.items.len(), 0);
    Ok(())
});

both!(hits_come_page_by_page, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    for number in 0..7 {
        scratch.dataset(&account, &format!("Ocean {number}"));
    }
    let (all, pages) = all_pages(3, |paging| {
        scratch.store().search(&SearchQuery {
            q: "ocean".to_owned(),
            kind: None,
            paging,
        })
    })?;
    assert_eq!((all.len(), pages), (7, 3));
    let mut names: Vec<&str> = all.iter().map(|hit| hit.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 7);
    Ok(())
});

both!(figures_count_what_is_visible, |scratch| {
    let (account, _, _) = scratch.published();
    scratch.curated(&account, "climate");
    let stats = scratch.store().stats()?;
    assert_eq!(
        (stats.datasets, stats.uploads, stats.collections, stats.accounts),
        (1, 1, 1, 1)
    );
    assert_eq!((stats.files, stats.total_size), (2, 6));
    Ok(())
});
