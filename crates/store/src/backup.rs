//! Backups: everything in one SQLite file, whatever database it comes from, as it was at one instant, while others go
//! on writing. Reading one back is in `restore.rs`.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use crate::connection::{Db, Place, READ, transaction};
use crate::portable::{TABLES, Table};
use crate::{StoreError, migrations, postgres, sqlite};

/// Writes a backup of the database at `url` to `file`, which must not exist yet and is readable by its owner only: it
/// holds private keys. Others may go on reading and writing. An interrupted backup leaves no file of that name.
///
/// # Errors
/// `Refused` if `file` exists; `Invalid` where there is no database; `Unavailable` when the disk is full.
pub fn backup(url: &str, file: &Path) -> Result<(), StoreError> {
    if file.exists() {
        return Err(StoreError::Refused(format!(
            "{} exists already. A backup is never written over another file.",
            file.display()
        )));
    }
    let part = Part::of(file)?;
    match Place::parse(url)? {
        Place::Sqlite(path) => from_sqlite(&path, &part.0)?,
        Place::Postgres(url) => from_postgres(&url, &part.0)?,
    }
    let synced = File::open(&part.0).and_then(|part| part.sync_all());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    synced
        .and_then(|()| fs::rename(&part.0, file))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| sqlite::trouble(file, &error))
}

/// A file on the way to be one; deleted if it does not get there.
pub(crate) struct Part(pub(crate) PathBuf);

impl Part {
    /// An empty file beside `file`, readable by its owner only.
    pub(crate) fn of(file: &Path) -> Result<Self, StoreError> {
        let part = Self(sqlite::beside(file, ".part"));
        part.delete();
        // Never through a link that someone else put there.
        let new = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&part.0);
        new.map_err(|error| sqlite::trouble(&part.0, &error))?;
        Ok(part)
    }

    fn delete(&self) {
        for ending in ["", "-journal", "-wal", "-shm"] {
            // What is not there need not be deleted.
            let _ = fs::remove_file(sqlite::beside(&self.0, ending));
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.delete();
    }
}

fn from_sqlite(path: &Path, part: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Err(StoreError::Invalid(format!(
            "There is no database at {}.",
            path.display()
        )));
    }
    let Db::Sqlite(mut conn) = sqlite::writer(path)? else {
        return Err(StoreError::Internal("a SQLite file is no SQLite database".into()));
    };
    let part = part.to_string_lossy().into_owned();
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(part)
        .execute(&mut conn)?;
    Ok(())
}

/// Copies row by row into a SQLite file with the same schema version.
fn from_postgres(url: &str, part: &Path) -> Result<(), StoreError> {
    let mut from = postgres::unhurried(url)?;
    let versions = migrations::applied(&mut from)?;
    if versions.is_empty() {
        return Err(StoreError::Invalid(
            "There is nothing of Shoal's in this database.".into(),
        ));
    }
    let mut to = sqlite::plain(part)?;
    migrations::run_these(&mut to, &versions)?;
    transaction(&mut from, &READ, |from| {
        transaction(&mut to, &crate::connection::WRITE, |to| {
            for name in TABLES {
                let (source, target) = (Table::of(from, name)?, Table::of(to, name)?);
                if !source.matches(&target) {
                    return Err(StoreError::Internal(format!("the two schemas of {name} differ")));
                }
                source.for_each_batch(from, |batch| target.insert(to, batch))?;
            }
            Ok(())
        })
    })
}
