//! SQLite's own ground: the file and its folder, the lock of the serving process, the settings of each connection.
//! Runs no verbs. Next: `writer.rs`.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rustix::fs::{FlockOperation, flock};

use crate::connection::{Db, Door, Place, Pool};
use crate::engine::Engine;
use crate::homing::Homing;
use crate::observer::Observer;
use crate::writer::Writer;
use crate::{Role, StoreError, migrations};

/// Held by the process that serves a SQLite file, on a file beside it; the system lets go of it when the process ends,
/// however it ends.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock, or says who is in the way. The folder of the database must be there.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let file = owners_only(&beside(path, "-lock")).map_err(|error| trouble(path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked {
                path: path.display().to_string(),
            }),
            Err(error) => Err(trouble(path, &error.into())),
        }
    }
}

/// Opens the file, making it and its folder if they are missing, and brings its schema up to date.
pub(crate) fn open(path: &Path, role: Role, observer: &Arc<Observer>) -> Result<Engine, StoreError> {
    prepare(path)?;
    let lock = match role {
        Role::Serve => Some(Lock::take(path)?),
        Role::Tool => None,
    };
    bring_up_to_date(path, lock.as_ref())?;
    let readers = Pool::builder()
        .max_size(4)
        .min_idle(Some(1))
        .build(Door(Place::Sqlite(path.to_owned())))
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let at = path.to_owned();
    let homing = Homing::start(connect(path, "PRAGMA synchronous = FULL;")?)?;
    let heard = (Arc::clone(observer), homing.bell());
    let writer = Writer::start(Box::new(move || writer(&at)), heard)?;
    Ok(Engine::Sqlite {
        readers,
        writer,
        _homing: homing,
        _lock: lock,
    })
}

/// Brings the schema of a file up to date.
pub(crate) fn migrate(path: &Path) -> Result<(), StoreError> {
    prepare(path)?;
    bring_up_to_date(path, None)
}

/// Only the one that serves may change the schema, or a tool while nobody serves.
fn bring_up_to_date(path: &Path, held: Option<&Lock>) -> Result<(), StoreError> {
    let mut db = writer(path)?;
    if !migrations::pending(&mut db)? {
        return Ok(());
    }
    let _taken = if held.is_none() {
        Some(Lock::take(path)?)
    } else {
        None
    };
    migrations::run(&mut db)
}

/// The connection that writes: nothing is acknowledged before it is on the disk.
pub(crate) fn writer(path: &Path) -> Result<Db, StoreError> {
    connect(
        path,
        // The log is brought home here only if `homing.rs` does not: after 64 MiB. Up to 8 MiB of pages are kept, for what
        // is written next lies all over the file. What a savepoint sets aside stays in memory, not in a file made for each.
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 16384; PRAGMA cache_size = -8192; \
         PRAGMA temp_store = MEMORY;",
    )
}

/// A connection to a file that no other process knows, such as a backup on its way.
pub(crate) fn plain(path: &Path) -> Result<Db, StoreError> {
    connect(path, "PRAGMA foreign_keys = ON;")
}

/// A connection that only reads.
pub(crate) fn reader(path: &Path) -> Result<Db, StoreError> {
    connect(path, "PRAGMA query_only = ON;")
}

fn connect(path: &Path, settings: &str) -> Result<Db, StoreError> {
    let name = path.to_str().ok_or_else(|| {
        StoreError::Invalid(format!(
            "The path {} is not UTF-8, which SQLite needs.",
            path.display()
        ))
    })?;
    let mut conn = SqliteConnection::establish(name)?;
    // First, for the others may have to wait already.
    conn.batch_execute("PRAGMA busy_timeout = 10000;")?;
    conn.batch_execute(settings)?;
    Ok(Db::Sqlite(conn))
}

/// Makes the folder (for its owner only) and an empty file (likewise), where they are missing.
pub(crate) fn prepare(path: &Path) -> Result<(), StoreError> {
    let made = match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    };
    made.and_then(|()| owners_only(path))
        .map_err(|error| trouble(path, &error))?;
    Ok(())
}

/// Opens a file for writing, making it readable by its owner only if it is missing.
pub(crate) fn owners_only(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// The path of a file beside the database's.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(crate) fn trouble(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}
