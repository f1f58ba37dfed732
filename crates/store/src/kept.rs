//! Statements that stay prepared. The library prepares an `UPDATE`, an `IN` list, an upsert or words of our own anew each
//! time they run, because their text may differ from one time to the next; [`kept`] has them looked up by their text
//! instead, which costs a tenth. A connection keeps every shape it has seen, so this is for statements that run all day in
//! a few shapes; [`padded`] and [`steps`] keep lists to a few. Next: `engine.rs`, where connections come from.

use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::backend::Backend;
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
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
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
