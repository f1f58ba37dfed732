//! What clients do with announce keys: which uploads they seed, for how long altogether, and who hosts an upload by that.
//! Comes from the tracker in batches, never with an announce; holds no address. The keys are in `announce_keys.rs`; how
//! long this is kept is said here and done by `sweep.rs`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use shoal_torrent::SwarmKey;

use crate::accounts::AccountRef;
use crate::connection::{Db, insert_each};
use crate::schema::{accounts, announce_key_uses, announce_keys, uploads};
use crate::visibility::VISIBLE;
use crate::{Id, Millis, Moment, Store, StoreError};

/// How long it is kept what a key was used for, counted from the last announce.
pub const ANNOUNCE_USES_KEPT: Millis = 90 * DAY;

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Uploads kept of one key; what it is used for beyond that is served, and not kept.
const MOST_UPLOADS: i64 = 10_000;
/// Silences longer than this were no seeding. Clients announce every half hour or hour.
const LONGEST_SILENCE: Millis = 150 * 60 * 1000;
/// Uses looked up at once.
const STEP: usize = 256;
/// Accounts named as hosts of one upload.
const MOST_HOSTS: i64 = 20;
/// Uploads named of what one key seeds.
const MOST_NAMED: i64 = 10;

/// The last announce of a torrent with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnounceUse {
    /// The hash of the key.
    pub key_hash: [u8; 32],
    /// The torrent, by either key of its swarm.
    pub torrent: SwarmKey,
    /// Whether the client has everything and stays.
    pub seeding: bool,
    /// When it announced.
    pub seen_at: Millis,
}

/// What one key seeds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// The key.
    pub key: Id,
    /// How many uploads.
    pub count: i64,
    /// Up to ten of them: id, name, and seconds for which it was seeded altogether; the longest first.
    pub some: Vec<(Id, String, i64)>,
}

/// By key and upload: whether it seeds, and when that was.
type Seen = BTreeMap<(Id, Id), (bool, Millis)>;

/// A row to be written: key and upload, whether it seeds, when it was seen, seconds seeded.
type Use = ((Id, Id), (bool, Millis, i64));

impl Store {
    /// Keeps what keys were used for. Keys that are not valid any more and torrents that are no uploads are passed over.
    /// Between two announces by which something was seeded, it was seeded; a silence of more than two and a half hours
    /// does not count.
    ///
    /// # Errors
    /// `Unavailable`; then none was kept.
    pub fn add_announce_uses(&self, _moment: Moment, uses: &[AnnounceUse]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.write(move |tx| {
            for some in uses.chunks(STEP) {
                let seen = seen(tx.db, some)?;
                note_days(tx.db, &seen)?;
                let rows = rows(tx.db, seen)?
                    .into_iter()
                    .map(|((key, upload), (seeding, at, seconds))| {
                        (
                            announce_key_uses::key_id.eq(key),
                            announce_key_uses::upload_id.eq(upload),
                            announce_key_uses::seeding.eq(seeding),
                            announce_key_uses::seen_at.eq(at),
                            announce_key_uses::seeded_seconds.eq(seconds),
                        )
                    });
                insert_each!(&mut *tx.db, announce_key_uses::table, rows.collect::<Vec<_>>(), insert => insert
                .on_conflict((announce_key_uses::key_id, announce_key_uses::upload_id))
                .do_update()
                .set((
                    announce_key_uses::seeding.eq(excluded(announce_key_uses::seeding)),
                    announce_key_uses::seen_at.eq(excluded(announce_key_uses::seen_at)),
                    announce_key_uses::seeded_seconds.eq(excluded(announce_key_uses::seeded_seconds)),
                )));
            }
            Ok(())
        })
    }

    /// The accounts that seed an upload, as of an announce since `since`, with a key by which they want to be named; by
    /// name, at most 20.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn hosts_of(&self, upload: Id, since: Millis) -> Result<Vec<AccountRef>, StoreError> {
        self.read(|db| {
            let hosts: Vec<(Id, String)> = announce_key_uses::table
                .inner_join(announce_keys::table.inner_join(accounts::table))
                .filter(announce_key_uses::upload_id.eq(upload))
                .filter(announce_key_uses::seeding.eq(true))
                .filter(announce_key_uses::seen_at.ge(since))
                .filter(announce_keys::named.eq(true))
                .filter(announce_keys::revoked_at.is_null())
                .filter(accounts::state.eq(VISIBLE))
                .select((accounts::id, accounts::name))
                .distinct()
                .order(accounts::name)
                .limit(MOST_HOSTS)
                .load(db)?;
            Ok(hosts
                .into_iter()
                .map(|(id, name)| AccountRef { id, name })
                .collect())
        })
    }

    /// What an account's valid keys seed, as of an announce since `since`; keys that seed nothing are left out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn seeded_by(&self, account: Id, since: Millis) -> Result<Vec<Seeded>, StoreError> {
        self.read(|db| {
            let keys: Vec<Id> = announce_keys::table
                .filter(announce_keys::account_id.eq(account))
                .filter(announce_keys::revoked_at.is_null())
                .order(announce_keys::id)
                .select(announce_keys::id)
                .load(db)?;
            let mut all = Vec::new();
            for key in keys {
                let seeds = announce_key_uses::table
                    .inner_join(uploads::table)
                    .filter(announce_key_uses::key_id.eq(key))
                    .filter(announce_key_uses::seeding.eq(true))
                    .filter(announce_key_uses::seen_at.ge(since));
                let count = seeds.clone().count().get_result(db)?;
                let some = seeds
                    .order((announce_key_uses::seeded_seconds.desc(), uploads::id))
                    .limit(MOST_NAMED)
                    .select((uploads::id, uploads::name, announce_key_uses::seeded_seconds))
                    .load(db)?;
                if count > 0 {
                    all.push(Seeded { key, count, some });
                }
            }
            Ok(all)
        })
    }

    /// Forgets up to `limit` uses whose last announce was before `before`; says how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn sweep_announce_uses(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let old: Vec<(Id, Id)> = announce_key_uses::table
                .filter(announce_key_uses::seen_at.lt(before))
                .order(announce_key_uses::seen_at)
                .limit(i64::from(limit))
                .select((announce_key_uses::key_id, announce_key_uses::upload_id))
                .load(tx.db)?;
            for row in &old {
                diesel::delete(announce_key_uses::table.find(*row)).execute(tx.db)?;
            }
            Ok(old.len())
        })
    }
}

/// Which valid key was used for which upload, whether it seeds, and when that was. The keys of a hybrid come together.
fn seen(db: &mut Db, uses: &[AnnounceUse]) -> Result<Seen, StoreError> {
    let hashes: Vec<&[u8]> = uses.iter().map(|one| one.key_hash.as_slice()).collect();
    let keys: Vec<(Vec<u8>, Id)> = announce_keys::table
        .filter(announce_keys::key_hash.eq_any(hashes))
        .filter(announce_keys::revoked_at.is_null())
        .select((announce_keys::key_hash, announce_keys::id))
        .load(db)?;
    let keys: BTreeMap<Vec<u8>, Id> = keys.into_iter().collect();
    let torrents: Vec<String> = uses.iter().map(|one| one.torrent.to_string()).collect();
    let found: Vec<(Id, String, Option<String>)> = uploads::table
        .filter(uploads::swarm_key.eq_any(&torrents))
        .or_filter(uploads::swarm_alias.assume_not_null().eq_any(&torrents))
        .select((uploads::id, uploads::swarm_key, uploads::swarm_alias))
        .load(db)?;
    let uploads: BTreeMap<String, Id> = found
        .into_iter()
        .flat_map(|(id, primary, alias)| {
            [Some(primary), alias]
                .into_iter()
                .flatten()
                .map(move |key| (key, id))
        })
        .collect();
    let mut seen = Seen::new();
    for (one, torrent) in uses.iter().zip(&torrents) {
        let (Some(key), Some(upload)) = (keys.get(one.key_hash.as_slice()), uploads.get(torrent)) else {
            continue;
        };
        let (seeding, at) = seen.entry((*key, *upload)).or_insert((false, one.seen_at));
        *seeding |= one.seeding;
        *at = one.seen_at.max(*at);
    }
    Ok(seen)
}

/// Writes down on which day each key was last used.
fn note_days(db: &mut Db, seen: &Seen) -> Result<(), StoreError> {
    let mut days = BTreeMap::new();
    for ((key, _), (_, at)) in seen {
        let day = days.entry(*key).or_insert(0);
        *day = at.div_euclid(DAY).max(*day);
    }
    for (key, day) in days {
        let older = announce_keys::used_day
            .is_null()
            .or(announce_keys::used_day.lt(day).assume_not_null());
        diesel::update(announce_keys::table.find(key).filter(older))
            .set(announce_keys::used_day.eq(day))
            .execute(db)?;
    }
    Ok(())
}

/// The rows as they are to be, with what was seeded since they were written last; within the bound of each key.
fn rows(db: &mut Db, seen: Seen) -> Result<Vec<Use>, StoreError> {
    let (keys, of): (Vec<Id>, Vec<Id>) = seen.keys().copied().unzip();
    let known: Vec<Use> = announce_key_uses::table
        .filter(announce_key_uses::key_id.eq_any(&keys))
        .filter(announce_key_uses::upload_id.eq_any(&of))
        .select((
            (announce_key_uses::key_id, announce_key_uses::upload_id),
            (
                announce_key_uses::seeding,
                announce_key_uses::seen_at,
                announce_key_uses::seeded_seconds,
            ),
        ))
        .load(db)?;
    let known: BTreeMap<_, _> = known.into_iter().collect();
    let mut room = BTreeMap::new();
    let mut rows = Vec::new();
    for (of, (seeding, at)) in seen {
        if let Some((was_seeding, before, seconds)) = known.get(&of) {
            let silence = at - before;
            let counts = *was_seeding && (0..=LONGEST_SILENCE).contains(&silence);
            let more = if counts { silence / 1000 } else { 0 };
            rows.push((of, (seeding, at.max(*before), seconds + more)));
            continue;
        }
        let room = match room.get_mut(&of.0) {
            Some(room) => room,
            None => room.entry(of.0).or_insert(MOST_UPLOADS - count(db, of.0)?),
        };
        if *room > 0 {
            *room -= 1;
            rows.push((of, (seeding, at, 0)));
        }
    }
    Ok(rows)
}

fn count(db: &mut Db, key: Id) -> Result<i64, StoreError> {
    let of_key = announce_key_uses::table.filter(announce_key_uses::key_id.eq(key));
    Ok(of_key.count().get_result(db)?)
}
