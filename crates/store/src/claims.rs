//! Who works on which host: claiming, letting go, and taking over from workers that died.
//!
//! A worker claims a host for a while and is then the only one that sends to it, in this process or beside it. It shows
//! that it lives by beating; whoever falls silent is judged by the others, who then end its claims and leases. A claim
//! also runs out by itself, for those that nobody judges. Next: `settle.rs`, how the work goes.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::deliveries::{self, Delivery, Letter};
use crate::hosts::{Host, Row, from_row, lock, save};
use crate::kept::{kept, padded};
use crate::schema::{hosts, leases};
use crate::shelf::Shelf;
use crate::{Millis, Moment, Store, StoreError};

/// The beginning of the names under which workers beat.
const BEATS: &str = "beat ";

/// How many deliveries of a host come with its claim.
const FIRST: i64 = 16;

/// What a worker got to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// The hosts, each with the first deliveries that wait for it, in order: 16 at most.
    pub hosts: Vec<(Host, Vec<Delivery>)>,
    /// What the first delivery of each carries, by the number of the activity.
    pub letters: HashMap<i64, Letter>,
    /// When the first of the other hosts may be claimed, now or later; `None` when nothing waits for any.
    pub next_due: Option<Millis>,
}

impl Store {
    /// Claims at most `limit` hosts for which something waits and that may be tried now, the longest due first, until
    /// `lease` milliseconds from now. No other owner gets them before that, or before they are released. Writes nothing
    /// when none is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn claim_hosts(
        &self,
        m: Moment,
        owner: &str,
        lease: Millis,
        limit: u32,
    ) -> Result<Claimed, StoreError> {
        let owner = owner.to_owned();
        self.write_behind(move |tx| {
            let db = &mut *tx.db;
            let hosts = claim(db, m.now, &owner, (lease, limit))?;
            let names: Vec<&str> = hosts.iter().map(|host| host.host.as_str()).collect();
            let mut first = Shelf::waiting_for(db, &names, FIRST)?;
            let hosts: Vec<_> = hosts
                .into_iter()
                .map(|host| {
                    let first = first.remove(&host.host).unwrap_or_default();
                    (host, first)
                })
                .collect();
            let mut carried: Vec<i64> = hosts
                .iter()
                .filter_map(|(_, first)| Some(first.first()?.activity))
                .collect();
            carried.sort_unstable();
            carried.dedup();
            Ok(Claimed {
                hosts,
                letters: deliveries::letters(db, carried)?,
                next_due: next_due(db)?,
            })
        })
    }

    /// Lets go of a host; what still waits for it is due at once, or when its next attempt is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn release_host(&self, m: Moment, host: &str, owner: &str) -> Result<(), StoreError> {
        self.let_go(m.now, host, owner)
    }

    /// Lets go of every host that `owner` has claimed, but for those it names: it lost count of them when the database
    /// did not answer. One transaction for each; says how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn release_all_but(&self, m: Moment, owner: &str, at_work: &[String]) -> Result<usize, StoreError> {
        let mut lost = self.claimed_by(owner)?;
        lost.retain(|host| !at_work.contains(host));
        for host in &lost {
            self.let_go(m.now, host, owner)?;
        }
        Ok(lost.len())
    }

    /// Shows that a worker lives, and says how each worker beat last, itself included: by its name, and a number that
    /// changes with each beat. Whoever's number has stood still for long is dead.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn beat(&self, m: Moment, owner: &str) -> Result<Vec<(String, Millis)>, StoreError> {
        let (name, owner) = (format!("{BEATS}{owner}"), owner.to_owned());
        self.write_behind(move |tx| {
            let row = (
                leases::name.eq(&name),
                leases::owner.eq(&owner),
                leases::until.eq(m.now),
            );
            each!(&mut *tx.db, conn => diesel::insert_into(leases::table)
                .values(row)
                .on_conflict(leases::name)
                .do_update()
                .set(leases::until.eq(m.now))
                .execute(conn))?;
            Ok(leases::table
                .filter(leases::name.like(format!("{BEATS}%")))
                .order(leases::name)
                .select((leases::owner, leases::until))
                .load(tx.db)?)
        })
    }

    /// Ends every claim and lease of a worker that is dead, or that stops: what it had in hand is due at once. One
    /// transaction for each host; says how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn end_claims(&self, m: Moment, owner: &str) -> Result<usize, StoreError> {
        let held = self.release_all_but(m, owner, &[])?;
        let owner = owner.to_owned();
        self.write_behind(move |tx| {
            diesel::delete(leases::table.filter(leases::owner.eq(&owner))).execute(tx.db)?;
            Ok(held)
        })
    }

    fn let_go(&self, now: Millis, host: &str, owner: &str) -> Result<(), StoreError> {
        let (host, owner) = (host.to_owned(), owner.to_owned());
        self.write_behind(move |tx| {
            if let Some(mut host) = lock(tx.db, &host)?
                && host.is_held_by(&owner)
            {
                host.claimed = None;
                save(tx.db, now, &host)?;
            }
            Ok(())
        })
    }

    fn claimed_by(&self, owner: &str) -> Result<Vec<String>, StoreError> {
        self.read(|db| {
            Ok(hosts::table
                .filter(hosts::due_at.is_not_null().and(hosts::lease_owner.eq(owner)))
                .select(hosts::host)
                .load(db)?)
        })
    }

    /// Ends every claim: for the start of the only process on a database, when whoever held them cannot live any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn clear_leases(&self, m: Moment) -> Result<usize, StoreError> {
        // Behind what was begun in the background, or a claim that waits there would outlive this.
        self.write_at_leisure(move |tx| {
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
            diesel::delete(leases::table).execute(tx.db)?;
            Ok(held.len())
        })
    }
}

fn claim(
    db: &mut Db,
    now: Millis,
    owner: &str,
    (lease, limit): (Millis, u32),
) -> Result<Vec<Host>, StoreError> {
    let due = hosts::table
        .filter(hosts::due_at.le(now))
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
        rows.into_iter().map(from_row).partition(Host::may_be_claimed);
    // Left by workers that died after the last delivery and before they let go.
    for mut host in left {
        host.claimed = None;
        save(db, now, &host)?;
    }
    if claimed.is_empty() {
        return Ok(claimed);
    }
    let until = now.saturating_add(lease);
    let names = claimed.iter().map(|host| host.host.clone()).collect();
    let update = diesel::update(hosts::table.filter(hosts::host.eq_any(padded::<String>(names)))).set((
        hosts::lease_owner.eq(owner),
        hosts::lease_until.eq(until),
        hosts::due_at.eq(until),
    ));
    kept(update).execute(db)?;
    for host in &mut claimed {
        host.claimed = Some((owner.to_owned(), until));
    }
    Ok(claimed)
}

fn next_due(db: &mut Db) -> Result<Option<Millis>, StoreError> {
    let first = hosts::table
        .filter(hosts::due_at.is_not_null())
        .order(hosts::due_at)
        .select(hosts::due_at)
        .first::<Option<Millis>>(db)
        .optional()?;
    Ok(first.flatten())
}
