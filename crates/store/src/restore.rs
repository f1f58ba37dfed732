//! Reading a backup back, into either database: all of it or nothing, in one transaction. Backups of older versions are
//! brought up to date on a copy first, so that the backup itself is never touched. Next: `backup.rs`, which writes them.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use crate::backup::Part;
use crate::connection::{Db, Place, WRITE, transaction};
use crate::portable::{TABLES, Table};
use crate::sqlite::Lock;
use crate::{StoreError, migrations, postgres, sqlite};

/// Reads a backup into the database at `url`, which must be empty.
///
/// # Errors
/// `Refused` if anything is in the database already; `Invalid` for a file that is no sound backup; `NewerSchema` for
/// one of a newer Shoal; `Locked` while a process serves a SQLite file. Nothing was changed then.
pub fn restore(url: &str, file: &Path) -> Result<(), StoreError> {
    read_into(url, file, false)
}

/// As [`restore`], but in place of all that is in the database now.
///
/// # Errors
/// As [`restore`], but never `Refused`.
pub fn restore_over(url: &str, file: &Path) -> Result<(), StoreError> {
    read_into(url, file, true)
}

fn read_into(url: &str, file: &Path, over: bool) -> Result<(), StoreError> {
    match Place::parse(url)? {
        Place::Sqlite(path) => {
            sqlite::prepare(&path)?;
            let lock = Lock::take(&path)?;
            let copy = sound_copy(file, &sqlite::beside(&path, "-restore"))?;
            let mut to = sqlite::writer(&path)?;
            migrations::run(&mut to)?;
            into_sqlite(&mut to, &copy.0, over)?;
            drop(lock);
            Ok(())
        }
        Place::Postgres(url) => {
            // Not by the process alone: two restores of one would read each other's copy.
            static RESTORES: AtomicU64 = AtomicU64::new(0);
            let number = RESTORES.fetch_add(1, Ordering::Relaxed);
            let name = format!("shoal-restore-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let copy = sound_copy(file, &folder)?;
            postgres::migrate(&url)?;
            into_postgres(&url, &copy.0, over)
        }
    }
}

/// A copy of the backup at a place of our own, found sound and brought up to date.
fn sound_copy(file: &Path, beside: &Path) -> Result<Part, StoreError> {
    if !file.is_file() {
        return Err(StoreError::Invalid(format!(
            "There is no file {}.",
            file.display()
        )));
    }
    let copy = Part::of(beside)?;
    // Not `fs::copy`, which would give the copy the permissions of the backup.
    let copied =
        File::open(file).and_then(|mut from| io::copy(&mut from, &mut sqlite::owners_only(&copy.0)?));
    copied.map_err(|error| sqlite::trouble(file, &error))?;
    let unsound =
        |why: &str| StoreError::Invalid(format!("{} is no sound backup of Shoal: {why}", file.display()));
    let mut db = sqlite::plain(&copy.0).map_err(|error| unsound(&error.to_string()))?;
    let Db::Sqlite(conn) = &mut db else {
        return Err(unsound("not SQLite"));
    };
    let found =
        sql_query("SELECT quick_check AS line FROM pragma_quick_check LIMIT 1").get_result::<Line>(conn);
    match found {
        Ok(found) if found.line == "ok" => {}
        Ok(found) => return Err(unsound(&found.line)),
        Err(error) => return Err(unsound(&error.to_string())),
    }
    let ours = "SELECT name AS line FROM sqlite_master WHERE name = '__diesel_schema_migrations'";
    if sql_query(ours).get_result::<Line>(conn).optional()?.is_none() {
        return Err(unsound("it has other tables"));
    }
    migrations::run(&mut db)?;
    Ok(copy)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn into_sqlite(to: &mut Db, copy: &Path, over: bool) -> Result<(), StoreError> {
    let copy = copy.to_string_lossy().into_owned();
    if let Db::Sqlite(conn) = to {
        sql_query("ATTACH DATABASE ? AS backup")
            .bind::<Text, _>(copy)
            .execute(conn)?;
    }
    transaction(to, &WRITE, |to| {
        make_room(to, over)?;
        for name in TABLES {
            let columns = Table::of(to, name)?.list();
            to.batch_execute(&format!(
                "INSERT INTO main.\"{name}\" ({columns}) SELECT {columns} FROM backup.\"{name}\""
            ))?;
        }
        Ok(())
    })
}

fn into_postgres(url: &str, copy: &Path, over: bool) -> Result<(), StoreError> {
    let mut from = sqlite::plain(copy)?;
    let mut to = postgres::unhurried(url)?;
    transaction(&mut to, &WRITE, |to| {
        make_room(to, over)?;
        for name in TABLES {
            let (source, target) = (Table::of(&mut from, name)?, Table::of(to, name)?);
            if !source.matches(&target) {
                return Err(StoreError::Internal(format!("the two schemas of {name} differ")));
            }
            source.for_each_batch(&mut from, |batch| target.insert(to, batch))?;
            target.continue_sequence(to)?;
        }
        Ok(())
    })
}

/// Empties the database, or refuses if it is not empty.
fn make_room(db: &mut Db, over: bool) -> Result<(), StoreError> {
    if let Db::Postgres(_) = db {
        // Nobody else may write until this is done.
        db.batch_execute(&format!(
            "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            TABLES.join(", ")
        ))?;
    }
    for name in TABLES.iter().rev() {
        let table = Table::of(db, name)?;
        if table.is_empty(db)? {
            continue;
        }
        if !over {
            return Err(StoreError::Refused(
                "There is something in this database already, and a backup takes the place of everything. \
                 Nothing was changed."
                    .into(),
            ));
        }
        db.batch_execute(&format!("DELETE FROM \"{name}\""))?;
    }
    Ok(())
}
