//! PostgreSQL's own ground: how a connection is made and set up, and the pool. Runs no verbs. Next: `engine.rs`.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use parking_lot::Mutex;

use crate::connection::{Db, Door, Place, Pool};
use crate::engine::Engine;
use crate::{StoreError, migrations};

/// Connections at most, for each process.
const MOST: u32 = 12;

/// Reaches the server, brings the schema up to date while no other process does, and makes the pool.
pub(crate) fn open(url: &str) -> Result<Engine, StoreError> {
    migrate(url)?;
    let pool = Pool::builder()
        .max_size(MOST)
        .min_idle(Some(1))
        // Each verb finds out for itself (`engine.rs`).
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(10))
        .build(Door(Place::Postgres(url.to_owned())))
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Engine::Postgres {
        pool,
        turn: Mutex::new(()),
    })
}

/// Runs the migrations that are missing, one process after the other.
pub(crate) fn migrate(url: &str) -> Result<(), StoreError> {
    let mut db = unhurried(url)?;
    batch(
        &mut db,
        "SELECT pg_advisory_lock(1936220525, hashtext(current_schema()))",
    )?;
    // The lock goes with the connection.
    migrations::run(&mut db)
}

/// A connection for verbs: no statement of theirs may hang for ever, nor may a silent network.
pub(crate) fn connect(url: &str) -> Result<Db, StoreError> {
    let mut db = unhurried(url)?;
    batch(
        &mut db,
        "SET statement_timeout = '60s'; SET lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '60s'",
    )?;
    Ok(db)
}

/// A connection for long work, such as migrations and backups.
pub(crate) fn unhurried(url: &str) -> Result<Db, StoreError> {
    let sep = if url.contains('?') { '&' } else { '?' };
    let mut bounded = url.to_owned();
    for (key, value) in [
        ("connect_timeout", "5"),
        ("tcp_user_timeout", "20000"),
        ("application_name", "shoal"),
    ] {
        if !url.contains(&format!("{key}=")) {
            bounded.push(if bounded.len() == url.len() { sep } else { '&' });
            bounded.push_str(key);
            bounded.push('=');
            bounded.push_str(value);
        }
    }
    let mut db = Db::Postgres(PgConnection::establish(&bounded)?);
    batch(
        &mut db,
        "SET client_min_messages = warning; SET standard_conforming_strings = on",
    )?;
    Ok(db)
}

fn batch(db: &mut Db, sql: &str) -> Result<(), StoreError> {
    Ok(db.batch_execute(sql)?)
}
