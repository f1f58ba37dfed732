//! What is kept for a time only, and letting go of it: in batches, so that no sweep holds the database up, and again
//! and again, so that what strangers can make us write down does not grow for ever.
//!
//! How long each thing is kept is said where the thing is. Sessions and sign-in links end in `sessions.rs`. Next:
//! nothing; whoever keeps the time calls this.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::connection::Db;
use crate::schema::{followers, following, past_followers, remote_actors};
use crate::settings::{keep, value_of};
use crate::{
    ANNOUNCE_USES_KEPT, BUILT_EVENTS_KEPT, ENDED_DELIVERIES_KEPT, HELD_BACK_KEPT, IDLE_HOSTS_KEPT, Millis,
    Moment, RECEIVED_KEPT, Store, StoreError,
};

/// How long a remote actor is kept that nobody here follows and that follows nobody here; it can be fetched again.
pub const STRANGERS_KEPT: Millis = 30 * 24 * 60 * 60 * 1000;

/// Rows that one transaction lets go of.
const BATCH: u32 = 1000;

/// Transactions for each kind of thing in one call.
const BATCHES: u32 = 20;

/// How far the sweep of remote actors has come.
const PLACE: &str = "sweep.remote_actors";

/// How much a sweep let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Ids of received activities.
    pub received: usize,
    /// Undone Follows.
    pub undone_follows: usize,
    /// Events that were built.
    pub events: usize,
    /// Deliveries that had ended.
    pub deliveries: usize,
    /// Deliveries to hosts that are held back, given up after all that time.
    pub held_back: usize,
    /// Hosts to which nothing goes.
    pub hosts: usize,
    /// What announce keys were used for long ago.
    pub announce_uses: usize,
    /// Remote actors that have nothing to do with anyone here.
    pub remote_actors: usize,
}

impl Store {
    /// Lets go of what was kept long enough; at most some twenty thousand rows of each kind, so call it every few
    /// minutes.
    ///
    /// # Errors
    /// When the database does not answer; what went until then is gone.
    pub fn sweep(&self, m: Moment) -> Result<Swept, StoreError> {
        let before = |kept: Millis| m.now.saturating_sub(kept);
        Ok(Swept {
            received: in_batches(|| self.sweep_received(before(RECEIVED_KEPT), BATCH))?,
            undone_follows: in_batches(|| self.sweep_undone_follows(before(RECEIVED_KEPT), BATCH))?,
            events: in_batches(|| self.sweep_events(before(BUILT_EVENTS_KEPT), BATCH))?,
            deliveries: in_batches(|| self.sweep_deliveries(before(ENDED_DELIVERIES_KEPT), BATCH))?,
            held_back: in_batches(|| self.sweep_held_back(m.now, before(HELD_BACK_KEPT), BATCH))?,
            hosts: in_batches(|| self.sweep_hosts(before(IDLE_HOSTS_KEPT), BATCH))?,
            announce_uses: in_batches(|| self.sweep_announce_uses(before(ANNOUNCE_USES_KEPT), BATCH))?,
            remote_actors: self.sweep_remote_actors(before(STRANGERS_KEPT), BATCH)?,
        })
    }

    /// Looks at the next `limit` remote actors and forgets those fetched before `before` that neither follow anyone
    /// here, nor did, nor are followed; says how many went. After the last it begins anew.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_remote_actors(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let db = &mut *tx.db;
            let after = value_of(db, PLACE)?.unwrap_or_default();
            let looked_at: Vec<String> = remote_actors::table
                .filter(remote_actors::id.gt(&after))
                .order(remote_actors::id)
                .limit(i64::from(limit))
                .select(remote_actors::id)
                .load(db)?;
            let more = looked_at.len() >= limit as usize;
            let place = looked_at.last().filter(|_| more);
            keep(db, PLACE, place.map_or("", String::as_str))?;
            forget_strangers(db, looked_at, before)
        })
    }
}

fn forget_strangers(db: &mut Db, among: Vec<String>, before: Millis) -> Result<usize, StoreError> {
    let (id, actors) = (remote_actors::id, remote_actors::table);
    let strangers: Vec<String> = actors
        .filter(id.eq_any(among))
        .filter(remote_actors::fetched_at.lt(before))
        .filter(not(exists(
            followers::table.filter(followers::follower_id.eq(id)),
        )))
        .filter(not(exists(
            past_followers::table.filter(past_followers::follower_id.eq(id)),
        )))
        .filter(not(exists(following::table.filter(following::target_id.eq(id)))))
        .select(id)
        .load(db)?;
    Ok(diesel::delete(actors.filter(id.eq_any(strangers))).execute(db)?)
}

/// Repeats a sweep until it finds less than a batch.
fn in_batches(sweep: impl Fn() -> Result<usize, StoreError>) -> Result<usize, StoreError> {
    let mut all = 0;
    for _ in 0..BATCHES {
        let some = sweep()?;
        all += some;
        if some < BATCH as usize {
            break;
        }
    }
    Ok(all)
}
