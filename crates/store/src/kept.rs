//! Statements that stay prepared. The library prepares an `UPDATE`, an `IN` list, an upsert or words of our own anew each
//! time they run, because their text may differ from one time to the next; [`kept`] has them looked up by their text
//! instead, which costs a tenth. A connection keeps every shape it has seen, so this is for statements that run all day in
//! a few shapes; [`padded`] and [`steps`] keep lists to a few. Next: `engine.rs`, where connections come from.

use std::cell::Cell;

use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement whose preparation the connection keeps.
pub(crate) struct Kept<Q>(Q);

/// Has a connection keep the preparation of this statement, by its text.
pub(crate) fn kept<Q>(statement: Q) -> Kept<Q> {
    Kept(statement)
}

impl<Q, DB> QueryFragment<DB> for Kept<Q>
where
    DB: Backend,
    Q: QueryFragment<DB>,
{
    /// The library asks for the text, for the values, and in a walk of its own whether the text may differ from one time to
    /// the next, which the statement would say and this does not. (It asks a reference, so that saying so in
    /// `is_safe_to_cache_prepared` is heard only by what returns rows.) Which walk it is shows in what there is to convert.
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let is_written = Cell::new(false);
        let mut pass = pass.cast_database::<DB>(
            |values| {
                is_written.set(true);
                values
            },
            |text| {
                is_written.set(true);
                text
            },
            |backend| backend,
            |lookup| lookup,
        );
        if is_written.get() || pass.debug_binds().is_some() {
            return self.0.walk_ast(pass);
        }
        // Whether there is a statement at all: there is.
        pass.push_sql("");
        Ok(())
    }
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for Kept<Q> {}

/// A list for `IN`, made as long as the next power of two by what it ends with, which changes nothing.
pub(crate) fn padded<T: Clone>(mut list: Vec<T>) -> Vec<T> {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
    list
}

/// The powers of two that a number is made of, the largest first: how many rows to write at a time.
pub(crate) fn steps(count: usize) -> impl Iterator<Item = usize> {
    let bits = (0..usize::BITS).rev().map(|bit| 1_usize << bit);
    bits.filter(move |step| count & step != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::connection::{InstrumentationEvent, SimpleConnection};
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Text};

    use crate::connection::Db;

    diesel::table! {
        stones (id) {
            id -> BigInt,
            name -> Text,
        }
    }

    #[test]
    fn a_kept_statement_is_prepared_once_whatever_it_is() {
        let mut conn = SqliteConnection::establish(":memory:").expect("a database in memory");
        conn.batch_execute("CREATE TABLE stones (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;")
            .expect("a table");
        let (prepared, counted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (preparing, running) = (Arc::clone(&prepared), Arc::clone(&counted));
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::CacheQuery { .. } => {
                preparing.fetch_add(1, Ordering::Relaxed);
            }
            InstrumentationEvent::StartQuery { .. } => {
                running.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        });
        let mut db = Db::Sqlite(conn);
        for id in 0..5_i64 {
            let Db::Sqlite(conn) = &mut db else { continue };
            let upsert =
                diesel::insert_into(stones::table).values((stones::id.eq(id), stones::name.eq("slate")));
            let upsert = upsert.on_conflict(stones::id).do_update();
            kept(upsert.set(stones::name.eq("chalk")))
                .execute(conn)
                .expect("upserted");
            let words = diesel::sql_query("UPDATE stones SET name = ? WHERE id = ?");
            let words = words.bind::<Text, _>("flint").bind::<BigInt, _>(id);
            assert_eq!(kept(words).execute(conn), Ok(1));
            // By the enum over both databases too.
            let renamed = diesel::update(stones::table.find(id)).set(stones::name.eq(format!("flint {id}")));
            assert_eq!(kept(renamed).execute(&mut db), Ok(1));
            let found: String = kept(stones::table.find(id).select(stones::name))
                .get_result(&mut db)
                .expect("there");
            assert_eq!(found, format!("flint {id}"));
        }
        assert_eq!(counted.load(Ordering::Relaxed), 20);
        assert_eq!(prepared.load(Ordering::Relaxed), 4);
    }
}
