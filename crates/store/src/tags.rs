//! Tags: words to find datasets by, all in one spelling. Next: `datasets.rs`.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::schema::{dataset_tags, datasets};
use crate::visibility::VISIBLE;
use crate::{Id, Store, StoreError};

/// Tags of one dataset at most.
const MOST: usize = 30;
/// Characters of a tag at most.
const LONGEST: usize = 60;
/// Tags listed at most.
const LISTED: i64 = 1000;

/// The tags in their one spelling: lower case, letters and digits of any script with `-` and `_` inside; sorted, each
/// once.
pub(crate) fn normal(tags: &[String]) -> Result<Vec<String>, StoreError> {
    let mut normal = Vec::new();
    for tag in tags {
        let spelled = tag.trim().trim_start_matches('#').to_lowercase();
        let spelled = spelled.split_whitespace().collect::<Vec<_>>().join("-");
        if spelled.is_empty() {
            continue;
        }
        let good = spelled
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'));
        if !good || spelled.chars().count() > LONGEST {
            return Err(StoreError::Invalid(format!(
                "{:?} cannot be a tag: use letters and digits with - or _ between them, at most {LONGEST}.",
                tag.chars().take(LONGEST).collect::<String>()
            )));
        }
        normal.push(spelled);
    }
    normal.sort();
    normal.dedup();
    if normal.len() > MOST {
        return Err(StoreError::Invalid(format!(
            "{} tags are too many; {MOST} are allowed.",
            normal.len()
        )));
    }
    Ok(normal)
}

/// Gives a dataset exactly these tags.
pub(crate) fn set(db: &mut Db, dataset: Id, tags: &[String]) -> Result<(), StoreError> {
    diesel::delete(dataset_tags::table.filter(dataset_tags::dataset_id.eq(dataset))).execute(db)?;
    let rows: Vec<_> = tags
        .iter()
        .map(|tag| (dataset_tags::dataset_id.eq(dataset), dataset_tags::tag.eq(tag)))
        .collect();
    each!(db, conn => diesel::insert_into(dataset_tags::table).values(rows).execute(conn))?;
    Ok(())
}

/// The tags of some datasets, sorted.
pub(crate) fn of(db: &mut Db, datasets: &[Id]) -> Result<HashMap<Id, Vec<String>>, StoreError> {
    let rows: Vec<(Id, String)> = dataset_tags::table
        .filter(dataset_tags::dataset_id.eq_any(datasets))
        .order((dataset_tags::dataset_id, dataset_tags::tag))
        .select((dataset_tags::dataset_id, dataset_tags::tag))
        .load(db)?;
    let mut tags: HashMap<Id, Vec<String>> = HashMap::new();
    for (dataset, tag) in rows {
        tags.entry(dataset).or_default().push(tag);
    }
    Ok(tags)
}

impl Store {
    /// The tags of visible datasets and how many of these each has, the most used first; at most 1,000.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn tags(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.read(|db| {
            Ok(dataset_tags::table
                .inner_join(datasets::table)
                .filter(datasets::state.eq(VISIBLE))
                .group_by(dataset_tags::tag)
                .order((count_star().desc(), dataset_tags::tag))
                .limit(LISTED)
                .select((dataset_tags::tag, count_star()))
                .load(db)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_one_spelling() {
        let tags = [" #Climate", "climate", "sea level", "気候", ""].map(str::to_owned);
        assert_eq!(normal(&tags).expect("good"), ["climate", "sea-level", "気候"]);
        for bad in ["a,b", "a/b", "<b>", &"a".repeat(61)] {
            assert!(normal(&[bad.to_owned()]).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..31).map(|number| format!("tag{number}")).collect();
        assert!(normal(&many).is_err());
    }
}
