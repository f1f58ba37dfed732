//! Telling many: an activity with a large audience is written down at once, but queued page by page, each in a short
//! transaction of its own, so that whoever publishes meanwhile passes in between and the first are told while the last
//! are still being queued. How far it has come stands in the database, so a crash loses nothing and tells nobody twice.
//!
//! Who is meant is looked up as it goes on: who follows meanwhile may be told too, and who leaves has left after the
//! activity was logged, so what takes it back reaches them. Whoever spreads must finish one activity before the next is
//! written down (`built.rs`), for nothing may overtake. Next: `deliveries.rs`, the way of each delivery.

use std::collections::{BTreeMap, VecDeque};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use crate::built::{Audience, NewActivity, audience_of};
use crate::connection::{Db, insert_each};
use crate::hosts::more_waits;
use crate::kept::kept;
use crate::schema::{activities, deliveries, followers, past_followers, remote_actors, spreads};
use crate::{Id, Millis, Moment, Store, StoreError};

/// How many inboxes are queued in one transaction. An audience that is no larger is queued with its activity.
pub(crate) const PAGE: usize = 256;
/// How many inboxes are looked up at once.
const AHEAD: usize = 16_384;

/// An inbox and its host.
type Place = (String, String);

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

    /// Queues the next page of an activity. Gives it back while there is more; `None` when all are queued, or when
    /// somebody else has gone on with it.
    ///
    /// # Errors
    /// When the database does not answer; then this page is not queued.
    pub fn spread_on(&self, m: Moment, mut spread: Spread) -> Result<Option<Spread>, StoreError> {
        if spread.ahead.len() < PAGE && !spread.is_all {
            let found = self.read(|db| audience_after(db, &spread))?;
            spread.is_all = found.len() < AHEAD;
            spread.ahead = found.into();
        }
        let page: Vec<Place> = spread.ahead.drain(..PAGE.min(spread.ahead.len())).collect();
        let is_last = spread.is_all && spread.ahead.is_empty();
        let end = page.last().cloned().unwrap_or_else(|| spread.after.clone());
        let (activity, at) = (spread.activity, spread.at);
        let (before, after) = (std::mem::replace(&mut spread.after, end.clone()), end);
        let is_ours = self.write_at_leisure(move |tx| {
            if !go_on(tx.db, activity, &before, (!is_last).then_some(&after))? {
                return Ok(false);
            }
            queue(tx.db, (activity, at), &page)?;
            count(tx.db, m.now, &page)?;
            Ok(true)
        })?;
        Ok((is_ours && !is_last).then_some(spread))
    }
}

/// Whether so many may be meant that they are queued little by little.
pub(crate) fn is_wide(db: &mut Db, new: &NewActivity) -> Result<bool, StoreError> {
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let many = match &new.audience {
        Audience::Nobody => 0,
        Audience::Inboxes(inboxes) => inboxes.len(),
        Audience::Followers | Audience::FollowersAndPastRecipients { .. } => {
            let now = followers::table.filter(followers::actor_id.eq(new.actor));
            let past = past_followers::table.filter(past_followers::actor_id.eq(new.actor));
            let now: Vec<String> = now.select(followers::follower_id).limit(most).load(db)?;
            let past: Vec<String> = past.select(past_followers::follower_id).limit(most).load(db)?;
            now.len() + past.len()
        }
        Audience::KeepersOfRecords { .. } => {
            let who = remote_actors::table.filter(remote_actors::understands_records.eq(true));
            let who: Vec<Id> = who.select(remote_actors::id).limit(most).load(db)?;
            who.len()
        }
    };
    Ok(many > PAGE)
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

/// Who is meant and comes after the last that was queued, in order.
fn audience_after(db: &mut Db, spread: &Spread) -> Result<Vec<Place>, StoreError> {
    if let Audience::Inboxes(inboxes) = &spread.audience {
        let turned = inboxes.iter().map(|(inbox, host)| (host.clone(), inbox.clone()));
        let mut rest: Vec<Place> = turned.filter(|place| *place > spread.after).collect();
        rest.sort_unstable();
        rest.dedup();
        rest.truncate(AHEAD);
        return Ok(rest);
    }
    let Some((select, given)) = audience_of(db, spread.actor, &spread.audience) else {
        return Ok(Vec::new());
    };
    let mut query = sql_query(format!(
        "SELECT audience.host, audience.inbox
         FROM (SELECT CAST($1 AS TEXT) AS host, CAST($2 AS TEXT) AS inbox) AS done, ({select}) AS audience
         WHERE (audience.host, audience.inbox) > (done.host, done.inbox)
         ORDER BY audience.host, audience.inbox LIMIT {AHEAD}"
    ))
    .into_boxed()
    .bind::<Text, _>(&spread.after.0)
    .bind::<Text, _>(&spread.after.1);
    for value in given {
        query = query.bind::<Text, _>(value);
    }
    let rows: Vec<Row> = query.load(db)?;
    Ok(rows.into_iter().map(|row| (row.host, row.inbox)).collect())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = Text)]
    inbox: String,
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

fn queue(db: &mut Db, (activity, at): (i64, Millis), page: &[Place]) -> Result<(), StoreError> {
    let rows = page.iter().map(|(host, inbox)| {
        (
            deliveries::activity.eq(activity),
            deliveries::created_at.eq(at),
            deliveries::state.eq("waiting"),
            deliveries::attempts.eq(0),
            deliveries::host.eq(host),
            deliveries::inbox.eq(inbox),
        )
    });
    insert_each!(db, deliveries::table, rows.collect::<Vec<_>>(), insert => insert);
    Ok(())
}

/// Counts a page with its hosts.
fn count(db: &mut Db, now: Millis, page: &[Place]) -> Result<(), StoreError> {
    let mut queued = BTreeMap::new();
    for (host, _) in page {
        *queued.entry(host.as_str()).or_insert(0) += 1;
    }
    more_waits(db, now, &queued)
}
