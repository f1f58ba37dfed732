//! Who gets an activity: followers, those who may know of an object, keepers of records, or inboxes by name; and where
//! they are reached, in the order of hosts and inboxes, so that whoever looks them up piece by piece can go on where the
//! last piece ended. Which followers keep records is `recipients.rs`. Next: `enqueue.rs`, which queues for them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use crate::connection::Db;
use crate::kept::kept;
use crate::schema::{followers, past_followers, remote_actors};
use crate::{Id, StoreError, recipients};

/// Who gets an activity. Each inbox gets it once, and of followers that share an inbox only that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The followers of the actor.
    Followers,
    /// The followers, and whoever may have been sent anything about this object by any actor here, also if they have
    /// left since.
    FollowersAndPastRecipients {
        /// The object's id.
        object_uri: String,
    },
    /// Of the followers of these actors those whose software understands records, and of such also everyone who was
    /// told of this record before, also if they have left since.
    KeepersOfRecords {
        /// The actors.
        followers_of: Vec<Id>,
        /// The record's id.
        record: String,
    },
    /// These inboxes, each with its host as [`crate::host_of`] gives it.
    Inboxes(Vec<(String, String)>),
    /// Nobody: it is only written down.
    Nobody,
}

/// A host and an inbox there.
pub(crate) type Place = (String, String);

/// The inboxes of an actor's followers, in order and straight from their index.
const FOLLOWERS: &str =
    "SELECT DISTINCT host, inbox FROM followers WHERE (host, inbox) > ($1, $2) AND actor_id = $3";

/// The same, and the inboxes that may know of an object: those of the followers, present and past, of every actor that
/// said something of it, and those it was sent to by name.
const RECIPIENTS: &str = "SELECT host, inbox FROM (
    SELECT CAST($1 AS TEXT) AS after_host, CAST($2 AS TEXT) AS after_inbox) AS done CROSS JOIN (
    SELECT f.host, f.inbox FROM followers f WHERE f.actor_id = $3
    UNION SELECT f.host, f.inbox FROM activities a JOIN followers f ON f.actor_id = a.actor_id
    WHERE a.object_uri = $4 OR a.uri = $5
    UNION SELECT r.delivery_host, r.delivery_inbox
    FROM activities a JOIN past_followers p ON p.actor_id = a.actor_id AND p.until_seq >= a.seq
    JOIN remote_actors r ON r.id = p.follower_id
    WHERE (a.object_uri = $6 OR a.uri = $7) AND r.gone_at IS NULL
    UNION SELECT d.host, d.inbox FROM activities a JOIN deliveries d ON d.activity = a.seq
    WHERE a.addressed AND (a.object_uri = $8 OR a.uri = $9)) AS audience
    WHERE (host, inbox) > (after_host, after_inbox)";

/// The words that select hosts and inboxes of an audience, as far as they come after the place that the first two
/// placeholders stand for, and what the others stand for; `None` for those that need no search.
fn select(actor: Id, audience: &Audience) -> Option<(&'static str, Vec<String>)> {
    match audience {
        Audience::Nobody | Audience::Inboxes(_) => None,
        Audience::Followers => Some((FOLLOWERS, vec![actor.to_string()])),
        Audience::FollowersAndPastRecipients { object_uri } => {
            let mut given = vec![object_uri.clone(); 7];
            given[0] = actor.to_string();
            Some((RECIPIENTS, given))
        }
        Audience::KeepersOfRecords { record, .. } => Some((recipients::AUDIENCE, vec![record.clone(); 2])),
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = Text)]
    inbox: String,
}

/// Where those are reached who are meant, in order: at most `most`, and only what comes after a place.
pub(crate) fn places_after(
    db: &mut Db,
    (actor, audience): (Id, &Audience),
    after: &Place,
    most: usize,
) -> Result<Vec<Place>, StoreError> {
    if let Audience::Inboxes(inboxes) = audience {
        let turned = inboxes.iter().map(|(inbox, host)| (host.clone(), inbox.clone()));
        let mut rest: Vec<Place> = turned.filter(|place| place > after).collect();
        rest.sort_unstable();
        rest.dedup();
        rest.truncate(most);
        return Ok(rest);
    }
    let Some((select, given)) = select(actor, audience) else {
        return Ok(Vec::new());
    };
    let mut query = sql_query(format!("{select} ORDER BY host, inbox LIMIT {most}"))
        .into_boxed()
        .bind::<Text, _>(&after.0)
        .bind::<Text, _>(&after.1);
    for value in given {
        query = query.bind::<Text, _>(value);
    }
    let rows: Vec<Row> = kept(query).load(db)?;
    Ok(rows.into_iter().map(|row| (row.host, row.inbox)).collect())
}

/// Whether more than `most` may be meant, as far as that can be told without looking at all of them.
pub(crate) fn may_exceed(
    db: &mut Db,
    (actor, audience): (Id, &Audience),
    most: usize,
) -> Result<bool, StoreError> {
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let many = match audience {
        Audience::Nobody => 0,
        Audience::Inboxes(inboxes) => inboxes.len(),
        Audience::Followers | Audience::FollowersAndPastRecipients { .. } => {
            let now = followers::table.filter(followers::actor_id.eq(actor));
            let past = past_followers::table.filter(past_followers::actor_id.eq(actor));
            let now: Vec<String> = now.select(followers::follower_id).limit(limit).load(db)?;
            let past: Vec<String> = past.select(past_followers::follower_id).limit(limit).load(db)?;
            now.len() + past.len()
        }
        Audience::KeepersOfRecords { .. } => {
            let who = remote_actors::table.filter(remote_actors::understands_records.eq(true));
            let who: Vec<Id> = who.select(remote_actors::id).limit(limit).load(db)?;
            who.len()
        }
    };
    Ok(many > most)
}
