//! The names of local actors: one list for accounts, collections and the instance, given once and never again, so that
//! nobody inherits the followers of someone who is gone. Next: `actors.rs`.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::connection::Db;
use crate::schema::names;
use crate::{Millis, StoreError};

/// Characters at most.
const LONGEST: usize = 64;

/// Words that are parts of addresses or sound like the instance itself.
const RESERVED: [&str; 27] = [
    "abuse",
    "actor",
    "all",
    "api",
    "edit",
    "everyone",
    "followers",
    "following",
    "help",
    "hostmaster",
    "inbox",
    "instance",
    "me",
    "new",
    "noreply",
    "null",
    "outbox",
    "postmaster",
    "root",
    "security",
    "shared",
    "sign-in",
    "support",
    "system",
    "undefined",
    "webmaster",
    "www",
];

/// Says what is wrong with a name: allowed are `[a-z0-9_]` with single `-` or `.` between them, 1 to 64 characters.
pub(crate) fn check(name: &str) -> Result<(), StoreError> {
    let inner = |letter: u8| matches!(letter, b'-' | b'.');
    let plain = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let letters = name.as_bytes();
    let spelled = letters.iter().all(|&letter| plain(letter) || inner(letter))
        && letters.first().is_some_and(|&first| plain(first))
        && letters.last().is_some_and(|&last| plain(last))
        && !letters.windows(2).any(|pair| inner(pair[0]) && inner(pair[1]));
    if spelled && letters.len() <= LONGEST {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "{:?} cannot be a name: use 1 to {LONGEST} of a-z, 0-9 and _, with single - or . between them.",
        name.chars().take(LONGEST + 1).collect::<String>()
    )))
}

/// Gives a name that anyone chose to a new actor, for ever.
pub(crate) fn give(db: &mut Db, name: &str, kind: &str, now: Millis) -> Result<(), StoreError> {
    if RESERVED.contains(&name) {
        return Err(StoreError::Refused(format!(
            "The name {name} is reserved. Please choose another."
        )));
    }
    give_reserved(db, name, kind, now)
}

/// As `give`, for the instance itself, which may have a reserved name.
pub(crate) fn give_reserved(db: &mut Db, name: &str, kind: &str, now: Millis) -> Result<(), StoreError> {
    check(name)?;
    let given = names::table.find(name).select(names::name);
    if diesel::select(exists(given)).get_result(db)? {
        return Err(StoreError::Taken {
            what: "name",
            sentence: format!("The name {name} is taken, or was once. Please choose another."),
            existing: None,
        });
    }
    let row = (
        names::name.eq(name),
        names::kind.eq(kind),
        names::given_at.eq(now),
    );
    diesel::insert_into(names::table).values(row).execute(db)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_with_single_marks_inside() {
        for good in ["a", "climate", "noaa_2026", "a-b.c", "0", "_", &"a".repeat(64)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Climate",
            "-a",
            "a-",
            "a..b",
            "a-.b",
            ".",
            "a b",
            "é",
            "a@b",
            "a/b",
            "a\0",
            &"a".repeat(65),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
