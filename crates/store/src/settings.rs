//! Small facts that the program keeps for itself, by key, and the base URL that cannot change once others know it.
//! What an operator configures is not here but in the configuration file. Next: `events.rs`.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::schema::{activities, followers, following, settings};
use crate::{Moment, Store, StoreError};

const BASE_URL: &str = "base_url";

impl Store {
    /// The value kept under `key`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|db| value_of(db, key))
    }

    /// Keeps `value` under `key`, instead of what was there.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn set_setting(&self, _moment: Moment, key: &str, value: &str) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.write(move |tx| keep(tx.db, &key, &value))
    }

    /// Says under which base URL this database is served. The first call keeps it; a later one with another URL
    /// changes it only while nothing was federated: no activity, follower or followed exists.
    ///
    /// # Errors
    /// `Refused`, with both URLs, when it can no longer change.
    pub fn claim_base_url(&self, _moment: Moment, url: &str) -> Result<(), StoreError> {
        let url = url.to_owned();
        self.write(move |tx| {
            let Some(kept) = value_of(tx.db, BASE_URL)? else { return keep(tx.db, BASE_URL, &url) };
            if kept == url {
                return Ok(());
            }
            if is_federated(tx.db)? {
                return Err(StoreError::Refused(format!(
                    "This database was federated as {kept} and cannot be served as {url}: other servers know its \
                     actors and posts by their addresses. Set instance.url back to {kept}."
                )));
            }
            keep(tx.db, BASE_URL, &url)
        })
    }
}

pub(crate) fn value_of(db: &mut Db, key: &str) -> Result<Option<String>, StoreError> {
    Ok(settings::table
        .find(key)
        .select(settings::value)
        .first(db)
        .optional()?)
}

pub(crate) fn keep(db: &mut Db, key: &str, value: &str) -> Result<(), StoreError> {
    let row = (settings::key.eq(key), settings::value.eq(value));
    each!(db, conn => diesel::insert_into(settings::table)
        .values(row)
        .on_conflict(settings::key)
        .do_update()
        .set(settings::value.eq(value))
        .execute(conn))?;
    Ok(())
}

/// Whether anyone outside may know our addresses.
fn is_federated(db: &mut Db) -> Result<bool, StoreError> {
    Ok(
        diesel::select(exists(activities::table.select(activities::seq))).get_result::<bool>(db)?
            || diesel::select(exists(followers::table.select(followers::follower_id)))
                .get_result::<bool>(db)?
            || diesel::select(exists(following::table.select(following::id))).get_result::<bool>(db)?,
    )
}
