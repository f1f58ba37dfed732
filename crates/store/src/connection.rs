//! Connections: one enum over both databases, the macro for statements the enum cannot express, and how a connection
//! is made. Holds no statement about Shoal's own tables. Next: `writer.rs` (SQLite's writer thread), `engine.rs` (read and write).

use std::path::PathBuf;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{self, ManageConnection};
use diesel::{PgConnection, SqliteConnection};

use crate::StoreError;

/// A connection to either database. Most statements run on it directly; for the rest there is `each!`.
#[derive(diesel::MultiConnection)]
pub(crate) enum Db {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Runs one body on whichever database `$db` is; the connection is called `$conn` in it. For what the enum does not
/// have: `on_conflict`, batches, `as_returning`. Raw SQL must use each placeholder once and in order, or `match`
/// by hand: SQLite takes `$2` before `$1` as names, bound in order of appearance.
macro_rules! each {
    ($db:expr, $conn:ident => $body:expr) => {
        match $db {
            $crate::connection::Db::Postgres($conn) => $body,
            $crate::connection::Db::Sqlite($conn) => $body,
        }
    };
}
pub(crate) use each;

/// Inserts rows: on PostgreSQL many with a statement, for each costs a journey; on SQLite one after the other, for there
/// one that is kept costs little. `$insert` is the statement in `$how`, which may add what to do on a conflict.
macro_rules! insert_each {
    ($db:expr, $table:expr, $rows:expr, $insert:ident => $how:expr) => {{
        let rows = $rows;
        match $db {
            $crate::connection::Db::Sqlite(conn) => {
                for row in rows {
                    let $insert = diesel::insert_into($table).values(row);
                    $crate::kept::kept($how).execute(conn)?;
                }
            }
            $crate::connection::Db::Postgres(conn) => {
                let mut rows = rows.into_iter();
                for step in $crate::kept::steps(rows.len()) {
                    let some: Vec<_> = rows.by_ref().take(step).collect();
                    let $insert = diesel::insert_into($table).values(some);
                    $crate::kept::kept($how).execute(conn)?;
                }
            }
        }
    }};
}
pub(crate) use insert_each;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Place {
    /// Reads a database URL: `sqlite:PATH`, `postgres://…` or `postgresql://…`; anything else is refused.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(['?', '\0']) || path == ":memory:" {
                return Err(StoreError::Invalid(format!(
                    "{url:?} names no file: write sqlite:PATH, for example sqlite:/var/lib/shoal/shoal.sqlite"
                )));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(StoreError::UnknownScheme(shown(url)))
    }
}

/// The URL as an error may show it: no further than its scheme, for what follows may hold a password.
fn shown(url: &str) -> String {
    match url.split_once(':') {
        Some((scheme, _)) => format!("{}:…", scheme.chars().take(20).collect::<String>()),
        None => url.chars().take(20).collect(),
    }
}

/// How a pool makes connections: SQLite's for reading only, PostgreSQL's for both.
#[derive(Debug)]
pub(crate) struct Door(pub(crate) Place);

/// A pooled connection. It is not asked whether it still stands before each use, for that is a journey to the server:
/// whoever finds that it does not, says so and takes another.
pub(crate) struct Line {
    pub(crate) db: Db,
    pub(crate) lost: bool,
}

impl ManageConnection for Door {
    type Connection = Line;
    type Error = StoreError;

    fn connect(&self) -> Result<Line, StoreError> {
        let db = match &self.0 {
            Place::Sqlite(path) => crate::sqlite::reader(path),
            Place::Postgres(url) => crate::postgres::connect(url),
        };
        Ok(Line { db: db?, lost: false })
    }

    fn is_valid(&self, line: &mut Line) -> Result<(), StoreError> {
        match &mut line.db {
            Db::Postgres(conn) => Ok(conn.batch_execute("SELECT 1")?),
            Db::Sqlite(_) => Ok(()),
        }
    }

    /// A connection with a transaction left open (a verb panicked) is not used again.
    fn has_broken(&self, line: &mut Line) -> bool {
        std::thread::panicking()
            || line.lost
            || !matches!(
                Manager::transaction_manager_status_mut(&mut line.db).transaction_depth(),
                Ok(None)
            )
    }
}

/// A pool of connections to one place.
pub(crate) type Pool = r2d2::Pool<Door>;

/// The transaction manager of the enum: one savepoint deeper on each `begin` within a transaction.
pub(crate) type Manager = <Db as Connection>::TransactionManager;

/// The words that begin a transaction on each database.
pub(crate) struct Begin {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Everything read in it is of one instant.
pub(crate) const READ: Begin = Begin {
    sqlite: "BEGIN DEFERRED",
    postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
};

/// The writer's lock is taken at once on SQLite, so that no later statement finds the database busy.
pub(crate) const WRITE: Begin = Begin {
    sqlite: "BEGIN IMMEDIATE",
    postgres: "BEGIN",
};

/// Begins an outer transaction.
pub(crate) fn begin(db: &mut Db, with: &Begin) -> Result<(), StoreError> {
    match db {
        Db::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, with.postgres)?,
        Db::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, with.sqlite)?,
    }
    Ok(())
}

/// Runs `verb` in a transaction of its own: committed when it is `Ok`, without a trace when not.
pub(crate) fn transaction<T>(
    db: &mut Db,
    with: &Begin,
    verb: impl FnOnce(&mut Db) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    begin(db, with)?;
    finish(db, verb)
}

/// Runs `verb` in the transaction that was begun, and ends that.
pub(crate) fn finish<T>(
    db: &mut Db,
    verb: impl FnOnce(&mut Db) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match verb(db) {
        Ok(value) => {
            Manager::commit_transaction(db)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback) = Manager::rollback_transaction(db) {
                tracing::warn!(%rollback, "could not roll back; the connection is closed, which does");
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_a_server() {
        let sqlite = |path: &str| Place::Sqlite(PathBuf::from(path));
        assert_eq!(
            Place::parse("sqlite:shoal-data/shoal.sqlite").expect("good"),
            sqlite("shoal-data/shoal.sqlite")
        );
        assert_eq!(
            Place::parse("sqlite:///srv/a.sqlite").expect("good"),
            sqlite("/srv/a.sqlite")
        );
        assert!(matches!(
            Place::parse("postgres://h/d").expect("good"),
            Place::Postgres(_)
        ));
        assert!(matches!(
            Place::parse("postgresql://h/d").expect("good"),
            Place::Postgres(_)
        ));
        for bad in ["sqlite:", "sqlite::memory:", "sqlite:a?mode=ro"] {
            assert!(matches!(Place::parse(bad), Err(StoreError::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_refused_and_its_password_not_repeated() {
        for bad in ["mysql://user:secret@h/d", "", "/srv/a.sqlite", "Postgres://h"] {
            let error = Place::parse(bad).expect_err("unknown");
            assert!(matches!(error, StoreError::UnknownScheme(_)), "{bad}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
