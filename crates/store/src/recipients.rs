//! Who is sent a record: followers whose software understands records, and nobody else, ever; of them also those who were
//! told of it before, wherever they followed then. Who else gets an activity is decided in `built.rs`, which calls this.

use diesel::sql_types::{BigInt, Text};
use diesel::{RunQueryDsl, sql_query};

use crate::connection::Db;
use crate::kept::kept;
use crate::{Id, StoreError};

/// Remembers that an actor's followers are told, when there is any who understands. Those who do are few among all
/// followers, so the search begins with them.
const TELL: &str = "INSERT INTO record_recipients (record_uri, actor_id, since_seq)
    SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT)
    WHERE EXISTS (SELECT 1 FROM remote_actors r CROSS JOIN followers f
        WHERE r.understands_records AND r.gone_at IS NULL AND f.actor_id = $4 AND f.follower_id = r.id)
    ON CONFLICT DO NOTHING";

/// Each inbox behind which somebody is who follows an actor whose followers were told, or did when they were, as far as it
/// comes after the place that the first two placeholders stand for. The others both stand for the record.
pub(crate) const AUDIENCE: &str = "SELECT host, inbox FROM (
    SELECT CAST($1 AS TEXT) AS after_host, CAST($2 AS TEXT) AS after_inbox) AS done CROSS JOIN (
    SELECT r.delivery_host AS host, r.delivery_inbox AS inbox
    FROM remote_actors r CROSS JOIN record_recipients t CROSS JOIN followers f
    WHERE r.understands_records AND r.gone_at IS NULL AND t.record_uri = $3
        AND f.actor_id = t.actor_id AND f.follower_id = r.id
    UNION SELECT r.delivery_host, r.delivery_inbox
    FROM remote_actors r CROSS JOIN record_recipients t CROSS JOIN past_followers p
    WHERE r.understands_records AND r.gone_at IS NULL AND t.record_uri = $4
        AND p.actor_id = t.actor_id AND p.follower_id = r.id AND p.until_seq >= t.since_seq) AS audience
    WHERE (host, inbox) > (after_host, after_inbox)";

/// Remembers that the activity at `seq` of the log, which is about a record, is told to the followers of these actors.
pub(crate) fn note(db: &mut Db, seq: i64, record: &str, followers_of: &[Id]) -> Result<(), StoreError> {
    for actor in followers_of {
        let told = sql_query(TELL)
            .bind::<Text, _>(record)
            .bind::<Text, _>(actor.to_string())
            .bind::<BigInt, _>(seq)
            .bind::<Text, _>(actor.to_string());
        kept(told).execute(db)?;
    }
    Ok(())
}
