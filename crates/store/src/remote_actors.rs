//! Actors of other servers as they were last fetched: their inboxes, their keys, their document. Holds no judgement of
//! them; what may be believed is decided before it is saved. Next: `followers.rs`.

use diesel::prelude::*;

use crate::connection::{Db, each};
use crate::kept::kept;
use crate::received::{Effect, Received, once};
use crate::schema::{followers, following, past_followers, remote_actors};
use crate::uris::{check_uri, host_of};
use crate::{Id, Millis, Moment, Store, StoreError, text};

/// An actor of another server.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = remote_actors)]
pub struct RemoteActor {
    /// Our row.
    pub id: Id,
    /// Its ActivityPub id.
    pub uri: String,
    /// The host of its id.
    pub domain: String,
    /// Its `preferredUsername`.
    pub name: String,
    /// `Person`, `Service` and so on.
    pub actor_type: String,
    /// Its `name`.
    pub title: String,
    /// Its own inbox.
    pub inbox: String,
    /// The inbox it shares with others of its server.
    pub shared_inbox: Option<String>,
    /// The id of its RSA key.
    pub key_id: String,
    /// That key, PEM.
    pub public_key_pem: String,
    /// The whole document as fetched.
    pub json: String,
    /// When it was fetched last.
    pub fetched_at: Millis,
    /// When its server said that it is gone.
    pub gone_at: Option<Millis>,
}

/// A fetched actor to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRemoteActor {
    /// Its ActivityPub id.
    pub uri: String,
    /// The host of its id.
    pub domain: String,
    /// Its `preferredUsername`.
    pub name: String,
    /// `Person`, `Service` and so on.
    pub actor_type: String,
    /// Its `name`.
    pub title: String,
    /// Its own inbox.
    pub inbox: String,
    /// The inbox it shares with others of its server.
    pub shared_inbox: Option<String>,
    /// The id of its RSA key.
    pub key_id: String,
    /// That key, PEM.
    pub public_key_pem: String,
    /// The whole document as fetched.
    pub json: String,
    /// Whether its software says that it understands records.
    pub understands_records: bool,
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = remote_actors, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fetched {
    uri: String,
    domain: String,
    name: String,
    actor_type: String,
    title: String,
    inbox: String,
    shared_inbox: Option<String>,
    delivery_inbox: String,
    delivery_host: String,
    key_id: String,
    public_key_pem: String,
    json: String,
    fetched_at: Millis,
    gone_at: Option<Millis>,
    understands_records: bool,
}

impl Fetched {
    fn now(now: Millis, actor: NewRemoteActor) -> Result<Self, StoreError> {
        let delivery_inbox = actor.shared_inbox.as_ref().unwrap_or(&actor.inbox).clone();
        for (what, uri) in [
            ("actor's id", &actor.uri),
            ("actor's inbox", &actor.inbox),
            ("actor's shared inbox", &delivery_inbox),
            ("actor's key id", &actor.key_id),
        ] {
            check_uri(what, uri)?;
        }
        Ok(Self {
            uri: actor.uri,
            domain: clean(&actor.domain, text::LINE),
            name: clean(&actor.name, text::LINE),
            actor_type: clean(&actor.actor_type, text::LINE),
            title: clean(&actor.title, text::LINE),
            inbox: actor.inbox,
            shared_inbox: actor.shared_inbox,
            delivery_host: host_of(&delivery_inbox)?,
            delivery_inbox,
            key_id: actor.key_id,
            public_key_pem: actor.public_key_pem.replace('\0', ""),
            json: actor.json.replace('\0', ""),
            fetched_at: now,
            gone_at: None,
            understands_records: actor.understands_records,
        })
    }

    /// The same as it is kept in that row.
    fn under(self, id: Id) -> RemoteActor {
        RemoteActor {
            id,
            uri: self.uri,
            domain: self.domain,
            name: self.name,
            actor_type: self.actor_type,
            title: self.title,
            inbox: self.inbox,
            shared_inbox: self.shared_inbox,
            key_id: self.key_id,
            public_key_pem: self.public_key_pem,
            json: self.json,
            fetched_at: self.fetched_at,
            gone_at: self.gone_at,
        }
    }
}

/// What a stranger wrote, on one line, cut and without control characters.
fn clean(text: &str, most: usize) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(most)
        .collect()
}

impl Store {
    /// Keeps an actor as it was fetched just now, under the row it has already if its `uri` is known. One that was
    /// gone is back then, and what it follows is told where it is reached now.
    ///
    /// # Errors
    /// `Invalid` for addresses that cannot be kept.
    pub fn save_remote_actor(
        &self,
        mut moment: Moment,
        actor: NewRemoteActor,
    ) -> Result<RemoteActor, StoreError> {
        let fetched = Fetched::now(moment.now, actor)?;
        self.write_beside(move |tx| {
            let row = (
                remote_actors::id.eq(moment.id()),
                remote_actors::created_at.eq(moment.now),
                &fetched,
            );
            let id = each!(&mut *tx.db, conn => kept(diesel::insert_into(remote_actors::table)
                .values(row)
                .on_conflict(remote_actors::uri)
                .do_update()
                .set(&fetched)
                .returning(remote_actors::id))
                .get_result(conn))?;
            let moved = followers::table
                .filter(followers::follower_id.eq(id))
                .filter(followers::inbox.ne(&fetched.delivery_inbox));
            let reached = (
                followers::host.eq(&fetched.delivery_host),
                followers::inbox.eq(&fetched.delivery_inbox),
            );
            kept(diesel::update(moved).set(reached)).execute(tx.db)?;
            Ok(fetched.under(id))
        })
    }

    /// The actor with an ActivityPub id.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn remote_actor(&self, uri: &str) -> Result<Option<RemoteActor>, StoreError> {
        self.glance(|db| by_uri(db, uri))
    }

    /// The actor of a row.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn remote_actor_by_id(&self, id: Id) -> Result<Option<RemoteActor>, StoreError> {
        let row = remote_actors::table.find(id).select(RemoteActor::as_select());
        self.read(|db| Ok(row.first(db).optional()?))
    }

    /// The actor that said last that a key is its own, and is not gone.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn remote_actor_by_key(&self, key_id: &str) -> Result<Option<RemoteActor>, StoreError> {
        self.read(|db| {
            Ok(remote_actors::table
                .filter(remote_actors::key_id.eq(key_id))
                .filter(remote_actors::gone_at.is_null())
                .order(remote_actors::fetched_at.desc())
                .select(RemoteActor::as_select())
                .first(db)
                .optional()?)
        })
    }

    /// Actors that are reached at this inbox and are not gone, at most `limit` of them, those fetched longest ago first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn remote_actors_at_inbox(&self, inbox: &str, limit: u32) -> Result<Vec<RemoteActor>, StoreError> {
        self.read(|db| {
            Ok(remote_actors::table
                .filter(remote_actors::delivery_inbox.eq(inbox))
                .filter(remote_actors::gone_at.is_null())
                .order(remote_actors::fetched_at)
                .limit(i64::from(limit))
                .select(RemoteActor::as_select())
                .load(db)?)
        })
    }

    /// Notes that an actor's server said that it is gone, and forgets whom it follows and who follows it. An actor
    /// that was never known is no error.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn mark_remote_actor_gone(&self, moment: Moment, uri: &str) -> Result<(), StoreError> {
        let uri = uri.to_owned();
        self.write(move |tx| mark_gone(tx.db, moment.now, &uri))
    }

    /// Takes in the word of an actor that it is gone; the same as [`Store::mark_remote_actor_gone`], once.
    ///
    /// # Errors
    /// `Invalid` for an id that cannot be stored; otherwise when the database does not answer.
    pub fn receive_actor_gone(
        &self,
        moment: Moment,
        received: Received,
        uri: &str,
    ) -> Result<Effect, StoreError> {
        let uri = uri.to_owned();
        self.write(move |tx| once(tx.db, moment.now, &received, |db| mark_gone(db, moment.now, &uri)))
    }

    /// Notes that an actor is no longer as it was fetched: it counts as never fetched, and is kept.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn doubt_remote_actor(&self, uri: &str) -> Result<(), StoreError> {
        let uri = uri.to_owned();
        self.write_beside(move |tx| {
            diesel::update(remote_actors::table.filter(remote_actors::uri.eq(uri)))
                .set(remote_actors::fetched_at.eq(0))
                .execute(tx.db)?;
            Ok(())
        })
    }
}

fn mark_gone(db: &mut Db, now: Millis, uri: &str) -> Result<(), StoreError> {
    let Some(actor) = by_uri(db, uri)? else {
        return Ok(());
    };
    diesel::delete(followers::table.filter(followers::follower_id.eq(actor.id))).execute(db)?;
    let past = past_followers::table.filter(past_followers::follower_id.eq(actor.id));
    diesel::delete(past).execute(db)?;
    diesel::delete(following::table.filter(following::target_id.eq(actor.id))).execute(db)?;
    diesel::update(remote_actors::table.find(actor.id))
        .set(remote_actors::gone_at.eq(now))
        .execute(db)?;
    Ok(())
}

fn by_uri(db: &mut Db, uri: &str) -> Result<Option<RemoteActor>, StoreError> {
    let row = remote_actors::table
        .filter(remote_actors::uri.eq(uri))
        .select(RemoteActor::as_select());
    Ok(row.first(db).optional()?)
}
