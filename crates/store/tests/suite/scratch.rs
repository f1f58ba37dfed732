//! A database for one test, gone when the test ends, and the macro that runs a test on both. Next: `foundation.rs`.

use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use shoal_store::{Millis, Moment, Role, Store};

/// What a test returns: any error fails it.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A test on both databases: `both!(a_sentence, |scratch| { …; Ok(()) });`
macro_rules! both {
    ($(#[$note:meta])* $name:ident, |$scratch:ident| $body:expr) => {
        fn $name($scratch: &mut $crate::scratch::Scratch) -> $crate::scratch::Outcome {
            $body
        }

        mod $name {
            $(#[$note])*
            #[test]
            fn on_sqlite() -> $crate::scratch::Outcome {
                super::$name(&mut $crate::scratch::Scratch::sqlite())
            }

            $(#[$note])*
            #[test]
            fn on_postgres() -> $crate::scratch::Outcome {
                $crate::scratch::Scratch::postgres().map_or(Ok(()), |mut scratch| super::$name(&mut scratch))
            }
        }
    };
}
pub(crate) use both;

/// An empty database and a store on it.
pub(crate) struct Scratch {
    store: Option<Store>,
    url: String,
    place: Place,
    moments: AtomicU64,
}

enum Place {
    Folder(tempfile::TempDir),
    Schema { server: String, name: String },
}

/// When every test begins.
pub(crate) const START: Millis = 1_763_600_000_000;

impl Scratch {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("shoal.sqlite").display());
        Self::on(url, Place::Folder(folder))
    }

    /// `None`, with the reason on standard error once, where no server is named.
    pub(crate) fn postgres() -> Option<Self> {
        static SAID: Once = Once::new();
        let Ok(server) = std::env::var("SHOAL_TEST_POSTGRES") else {
            SAID.call_once(|| {
                let said = "PostgreSQL is skipped: SHOAL_TEST_POSTGRES names no server (postgres://…)\n";
                std::io::stderr()
                    .write_all(said.as_bytes())
                    .expect("standard error is open");
            });
            return None;
        };
        let name = format!("scratch_{}", uuid::Uuid::from_u128(rand::random()).simple());
        let mut conn =
            PgConnection::establish(&server).expect("SHOAL_TEST_POSTGRES names a server that answers");
        conn.batch_execute(&format!("CREATE SCHEMA {name}"))
            .expect("a schema can be made");
        let sep = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sep}options=-csearch_path%3D{name}");
        Some(Self::on(url, Place::Schema { server, name }))
    }

    fn on(url: String, place: Place) -> Self {
        let store = Store::open(&url, Role::Serve).expect("an empty database can be opened");
        Self {
            store: Some(store),
            url,
            place,
            moments: AtomicU64::new(0),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("open between the calls of reopen")
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder of the SQLite file, or `None` on PostgreSQL.
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder.path()),
            Place::Schema { .. } => None,
        }
    }

    /// Lets go of the database.
    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    /// As after a restart.
    pub(crate) fn reopen(&mut self) {
        self.close();
        self.store = Some(Store::open(&self.url, Role::Serve).expect("the database can be opened again"));
    }

    /// Runs raw SQL beside the store, to damage or to look.
    pub(crate) fn sql(&self, sql: &str) {
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.path().join("shoal.sqlite");
                diesel::SqliteConnection::establish(path.to_str().expect("UTF-8"))
                    .expect("the file can be opened")
                    .batch_execute(sql)
                    .expect("the SQL runs");
            }
            Place::Schema { .. } => {
                PgConnection::establish(&self.url)
                    .expect("reachable")
                    .batch_execute(sql)
                    .expect("the SQL runs");
            }
        }
    }

    /// The next moment: one millisecond later than the one before.
    pub(crate) fn moment(&self) -> Moment {
        let count = self.moments.fetch_add(1, Ordering::Relaxed);
        self.moment_at(START + Millis::try_from(count).expect("few moments"))
    }

    /// A moment at a time of the test's choice.
    pub(crate) fn moment_at(&self, now: Millis) -> Moment {
        Moment::new(now, rand::random())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.close();
        if let Place::Schema { server, name } = &self.place
            && let Ok(mut conn) = PgConnection::establish(server)
            && let Err(error) = conn.batch_execute(&format!("DROP SCHEMA {name} CASCADE"))
        {
            let said = format!("the schema {name} stays behind: {error}\n");
            std::io::stderr()
                .write_all(said.as_bytes())
                .expect("standard error is open");
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Table {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

impl Scratch {
    /// As it was before the first start: no tables at all.
    pub(crate) fn empty(&mut self) {
        self.close();
        match &self.place {
            Place::Folder(folder) => {
                for file in std::fs::read_dir(folder.path())
                    .expect("the folder is there")
                    .flatten()
                {
                    std::fs::remove_file(file.path()).expect("ours");
                }
            }
            Place::Schema { name, .. } => {
                self.sql(&format!("DROP SCHEMA {name} CASCADE; CREATE SCHEMA {name}"))
            }
        }
    }

    /// The names of all tables, sorted.
    pub(crate) fn tables(&self) -> Vec<String> {
        let found: Vec<Table> = match &self.place {
            Place::Folder(folder) => {
                let path = folder.path().join("shoal.sqlite");
                let mut conn =
                    diesel::SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a database");
                diesel::sql_query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                    .load(&mut conn)
            }
            Place::Schema { .. } => {
                let mut conn = PgConnection::establish(&self.url).expect("reachable");
                let sql = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() \
                           ORDER BY tablename COLLATE \"C\"";
                diesel::sql_query(sql).load(&mut conn)
            }
        }
        .expect("the tables can be listed");
        found.into_iter().map(|table| table.name).collect()
    }
}
