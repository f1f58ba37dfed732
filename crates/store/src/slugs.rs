//! Slugs: the names of datasets in addresses. Given, or made from a title. Next: `datasets.rs`.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::StoreError;
use crate::connection::Db;
use crate::schema::datasets;

/// Characters at most.
const LONGEST: usize = 80;
/// What is tried with a number behind it before giving up.
const TRIES: u32 = 1000;
/// Words that are parts of addresses.
const RESERVED: [&str; 2] = ["new", "edit"];

/// Says what is wrong with a slug: allowed are `[a-z0-9]` with single `-` between them, 1 to 80 characters.
pub(crate) fn check(slug: &str) -> Result<(), StoreError> {
    let plain = slug
        .bytes()
        .all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let edges = slug.starts_with('-') || slug.ends_with('-') || slug.contains("--");
    if !plain || edges || slug.is_empty() || slug.len() > LONGEST || RESERVED.contains(&slug) {
        return Err(StoreError::Invalid(format!(
            "{:?} cannot be a slug: use 1 to {LONGEST} of a-z and 0-9, with single - between them.",
            slug.chars().take(LONGEST + 1).collect::<String>()
        )));
    }
    Ok(())
}

/// The slug, if no dataset has it or had it.
pub(crate) fn free(db: &mut Db, slug: &str) -> Result<Option<String>, StoreError> {
    let same = datasets::table
        .filter(datasets::slug.eq(slug))
        .select(datasets::id);
    let taken: bool = diesel::select(exists(same)).get_result(db)?;
    Ok((!taken).then(|| slug.to_owned()))
}

/// The error for a slug that is not free.
pub(crate) fn taken(slug: &str) -> StoreError {
    let sentence = format!("The slug {slug} is taken. Please choose another.");
    StoreError::Taken {
        what: "slug",
        sentence,
        existing: None,
    }
}

/// A free slug that resembles a title; `dataset-…` for a title without letters that a slug may have.
pub(crate) fn from_title(db: &mut Db, title: &str) -> Result<String, StoreError> {
    let base = slugged(title);
    if check(&base).is_ok()
        && let Some(slug) = free(db, &base)?
    {
        return Ok(slug);
    }
    for number in 2..TRIES {
        if let Some(slug) = free(db, &format!("{base}-{number}"))? {
            return Ok(slug);
        }
    }
    Err(taken(&base))
}

/// Letters and digits in lower case, everything between them one `-`, with room for a number behind.
fn slugged(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if slug.len() >= LONGEST - 10 {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "dataset".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_slug() {
        assert_eq!(
            slugged("NOAA: Storm Events (1950–2025)"),
            "noaa-storm-events-1950-2025"
        );
        assert_eq!(slugged("気候データ"), "dataset");
        assert_eq!(slugged("  -- "), "dataset");
        let long = slugged(&"word ".repeat(60));
        assert!(long.len() <= 70 && check(&long).is_ok(), "{long}");
    }

    #[test]
    fn a_slug_is_plain() {
        for bad in [
            "",
            "A",
            "a--b",
            "-a",
            "a-",
            "a_b",
            "a/b",
            "é",
            "new",
            &"a".repeat(81),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("a-1").is_ok());
    }
}
