//! Hashes that moderators forbid although no upload here has them: the tracker refuses them in every mode, and no upload
//! with them is taken. Uploads that are here are hidden or removed instead, which is `moderation.rs`; the hashes of removed
//! ones stay blocked without a row here. Next: `listing.rs`, which the tracker hears.

use diesel::prelude::*;
use shoal_torrent::{InfoHashV1, InfoHashV2, SwarmKey, SwarmKeys};

use crate::connection::{Db, each};
use crate::engine::Tx;
use crate::listing::{self, Listing, ListingChange};
use crate::moderation_log::{Entry, log};
use crate::schema::{accounts, datasets, hash_blocks, uploads};
use crate::visibility::REMOVED;
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError, text};

/// A hash that is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct BlockedHash {
    /// As it was given: 40 hexadecimal digits of a v1 hash or a v2 hash cut short, or all 64 of a v2 hash.
    pub hash: String,
    /// Why.
    pub reason: String,
    /// The name of the account that decided.
    pub by: Option<String>,
    /// When.
    pub at: Millis,
}

impl Store {
    /// Blocks a hash, by 40 or 64 hexadecimal digits: from the commit on the tracker refuses it and has dropped its swarm.
    /// Blocking it again changes the reason. A hybrid torrent has two hashes, each of which is blocked for itself.
    ///
    /// # Errors
    /// `Invalid` for what is no hash, and without a reason; `Refused` if an upload here has it.
    pub fn block_hash(&self, mut moment: Moment, hash: &str, by: Id, reason: &str) -> Result<(), StoreError> {
        let (hash, key) = checked(hash)?;
        let reason = text::prose("reason", reason, text::REASON)?;
        if reason.is_empty() {
            return Err(StoreError::Invalid(
                "The reason is missing: it is kept for other moderators, and shown to whoever uploads this torrent.".into(),
            ));
        }
        self.write(move |tx| {
            if let Some(id) = upload_of(tx.db, &key, false)? {
                return Err(StoreError::Refused(format!(
                    "An upload here has this hash: hide or remove that instead. It is {id}."
                )));
            }
            let decision = (
                hash_blocks::hash.eq(&hash),
                hash_blocks::reason.eq(&reason),
                hash_blocks::by_account.eq(Some(by)),
                hash_blocks::at.eq(moment.now),
            );
            each!(&mut *tx.db, conn => diesel::insert_into(hash_blocks::table)
                .values((hash_blocks::swarm_key.eq(key.to_string()), decision))
                .on_conflict(hash_blocks::swarm_key)
                .do_update()
                .set(decision)
                .execute(conn))?;
            note(tx, &mut moment, ("block", &hash, &reason), by)?;
            tell(tx, moment.now, key, Listing::Forbidden)
        })
    }

    /// Takes the block of a hash back. That of a removed upload's hash stays.
    ///
    /// # Errors
    /// `NotFound` for one that was not blocked so; `Invalid` for what is no hash.
    pub fn unblock_hash(
        &self,
        mut moment: Moment,
        hash: &str,
        by: Id,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (hash, key) = checked(hash)?;
        let reason = text::prose("reason", reason, text::REASON)?;
        self.write(move |tx| {
            let gone = diesel::delete(hash_blocks::table.find(key.to_string())).execute(tx.db)?;
            if gone == 0 {
                return Err(StoreError::NotFound { what: "blocked hash" });
            }
            note(tx, &mut moment, ("unblock", &hash, &reason), by)?;
            match upload_of(tx.db, &key, true)? {
                Some(_) => Ok(()),
                None => tell(tx, moment.now, key, Listing::Unlisted),
            }
        })
    }

    /// The blocked hashes, in their own order.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn blocked_hashes(&self, paging: &Paging) -> Result<Page<BlockedHash>, StoreError> {
        let after = paging.after::<1>()?.map_or_else(String::new, |[key]| key);
        self.read(|db| {
            let rows: Vec<(String, BlockedHash)> = hash_blocks::table
                .left_join(accounts::table.on(hash_blocks::by_account.eq(accounts::id.nullable())))
                .filter(hash_blocks::swarm_key.gt(after))
                .order(hash_blocks::swarm_key)
                .limit(paging.bounded() + 1)
                .select((
                    hash_blocks::swarm_key,
                    (
                        hash_blocks::hash,
                        hash_blocks::reason,
                        accounts::name.nullable(),
                        hash_blocks::at,
                    ),
                ))
                .load(db)?;
            Page::of(rows, paging, |(key, _)| [key.clone()]).try_map(|(_, row)| Ok(row))
        })
    }
}

/// Why one of these keys is blocked, if one is.
pub(crate) fn reason_for(db: &mut Db, keys: &[&String]) -> Result<Option<String>, StoreError> {
    let rows = hash_blocks::table.filter(hash_blocks::swarm_key.eq_any(keys.iter().copied()));
    Ok(rows.select(hash_blocks::reason).first(db).optional()?)
}

/// Calls `hear` with every blocked hash.
pub(crate) fn for_each(db: &mut Db, hear: &mut impl FnMut(ListingChange)) -> Result<(), StoreError> {
    /// Rows read at once.
    const STEP: i64 = 1000;
    let mut after = String::new();
    loop {
        let keys: Vec<String> = hash_blocks::table
            .filter(hash_blocks::swarm_key.gt(&after))
            .order(hash_blocks::swarm_key)
            .limit(STEP)
            .select(hash_blocks::swarm_key)
            .load(db)?;
        let Some(last) = keys.last() else { return Ok(()) };
        after.clone_from(last);
        for key in keys {
            hear(ListingChange {
                keys: listing::keys_of(&key, None)?,
                state: Listing::Forbidden,
                private: false,
            });
        }
    }
}

/// A hash in lower case, and the key by which clients name its swarm.
fn checked(hash: &str) -> Result<(String, SwarmKey), StoreError> {
    let hash = hash.trim().to_ascii_lowercase();
    let one = hash.parse::<InfoHashV1>().map(SwarmKey::from);
    let key = one.or_else(|_| hash.parse::<InfoHashV2>().map(SwarmKey::from));
    key.map(|key| (hash, key)).map_err(|_| {
        StoreError::Invalid("A hash has 40 hexadecimal digits, or 64 if it is a v2 hash.".to_owned())
    })
}

/// The upload that has a key, removed ones if they are asked for.
fn upload_of(db: &mut Db, key: &SwarmKey, removed: bool) -> Result<Option<Id>, StoreError> {
    let key = key.to_string();
    let has_key = uploads::swarm_key
        .eq(key.clone())
        .or(uploads::swarm_alias.assume_not_null().eq(key));
    let found: Option<(Id, String, String)> = uploads::table
        .inner_join(datasets::table)
        .filter(has_key)
        .select((uploads::id, uploads::state, datasets::state))
        .first(db)
        .optional()?;
    Ok(found
        .filter(|(_, own, of_dataset)| removed || (own != REMOVED && of_dataset != REMOVED))
        .map(|(id, ..)| id))
}

fn note(
    tx: &mut Tx<'_>,
    moment: &mut Moment,
    (act, hash, reason): (&str, &str, &str),
    by: Id,
) -> Result<(), StoreError> {
    let entry = Entry {
        by: Some(by),
        act,
        target_kind: "hash",
        target_id: hash,
        target_label: hash,
        reason,
    };
    log(tx.db, moment, &entry)
}

fn tell(tx: &mut Tx<'_>, now: Millis, key: SwarmKey, state: Listing) -> Result<(), StoreError> {
    let change = ListingChange {
        keys: SwarmKeys::from(key),
        state,
        private: false,
    };
    listing::change(tx, now, change)
}
