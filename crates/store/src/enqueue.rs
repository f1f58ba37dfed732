//! New deliveries: the one way into the queue. Each waits behind what waits for its host already, is counted with the host,
//! and makes that due if nothing waited for it. Who is meant is known before (`audience.rs`). Next: `deliveries.rs`, the
//! way of each delivery.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};
use serde::Serialize;

use crate::connection::Db;
use crate::hosts::MORE_WAITS;
use crate::kept::kept;
use crate::{Millis, StoreError};

/// An activity that is to go to an inbox on a host.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct New<'a>(pub(crate) i64, pub(crate) &'a str, pub(crate) &'a str);

/// Queues deliveries in this order, as from `at`. All with one or two statements, however many: they are handed over as
/// one value. Hosts come in the order of names, so that no two who lock several of them wait for each other.
pub(crate) fn enqueue(db: &mut Db, now: Millis, at: Millis, new: &[New<'_>]) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    match db {
        Db::Sqlite(conn) => {
            let rows = serde_json::to_string(new)
                .map_err(|error| StoreError::Internal(format!("deliveries: {error}")))?;
            let queue = sql_query(
                "INSERT INTO deliveries (created_at, state, attempts, activity, host, inbox)
                 SELECT ?, 'waiting', 0, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)",
            );
            kept(queue.bind::<BigInt, _>(at).bind::<Text, _>(&rows)).execute(conn)?;
            let count = sql_query(format!(
                "INSERT INTO hosts (due_at, failures, host, waiting)
                 SELECT ?, 0, value ->> 1, COUNT(*) FROM json_each(?) GROUP BY 3 ORDER BY 3 {MORE_WAITS}"
            ));
            kept(count.bind::<BigInt, _>(now).bind::<Text, _>(&rows)).execute(conn)?;
        }
        Db::Postgres(conn) => {
            let (activities, hosts, inboxes) = columns(new);
            let both = sql_query(format!(
                "WITH queued AS (
                    INSERT INTO deliveries (created_at, state, attempts, activity, host, inbox)
                    SELECT $1, 'waiting', 0, activity, host, inbox
                    FROM unnest($2, $3, $4) WITH ORDINALITY AS new (activity, host, inbox, place) ORDER BY place
                    RETURNING host)
                 INSERT INTO hosts (due_at, failures, host, waiting)
                 SELECT $5, 0, host, COUNT(*) FROM queued GROUP BY host ORDER BY host {MORE_WAITS}"
            ));
            let both = both.bind::<BigInt, _>(at).bind::<Array<BigInt>, _>(activities);
            let both = both.bind::<Array<Text>, _>(hosts).bind::<Array<Text>, _>(inboxes);
            kept(both.bind::<BigInt, _>(now)).execute(conn)?;
        }
    }
    Ok(())
}

fn columns<'a>(new: &[New<'a>]) -> (Vec<i64>, Vec<&'a str>, Vec<&'a str>) {
    let (mut activities, mut hosts, mut inboxes) = (Vec::new(), Vec::new(), Vec::new());
    for New(activity, host, inbox) in new {
        activities.push(*activity);
        hosts.push(*host);
        inboxes.push(*inbox);
    }
    (activities, hosts, inboxes)
}
