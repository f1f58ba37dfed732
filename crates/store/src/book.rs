//! The book of Follows in the database: what of it concerns some activities is read at once, and what they changed is
//! written at once, however many came together. The rules are `standing.rs`. Next: `arrivals.rs`, which uses both.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};

use crate::connection::{Db, insert_each};
use crate::kept::kept;
use crate::schema::{activities, followers, past_followers, undone_follows};
use crate::standing::{Book, Pair, Standing};
use crate::{Id, Millis, Store, StoreError};

/// What is to be looked up.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// What stands between these.
    pub(crate) pairs: Vec<Pair>,
    /// Everything that these follow.
    pub(crate) followers: Vec<Id>,
    /// Whether these Follows, each with who sent it, are undone.
    pub(crate) follows: Vec<(Id, String)>,
}

/// A row of `followers`.
type Row = (Id, Id, String);

impl Book {
    /// Reads what is wanted.
    pub(crate) fn read(db: &mut Db, wanted: &Wanted) -> Result<Self, StoreError> {
        let mut rows = of_pairs(db, &wanted.pairs)?;
        for follower in &wanted.followers {
            let all = followers::table.filter(followers::follower_id.eq(follower));
            let all = all.select((followers::actor_id, followers::follower_id, followers::standing));
            rows.extend(all.load::<Row>(db)?);
        }
        let read = |(actor, follower, json): Row| {
            let standing: Vec<Standing> = serde_json::from_str(&json).map_err(unreadable)?;
            Ok(((actor, follower), standing))
        };
        Ok(Self {
            standing: rows.into_iter().map(read).collect::<Result<_, StoreError>>()?,
            undone: undone(db, &wanted.follows)?,
        })
    }

    /// Writes down what has changed since it was read as `before`.
    pub(crate) fn write(&self, db: &mut Db, now: Millis, before: &Self) -> Result<(), StoreError> {
        for (pair, standing) in &self.standing {
            if before.standing.get(pair).is_some_and(|old| old != standing) {
                diesel::update(followers::table.find(*pair))
                    .set((
                        followers::follow_uri.eq(newest(standing)),
                        followers::standing.eq(to_json(standing)?),
                    ))
                    .execute(db)?;
            }
        }
        let begun = self.standing.iter();
        begin(
            db,
            now,
            begun.filter(|(pair, _)| !before.standing.contains_key(pair)),
        )?;
        let ended = before.standing.keys().copied();
        end(
            db,
            ended.filter(|pair| !self.standing.contains_key(pair)).collect(),
        )?;
        self.write_undone(db, before)
    }

    fn write_undone(&self, db: &mut Db, before: &Self) -> Result<(), StoreError> {
        for (follower, uri) in before.undone.keys() {
            if !self.undone.contains_key(&(*follower, uri.clone())) {
                diesel::delete(undone_follows::table.find((follower, uri))).execute(db)?;
            }
        }
        let new = self.undone.iter();
        let rows: Vec<_> = new
            .filter(|(name, _)| !before.undone.contains_key(name))
            .map(|((follower, uri), at)| {
                (
                    undone_follows::follower_id.eq(*follower),
                    undone_follows::follow_uri.eq(uri),
                    undone_follows::undone_at.eq(*at),
                )
            })
            .collect();
        insert_each!(db, undone_follows::table, rows, insert => insert.on_conflict_do_nothing());
        Ok(())
    }
}

impl Store {
    /// Forgets at most `limit` Undos that were signed before `before`; says how many went.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn sweep_undone_follows(&self, before: Millis, limit: u32) -> Result<usize, StoreError> {
        self.write_beside(move |tx| {
            let db = &mut *tx.db;
            let old: Vec<(String, String)> = undone_follows::table
                .filter(undone_follows::undone_at.lt(before))
                .order(undone_follows::undone_at)
                .limit(i64::from(limit))
                .select((undone_follows::follower_id, undone_follows::follow_uri))
                .load(db)?;
            for key in &old {
                diesel::delete(undone_follows::table.find((&key.0, &key.1))).execute(db)?;
            }
            Ok(old.len())
        })
    }
}

/// The rows of these pairs.
fn of_pairs(db: &mut Db, pairs: &[Pair]) -> Result<Vec<Row>, StoreError> {
    let columns = (followers::actor_id, followers::follower_id, followers::standing);
    match db {
        Db::Sqlite(conn) => {
            let mut rows = Vec::new();
            for pair in pairs {
                let row = followers::table.find(*pair).select(columns).first(conn);
                rows.extend(row.optional()?);
            }
            Ok(rows)
        }
        Db::Postgres(conn) => {
            let (actors, those): (Vec<Id>, Vec<Id>) = pairs.iter().copied().unzip();
            // Each by its key: a planner that knows nothing of the table yet would rather look through all followers.
            let rows = sql_query(
                "SELECT found.* FROM unnest($1, $2) AS of (actor, follower) CROSS JOIN LATERAL (
                    SELECT actor_id, follower_id, standing FROM followers
                    WHERE actor_id = of.actor AND follower_id = of.follower LIMIT 1) AS found",
            );
            let rows = rows.bind::<Array<Text>, _>(actors).bind::<Array<Text>, _>(those);
            let rows: Vec<Found> = kept(rows).load(conn)?;
            Ok(rows
                .into_iter()
                .map(|row| (row.actor_id, row.follower_id, row.standing))
                .collect())
        }
    }
}

/// A row of `followers` as words of our own find it.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    actor_id: Id,
    #[diesel(sql_type = Text)]
    follower_id: Id,
    #[diesel(sql_type = Text)]
    standing: String,
}

/// Which of these Follows are undone, and when that was signed.
fn undone(db: &mut Db, follows: &[(Id, String)]) -> Result<HashMap<(Id, String), Millis>, StoreError> {
    let columns = (
        undone_follows::follower_id,
        undone_follows::follow_uri,
        undone_follows::undone_at,
    );
    let rows: Vec<(Id, String, Millis)> = match db {
        Db::Sqlite(conn) => {
            let mut rows = Vec::new();
            for (follower, uri) in follows {
                let row = undone_follows::table.find((follower, uri)).select(columns);
                rows.extend(row.first(conn).optional()?);
            }
            rows
        }
        Db::Postgres(conn) => {
            let (those, uris): (Vec<Id>, Vec<&str>) = follows
                .iter()
                .map(|(follower, uri)| (*follower, uri.as_str()))
                .unzip();
            let rows = sql_query(
                "SELECT found.* FROM unnest($1, $2) AS of (follower, uri) CROSS JOIN LATERAL (
                    SELECT follower_id, follow_uri, undone_at FROM undone_follows
                    WHERE follower_id = of.follower AND follow_uri = of.uri LIMIT 1) AS found",
            );
            let rows = rows.bind::<Array<Text>, _>(those).bind::<Array<Text>, _>(uris);
            let rows: Vec<Undone> = kept(rows).load(conn)?;
            rows.into_iter()
                .map(|row| (row.follower_id, row.follow_uri, row.undone_at))
                .collect()
        }
    };
    let name = |(follower, uri, at)| ((follower, uri), at);
    Ok(rows.into_iter().map(name).collect())
}

/// A row of `undone_follows`, likewise.
#[derive(QueryableByName)]
struct Undone {
    #[diesel(sql_type = Text)]
    follower_id: Id,
    #[diesel(sql_type = Text)]
    follow_uri: String,
    #[diesel(sql_type = BigInt)]
    undone_at: Millis,
}

/// Adds followers, each with where it is reached now. Who keeps an actor anew (`remote_actors.rs`) carries that on, and waits
/// for this, whose actors are locked (`arrivals.rs`).
fn begin<'b>(
    db: &mut Db,
    now: Millis,
    begun: impl Iterator<Item = (&'b Pair, &'b Vec<Standing>)>,
) -> Result<(), StoreError> {
    let begun: Vec<_> = begun.collect();
    if begun.is_empty() {
        return Ok(());
    }
    let standing = begun.iter().map(|(_, standing)| to_json(standing));
    let standing = standing.collect::<Result<Vec<_>, _>>()?;
    let uris = begun.iter().map(|(_, standing)| newest(standing));
    let mut added = 0;
    match db {
        Db::Sqlite(conn) => {
            for (((pair, _), uri), standing) in begun.iter().zip(uris).zip(&standing) {
                let one = sql_query(
                    "INSERT INTO followers (created_at, actor_id, follow_uri, standing, follower_id, host, inbox)
                     SELECT ?, ?, ?, ?, id, delivery_host, delivery_inbox FROM remote_actors WHERE id = ?",
                );
                let one = one.bind::<BigInt, _>(now).bind::<Text, _>(pair.0);
                let one = one.bind::<Text, _>(uri).bind::<Text, _>(standing);
                added += kept(one.bind::<Text, _>(pair.1)).execute(conn)?;
            }
        }
        Db::Postgres(conn) => {
            let (actors, those): (Vec<Id>, Vec<Id>) = begun.iter().map(|(pair, _)| **pair).unzip();
            let all = sql_query(
                "INSERT INTO followers (created_at, actor_id, follow_uri, standing, follower_id, host, inbox)
                 SELECT $1, new.actor, new.uri, new.standing, r.id, r.delivery_host, r.delivery_inbox
                 FROM unnest($2, $3, $4, $5) AS new (actor, uri, standing, follower) CROSS JOIN LATERAL (
                    SELECT id, delivery_host, delivery_inbox FROM remote_actors
                    WHERE id = new.follower LIMIT 1) AS r",
            );
            let all = all.bind::<BigInt, _>(now).bind::<Array<Text>, _>(actors);
            let all = all.bind::<Array<Text>, _>(uris.collect::<Vec<_>>());
            let all = all.bind::<Array<Text>, _>(standing).bind::<Array<Text>, _>(those);
            added += kept(all).execute(conn)?;
        }
    }
    if added < begun.len() {
        return Err(StoreError::NotFound { what: "remote actor" });
    }
    Ok(())
}

/// Whoever leaves is remembered as past, so that what was posted before can still be withdrawn there.
fn end(db: &mut Db, ended: Vec<Pair>) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    match db {
        Db::Sqlite(conn) => {
            for pair in &ended {
                diesel::delete(followers::table.find(*pair)).execute(conn)?;
            }
        }
        Db::Postgres(conn) => {
            let mut of_actor: HashMap<Id, Vec<Id>> = HashMap::new();
            for (actor, follower) in &ended {
                of_actor.entry(*actor).or_default().push(*follower);
            }
            for (actor, those) in of_actor {
                let rows = followers::table.filter(followers::actor_id.eq(actor));
                diesel::delete(rows.filter(followers::follower_id.eq_any(those))).execute(conn)?;
            }
        }
    }
    let newest: Option<i64> = activities::table
        .select(diesel::dsl::max(activities::seq))
        .first(db)?;
    let newest = newest.unwrap_or(0);
    let row = |(actor, follower)| {
        (
            past_followers::actor_id.eq(actor),
            past_followers::follower_id.eq(follower),
            past_followers::until_seq.eq(newest),
        )
    };
    let rows: Vec<_> = ended.into_iter().map(row).collect();
    insert_each!(db, past_followers::table, rows, insert => insert
        .on_conflict((past_followers::actor_id, past_followers::follower_id))
        .do_update()
        .set(past_followers::until_seq.eq(newest)));
    Ok(())
}

fn newest(standing: &[Standing]) -> &str {
    standing.last().map(|one| one.uri.as_str()).unwrap_or_default()
}

fn to_json(standing: &[Standing]) -> Result<String, StoreError> {
    serde_json::to_string(standing).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Internal(format!("standing follows: {error}"))
}
