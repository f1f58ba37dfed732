//! Telling all who are meant. Few are queued at once, in the transaction of what they are told. For many the activity is
//! written down at once, but queued page by page in short transactions, so that whoever publishes meanwhile passes in between
//! and the first are told while the last are still being queued. How far it has come stands in the database, so a crash loses nothing and tells nobody twice.
//!
//! Who is meant is looked up as it goes on: who follows meanwhile may be told too, and who leaves has left after the
//! activity was logged, so what takes it back reaches them. Whoever spreads must finish one activity before the next is
//! written down (`built.rs`), for nothing may overtake. Next: `audience.rs`, who is meant.

use std::collections::VecDeque;

use diesel::prelude::*;

use crate::audience::{Audience, Place, may_exceed, places_after};
use crate::built::NewActivity;
use crate::connection::Db;
use crate::engine::Tx;
use crate::enqueue::{New, enqueue};
use crate::kept::kept;
use crate::schema::{activities, spreads};
use crate::{Id, Millis, Moment, Store, StoreError};

/// How many inboxes are queued before it is asked whether somebody waits. An audience that is no larger is queued with
/// its activity.
const PAGE: usize = 256;
/// How many pages are queued in one transaction while nobody waits: the more, the fewer syncs.
const PAGES: usize = 4;
/// How many inboxes are looked up at once.
const AHEAD: usize = 16_384;

/// An activity that is being told to many.
#[derive(Debug, Clone)]
pub struct Spread {
    activity: i64,
    actor: Id,
    at: Millis,
    audience: Audience,
    /// Host and inbox that were queued last.
    after: Place,
    /// Who comes next, as far as it was looked up.
    ahead: VecDeque<Place>,
    /// Nobody comes after those.
    is_all: bool,
}

impl Store {
    /// The first activity that is not queued for all who are meant; `None` when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn next_spread(&self) -> Result<Option<Spread>, StoreError> {
        self.read(|db| {
            let first = spreads::table
                .inner_join(activities::table)
                .order(spreads::activity)
                .select((
                    spreads::activity,
                    activities::actor_id,
                    activities::at,
                    spreads::audience,
                    (spreads::after_host, spreads::after_inbox),
                ))
                .first::<(i64, Id, Millis, String, Place)>(db)
                .optional()?;
            let Some((activity, actor, at, audience, after)) = first else {
                return Ok(None);
            };
            let unreadable = |error| StoreError::Internal(format!("audience of {activity}: {error}"));
            Ok(Some(Spread {
                activity,
                actor,
                at,
                audience: serde_json::from_str(&audience).map_err(unreadable)?,
                after,
                ahead: VecDeque::new(),
                is_all: false,
            }))
        })
    }

    /// Queues the next pages of an activity: some while nobody waits, else one. Gives it back while there is more; `None`
    /// when all are queued, or when somebody else has gone on with it.
    ///
    /// # Errors
    /// When the database does not answer; then none of these pages is queued.
    pub fn spread_on(&self, m: Moment, mut spread: Spread) -> Result<Option<Spread>, StoreError> {
        if spread.ahead.len() < PAGE * PAGES && !spread.is_all {
            let who = (spread.actor, &spread.audience);
            let found = self.read(|db| places_after(db, who, &spread.after, AHEAD))?;
            spread.is_all = found.len() < AHEAD;
            spread.ahead = found.into();
        }
        self.write_at_leisure(move |tx| {
            for _ in 0..PAGES {
                if !spread.page(tx, m.now)? || spread.is_done() {
                    return Ok(None);
                }
                if (tx.is_awaited)() {
                    break;
                }
            }
            Ok(Some(spread))
        })
    }
}

impl Spread {
    /// Queues one page; false, and nothing queued, when somebody else has gone on with it.
    fn page(&mut self, tx: &mut Tx<'_>, now: Millis) -> Result<bool, StoreError> {
        let page: Vec<Place> = self.ahead.drain(..PAGE.min(self.ahead.len())).collect();
        let end = page.last().unwrap_or(&self.after).clone();
        let after = (!self.is_done()).then_some(&end);
        if !go_on(tx.db, self.activity, &self.after, after)? {
            return Ok(false);
        }
        enqueue(tx.db, now, self.at, &each(self.activity, &page))?;
        self.after = end;
        Ok(true)
    }

    fn is_done(&self) -> bool {
        self.is_all && self.ahead.is_empty()
    }
}

/// Queues the activity at `seq` of the log for all who are meant; false, and nothing queued, when they are so many that it
/// is to be told little by little.
pub(crate) fn at_once(db: &mut Db, now: Millis, seq: i64, new: &NewActivity) -> Result<bool, StoreError> {
    let who = (new.actor, &new.audience);
    if may_exceed(db, who, PAGE)? {
        return Ok(false);
    }
    let places = places_after(db, who, &Place::default(), PAGE + 1)?;
    let few = places.len() <= PAGE;
    if few {
        enqueue(db, now, now, &each(seq, &places))?;
    }
    Ok(few)
}

/// Notes that the activity at `seq` of the log is to be queued for all who are meant.
pub(crate) fn begin(db: &mut Db, seq: i64, new: &NewActivity) -> Result<(), StoreError> {
    let audience = serde_json::to_string(&new.audience)
        .map_err(|error| StoreError::Internal(format!("audience: {error}")))?;
    let begun = diesel::insert_into(spreads::table).values((
        spreads::activity.eq(seq),
        spreads::audience.eq(audience),
        spreads::after_host.eq(""),
        spreads::after_inbox.eq(""),
    ));
    kept(begun).execute(db)?;
    Ok(())
}

/// Moves on from `before`, or ends there; false when it is no longer there.
fn go_on(db: &mut Db, activity: i64, before: &Place, after: Option<&Place>) -> Result<bool, StoreError> {
    let here = spreads::table.find(activity).filter(
        spreads::after_host
            .eq(&before.0)
            .and(spreads::after_inbox.eq(&before.1)),
    );
    let moved = match after {
        Some((host, inbox)) => {
            let moved = diesel::update(here)
                .set((spreads::after_host.eq(host), spreads::after_inbox.eq(inbox)))
                .returning(spreads::activity);
            kept(moved).get_results::<i64>(db)?.len()
        }
        None => diesel::delete(here).execute(db)?,
    };
    Ok(moved > 0)
}

/// The same activity to each of these places.
fn each(activity: i64, places: &[Place]) -> Vec<New<'_>> {
    let new = places.iter().map(|(host, inbox)| New(activity, host, inbox));
    new.collect()
}
