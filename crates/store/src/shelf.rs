//! The order of the queue: the numbers of deliveries in one state, of one host or of all, straight from an index.
//!
//! A planner that knows the table only by its statistics may think it cheaper to walk the whole table by number and
//! skip what does not fit, which takes seconds when a long history stands in front. So the queries here leave it no
//! such way: on PostgreSQL they ask for a range of whole index entries, which only that index has in order. What the
//! numbers stand for is read elsewhere, by number, except the head of one host's queue, which is read most. Next: `deliveries.rs`, who works the queue off.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};

use crate::StoreError;
use crate::connection::Db;
use crate::deliveries::{Delivery, DeliveryState};
use crate::kept::kept;

/// The deliveries in one state, of one host if one is named.
pub(crate) struct Shelf<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) state: DeliveryState,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// A delivery as it waits.
#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    activity: i64,
    #[diesel(sql_type = Text)]
    inbox: String,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Text)]
    host: String,
}

impl From<Waiting> for Delivery {
    fn from(row: Waiting) -> Self {
        Self {
            id: row.seq,
            activity: row.activity,
            inbox: row.inbox,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            created_at: row.created_at,
        }
    }
}

impl Shelf<'_> {
    /// The first deliveries that wait for a host, in order.
    pub(crate) fn waiting(db: &mut Db, host: &str, limit: i64) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<Waiting> = match db {
            Db::Sqlite(conn) => kept(
                sql_query(
                    "SELECT seq, activity, inbox, attempts, created_at, host FROM deliveries
                     WHERE host = ? AND state = 'waiting' ORDER BY seq LIMIT ?",
                )
                .bind::<Text, _>(host)
                .bind::<BigInt, _>(limit),
            )
            .load(conn)?,
            Db::Postgres(conn) => return Ok(of_each(conn, &[host], limit)?.remove(host).unwrap_or_default()),
        };
        Ok(rows.into_iter().map(Delivery::from).collect())
    }

    /// The first deliveries that wait for each of these hosts, in order; nothing of those for which none does.
    pub(crate) fn waiting_for(
        db: &mut Db,
        hosts: &[&str],
        limit: i64,
    ) -> Result<HashMap<String, Vec<Delivery>>, StoreError> {
        if let Db::Postgres(conn) = db {
            return of_each(conn, hosts, limit);
        }
        let mut all = HashMap::new();
        for host in hosts {
            all.insert((*host).to_owned(), Self::waiting(db, host, limit)?);
        }
        Ok(all)
    }

    /// The first numbers, the smallest first.
    pub(crate) fn first(&self, db: &mut Db, limit: i64) -> Result<Vec<i64>, StoreError> {
        self.numbers(db, i64::MAX, limit, "ASC")
    }

    /// The last numbers before `before`, the largest first.
    pub(crate) fn last(&self, db: &mut Db, before: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
        self.numbers(db, before, limit, "DESC")
    }

    fn numbers(&self, db: &mut Db, before: i64, limit: i64, order: &str) -> Result<Vec<i64>, StoreError> {
        let state = self.state.word();
        let rows: Vec<Number> = match (db, self.host) {
            (Db::Sqlite(conn), Some(host)) => sql_query(format!(
                "SELECT seq FROM deliveries WHERE host = ? AND state = ? AND seq < ? ORDER BY seq {order} LIMIT ?"
            ))
            .bind::<Text, _>(host)
            .bind::<Text, _>(state)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .load(conn)?,
            (Db::Sqlite(conn), None) => sql_query(format!(
                "SELECT seq FROM deliveries WHERE state = ? AND seq < ? ORDER BY seq {order} LIMIT ?"
            ))
            .bind::<Text, _>(state)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .load(conn)?,
            (Db::Postgres(conn), Some(host)) => sql_query(format!(
                "SELECT seq FROM deliveries
                 WHERE (host, state, seq) > ($1, $2, 0) AND (host, state, seq) < ($1, $2, $3)
                 ORDER BY host {order}, state {order}, seq {order} LIMIT $4"
            ))
            .bind::<Text, _>(host)
            .bind::<Text, _>(state)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .load(conn)?,
            (Db::Postgres(conn), None) => sql_query(format!(
                "SELECT seq FROM deliveries
                 WHERE (state, seq) > ($1, 0) AND (state, seq) < ($1, $2)
                 ORDER BY state {order}, seq {order} LIMIT $3"
            ))
            .bind::<Text, _>(state)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .load(conn)?,
        };
        Ok(rows.into_iter().map(|row| row.seq).collect())
    }
}

/// What waits for each host, with one statement for all of them.
fn of_each(
    conn: &mut PgConnection,
    hosts: &[&str],
    limit: i64,
) -> Result<HashMap<String, Vec<Delivery>>, StoreError> {
    let rows = sql_query(
        "SELECT waiting.* FROM unnest($1) AS of (name) CROSS JOIN LATERAL (
            SELECT seq, activity, inbox, attempts, created_at, host FROM deliveries
            WHERE (host, state, seq) > (of.name, 'waiting', 0)
                AND (host, state, seq) < (of.name, 'waiting', 9223372036854775807)
            ORDER BY host, state, seq LIMIT $2) AS waiting",
    )
    .bind::<Array<Text>, _>(hosts)
    .bind::<BigInt, _>(limit);
    let mut all: HashMap<String, Vec<Delivery>> = HashMap::new();
    for mut row in kept(rows).load::<Waiting>(conn)? {
        let host = std::mem::take(&mut row.host);
        all.entry(host).or_default().push(row.into());
    }
    for of_one in all.values_mut() {
        of_one.sort_unstable_by_key(|delivery| delivery.id);
    }
    Ok(all)
}
