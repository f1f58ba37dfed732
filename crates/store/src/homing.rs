//! Brings SQLite's log home: pages that were committed are copied from the log into the file by a thread of its own, with
//! a connection of its own, while the writer goes on. The writer would else do it in the midst of a commit, for which
//! somebody waits, and does so still if this cannot keep up. Next: `sqlite.rs`, which starts it, and `writer.rs`, which
//! tells it of commits.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;
use parking_lot::{Condvar, Mutex};

use crate::StoreError;
use crate::connection::Db;

/// How many pages the log may hold: 16 MiB. What was written many times until then is brought home once.
const PAGES: i32 = 4096;
/// How long after a commit the log is looked at, and all that were committed meanwhile with it.
const LOOK: Duration = Duration::from_millis(50);
/// How often in a row what was committed in the meantime is brought home too: once nothing is left, the log begins anew.
const ROUNDS: usize = 8;

/// The thread and its bell. Dropping it ends the thread.
pub(crate) struct Homing {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

/// Rung at each commit.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    come: Condvar,
}

#[derive(Default)]
struct State {
    rung: bool,
    closed: bool,
}

impl Bell {
    /// Tells of a commit.
    pub(crate) fn ring(&self) {
        let was_rung = std::mem::replace(&mut self.state.lock().rung, true);
        if !was_rung {
            self.come.notify_one();
        }
    }

    /// Waits for a commit and for a while after it; false when it is over.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.rung && !state.closed {
            self.come.wait(&mut state);
        }
        while !state.closed && !self.come.wait_for(&mut state, LOOK).timed_out() {}
        state.rung = false;
        !state.closed
    }
}

impl Homing {
    /// Starts the thread on a connection.
    pub(crate) fn start(mut db: Db) -> Result<Self, StoreError> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        let thread = std::thread::Builder::new()
            .name("store-homing".into())
            .spawn(move || {
                while heard.wait() {
                    if let Err(error) = bring_home(&mut db) {
                        tracing::warn!(%error, "the database's log is left to the writer for now");
                    }
                }
            })
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            bell,
            thread: Some(thread),
        })
    }

    /// What is to be rung at each commit.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

impl Drop for Homing {
    fn drop(&mut self) {
        self.bell.state.lock().closed = true;
        self.bell.come.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that brings the log home had panicked");
        }
    }
}

/// How many pages are in the log, and how many of them were brought home.
#[derive(Debug, QueryableByName)]
struct Log {
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// Brings everything home if the log is long, also if most of it is there: the writer begins it anew only when it finds all
/// of it at home and nobody reading it.
fn bring_home(db: &mut Db) -> Result<(), StoreError> {
    let mut state = checkpoint(db, "NOOP")?;
    if state.log < PAGES {
        return Ok(());
    }
    for _ in 0..ROUNDS {
        if state.checkpointed == state.log {
            break;
        }
        state = checkpoint(db, "PASSIVE")?;
    }
    Ok(())
}

fn checkpoint(db: &mut Db, how: &str) -> Result<Log, StoreError> {
    Ok(sql_query(format!("PRAGMA wal_checkpoint({how})")).get_result(db)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::connection::SimpleConnection;

    /// A file with a log of its own, of at least so many bytes, that nobody brings home; and who could.
    fn with_log(folder: &tempfile::TempDir, bytes: usize) -> (SqliteConnection, Db) {
        let file = folder.path().join("log.sqlite").display().to_string();
        let mut writer = SqliteConnection::establish(&file).expect("a file");
        writer
            .batch_execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE stones (weight BLOB);")
            .expect("a table");
        writer
            .batch_execute(&format!("INSERT INTO stones VALUES (zeroblob({bytes}));"))
            .expect("a row");
        let other = SqliteConnection::establish(&file).expect("the same file");
        (writer, Db::Sqlite(other))
    }

    #[test]
    fn a_long_log_is_brought_home_and_a_short_one_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut writer, mut db) = with_log(&folder, 1 << 20);
        bring_home(&mut db).expect("looked at");
        let short = checkpoint(&mut db, "NOOP").expect("a log");
        assert!(short.log > 256 && short.checkpointed == 0, "{short:?}");
        let more = format!("INSERT INTO stones VALUES (zeroblob({}));", 16 << 20);
        writer.batch_execute(&more).expect("a row");
        bring_home(&mut db).expect("brought home");
        let long = checkpoint(&mut db, "NOOP").expect("a log");
        assert!(long.log > PAGES && long.checkpointed == long.log, "{long:?}");
        // Whoever writes next begins the log anew.
        writer
            .batch_execute("INSERT INTO stones VALUES (NULL);")
            .expect("a row");
        assert!(checkpoint(&mut db, "NOOP").expect("a log").log < 8);
    }

    #[test]
    fn it_is_brought_home_when_a_commit_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let (writer, db) = with_log(&folder, 17 << 20);
        let homing = Homing::start(db).expect("a thread");
        homing.bell().ring();
        let mut own = Db::Sqlite(writer);
        while checkpoint(&mut own, "NOOP").expect("a log").checkpointed == 0 {
            std::thread::yield_now();
        }
    }
}
