//! The hosts as an admin sees them, and what an admin does to one: try it now, hold it back, let it go on, drop what
//! waits for it. Each list is answered from an index, however much waits.
//!
//! How hosts do by themselves is in `hosts.rs`. Next: nothing; this is the end of the way out.

use diesel::prelude::*;

use crate::connection::Db;
use crate::hosts::{self, Host, Pause, Row, from_row};
use crate::moderation_log::{Entry, log};
use crate::paging::whole;
use crate::queue::give_up_first;
use crate::schema::{accounts, hosts as rows};
use crate::shelf::Shelf;
use crate::{GiveUp, Id, Millis, Moment, Page, Paging, Store, StoreError};

/// How long a delivery to a host that is held back is kept; as long as one to a host that does not answer.
pub const HELD_BACK_KEPT: Millis = 8 * 24 * 60 * 60 * 1000;

/// How many deliveries are dropped in one transaction.
const AT_ONCE: u32 = 1000;

/// Which hosts to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelved {
    /// Those for which something waits and that nobody holds back, the first to be tried first.
    Waiting,
    /// Those whose last attempt failed, the longest failing first.
    Failing,
    /// Those that an admin holds back, the longest first.
    Paused,
}

impl Shelved {
    /// The shelf with that word in the API.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "waiting" => Some(Self::Waiting),
            "failing" => Some(Self::Failing),
            "paused" => Some(Self::Paused),
            _ => None,
        }
    }
}

/// A part of the list of hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostQuery {
    /// Only these; all by name if not given.
    pub only: Option<Shelved>,
    /// Which page.
    pub paging: Paging,
}

/// A host as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedHost {
    /// How it is doing.
    pub host: Host,
    /// When the delivery that waits longest for it was queued.
    pub oldest_waiting_at: Option<Millis>,
    /// The name of the account that holds it back.
    pub paused_by: Option<String>,
}

/// An admin's order about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOrder {
    /// The host, with the port when its inboxes name one.
    pub host: String,
    /// Who gives it.
    pub by: Id,
    /// Why; cut after 500 characters.
    pub reason: String,
}

impl Store {
    /// How the hosts are doing.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn hosts(&self, query: &HostQuery) -> Result<Page<QueuedHost>, StoreError> {
        self.read(|db| {
            let page = match query.only {
                None => by_name(db, &query.paging)?,
                Some(shelf) => by_time(db, shelf, &query.paging)?,
            };
            page.try_map(|row| seen(db, from_row(row)))
        })
    }

    /// How one host is doing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn queued_host(&self, host: &str) -> Result<Option<QueuedHost>, StoreError> {
        self.read(|db| {
            let row = rows::table.find(host).select(Row::as_select());
            let row: Option<Row> = row.first(db).optional()?;
            row.map(|row| seen(db, from_row(row))).transpose()
        })
    }

    /// Makes what waits for a host due at once, however often it failed and whatever it asked for.
    ///
    /// # Errors
    /// `NotFound` for a host to which nothing was ever to be delivered; `Refused` for one that is held back.
    pub fn retry_now(&self, m: Moment, host: &str) -> Result<(), StoreError> {
        let host = host.to_owned();
        self.write_beside(move |tx| {
            let mut host = locked(tx.db, &host)?;
            if host.paused.is_some() {
                let why = "This server is held back; let it go on to have it tried.";
                return Err(StoreError::Refused(why.to_owned()));
            }
            (host.retry_at, host.asked_until) = (None, None);
            hosts::save(tx.db, m.now, &host)
        })
    }

    /// Holds a host back: at most the request under way still ends, then nothing is sent until it is let go on. Once more
    /// says another reason.
    ///
    /// # Errors
    /// `NotFound` for a host to which nothing was ever to be delivered.
    pub fn pause_host(&self, mut m: Moment, order: HostOrder) -> Result<(), StoreError> {
        self.write_beside(move |tx| {
            let mut host = locked(tx.db, &order.host)?;
            let at = host.paused.as_ref().map_or(m.now, |pause| pause.at);
            host.paused = Some(Pause {
                at,
                by: Some(order.by),
                reason: crate::deliveries::bounded(&order.reason),
            });
            hosts::save(tx.db, m.now, &host)?;
            note(tx.db, &mut m, "pause", &order)
        })
    }

    /// Lets a host go on that was held back; what waits for it is due when it would have been.
    ///
    /// # Errors
    /// `NotFound` for a host that is not held back.
    pub fn resume_host(&self, mut m: Moment, order: HostOrder) -> Result<(), StoreError> {
        self.write_beside(move |tx| {
            let mut host = locked(tx.db, &order.host)?;
            if host.paused.take().is_none() {
                return Err(StoreError::NotFound { what: "pause" });
            }
            hosts::save(tx.db, m.now, &host)?;
            note(tx.db, &mut m, "resume", &order)
        })
    }

    /// Gives up what waits for a host, the oldest first, at most some `limit` deliveries, a thousand in a transaction; the
    /// first transaction writes the moderation log. Says how many went; there may be more.
    ///
    /// # Errors
    /// `NotFound` for a host to which nothing was ever to be delivered.
    pub fn drop_deliveries_to(
        &self,
        mut m: Moment,
        order: HostOrder,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let these = GiveUp {
            host: order.host.clone(),
            queued_before: Millis::MAX,
            reason: format!("dropped: {}", order.reason),
        };
        let (first, now) = (these.clone(), m.now);
        let mut dropped = self.write_beside(move |tx| {
            locked(tx.db, &order.host)?;
            note(tx.db, &mut m, "drop", &order)?;
            give_up_first(tx.db, m.now, &first, limit.min(AT_ONCE))
        })?;
        let mut some = dropped;
        while some == AT_ONCE as usize && dropped < limit as usize {
            some = self.give_up_some(now, these.clone(), AT_ONCE)?;
            dropped += some;
        }
        Ok(dropped)
    }

    /// Gives up at most some `limit` deliveries to hosts that are held back, queued before `before`; says how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_held_back(&self, now: Millis, before: Millis, limit: u32) -> Result<usize, StoreError> {
        let held: Vec<String> = self.read(|db| {
            Ok(rows::table
                .filter(rows::paused_at.is_not_null().and(rows::waiting.gt(0)))
                .select(rows::host)
                .load(db)?)
        })?;
        let mut given_up = 0;
        for host in held {
            let these = GiveUp {
                host,
                queued_before: before,
                reason: "given up: the server was held back for too long".to_owned(),
            };
            given_up += self.give_up_some(now, these, limit)?;
            if given_up >= limit as usize {
                break;
            }
        }
        Ok(given_up)
    }
}

fn locked(db: &mut Db, host: &str) -> Result<Host, StoreError> {
    hosts::lock(db, host)?.ok_or(StoreError::NotFound { what: "server" })
}

fn note(db: &mut Db, m: &mut Moment, act: &str, order: &HostOrder) -> Result<(), StoreError> {
    let reason = crate::deliveries::bounded(&order.reason);
    let entry = Entry {
        by: Some(order.by),
        act,
        target_kind: "server",
        target_id: &order.host,
        target_label: &order.host,
        reason: &reason,
    };
    log(db, m, &entry)
}

/// A host with what stands in other rows.
fn seen(db: &mut Db, host: Host) -> Result<QueuedHost, StoreError> {
    let oldest = match host.waiting {
        0 => None,
        _ => Shelf::waiting(db, &host.host, 1)?.pop(),
    };
    let by = host.paused.as_ref().and_then(|pause| pause.by);
    let paused_by = match by {
        Some(by) => accounts::table
            .find(by)
            .select(accounts::name)
            .first(db)
            .optional()?,
        None => None,
    };
    Ok(QueuedHost {
        host,
        oldest_waiting_at: oldest.map(|delivery| delivery.created_at),
        paused_by,
    })
}

fn by_name(db: &mut Db, paging: &Paging) -> Result<Page<Row>, StoreError> {
    let after = paging.after()?.map_or_else(String::new, |[host]| host);
    let found: Vec<Row> = rows::table
        .filter(rows::host.gt(after))
        .order(rows::host)
        .limit(paging.bounded() + 1)
        .select(Row::as_select())
        .load(db)?;
    Ok(Page::of(found, paging, |row| [row.host.clone()]))
}

fn by_time(db: &mut Db, shelf: Shelved, paging: &Paging) -> Result<Page<Row>, StoreError> {
    let after = match paging.after()? {
        Some([time, host]) => Some((whole(&time)?, host)),
        None => None,
    };
    let mut query = rows::table
        .limit(paging.bounded() + 1)
        .select(Row::as_select())
        .into_boxed();
    /// The column that the shelf goes by.
    macro_rules! by {
        ($time:expr) => {{
            query = query.filter($time.is_not_null()).order(($time, rows::host));
            if let Some((time, host)) = after {
                let later = $time.gt(time);
                query = query.filter(
                    later
                        .or($time.eq(time).and(rows::host.nullable().gt(host)))
                        .assume_not_null(),
                );
            }
        }};
    }
    match shelf {
        Shelved::Waiting => {
            by!(rows::due_at);
            query = query.filter(rows::waiting.gt(0).and(rows::paused_at.is_null()));
        }
        Shelved::Failing => by!(rows::failing_since),
        Shelved::Paused => by!(rows::paused_at),
    }
    let found: Vec<Row> = query.load(db)?;
    Ok(Page::of(found, paging, |row| {
        [row.time(shelf).to_string(), row.host.clone()]
    }))
}

impl Row {
    /// What the row is sorted by on a shelf.
    fn time(&self, shelf: Shelved) -> Millis {
        match shelf {
            Shelved::Waiting => self.due_at,
            Shelved::Failing => self.failing_since,
            Shelved::Paused => self.paused_at,
        }
        .unwrap_or(0)
    }
}
