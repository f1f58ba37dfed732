//! Personal announce keys: by which the tracker knows whose client it is. Only the hash of a key is kept. The observer hears
//! each change after its commit and before the verb that made it returns; other processes read the changes as rows. What
//! the keys are used for is in `announce_uses.rs`, next in the flow.

use diesel::prelude::*;

use crate::accounts;
use crate::connection::Db;
use crate::engine::Tx;
use crate::listing::KEPT;
use crate::schema::{accounts as account_table, announce_key_changes, announce_key_uses, announce_keys};
use crate::visibility::VISIBLE;
use crate::{Id, Millis, Moment, Store, StoreError, text};

/// Keys of one account at most, and as many revoked ones are kept for it to see.
const MOST: i64 = 20;
/// Rows read at once.
const STEP: i64 = 1000;

/// A personal announce key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnounceKey {
    /// Its id, to revoke it.
    pub id: Id,
    /// Whose.
    pub account: Id,
    /// Which clients have it, in its owner's words.
    pub label: String,
    /// Whether the account is named as host of what is seeded with it.
    pub named: bool,
    /// When it was made.
    pub created_at: Millis,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Millis>,
    /// The day on which it was last used, in days since 1970 (UTC).
    pub used_day: Option<i64>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewAnnounceKey {
    /// Whose.
    pub account: Id,
    /// Which clients will have it.
    pub label: String,
    /// Whether the account is to be named as host.
    pub named: bool,
    /// Of the key that the clients will have.
    pub key_hash: [u8; 32],
}

/// Changes of what is said of a key; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnounceKeyEdit {
    /// Which clients have it.
    pub label: Option<String>,
    /// Whether the account is named as host.
    pub named: Option<bool>,
}

/// One change of which keys the tracker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnounceKeyChange {
    /// The hash of the key.
    pub key_hash: [u8; 32],
    /// Whether it is taken from now on.
    pub valid: bool,
}

/// Where a reader stands in the changes: see [`Store::announce_key_changes_since`].
pub type AnnounceKeyCursor = i64;

impl Store {
    /// Makes a key: from its commit on the tracker takes it.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when the account is suspended or has 20 already; `Invalid`; `Taken` for a key that was made
    /// before.
    pub fn create_announce_key(
        &self,
        mut moment: Moment,
        new: NewAnnounceKey,
    ) -> Result<AnnounceKey, StoreError> {
        let label = text::line("label", &new.label, text::LINE)?;
        self.write(move |tx| {
            let account = accounts::by_id(tx.db, new.account)?;
            if let Some((_, reason)) = account.suspended {
                let name = account.name;
                return Err(StoreError::Refused(format!("{name} is suspended: {reason}")));
            }
            refuse_too_many(tx.db, account.id, &account.name)?;
            refuse_known(tx.db, new.key_hash)?;
            let key = AnnounceKey {
                id: moment.id(),
                account: account.id,
                label,
                named: new.named,
                created_at: moment.now,
                revoked_at: None,
                used_day: None,
            };
            diesel::insert_into(announce_keys::table)
                .values((
                    announce_keys::id.eq(key.id),
                    announce_keys::account_id.eq(key.account),
                    announce_keys::label.eq(&key.label),
                    announce_keys::key_hash.eq(new.key_hash.as_slice()),
                    announce_keys::named.eq(key.named),
                    announce_keys::created_at.eq(key.created_at),
                ))
                .execute(tx.db)?;
            change(tx, moment.now, new.key_hash, true)?;
            Ok(key)
        })
    }

    /// The keys of an account: those that are valid, the oldest first, then up to 20 that were revoked, the last first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn announce_keys_of(&self, account: Id) -> Result<Vec<AnnounceKey>, StoreError> {
        self.read(|db| {
            let of_account = announce_keys::table
                .filter(announce_keys::account_id.eq(account))
                .order(announce_keys::id)
                .select(COLUMNS);
            let mut keys: Vec<AnnounceKey> = of_account.load(db)?.into_iter().map(of_row).collect();
            keys.sort_by_key(|key| key.revoked_at.map_or(Millis::MIN, |at| -at));
            Ok(keys)
        })
    }

    /// Changes what is said of a valid key. With `account`, only one of that account: another's is not found.
    ///
    /// # Errors
    /// `NotFound`; `Invalid`.
    pub fn edit_announce_key(
        &self,
        _moment: Moment,
        id: Id,
        account: Option<Id>,
        edit: AnnounceKeyEdit,
    ) -> Result<AnnounceKey, StoreError> {
        let label = edit
            .label
            .map(|label| text::line("label", &label, text::LINE))
            .transpose()?;
        self.write(move |tx| {
            let mut key = valid(tx.db, id, account)?.0;
            key.label = label.unwrap_or(key.label);
            key.named = edit.named.unwrap_or(key.named);
            diesel::update(announce_keys::table.find(id))
                .set((
                    announce_keys::label.eq(&key.label),
                    announce_keys::named.eq(key.named),
                ))
                .execute(tx.db)?;
            Ok(key)
        })
    }

    /// Revokes a key: before this returns, the tracker refuses it. What it was used for is forgotten. With `account`, only
    /// one of that account: another's is not found.
    ///
    /// # Errors
    /// `NotFound`, also for one that was revoked before.
    pub fn revoke_announce_key(&self, moment: Moment, id: Id, account: Option<Id>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let (key, key_hash) = valid(tx.db, id, account)?;
            diesel::delete(announce_key_uses::table.filter(announce_key_uses::key_id.eq(id)))
                .execute(tx.db)?;
            diesel::update(announce_keys::table.find(id))
                .set(announce_keys::revoked_at.eq(moment.now))
                .execute(tx.db)?;
            let surplus: Vec<Id> = announce_keys::table
                .filter(announce_keys::account_id.eq(key.account))
                .filter(announce_keys::revoked_at.is_not_null())
                .order((announce_keys::revoked_at.desc(), announce_keys::id.desc()))
                .offset(MOST)
                .limit(MOST)
                .select(announce_keys::id)
                .load(tx.db)?;
            diesel::delete(announce_keys::table.filter(announce_keys::id.eq_any(surplus))).execute(tx.db)?;
            change(tx, moment.now, key_hash, false)
        })
    }

    /// Calls `hear` with the hash of every key that the tracker takes, at one instant, and returns where the changes
    /// after that instant begin. Keys of suspended accounts are not among them.
    ///
    /// # Errors
    /// `Unavailable`, possibly after `hear` was called for some.
    pub fn for_each_announce_key(
        &self,
        mut hear: impl FnMut([u8; 32]),
    ) -> Result<AnnounceKeyCursor, StoreError> {
        self.read(|db| {
            let head: Option<i64> = announce_key_changes::table
                .select(diesel::dsl::max(announce_key_changes::seq))
                .first(db)?;
            let mut after = String::new();
            loop {
                let rows: Vec<(Id, Vec<u8>)> = announce_keys::table
                    .inner_join(account_table::table)
                    .filter(announce_keys::revoked_at.is_null())
                    .filter(account_table::state.eq(VISIBLE))
                    .filter(announce_keys::id.gt(&after))
                    .order(announce_keys::id)
                    .limit(STEP)
                    .select((announce_keys::id, announce_keys::key_hash))
                    .load(db)?;
                let Some(last) = rows.last() else {
                    return Ok(head.unwrap_or(0));
                };
                after = last.0.to_string();
                for (_, hash) in rows {
                    hear(hash_of(&hash)?);
                }
            }
        })
    }

    /// The changes since a cursor, by whatever process, at most 1,000, in order, and where the next ones begin.
    /// Changes are kept for a day.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn announce_key_changes_since(
        &self,
        cursor: AnnounceKeyCursor,
    ) -> Result<(Vec<AnnounceKeyChange>, AnnounceKeyCursor), StoreError> {
        self.read(|db| {
            let rows: Vec<(i64, Vec<u8>, bool)> = announce_key_changes::table
                .filter(announce_key_changes::seq.gt(cursor))
                .order(announce_key_changes::seq)
                .limit(STEP)
                .select((
                    announce_key_changes::seq,
                    announce_key_changes::key_hash,
                    announce_key_changes::valid,
                ))
                .load(db)?;
            let next = rows.last().map_or(cursor, |row| row.0);
            let changes = rows.into_iter().map(|(_, hash, valid)| {
                let key_hash = hash_of(&hash)?;
                Ok(AnnounceKeyChange { key_hash, valid })
            });
            Ok((changes.collect::<Result<_, StoreError>>()?, next))
        })
    }
}

/// An account is suspended, or restored: so are its keys.
pub(crate) fn of_account_become(
    tx: &mut Tx<'_>,
    now: Millis,
    account: Id,
    valid: bool,
) -> Result<(), StoreError> {
    let hashes: Vec<Vec<u8>> = announce_keys::table
        .filter(announce_keys::account_id.eq(account))
        .filter(announce_keys::revoked_at.is_null())
        .select(announce_keys::key_hash)
        .load(tx.db)?;
    for hash in hashes {
        change(tx, now, hash_of(&hash)?, valid)?;
    }
    Ok(())
}

/// Deletes the keys of an account that is removed, of which the tracker was told before.
pub(crate) fn forget(db: &mut Db, account: Id) -> Result<(), StoreError> {
    let ids: Vec<Id> = announce_keys::table
        .filter(announce_keys::account_id.eq(account))
        .select(announce_keys::id)
        .load(db)?;
    diesel::delete(announce_key_uses::table.filter(announce_key_uses::key_id.eq_any(&ids))).execute(db)?;
    diesel::delete(announce_keys::table.filter(announce_keys::id.eq_any(&ids))).execute(db)?;
    Ok(())
}

/// Deletes changes that every process has read.
pub(crate) fn sweep(db: &mut Db, now: Millis) -> Result<(), StoreError> {
    let old = announce_key_changes::table.filter(announce_key_changes::at.lt(now - KEPT));
    diesel::delete(old).execute(db)?;
    Ok(())
}

/// Writes a change down for other processes, and keeps it for the observer of this one.
fn change(tx: &mut Tx<'_>, now: Millis, key_hash: [u8; 32], valid: bool) -> Result<(), StoreError> {
    diesel::insert_into(announce_key_changes::table)
        .values((
            announce_key_changes::at.eq(now),
            announce_key_changes::key_hash.eq(key_hash.as_slice()),
            announce_key_changes::valid.eq(valid),
        ))
        .execute(tx.db)?;
    tx.news.announce_keys.push(AnnounceKeyChange { key_hash, valid });
    Ok(())
}

fn refuse_too_many(db: &mut Db, account: Id, name: &str) -> Result<(), StoreError> {
    let count: i64 = announce_keys::table
        .filter(announce_keys::account_id.eq(account))
        .filter(announce_keys::revoked_at.is_null())
        .count()
        .get_result(db)?;
    if count < MOST {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "{name} has {count} announce keys already. Revoke one that is no longer needed."
    )))
}

fn refuse_known(db: &mut Db, key_hash: [u8; 32]) -> Result<(), StoreError> {
    let same = announce_keys::table.filter(announce_keys::key_hash.eq(key_hash.as_slice()));
    let known: i64 = same.count().get_result(db)?;
    if known == 0 {
        return Ok(());
    }
    Err(StoreError::Taken {
        what: "announce key",
        sentence: "This announce key was made before. Make another one.".into(),
        existing: None,
    })
}

/// A key that is not revoked and its hash, of that account if one is named.
fn valid(db: &mut Db, id: Id, account: Option<Id>) -> Result<(AnnounceKey, [u8; 32]), StoreError> {
    let row = announce_keys::table
        .find(id)
        .select((COLUMNS, announce_keys::key_hash))
        .first::<(Row, Vec<u8>)>(db)
        .optional()?;
    let (row, hash) = row.ok_or(StoreError::NotFound { what: "announce key" })?;
    let key = of_row(row);
    if key.revoked_at.is_some() || account.is_some_and(|account| account != key.account) {
        return Err(StoreError::NotFound { what: "announce key" });
    }
    Ok((key, hash_of(&hash)?))
}

pub(crate) fn hash_of(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    let wrong = |_| StoreError::Internal(format!("a hash of {} bytes", bytes.len()));
    bytes.try_into().map_err(wrong)
}

type Columns = (
    announce_keys::id,
    announce_keys::account_id,
    announce_keys::label,
    announce_keys::named,
    announce_keys::created_at,
    announce_keys::revoked_at,
    announce_keys::used_day,
);
const COLUMNS: Columns = (
    announce_keys::id,
    announce_keys::account_id,
    announce_keys::label,
    announce_keys::named,
    announce_keys::created_at,
    announce_keys::revoked_at,
    announce_keys::used_day,
);
type Row = (Id, Id, String, bool, Millis, Option<Millis>, Option<i64>);

fn of_row((id, account, label, named, created_at, revoked_at, used_day): Row) -> AnnounceKey {
    AnnounceKey {
        id,
        account,
        label,
        named,
        created_at,
        revoked_at,
        used_day,
    }
}
