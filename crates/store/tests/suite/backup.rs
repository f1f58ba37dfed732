//! Backups are whole and go into either database. Next: `alone.rs`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use shoal_store::{Event, NewSession, NewToken, Scope, StoreError, Target, backup, restore, restore_over};

use crate::material::v1;
use crate::scratch::{Outcome, START, Scratch, both};

/// Something in as many tables as one can easily reach.
fn fill(scratch: &Scratch) -> Outcome {
    let (account, dataset, upload) = scratch.published();
    let second = scratch
        .publish(&account, &dataset, &v1("öffentlich 'quoted' \\ \"x\""))
        .expect("a good torrent");
    let collection = scratch.curated(&account, "climate");
    let store = scratch.store();
    store.put_dataset(scratch.moment(), "climate", &dataset.slug, account.id)?;
    let (label, secret_hash) = ("l\u{2028}😀".to_owned(), [0xfe; 32]);
    store.create_token(
        scratch.moment(),
        NewToken {
            account: account.id,
            label,
            scopes: account.scopes,
            secret_hash,
        },
    )?;
    let csrf = "c".to_owned();
    let session = NewSession {
        account: account.id,
        secret_hash: [0; 32],
        csrf,
        expires_at: i64::MAX,
    };
    store.create_session(scratch.moment(), session)?;
    store.create_sign_in_link(scratch.moment(), account.id, [1; 32], i64::MAX)?;
    store.claim_base_url(scratch.moment(), "https://a.example")?;
    store.remove(
        scratch.moment(),
        Target::Upload(second.id),
        account.id,
        "two\nlines",
    )?;
    let remote = scratch.remote("social.example", "ada");
    scratch.follow(&remote, collection.actor_id, "https://social.example/follows/1")?;
    assert_eq!(
        store.torrent_bytes(upload.id)?.map(|bytes| bytes.len() > 100),
        Some(true)
    );
    Ok(())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The tables in which two backups differ, and how many rows there are in all.
fn compare(one: &Path, other: &Path) -> Result<(Vec<String>, i64), Box<dyn std::error::Error>> {
    let mut conn = SqliteConnection::establish(one.to_str().expect("UTF-8"))?;
    sql_query("ATTACH DATABASE ? AS other")
        .bind::<Text, _>(other.to_str().expect("UTF-8"))
        .execute(&mut conn)?;
    let tables: Vec<Name> = sql_query(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_words%' \
         AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'",
    )
    .load(&mut conn)?;
    let mut count = |sql: String| sql_query(sql).get_result::<Count>(&mut conn).map(|row| row.count);
    let (mut different, mut rows) = (Vec::new(), 0);
    for Name { name } in tables {
        rows += count(format!("SELECT count(*) AS count FROM main.{name}"))?;
        for (one, other) in [("main", "other"), ("other", "main")] {
            let columns = format!("SELECT * FROM {one}.{name} EXCEPT SELECT * FROM {other}.{name}");
            if count(format!("SELECT count(*) AS count FROM ({columns})"))? > 0 {
                different.push(name.clone());
            }
        }
    }
    Ok((different, rows))
}

both!(
    a_backup_goes_into_either_database_and_comes_out_the_same,
    |scratch| {
        fill(scratch)?;
        let folder = tempfile::tempdir()?;
        let first = folder.path().join("first.sqlite");
        backup(scratch.url(), &first)?;
        assert_eq!(
            first.metadata()?.permissions().mode() & 0o777,
            0o600,
            "it holds private keys"
        );
        let names = std::fs::read_dir(folder.path())?.count();
        assert_eq!(names, 1, "nothing else is left behind");
        for mut target in [Some(Scratch::sqlite()), Scratch::postgres()]
            .into_iter()
            .flatten()
        {
            target.close();
            restore(target.url(), &first)?;
            let second = folder
                .path()
                .join(format!("{:?}.sqlite", target.folder().is_some()));
            backup(target.url(), &second)?;
            let (different, rows) = compare(&first, &second)?;
            assert_eq!(different, Vec::<String>::new());
            assert!(rows > 30, "{rows} rows");

            target.reopen();
            let found = shoal_store::SearchQuery {
                q: "storm".to_owned(),
                ..Default::default()
            };
            assert_eq!(
                target.store().search(&found)?.items.len(),
                1,
                "the words are searched anew"
            );
            let upload = target.publish(
                &target.store().account("archivist")?.expect("restored"),
                &target.store().dataset("storm-events")?.expect("restored"),
                &v1("new"),
            )?;
            let told = target.store().unbuilt_events(100)?;
            assert_eq!(
                told.last().map(|event| event.event.clone()),
                Some(Event::UploadPublished { upload: upload.id })
            );
            assert!(
                told.windows(2).all(|pair| pair[0].seq < pair[1].seq),
                "numbers go on where they were"
            );
        }
        Ok(())
    }
);

both!(a_backup_is_never_written_over_anything, |scratch| {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("precious.txt");
    std::fs::write(&file, "precious")?;
    let refused = backup(scratch.url(), &file);
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file)?, "precious");
    Ok(())
});

both!(what_is_there_stays_unless_told_otherwise, |scratch| {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("backup.sqlite");
    fill(scratch)?;
    backup(scratch.url(), &file)?;
    let dataset = scratch.store().dataset("storm-events")?;
    let later = scratch.person("latecomer", Scope::Upload);
    scratch.close();
    let refused = restore(scratch.url(), &file);
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    scratch.reopen();
    assert_eq!(scratch.store().account("latecomer")?, Some(later));
    scratch.close();
    restore_over(scratch.url(), &file)?;
    scratch.reopen();
    assert_eq!(scratch.store().account("latecomer")?, None);
    assert_eq!(scratch.store().dataset("storm-events")?, dataset);
    assert_eq!(
        scratch
            .store()
            .session(START, [0; 32])?
            .map(|(session, _)| session.csrf)
            .as_deref(),
        Some("c")
    );
    Ok(())
});

both!(what_is_no_backup_changes_nothing, |scratch| {
    let folder = tempfile::tempdir()?;
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).map(|()| path)
    };
    fill(scratch)?;
    let good = folder.path().join("good.sqlite");
    backup(scratch.url(), &good)?;
    let whole = std::fs::read(&good)?;
    let mut damaged = whole.clone();
    damaged[5000..9000].fill(0x55);
    let unsound = [
        folder.path().join("missing"),
        file("empty", b"")?,
        file(
            "text",
            b"not a database, but long enough to be one "
                .repeat(100)
                .as_slice(),
        )?,
        file("half", &whole[..whole.len() / 2])?,
        file("damaged", &damaged)?,
    ];
    scratch.close();
    for file in unsound {
        let refused = restore_over(scratch.url(), &file);
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{}: {refused:?}",
            file.display()
        );
    }
    let newer = folder.path().join("newer.sqlite");
    std::fs::copy(&good, &newer)?;
    let mut conn = SqliteConnection::establish(newer.to_str().expect("UTF-8"))?;
    sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").execute(&mut conn)?;
    let refused = restore_over(scratch.url(), &newer);
    assert!(
        matches!(refused, Err(StoreError::NewerSchema { .. })),
        "{refused:?}"
    );
    scratch.reopen();
    assert!(scratch.store().account("archivist")?.is_some());
    Ok(())
});
