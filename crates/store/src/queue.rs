//! The queue as an admin sees it: what waits and why, what was given up, and clearing up. Every list and every count
//! is answered from an index, however much waits.
//!
//! Working it off is in `settle.rs`. Next: `pauses.rs`, what an admin does to a host.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::connection::Db;
use crate::deliveries::{DeliveryState, bounded};
use crate::hosts::{self, Host};
use crate::moderation_log::{Entry, log};
use crate::schema::{activities, deliveries, records};
use crate::shelf::Shelf;
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError};

/// How long a delivery that has ended is kept, for whoever asks what became of it.
pub const ENDED_DELIVERIES_KEPT: Millis = 7 * 24 * 60 * 60 * 1000;

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryQuery {
    /// Only those to this host.
    pub host: Option<String>,
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Which page.
    pub paging: Paging,
}

/// A delivery as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its number.
    pub id: i64,
    /// The activity's id.
    pub activity_uri: String,
    /// The activity's type.
    pub kind: String,
    /// The local actor that sends it.
    pub actor: Id,
    /// Where it goes.
    pub inbox: String,
    /// The host of the inbox.
    pub host: String,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<u16>,
    /// Why it was not taken.
    pub reason: Option<String>,
    /// When it was queued.
    pub created_at: Millis,
    /// When it was last tried.
    pub tried_at: Option<Millis>,
    /// When it ended.
    pub done_at: Option<Millis>,
}

/// Deliveries that have waited too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveUp {
    /// Those to this host,
    pub host: String,
    /// queued before this time.
    pub queued_before: Millis,
    /// Why, for an admin.
    pub reason: String,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryCounts {
    /// Deliveries that wait.
    pub waiting: i64,
    /// Hosts for which something waits, and which nobody holds back.
    pub hosts_waiting: i64,
    /// Those of them whose last attempt failed.
    pub hosts_failing: i64,
    /// Hosts that an admin holds back.
    pub hosts_paused: i64,
    /// When the one that waits longest was queued.
    pub oldest_waiting_at: Option<Millis>,
}

impl Store {
    /// Deliveries, the newest first.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn deliveries(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRow>, StoreError> {
        let before = match query.paging.after()? {
            Some([seq]) => seq
                .parse()
                .map_err(|_| StoreError::Invalid("This cursor is not ours.".into()))?,
            None => i64::MAX,
        };
        self.read(|db| {
            // One state at a time, as the index has them; of all lists together the newest are taken.
            let states = query
                .state
                .map_or(DeliveryState::ALL.to_vec(), |state| vec![state]);
            let most = query.paging.bounded() + 1;
            let mut numbers = Vec::new();
            for state in states {
                let shelf = Shelf {
                    host: query.host.as_deref(),
                    state,
                };
                numbers.extend(shelf.last(db, before, most)?);
            }
            numbers.sort_by_key(|number| std::cmp::Reverse(*number));
            numbers.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            let rows: Vec<Row> = deliveries::table
                .inner_join(activities::table)
                .filter(deliveries::seq.eq_any(numbers))
                .order(deliveries::seq.desc())
                .select(Row::as_select())
                .load(db)?;
            Page::of(rows, &query.paging, |row| [row.seq.to_string()]).try_map(from_row)
        })
    }

    /// How much waits, in all and for how many hosts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn delivery_counts(&self) -> Result<DeliveryCounts, StoreError> {
        use crate::schema::hosts;
        self.read(|db| {
            let of = |at_work: bool| {
                let some = hosts::table.select((
                    sql::<Nullable<BigInt>>("CAST(SUM(waiting) AS BIGINT)"),
                    sql::<BigInt>("COUNT(*)"),
                    sql::<BigInt>("COUNT(CASE WHEN failures > 0 THEN 1 END)"),
                ));
                let some = some.into_boxed();
                if at_work {
                    some.filter(hosts::due_at.is_not_null().and(hosts::waiting.gt(0)))
                        .filter(hosts::paused_at.is_null())
                } else {
                    some.filter(hosts::paused_at.is_not_null())
                }
            };
            let (waiting, hosts_waiting, hosts_failing) = of(true).first::<(Option<i64>, i64, i64)>(db)?;
            let (held_back, hosts_paused, _) = of(false).first::<(Option<i64>, i64, i64)>(db)?;
            let oldest = Shelf {
                host: None,
                state: DeliveryState::Waiting,
            }
            .first(db, 1)?;
            let oldest_waiting_at = deliveries::table
                .filter(deliveries::seq.eq_any(oldest))
                .select(deliveries::created_at)
                .first(db)
                .optional()?;
            Ok(DeliveryCounts {
                waiting: waiting.unwrap_or(0) + held_back.unwrap_or(0),
                hosts_waiting,
                hosts_failing,
                hosts_paused,
                oldest_waiting_at,
            })
        })
    }

    /// Gives up at most `limit` of these deliveries, the oldest first, and says how many. Whoever holds the host may
    /// do so, and an admin, too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn give_up_deliveries(&self, m: Moment, these: GiveUp, limit: u32) -> Result<usize, StoreError> {
        self.give_up_some(m.now, these, limit)
    }

    pub(crate) fn give_up_some(&self, now: Millis, these: GiveUp, limit: u32) -> Result<usize, StoreError> {
        self.write_behind(move |tx| give_up_first(tx.db, now, &these, limit))
    }

    /// Gives up one delivery that waits, as an admin wishes, and writes that into the moderation log.
    ///
    /// # Errors
    /// `NotFound` for a delivery that does not exist or does not wait.
    pub fn drop_delivery(
        &self,
        mut m: Moment,
        delivery: i64,
        by: Id,
        reason: &str,
    ) -> Result<(), StoreError> {
        let reason = bounded(reason);
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let missing = || StoreError::NotFound {
                what: "waiting delivery",
            };
            let host: Option<String> = deliveries::table
                .find(delivery)
                .select(deliveries::host)
                .first(db)
                .optional()?;
            let mut host = hosts::lock(db, &host.ok_or_else(missing)?)?.ok_or_else(missing)?;
            if give_up(db, m.now, &mut host, &[delivery], &reason)? == 0 {
                return Err(missing());
            }
            let id = delivery.to_string();
            let entry = Entry {
                by: Some(by),
                act: "drop",
                target_kind: "delivery",
                target_id: &id,
                target_label: &host.host,
                reason: &reason,
            };
            log(db, &mut m, &entry)?;
            Ok(())
        })
    }

    /// Deletes at most `limit` deliveries that ended before `before`; says how many went. Those to named inboxes stay
    /// while what they carried stands, for nothing else tells whom to tell of its end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_deliveries(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_behind(move |tx| {
            let stands = records::table
                .filter(records::uri.nullable().eq(activities::object_uri))
                .filter(records::tombstoned_at.is_null());
            let old: Vec<i64> = deliveries::table
                .inner_join(activities::table)
                .filter(deliveries::done_at.lt(before))
                .filter(diesel::dsl::not(
                    activities::addressed.eq(true).and(diesel::dsl::exists(stands)),
                ))
                .order(deliveries::done_at)
                .limit(i64::from(limit))
                .select(deliveries::seq)
                .load(tx.db)?;
            Ok(diesel::delete(deliveries::table.filter(deliveries::seq.eq_any(old))).execute(tx.db)?)
        })
    }
}

/// Gives up at most `limit` of these deliveries, the oldest first; says how many.
pub(crate) fn give_up_first(
    db: &mut Db,
    now: Millis,
    these: &GiveUp,
    limit: u32,
) -> Result<usize, StoreError> {
    let Some(mut host) = hosts::lock(db, &these.host)? else {
        return Ok(0);
    };
    let first = Shelf::waiting(db, &these.host, i64::from(limit))?;
    let old = first
        .iter()
        .filter(|delivery| delivery.created_at < these.queued_before);
    let old: Vec<i64> = old.map(|delivery| delivery.id).collect();
    give_up(db, now, &mut host, &old, &bounded(&these.reason))
}

/// Ends those of these deliveries of one locked host that wait; says how many.
pub(crate) fn give_up(
    db: &mut Db,
    now: Millis,
    host: &mut Host,
    which: &[i64],
    reason: &str,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for some in which.chunks(500) {
        ended += diesel::update(deliveries::table)
            .filter(
                deliveries::seq
                    .eq_any(some.to_vec())
                    .and(deliveries::state.eq("waiting")),
            )
            .set((
                deliveries::state.eq("refused"),
                deliveries::done_at.eq(now),
                deliveries::reason.eq(reason),
            ))
            .execute(db)?;
    }
    host.waiting -= i64::try_from(ended).unwrap_or(0);
    hosts::save(db, now, host)?;
    Ok(ended)
}

/// A row as it is stored, with what it carries.
#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct Row {
    seq: i64,
    inbox: String,
    host: String,
    state: String,
    attempts: i64,
    status: Option<i64>,
    reason: Option<String>,
    created_at: Millis,
    tried_at: Option<Millis>,
    done_at: Option<Millis>,
    #[diesel(embed)]
    carried: Carried,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = activities)]
struct Carried {
    uri: String,
    kind: String,
    actor_id: Id,
}

fn from_row(row: Row) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        id: row.seq,
        activity_uri: row.carried.uri,
        kind: row.carried.kind,
        actor: row.carried.actor_id,
        inbox: row.inbox,
        host: row.host,
        state: DeliveryState::parse(&row.state)?,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        status: row.status.and_then(|status| u16::try_from(status).ok()),
        reason: row.reason,
        created_at: row.created_at,
        tried_at: row.tried_at,
        done_at: row.done_at,
    })
}
