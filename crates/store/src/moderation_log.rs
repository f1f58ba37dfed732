//! The log of what moderators and administrators did: written in the transaction of the act, never changed. Next:
//! `moderation.rs`, the acts.

use diesel::prelude::*;

use crate::connection::Db;
use crate::schema::{accounts, moderation_log};
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct LogEntry {
    /// Its id.
    pub id: Id,
    /// When.
    pub at: Millis,
    /// The name of the account that did it; `None` for the command line.
    pub by: Option<String>,
    /// What was done: `hide`, `restore`, `remove`, `scopes`, `drop`, `block`, `unblock`,
    /// `allow`, `reset`.
    pub act: String,
    /// To what kind of thing.
    pub target_kind: String,
    /// To which.
    pub target_id: String,
    /// What it was called then.
    pub target_label: String,
    /// Why.
    pub reason: String,
}

/// A line to be written.
pub(crate) struct Entry<'a> {
    pub(crate) by: Option<Id>,
    pub(crate) act: &'a str,
    pub(crate) target_kind: &'a str,
    pub(crate) target_id: &'a str,
    pub(crate) target_label: &'a str,
    pub(crate) reason: &'a str,
}

/// Writes a line.
pub(crate) fn log(db: &mut Db, moment: &mut Moment, entry: &Entry<'_>) -> Result<(), StoreError> {
    diesel::insert_into(moderation_log::table)
        .values((
            moderation_log::id.eq(moment.id()),
            moderation_log::at.eq(moment.now),
            moderation_log::by_account.eq(entry.by),
            moderation_log::act.eq(entry.act),
            moderation_log::target_kind.eq(entry.target_kind),
            moderation_log::target_id.eq(entry.target_id),
            moderation_log::target_label.eq(entry.target_label),
            moderation_log::reason.eq(entry.reason),
        ))
        .execute(db)?;
    Ok(())
}

impl Store {
    /// The log, the newest line first.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn moderation_log(&self, paging: &Paging) -> Result<Page<LogEntry>, StoreError> {
        // Sorts behind every id.
        let before = paging.after::<1>()?.map_or_else(|| "g".to_owned(), |[id]| id);
        let rows = self.read(|db| {
            Ok(moderation_log::table
                .left_join(accounts::table.on(moderation_log::by_account.eq(accounts::id.nullable())))
                .filter(moderation_log::id.lt(before))
                .order(moderation_log::id.desc())
                .limit(paging.bounded() + 1)
                .select((
                    moderation_log::id,
                    moderation_log::at,
                    accounts::name.nullable(),
                    moderation_log::act,
                    moderation_log::target_kind,
                    moderation_log::target_id,
                    moderation_log::target_label,
                    moderation_log::reason,
                ))
                .load(db)?)
        })?;
        Ok(Page::of(rows, paging, |last: &LogEntry| [last.id.to_string()]))
    }
}
