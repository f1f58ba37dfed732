//! What was acknowledged stays, whatever happens to the process or the disk. The processes that are killed are this
//! test program again, told by its environment what to do. Next: `crash.rs`, the same for deliveries.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use shoal_store::{Moment, Role, Scope, Store, StoreError};

use crate::scratch::{Outcome, START, both};

const URL: &str = "SHOAL_TEST_DURABLE_URL";

/// This program again, running one test of this file on a database.
fn child(test: &str, url: &str) -> Command {
    let mut command = Command::new("sh");
    // A file that would grow too large is an error for the child, not its end.
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]).env(URL, url);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The words that a child says, each a line that begins with `> `.
fn words(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    lines
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("> ").map(|(_, word)| word.to_owned()))
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("> {word}\n").as_bytes())
        .and_then(|()| out.flush())
        .expect("the parent listens");
}

/// Not a test by itself: what a child does.
#[test]
fn writes_until_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = Store::open(&url, Role::Serve).expect("the database is there");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0.. {
                    let key = format!("{writer}-{number}");
                    store
                        .set_setting(Moment::new(START, rand::random()), &key, "x")
                        .expect("it is written");
                    say(&key);
                }
            });
        }
    });
}

both!(what_was_acknowledged_survives_a_kill, |scratch| {
    for round in 1..=3 {
        scratch.close();
        let mut child = child("durable::writes_until_killed", scratch.url()).spawn()?;
        let acknowledged: Vec<String> = {
            let mut said = words(&mut child);
            let first: Vec<String> = said.by_ref().take(100 * round).collect();
            child.kill()?;
            first.into_iter().chain(said).collect()
        };
        child.wait()?;
        assert!(
            acknowledged.len() >= 100 * round,
            "{} acknowledged",
            acknowledged.len()
        );
        scratch.reopen();
        for key in acknowledged {
            assert!(scratch.store().setting(&key)?.is_some(), "{key} was acknowledged");
        }
    }
    Ok(())
});

/// Not a test by itself: what a child does.
#[test]
fn writes_until_the_disk_is_full() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Ok(url) = std::env::var(URL) else { return };
    let store = Store::open(&url, Role::Serve).expect("the database is there");
    let before = getrlimit(Resource::Fsize);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(1_000_000),
            ..before
        },
    )
    .expect("less is allowed");
    let large = "x".repeat(100_000);
    let mut kept = 0;
    let error = loop {
        match store.set_setting(
            Moment::new(START, rand::random()),
            &format!("large {kept}"),
            &large,
        ) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 100, "the limit holds");
    };
    say(&format!("{}", matches!(error, StoreError::Unavailable(_))));
    say(&format!(
        "{}",
        store.setting("large 0").is_ok_and(|value| value.is_some())
    ));
    setrlimit(Resource::Fsize, before).expect("as it was");
    store
        .set_setting(Moment::new(START, rand::random()), "afterwards", "x")
        .expect("there is space again");
    say(&kept.to_string());
}

#[test]
fn a_full_disk_is_unavailable_and_passes() -> Outcome {
    let mut scratch = crate::scratch::Scratch::sqlite();
    scratch.close();
    let mut child = child("durable::writes_until_the_disk_is_full", scratch.url()).spawn()?;
    let said: Vec<String> = words(&mut child).collect();
    child.wait()?;
    let [unavailable, readable, kept] = said.as_slice() else {
        panic!("the child said {said:?}")
    };
    assert_eq!((unavailable.as_str(), readable.as_str()), ("true", "true"));
    scratch.reopen();
    for number in 0..kept.parse()? {
        assert!(
            scratch.store().setting(&format!("large {number}"))?.is_some(),
            "number {number} was acknowledged"
        );
    }
    assert!(scratch.store().setting("afterwards")?.is_some());
    Ok(())
}

both!(verbs_that_write_together_all_happen, |scratch| {
    std::thread::scope(|scope| {
        for writer in 0..16 {
            let scratch = &scratch;
            scope.spawn(move || {
                for number in 0..20 {
                    let key = format!("{writer}-{number}");
                    scratch
                        .store()
                        .set_setting(scratch.moment(), &key, &key)
                        .expect("it is written");
                    let read = scratch.store().setting(&key).expect("it can be read");
                    assert_eq!(read, Some(key), "what was acknowledged is seen at once");
                }
            });
        }
    });
    Ok(())
});

both!(a_verb_that_fails_disturbs_no_other, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let link = |moment| {
        scratch
            .store()
            .create_sign_in_link(moment, account.id, [7; 32], i64::MAX)
    };
    link(scratch.moment())?;
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (scratch, link) = (&scratch, &link);
            scope.spawn(move || {
                for number in 0..20 {
                    let again = link(scratch.moment());
                    assert!(
                        matches!(again, Err(StoreError::Internal(_))),
                        "the same secret twice: {again:?}"
                    );
                    let key = format!("{writer}-{number}");
                    scratch
                        .store()
                        .set_setting(scratch.moment(), &key, "x")
                        .expect("it is written");
                }
            });
        }
    });
    for key in (0..8).flat_map(|writer| (0..20).map(move |number| format!("{writer}-{number}"))) {
        assert!(scratch.store().setting(&key)?.is_some(), "{key}");
    }
    Ok(())
});

both!(a_newer_schema_is_refused_with_a_sentence, |scratch| {
    scratch.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
    scratch.close();
    for role in [Role::Serve, Role::Tool] {
        match Store::open(scratch.url(), role) {
            Err(error @ StoreError::NewerSchema { .. }) => {
                let sentence = error.to_string();
                assert!(
                    sentence.contains("9999") && sentence.contains("newer Shoal"),
                    "{sentence}"
                );
            }
            other => panic!("expected NewerSchema, got {other:?}"),
        }
    }
    scratch.sql("DELETE FROM __diesel_schema_migrations WHERE version = '9999'");
    scratch.reopen();
    Ok(())
});

both!(a_migration_that_breaks_off_leaves_nothing_behind, |scratch| {
    scratch.empty();
    // The last table of the migration is in its way.
    scratch.sql("CREATE TABLE hosts (mine BIGINT)");
    let broken = Store::open(scratch.url(), Role::Serve);
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(scratch.tables(), ["__diesel_schema_migrations", "hosts"]);
    scratch.sql("DROP TABLE hosts");
    scratch.reopen();
    scratch.store().check()?;
    Ok(())
});
