//! How every verb of the store runs: `read` on a pooled connection and one instant's view, `write` as one transaction,
//! one after the other. Knows no tables. Next: the nouns, such as `accounts.rs`; below it `sqlite.rs` and `postgres.rs`.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::r2d2::PooledConnection;
use diesel::sql_query;
use parking_lot::Mutex;

use crate::connection::{Begin, Db, Door, Pool, READ, WRITE, begin, finish};
use crate::homing::Homing;
use crate::lanes::Lane;
use crate::observer::{News, Observer};
use crate::writer::Writer;
use crate::{Store, StoreError};

/// How long a verb waits for its turn to write on PostgreSQL before it gives up.
const LONGEST_TURN: Duration = Duration::from_secs(15);

/// The database behind a store.
pub(crate) enum Engine {
    /// One writer thread, a pool of readers, who brings the log home, and while serving the lock on the file.
    Sqlite {
        readers: Pool,
        writer: Writer,
        _homing: Homing,
        _lock: Option<crate::sqlite::Lock>,
    },
    /// One pool; `turn` is held by the verb of this process that is writing.
    Postgres { pool: Pool, turn: Mutex<()> },
}

/// What a writing verb has in hand: its transaction, and what it changes that the tracker must know.
pub(crate) struct Tx<'a> {
    pub(crate) db: &'a mut Db,
    pub(crate) news: &'a mut News,
    /// Whether others wait for its end: on PostgreSQL they always may.
    pub(crate) is_awaited: &'a dyn Fn() -> bool,
}

impl Store {
    /// Runs `verb` on a view of the database as it is at one instant.
    pub(crate) fn read<T>(
        &self,
        verb: impl FnOnce(&mut Db) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut begun = begun(self.engine.readers(), &READ)?;
        finish(&mut begun.db, verb)
    }

    /// Runs a verb that reads with one statement, which is of one instant without a transaction: on PostgreSQL one journey
    /// instead of three.
    pub(crate) fn glance<T>(&self, verb: impl Fn(&mut Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut line = line(self.engine.readers())?;
        match verb(&mut line.db) {
            Err(StoreError::Unavailable(_)) => {
                line.lost = true;
                drop(line);
                self.read(verb)
            }
            seen => seen,
        }
    }

    /// Runs `verb` as one transaction, while no other verb writes, in this process or beside it: what it checks stays
    /// true until it is committed, and `seq` columns grow in the order of commits. Returns after the commit, and after
    /// the observer heard what it changed for the tracker.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_in_turn(Lane::Prompt, verb)
    }

    /// As `write`, for what happens in the background: on SQLite those go first whose answers somebody waits for.
    pub(crate) fn write_at_leisure<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_in_turn(Lane::Patient, verb)
    }

    fn write_in_turn<T: Send + 'static>(
        &self,
        lane: Lane,
        verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => writer.run(lane, verb),
            Engine::Postgres { pool, turn } => {
                let busy = || StoreError::Unavailable("too many others are writing".into());
                let _turn = turn.try_lock_for(LONGEST_TURN).ok_or_else(busy)?;
                alone(pool, &self.observer, |tx| {
                    // Released by the commit, after it can be seen by others.
                    sql_query("SELECT pg_advisory_xact_lock(1936220524, hashtext(current_schema()))")
                        .execute(tx.db)?;
                    verb(tx)
                })
            }
        }
    }

    /// As `write`, but on PostgreSQL beside other writing verbs: for those that guard themselves, by unique keys with
    /// `on_conflict` and by conditions in their updates, and that are too frequent to queue. They must change nothing for the tracker.
    pub(crate) fn write_beside<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => writer.run(Lane::Prompt, verb),
            Engine::Postgres { pool, .. } => alone(pool, &self.observer, verb),
        }
    }

    /// As `write_beside`, for what happens in the background: on SQLite those go first whose answers somebody waits for.
    pub(crate) fn write_behind<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => writer.run(Lane::Patient, verb),
            Engine::Postgres { pool, .. } => alone(pool, &self.observer, verb),
        }
    }
}

/// One verb, one transaction, on a pooled connection of PostgreSQL.
fn alone<T>(
    pool: &Pool,
    observer: &Arc<Observer>,
    verb: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut news = News::default();
    let mut begun = begun(pool, &WRITE)?;
    let value = finish(&mut begun.db, |db| {
        verb(&mut Tx {
            db,
            news: &mut news,
            is_awaited: &|| true,
        })
    })?;
    observer.tell(&news);
    Ok(value)
}

impl Engine {
    fn readers(&self) -> &Pool {
        let (Self::Sqlite { readers: pool, .. } | Self::Postgres { pool, .. }) = self;
        pool
    }
}

/// A connection with a transaction begun. That is the first that is heard of it, so a connection that was lost while nobody
/// used it shows here, before anything was done, and makes room for another.
fn begun(pool: &Pool, with: &Begin) -> Result<PooledConnection<Door>, StoreError> {
    for _ in 0..pool.max_size() {
        let mut line = line(pool)?;
        match begin(&mut line.db, with) {
            Ok(()) => return Ok(line),
            Err(_) => line.lost = true,
        }
    }
    let mut last = line(pool)?;
    begin(&mut last.db, with).inspect_err(|_| last.lost = true)?;
    Ok(last)
}

fn line(pool: &Pool) -> Result<PooledConnection<Door>, StoreError> {
    pool.get()
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}
