//! The servers we deliver to: how each is doing, and when to try again.
//!
//! `due_at` is the one column by which hosts are taken: nothing when nothing waits or an admin holds the host back, the
//! end of the claim while one holds, else when the next attempt may be made. The longest due comes first, and whoever
//! was served goes to the end, so no host starves another. Next: `claims.rs`, who works on which; what an admin does
//! to a host is `pauses.rs`.

use diesel::prelude::*;

use crate::connection::Db;
use crate::kept::kept;
use crate::schema::hosts;
use crate::{Id, Millis, Moment, Store, StoreError};

/// How long the state of a host to which nothing goes any more is kept.
pub const IDLE_HOSTS_KEPT: Millis = 30 * 24 * 60 * 60 * 1000;

/// A server we deliver to, by host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, with the port when the inbox names one.
    pub host: String,
    /// How many deliveries wait for it.
    pub waiting: i64,
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Millis>,
    /// When the next attempt may be made, if it must wait.
    pub retry_at: Option<Millis>,
    /// Who sends to it now, and until when at the most.
    pub claimed: Option<(String, Millis)>,
    /// When it last took something.
    pub last_success_at: Option<Millis>,
    /// When it last failed.
    pub last_failure_at: Option<Millis>,
    /// The HTTP status of its last failure, if it came as far.
    pub last_status: Option<u16>,
    /// What the last failure was, in words.
    pub last_reason: Option<String>,
    /// Until when it asked to be left alone, if it did.
    pub asked_until: Option<Millis>,
    /// Since when an admin holds it back, and why.
    pub paused: Option<Pause>,
    idle_since: Option<Millis>,
}

/// That an admin holds a host back: what waits for it stays, and nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub at: Millis,
    /// By whom.
    pub by: Option<Id>,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Notes that a host lives, because it sent something signed: what waits for it may be tried at once, unless it asked
    /// to be left alone. True when something became due by that. Costs one read while the host is well.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn host_answered(&self, m: Moment, host: &str) -> Result<bool, StoreError> {
        let failing: bool = self.glance(|db| {
            let failing = hosts::table.find(host).filter(hosts::failures.gt(0));
            Ok(diesel::select(diesel::dsl::exists(failing)).get_result(db)?)
        })?;
        if !failing {
            return Ok(false);
        }
        let host = host.to_owned();
        self.write_beside(move |tx| {
            let Some(mut host) = lock(tx.db, &host)? else {
                return Ok(false);
            };
            let asked_until = host.asked_until.filter(|until| *until > m.now);
            host.recovered();
            (host.retry_at, host.asked_until) = (asked_until, asked_until);
            save(tx.db, m.now, &host)?;
            Ok(host.may_be_claimed() && host.claimed.is_none() && asked_until.is_none())
        })
    }

    /// How one host is doing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn host(&self, host: &str) -> Result<Option<Host>, StoreError> {
        let host = host.to_owned();
        self.read(move |db| {
            Ok(hosts::table
                .find(host)
                .select(Row::as_select())
                .first(db)
                .optional()?
                .map(from_row))
        })
    }

    /// Forgets at most `limit` hosts for which nothing has waited since `before`; says how many went.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_hosts(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_behind(move |tx| {
            let idle = hosts::table
                .filter(hosts::idle_since.lt(before))
                .order(hosts::idle_since)
                .limit(i64::from(limit))
                .select(hosts::host);
            let old: Vec<String> = match &mut *tx.db {
                Db::Sqlite(conn) => idle.load(conn)?,
                Db::Postgres(conn) => idle.for_update().skip_locked().load(conn)?,
            };
            Ok(diesel::delete(hosts::table.filter(hosts::host.eq_any(old))).execute(tx.db)?)
        })
    }
}

impl Host {
    pub(crate) fn is_held_by(&self, owner: &str) -> bool {
        self.claimed.as_ref().is_some_and(|(held_by, _)| held_by == owner)
    }

    /// Remembers the last failure.
    pub(crate) fn failed(&mut self, now: Millis, status: Option<u16>, reason: String) {
        self.last_failure_at = Some(now);
        self.last_status = status;
        self.last_reason = Some(reason);
    }

    /// Forgets the failures.
    pub(crate) fn recovered(&mut self) {
        self.failures = 0;
        self.failing_since = None;
        self.retry_at = None;
        self.asked_until = None;
    }

    /// Whether there is anything to take, and nobody holds it back.
    pub(crate) fn may_be_claimed(&self) -> bool {
        self.waiting > 0 && self.paused.is_none()
    }

    /// When a worker may take it; `None` when there is nothing to take.
    fn due_at(&self, now: Millis) -> Option<Millis> {
        match &self.claimed {
            Some((_, until)) => Some(*until),
            None => self
                .may_be_claimed()
                .then(|| self.retry_at.unwrap_or(now).max(now)),
        }
    }
}

/// A host's row for a change; on PostgreSQL nobody else can change it before this transaction ends. Whoever changes
/// deliveries locks their host first.
pub(crate) fn lock(db: &mut Db, host: &str) -> Result<Option<Host>, StoreError> {
    let row = hosts::table.find(host.to_owned());
    let row: Option<Row> = match db {
        Db::Sqlite(conn) => row.select(Row::as_select()).first(conn).optional()?,
        Db::Postgres(conn) => row.select(Row::as_select()).for_update().first(conn).optional()?,
    };
    Ok(row.map(from_row))
}

/// What becomes of a host that is known when more is queued for it.
pub(crate) const MORE_WAITS: &str = "ON CONFLICT (host) DO UPDATE SET
    waiting = hosts.waiting + excluded.waiting,
    idle_since = NULL,
    due_at = CASE
        WHEN hosts.due_at IS NOT NULL OR hosts.paused_at IS NOT NULL THEN hosts.due_at
        WHEN hosts.retry_at > excluded.due_at THEN hosts.retry_at
        ELSE excluded.due_at END";

/// Writes a locked host back, with the columns that follow from the others.
pub(crate) fn save(db: &mut Db, now: Millis, host: &Host) -> Result<(), StoreError> {
    let due_at = host.due_at(now);
    let idle = due_at.is_none() && host.paused.is_none();
    let (owner, until) = host.claimed.clone().unzip();
    let pause = host.paused.as_ref();
    let saved = diesel::update(hosts::table.find(&host.host)).set((
        hosts::waiting.eq(host.waiting),
        hosts::due_at.eq(due_at),
        hosts::idle_since.eq(idle.then(|| host.idle_since.unwrap_or(now))),
        hosts::lease_owner.eq(owner),
        hosts::lease_until.eq(until),
        hosts::retry_at.eq(host.retry_at),
        hosts::failures.eq(i64::from(host.failures)),
        hosts::failing_since.eq(host.failing_since),
        hosts::last_success_at.eq(host.last_success_at),
        hosts::last_failure_at.eq(host.last_failure_at),
        hosts::last_status.eq(host.last_status.map(i64::from)),
        hosts::last_reason.eq(&host.last_reason),
        hosts::asked_until.eq(host.asked_until),
        hosts::paused_at.eq(pause.map(|pause| pause.at)),
        hosts::paused_by.eq(pause.and_then(|pause| pause.by)),
        hosts::paused_why.eq(pause.map(|pause| &pause.reason)),
    ));
    kept(saved).execute(db)?;
    Ok(())
}

/// A row as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = hosts)]
pub(crate) struct Row {
    pub(crate) host: String,
    waiting: i64,
    pub(crate) due_at: Option<Millis>,
    idle_since: Option<Millis>,
    lease_owner: Option<String>,
    lease_until: Option<Millis>,
    retry_at: Option<Millis>,
    failures: i64,
    pub(crate) failing_since: Option<Millis>,
    last_success_at: Option<Millis>,
    last_failure_at: Option<Millis>,
    last_status: Option<i64>,
    last_reason: Option<String>,
    asked_until: Option<Millis>,
    pub(crate) paused_at: Option<Millis>,
    paused_by: Option<Id>,
    paused_why: Option<String>,
}

pub(crate) fn from_row(row: Row) -> Host {
    Host {
        host: row.host,
        waiting: row.waiting,
        failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
        failing_since: row.failing_since,
        retry_at: row.retry_at,
        claimed: row.lease_owner.zip(row.lease_until),
        last_success_at: row.last_success_at,
        last_failure_at: row.last_failure_at,
        last_status: row.last_status.and_then(|status| u16::try_from(status).ok()),
        last_reason: row.last_reason,
        asked_until: row.asked_until,
        paused: row.paused_at.map(|at| Pause {
            at,
            by: row.paused_by,
            reason: row.paused_why.unwrap_or_default(),
        }),
        idle_since: row.idle_since,
    }
}
