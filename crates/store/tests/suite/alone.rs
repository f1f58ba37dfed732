//! What only one of the databases has: SQLite's file, its lock and its permissions, PostgreSQL's server that may go away.
//! Next: `durable.rs`.

use std::os::unix::fs::PermissionsExt;

use shoal_store::{Backend, Role, Scope, Store, StoreError, backup, migrate, restore_over};

use crate::scratch::{Outcome, Scratch};

#[test]
fn a_second_server_on_one_file_is_refused_and_a_tool_is_not() -> Outcome {
    let mut scratch = Scratch::sqlite();
    let refused = Store::open(scratch.url(), Role::Serve);
    assert!(
        matches!(&refused, Err(StoreError::Locked { path }) if path.ends_with("shoal.sqlite")),
        "{refused:?}"
    );
    let tool = Store::open(scratch.url(), Role::Tool)?;
    tool.set_setting(scratch.moment(), "written by", "the tool")?;
    assert_eq!(
        scratch.store().setting("written by")?.as_deref(),
        Some("the tool")
    );
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("backup.sqlite");
    backup(scratch.url(), &file)?;
    assert_eq!(migrate(scratch.url())?, tool.schema_version()?);
    let refused = restore_over(scratch.url(), &file);
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    scratch.close();
    drop(Store::open(scratch.url(), Role::Serve)?);
    Ok(())
}

#[test]
fn the_file_and_its_folder_are_made_for_their_owner_only() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("new/deep/shoal.sqlite");
    let store = Store::open(&format!("sqlite:{}", path.display()), Role::Tool)?;
    assert_eq!(store.kind(), Backend::Sqlite);
    let mode = |path: &std::path::Path| path.metadata().map(|file| file.permissions().mode() & 0o777);
    assert_eq!(mode(path.parent().expect("a folder"))?, 0o700);
    for file in std::fs::read_dir(path.parent().expect("a folder"))? {
        let file = file?.path();
        assert_eq!(mode(&file)?, 0o600, "{}", file.display());
    }
    Ok(())
}

#[test]
fn a_tool_and_a_server_write_by_turns() -> Outcome {
    let scratch = Scratch::sqlite();
    let tool = Store::open(scratch.url(), Role::Tool)?;
    std::thread::scope(|scope| {
        for (store, who) in [(scratch.store(), "server"), (&tool, "tool")] {
            let scratch = &scratch;
            scope.spawn(move || {
                for number in 0..100 {
                    let key = format!("{who} {number}");
                    store
                        .set_setting(scratch.moment(), &key, "x")
                        .expect("its turn comes");
                }
            });
        }
    });
    for number in 0..100 {
        assert!(tool.setting(&format!("server {number}"))?.is_some());
        assert!(scratch.store().setting(&format!("tool {number}"))?.is_some());
    }
    Ok(())
}

#[test]
fn a_file_that_is_no_database_is_left_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("notes.txt");
    let notes = "These are notes, and not a database. ".repeat(50);
    std::fs::write(&path, &notes)?;
    let refused = Store::open(&format!("sqlite:{}", path.display()), Role::Serve);
    assert!(refused.is_err());
    assert_eq!(std::fs::read_to_string(&path)?, notes);
    Ok(())
}

#[test]
fn an_unknown_url_is_refused_with_a_sentence() {
    for (url, word) in [
        ("mysql://h/d", "postgres://"),
        ("sqlite:", "sqlite:PATH"),
        ("", "sqlite:PATH"),
    ] {
        let refused = Store::open(url, Role::Tool).expect_err("no database").to_string();
        assert!(refused.contains(word), "{url}: {refused}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_unavailable() {
    let refused = Store::open("postgres://nobody@127.0.0.1:1/nothing", Role::Serve);
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[test]
fn a_lost_connection_is_made_anew() -> Outcome {
    let Some(scratch) = Scratch::postgres() else {
        return Ok(());
    };
    let name = format!("lost-{}", rand::random::<u32>());
    let store = Store::open(&format!("{}&application_name={name}", scratch.url()), Role::Serve)?;
    store.set_setting(scratch.moment(), "before", "x")?;
    scratch.sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    ));
    store.set_setting(scratch.moment(), "after", "x")?;
    store.check()?;
    assert!(store.setting("before")?.is_some() && store.setting("after")?.is_some());
    Ok(())
}

#[test]
fn two_servers_share_one_postgresql_database() -> Outcome {
    let Some(scratch) = Scratch::postgres() else {
        return Ok(());
    };
    let other = Store::open(scratch.url(), Role::Serve)?;
    let made = scratch.person("archivist", Scope::Owner);
    assert_eq!(other.account("archivist")?, Some(made));
    Ok(())
}
