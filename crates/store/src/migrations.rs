//! The schema and its versions: which migrations this Shoal knows, which a database has, and running what is missing.
//! Each migration and the note that it ran are one transaction, so that an interruption leaves all of it or nothing.
//! Next: `../../../migrations/`.

use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::StoreError;
use crate::connection::{Db, each};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The newest schema version this Shoal knows.
pub(crate) fn newest() -> Result<String, StoreError> {
    known()?
        .pop()
        .ok_or_else(|| StoreError::Internal("no migrations are embedded".into()))
}

/// Whether migrations are missing. A database that has one we do not know is refused.
pub(crate) fn pending(db: &mut Db) -> Result<bool, StoreError> {
    let applied = applied(db)?;
    let known = known()?;
    match applied.iter().filter(|version| !known.contains(version)).max() {
        Some(newer) => Err(StoreError::NewerSchema {
            found: newer.clone(),
            known: newest()?,
        }),
        None => Ok(applied.len() < known.len()),
    }
}

/// Runs the migrations that are missing.
pub(crate) fn run(db: &mut Db) -> Result<(), StoreError> {
    if pending(db)? {
        match db {
            Db::Postgres(conn) => conn.run_pending_migrations(POSTGRES).map_err(failed)?,
            Db::Sqlite(conn) => conn.run_pending_migrations(SQLITE).map_err(failed)?,
        };
    }
    Ok(())
}

/// Runs exactly these migrations on an empty SQLite file.
pub(crate) fn run_these(db: &mut Db, versions: &[String]) -> Result<(), StoreError> {
    let Db::Sqlite(conn) = db else {
        return Err(StoreError::Internal(
            "only a SQLite file is made at a given version".into(),
        ));
    };
    // Makes the table that notes them.
    conn.applied_migrations().map_err(failed)?;
    let known = MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map_err(failed)?;
    for version in versions {
        let migration = known
            .iter()
            .find(|one| one.name().version().to_string() == *version)
            .ok_or_else(|| {
                let known = newest().unwrap_or_default();
                StoreError::NewerSchema {
                    found: version.clone(),
                    known,
                }
            })?;
        conn.run_migration(migration.as_ref()).map_err(failed)?;
    }
    Ok(())
}

/// The versions a database has, oldest first.
pub(crate) fn applied(db: &mut Db) -> Result<Vec<String>, StoreError> {
    let applied = each!(db, conn => conn.applied_migrations()).map_err(failed)?;
    let mut versions: Vec<String> = applied.iter().map(ToString::to_string).collect();
    versions.sort();
    Ok(versions)
}

fn known() -> Result<Vec<String>, StoreError> {
    let migrations = MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map_err(failed)?;
    let mut versions: Vec<String> = migrations
        .iter()
        .map(|one| one.name().version().to_string())
        .collect();
    versions.sort();
    Ok(versions)
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => StoreError::from(*error),
        Err(error) => StoreError::passing_or_internal(error.to_string()),
    }
}
