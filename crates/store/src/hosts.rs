//! The servers we deliver to: who is working on which, how each is doing, when to try again.
//!
//! A worker claims a host for a while and is then the only one that sends to it, in this process or beside it; a claim
//! that is not renewed runs out by itself. `due_at` is the one column by which hosts are taken: nothing when nothing
//! waits, the end of the claim while one holds, else when the next attempt may be made. The longest due comes first,
//! and whoever was served goes to the end, so no host starves another. Next: `deliveries.rs`, what waits for a host.

use diesel::prelude::*;

use crate::connection::Db;
use crate::schema::hosts;
use crate::{Millis, Moment, Page, Paging, Store, StoreError};

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
    idle_since: Option<Millis>,
}

impl Store {
    /// Claims at most `limit` hosts for which something waits and that may be tried now, the longest due first, until
    /// `lease` milliseconds from now. No other owner gets them before that, or before they are released.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn claim_hosts(
        &self,
        m: Moment,
        owner: &str,
        lease: Millis,
        limit: u32,
    ) -> Result<Vec<Host>, StoreError> {
        let owner = owner.to_owned();
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let due = hosts::table
                .filter(hosts::due_at.le(m.now))
                .order((hosts::due_at, hosts::host))
                .limit(i64::from(limit));
            let rows: Vec<Row> = match db {
                Db::Sqlite(conn) => due.select(Row::as_select()).load(conn)?,
                Db::Postgres(conn) => due
                    .select(Row::as_select())
                    .for_update()
                    .skip_locked()
                    .load(conn)?,
            };
            let (mut claimed, left): (Vec<Host>, Vec<Host>) =
                rows.into_iter().map(from_row).partition(|host| host.waiting > 0);
            // Left by workers that died after the last delivery and before they let go.
            for mut host in left {
                host.claimed = None;
                save(db, m.now, &host)?;
            }
            let until = m.now.saturating_add(lease);
            let names: Vec<&str> = claimed.iter().map(|host| host.host.as_str()).collect();
            diesel::update(hosts::table.filter(hosts::host.eq_any(names)))
                .set((
                    hosts::lease_owner.eq(&owner),
                    hosts::lease_until.eq(until),
                    hosts::due_at.eq(until),
                ))
                .execute(db)?;
            for host in &mut claimed {
                host.claimed = Some((owner.clone(), until));
            }
            Ok(claimed)
        })
    }

    /// Lets go of a host; what still waits for it is due at once, or when its next attempt is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn release_host(&self, m: Moment, host: &str, owner: &str) -> Result<(), StoreError> {
        let (host, owner) = (host.to_owned(), owner.to_owned());
        self.write_beside(move |tx| {
            if let Some(mut host) = lock(tx.db, &host)?
                && host.is_held_by(&owner)
            {
                host.claimed = None;
                save(tx.db, m.now, &host)?;
            }
            Ok(())
        })
    }

    /// Ends every claim: for the start of the only process on a database, when whoever held them cannot live any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn clear_leases(&self, m: Moment) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let held: Vec<String> = hosts::table
                .filter(hosts::due_at.is_not_null().and(hosts::lease_owner.is_not_null()))
                .order(hosts::host)
                .select(hosts::host)
                .load(tx.db)?;
            for host in &held {
                if let Some(mut host) = lock(tx.db, host)? {
                    host.claimed = None;
                    save(tx.db, m.now, &host)?;
                }
            }
            diesel::delete(crate::schema::leases::table).execute(tx.db)?;
            Ok(held.len())
        })
    }

    /// Notes that a host lives, because it sent something signed: what waits for it may be tried at once. True when
    /// something became due by that. Costs one read while the host is well.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn host_answered(&self, m: Moment, host: &str) -> Result<bool, StoreError> {
        let failing = hosts::table.find(host).filter(hosts::failures.gt(0));
        if !self.read(|db| Ok(diesel::select(diesel::dsl::exists(failing)).get_result(db)?))? {
            return Ok(false);
        }
        let host = host.to_owned();
        self.write_beside(move |tx| {
            let Some(mut host) = lock(tx.db, &host)? else {
                return Ok(false);
            };
            host.recovered();
            save(tx.db, m.now, &host)?;
            Ok(host.waiting > 0 && host.claimed.is_none())
        })
    }

    /// Makes what waits for a host due at once, however often it failed.
    ///
    /// # Errors
    /// `NotFound` for a host to which nothing was ever to be delivered.
    pub fn retry_now(&self, m: Moment, host: &str) -> Result<(), StoreError> {
        let host = host.to_owned();
        self.write_beside(move |tx| {
            let mut host = lock(tx.db, &host)?.ok_or(StoreError::NotFound { what: "host" })?;
            host.retry_at = None;
            save(tx.db, m.now, &host)
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

    /// How the hosts are doing, by name.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn hosts(&self, paging: &Paging) -> Result<Page<Host>, StoreError> {
        self.read(|db| {
            let mut query = hosts::table
                .order(hosts::host)
                .limit(paging.bounded() + 1)
                .select(Row::as_select())
                .into_boxed();
            if let Some([after]) = paging.after()? {
                query = query.filter(hosts::host.gt(after));
            }
            let rows: Vec<Row> = query.load(db)?;
            Ok(Page::of(rows, paging, |row| [row.host.clone()]).map(from_row))
        })
    }

    /// When the first host may be claimed, now or later; `None` when nothing waits for any.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn next_due_host(&self) -> Result<Option<Millis>, StoreError> {
        self.read(move |db| {
            let first = hosts::table
                .filter(hosts::due_at.is_not_null())
                .order(hosts::due_at)
                .select(hosts::due_at)
                .first::<Option<Millis>>(db)
                .optional()?;
            Ok(first.flatten())
        })
    }

    /// Forgets at most `limit` hosts for which nothing has waited since `before`; says how many went.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_hosts(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_beside(move |tx| {
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

    /// Forgets the failures.
    pub(crate) fn recovered(&mut self) {
        self.failures = 0;
        self.failing_since = None;
        self.retry_at = None;
    }

    /// When a worker may take it; `None` when there is nothing to take.
    fn due_at(&self, now: Millis) -> Option<Millis> {
        match (&self.claimed, self.waiting) {
            (Some((_, until)), _) => Some(*until),
            (None, 0) => None,
            (None, _) => Some(self.retry_at.unwrap_or(now).max(now)),
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

/// Writes a locked host back, with the columns that follow from the others.
pub(crate) fn save(db: &mut Db, now: Millis, host: &Host) -> Result<(), StoreError> {
    let due_at = host.due_at(now);
    let (owner, until) = host.claimed.clone().unzip();
    diesel::update(hosts::table.find(&host.host))
        .set((
            hosts::waiting.eq(host.waiting),
            hosts::due_at.eq(due_at),
            hosts::idle_since.eq(due_at.is_none().then(|| host.idle_since.unwrap_or(now))),
            hosts::lease_owner.eq(owner),
            hosts::lease_until.eq(until),
            hosts::retry_at.eq(host.retry_at),
            hosts::failures.eq(i64::from(host.failures)),
            hosts::failing_since.eq(host.failing_since),
            hosts::last_success_at.eq(host.last_success_at),
            hosts::last_failure_at.eq(host.last_failure_at),
            hosts::last_status.eq(host.last_status.map(i64::from)),
            hosts::last_reason.eq(&host.last_reason),
        ))
        .execute(db)?;
    Ok(())
}

/// A row as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = hosts)]
struct Row {
    host: String,
    waiting: i64,
    idle_since: Option<Millis>,
    lease_owner: Option<String>,
    lease_until: Option<Millis>,
    retry_at: Option<Millis>,
    failures: i64,
    failing_since: Option<Millis>,
    last_success_at: Option<Millis>,
    last_failure_at: Option<Millis>,
    last_status: Option<i64>,
    last_reason: Option<String>,
}

fn from_row(row: Row) -> Host {
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
        idle_since: row.idle_since,
    }
}
