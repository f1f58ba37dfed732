//! Configuration: what is wrong is refused before anything starts, with a sentence that names the key.

use std::fs;

use anyhow::Result;
use shoal_tests::binary;

fn check(name: &str, value: &str) -> Result<binary::Ended> {
    let folder = tempfile::tempdir()?;
    let mut command = binary::command();
    command
        .args(["config", "check"])
        .env(name, value)
        .current_dir(folder.path());
    binary::finish(&mut command)
}

#[test]
fn nothing_configured_is_good() -> Result<()> {
    check("UNRELATED", "1")?.good()?;
    Ok(())
}

#[test]
fn what_is_good_is_told_with_addresses_and_what_does_not_fit() -> Result<()> {
    let told = check("SHOAL__INSTANCE__URL", "https://archive.example")?.good()?;
    for wanted in [
        "The configuration is good.",
        "127.0.0.1:8080 TCP",
        "https://archive.example/announce",
        "tracker.trusted_proxies is empty",
        "archive.example is no public name, so its DNS record was not asked for.",
    ] {
        assert!(told.contains(wanted), "{wanted:?} is not in {told}");
    }
    Ok(())
}

#[test]
fn a_wrong_value_is_refused_by_name() -> Result<()> {
    let wrong = [
        ("SHOAL__HTTP__LISTEN", "somewhere", "listen"),
        ("SHOAL__TRACKER__MODE", "secret", "mode"),
        ("SHOAL__TRACKER__INTERVAL", "-1", "interval"),
        ("SHOAL__INSTANCE__URL", "archive.example", "url"),
        ("SHOAL__DATABASE__URL", "mysql://nowhere", "mysql"),
        (
            "SHOAL__FEDERATION__ALLOW_PRIVATE_ADDRESSES",
            "10.0.0.0/8",
            "allow_private_addresses",
        ),
        ("SHOAL__NO__SUCH", "1", "no"),
    ];
    for (name, value, told) in wrong {
        let ended = check(name, value)?;
        assert_eq!(
            ended.status.code(),
            Some(1),
            "{name}={value} is refused: {}",
            ended.text
        );
        assert!(
            ended.errors.to_lowercase().contains(told),
            "{name}: {:?} names {told:?}",
            ended.errors
        );
    }
    Ok(())
}

#[test]
fn a_file_with_an_unknown_key_is_refused_and_flags_win_over_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shoal.toml");
    fs::write(&file, "[instance]\ntitel = \"a slip of the pen\"\n")?;
    let mut command = binary::command();
    let ended = binary::finish(command.args(["config", "check"]).current_dir(folder.path()))?;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.errors.contains("instance.titel"), "{}", ended.errors);

    fs::write(&file, "data = \"one\"\n")?;
    let mut command = binary::command();
    command
        .args(["database", "migrate", "--data", "two"])
        .env("SHOAL__DATA", "three")
        .current_dir(folder.path());
    binary::finish(&mut command)?.good()?;
    let made: Vec<bool> = ["one", "two", "three"]
        .iter()
        .map(|name| folder.path().join(name).exists())
        .collect();
    assert_eq!(
        made,
        [false, true, false],
        "flags win over the environment, which wins over the file"
    );
    Ok(())
}

#[test]
fn wrong_usage_ends_with_two_and_an_unknown_database_with_one() -> Result<()> {
    assert_eq!(binary::run(&["no-such-command"])?.status.code(), Some(2));
    assert_eq!(binary::run(&["publish"])?.status.code(), Some(2));
    let folder = tempfile::tempdir()?;
    let mut command = binary::command();
    command
        .args(["database", "migrate"])
        .env("SHOAL__DATABASE__URL", "oracle:here")
        .current_dir(folder.path());
    let ended = binary::finish(&mut command)?;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.errors.contains("sqlite:") && ended.errors.contains("postgres://"),
        "what is known: {}",
        ended.errors
    );
    Ok(())
}
