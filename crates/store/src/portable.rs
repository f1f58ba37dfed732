//! Rows on their way between the two databases: each row as one line of JSON, in batches, never all of them at once.
//! Knows the tables by name and asks the database for their columns, so that it does not change when they do. Next:
//! `backup.rs` and `restore.rs`, which use it.

use diesel::connection::DefaultLoadingMode;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};

use crate::StoreError;
use crate::connection::{Db, each};

/// Every table, each after those it refers to. A test compares this with the schema.
pub(crate) const TABLES: [&str; 38] = [
    "settings",
    "names",
    "actors",
    "accounts",
    "sign_in_links",
    "sessions",
    "tokens",
    "remote_actors",
    "datasets",
    "dataset_tags",
    "uploads",
    "upload_torrents",
    "upload_files",
    "blocked_hashes",
    "hash_blocks",
    "listing_changes",
    "announce_keys",
    "announce_key_uses",
    "announce_key_changes",
    "collections",
    "collection_datasets",
    "moderation_log",
    "instances",
    "search_texts",
    "followers",
    "past_followers",
    "undone_follows",
    "following",
    "received",
    "events",
    "leases",
    "activities",
    "records",
    "record_versions",
    "record_recipients",
    "deliveries",
    "spreads",
    "hosts",
];

/// Bytes of JSON in a batch, if more than one row fits.
const BATCH_BYTES: usize = 1024 * 1024;
/// Rows in a batch.
const BATCH_ROWS: usize = 1000;

/// How a column's values are written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    /// `true` on PostgreSQL, 1 on SQLite.
    Truth,
    /// Hexadecimal.
    Bytes,
}

/// A table and its columns, in the order both sides use.
pub(crate) struct Table {
    name: &'static str,
    columns: Vec<(String, Kind)>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Nullable<diesel::sql_types::BigInt>)]
    count: Option<i64>,
}

impl Table {
    /// The table as `db` has it; columns that a database makes by itself are left out.
    pub(crate) fn of(db: &mut Db, name: &'static str) -> Result<Self, StoreError> {
        let columns: Vec<Column> = match db {
            Db::Sqlite(conn) => {
                sql_query("SELECT name, type AS kind FROM pragma_table_info(?) ORDER BY name")
                    .bind::<Text, _>(name)
                    .load(conn)?
            }
            Db::Postgres(conn) => sql_query(
                "SELECT column_name::text AS name, data_type::text AS kind FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER' \
                 ORDER BY column_name COLLATE \"C\"",
            )
            .bind::<Text, _>(name)
            .load(conn)?,
        };
        let columns = columns.into_iter().map(|column| {
            let kind = match column.kind.as_str() {
                "TEXT" | "text" => Kind::Text,
                "INTEGER" | "bigint" => Kind::Number,
                "boolean" => Kind::Truth,
                "BLOB" | "bytea" => Kind::Bytes,
                other => return Err(StoreError::Internal(format!("{name}.{}: {other}", column.name))),
            };
            Ok((column.name, kind))
        });
        Ok(Self {
            name,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }

    /// The names of its columns, for a statement.
    pub(crate) fn list(&self) -> String {
        self.columns
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether the other side has the same columns.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.columns
            .iter()
            .map(|(name, _)| name)
            .eq(other.columns.iter().map(|(name, _)| name))
    }

    /// Whether it has no row.
    pub(crate) fn is_empty(&self, db: &mut Db) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT count(*) AS count FROM (SELECT 1 FROM \"{}\" LIMIT 1) AS one_row",
            self.name
        );
        let some: Count = each!(db, conn => sql_query(sql).get_result(conn))?;
        Ok(some.count == Some(0))
    }

    /// Hands out all rows in batches, each a JSON array of rows, each row an array of values.
    pub(crate) fn for_each_batch(
        &self,
        db: &mut Db,
        mut take: impl FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let sql = self.select(matches!(db, Db::Sqlite(_)));
        match db {
            Db::Sqlite(conn) => {
                for line in sql_query(sql).load_iter::<Line, DefaultLoadingMode>(conn)? {
                    batch.add(&line?.line, &mut take)?;
                }
            }
            Db::Postgres(conn) => {
                for line in sql_query(sql).load_iter::<Line, PgRowByRowLoadingMode>(conn)? {
                    batch.add(&line?.line, &mut take)?;
                }
            }
        }
        batch.end(&mut take)
    }

    fn select(&self, sqlite: bool) -> String {
        let values = self.columns.iter().map(|(name, kind)| match (kind, sqlite) {
            (Kind::Bytes, true) => format!("CASE WHEN \"{name}\" IS NULL THEN NULL ELSE hex(\"{name}\") END"),
            (Kind::Bytes, false) => format!("encode(\"{name}\", 'hex')"),
            (Kind::Truth, _) => format!("CAST(\"{name}\" AS INTEGER)"),
            _ => format!("\"{name}\""),
        });
        let array = if sqlite { "json_array" } else { "json_build_array" };
        let values = values.collect::<Vec<_>>().join(", ");
        format!(
            "SELECT CAST({array}({values}) AS TEXT) AS line FROM \"{}\"",
            self.name
        )
    }

    /// Writes the rows of a batch.
    pub(crate) fn insert(&self, db: &mut Db, batch: &str) -> Result<(), StoreError> {
        let sqlite = matches!(db, Db::Sqlite(_));
        let values = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (_, kind))| match (kind, sqlite) {
                (Kind::Bytes, true) => format!("unhex(json_extract(value, '$[{at}]'))"),
                (_, true) => format!("json_extract(value, '$[{at}]')"),
                (Kind::Text, false) => format!("value ->> {at}"),
                (Kind::Number, false) => format!("(value ->> {at})::bigint"),
                (Kind::Truth, false) => format!("(value ->> {at})::integer::boolean"),
                (Kind::Bytes, false) => format!("decode(value ->> {at}, 'hex')"),
            });
        let values = values.collect::<Vec<_>>().join(", ");
        let source = if sqlite {
            "json_each(?)"
        } else {
            "json_array_elements($1::json) AS row (value)"
        };
        let sql = format!(
            "INSERT INTO \"{}\" ({}) SELECT {values} FROM {source}",
            self.name,
            self.list()
        );
        each!(db, conn => sql_query(sql).bind::<Text, _>(batch).execute(conn))?;
        Ok(())
    }

    /// Lets the next `seq` follow the greatest there is.
    pub(crate) fn continue_sequence(&self, db: &mut Db) -> Result<(), StoreError> {
        let Db::Postgres(conn) = db else { return Ok(()) };
        if self.columns.iter().any(|(name, _)| name == "seq") {
            let name = self.name;
            sql_query(format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'seq'), coalesce(max(seq), 0) + 1, false) FROM \"{name}\""
            ))
            .execute(conn)?;
        }
        Ok(())
    }
}

/// Rows that wait to be handed out together.
#[derive(Default)]
struct Batch {
    json: String,
    rows: usize,
}

impl Batch {
    fn add(
        &mut self,
        row: &str,
        take: &mut impl FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.rows == BATCH_ROWS || self.rows > 0 && self.json.len() + row.len() > BATCH_BYTES {
            self.end(take)?;
        }
        self.json.push(if self.rows == 0 { '[' } else { ',' });
        self.json.push_str(row);
        self.rows += 1;
        Ok(())
    }

    fn end(&mut self, take: &mut impl FnMut(&str) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.rows > 0 {
            self.json.push(']');
            take(&self.json)?;
            self.json.clear();
            self.rows = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_is_left_out_and_parents_come_first() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut db = crate::sqlite::plain(&folder.path().join("empty.sqlite")).expect("a new file");
        crate::migrations::run(&mut db).expect("an empty database");
        let Db::Sqlite(conn) = &mut db else {
            panic!("not SQLite")
        };
        let names = "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_words%' \
                     AND substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 2) <> '__' ORDER BY name";
        let names: Vec<String> = sql_query(names)
            .load::<Line>(conn)
            .expect("the tables can be listed")
            .into_iter()
            .map(|row| row.line)
            .collect();
        let mut known = TABLES.to_vec();
        known.sort_unstable();
        assert_eq!(names, known);
        for (at, name) in TABLES.iter().enumerate() {
            let parents = format!("SELECT \"table\" AS line FROM pragma_foreign_key_list('{name}')");
            for parent in sql_query(parents)
                .load::<Line>(conn)
                .expect("the keys can be listed")
            {
                assert!(
                    TABLES[..at].contains(&parent.line.as_str()),
                    "{name} before {}",
                    parent.line
                );
            }
        }
    }

    #[test]
    fn batches_are_bounded_and_leave_nothing_out() {
        let (mut batch, mut batches) = (Batch::default(), Vec::new());
        let mut take = |json: &str| {
            batches.push(json.to_owned());
            Ok(())
        };
        let large = format!("[\"{}\"]", "x".repeat(BATCH_BYTES));
        for row in ["[1]", "[2]", &large, "[3]"] {
            batch.add(row, &mut take).expect("nothing fails");
        }
        batch.end(&mut take).expect("nothing fails");
        batch.end(&mut take).expect("nothing fails");
        assert_eq!(
            batches,
            ["[[1],[2]]".to_owned(), format!("[{large}]"), "[[3]]".to_owned()]
        );
    }
}
