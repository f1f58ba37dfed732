//! Which other servers are blocked here: what moderators decided about a domain, and what ends when they block one.
//!
//! A decision covers a domain, everything under it and every port; of several the closest counts, so that one server
//! under a blocked domain can be allowed. Whoever must ask often keeps [`Blocks`] and looks whether they changed.
//! Refusing and not fetching is the federation's work. Next: `moderation_log.rs`.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::blocks::{Blocks, checked};
use crate::connection::{Db, each};
use crate::moderation_log::{Entry, log};
use crate::schema::{
    accounts, deliveries, followers, following, hosts as host_table, instances, past_followers, remote_actors,
};
use crate::{Id, Millis, Moment, Page, Paging, Store, StoreError, hosts, settings, text};

/// Where the number of the last change is kept.
const REVISION: &str = "instances.revision";
/// What a delivery is ended with.
const ENDED: &str = "this server was blocked by the moderators";

/// What was decided about a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is taken from it, fetched from it or sent to it.
    Blocked,
    /// It is welcome, though a domain above it is blocked.
    Allowed,
}

impl Standing {
    /// The word for it in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Allowed => "allowed",
        }
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        [Self::Blocked, Self::Allowed]
            .into_iter()
            .find(|standing| standing.word() == word)
            .ok_or_else(|| StoreError::Internal(format!("unknown standing “{word}”")))
    }
}

/// A decision about a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The domain, lower case, without port.
    pub domain: String,
    /// What was decided.
    pub standing: Standing,
    /// Why.
    pub reason: String,
    /// The name of the account that decided.
    pub by: Option<String>,
    /// When.
    pub at: Millis,
}

/// What ended when a domain was blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Severed {
    /// Followers that follow no more.
    pub followers: usize,
    /// Actors there that are followed no more.
    pub followed: usize,
    /// Deliveries that waited.
    pub deliveries: usize,
}

impl Store {
    /// Blocks a domain and ends all that ties us to it: who follows from there, whom we follow there, what waits to be
    /// delivered there. Blocking it again changes the reason.
    ///
    /// # Errors
    /// `Invalid` for what is not a domain, and without a reason.
    pub fn block_instance(
        &self,
        moment: Moment,
        domain: &str,
        by: Id,
        reason: &str,
    ) -> Result<Severed, StoreError> {
        if reason.trim().is_empty() {
            return Err(StoreError::Invalid(
                "The reason is missing: it is kept for other moderators.".into(),
            ));
        }
        self.decide(moment, domain, by, (Some(Standing::Blocked), reason))
    }

    /// Allows a domain although one above it is blocked. What was ended by the block stays ended.
    ///
    /// # Errors
    /// `Invalid` for what is not a domain.
    pub fn allow_instance(
        &self,
        moment: Moment,
        domain: &str,
        by: Id,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.decide(moment, domain, by, (Some(Standing::Allowed), reason))
            .map(drop)
    }

    /// Takes the decision about a domain back. What was ended by a block stays ended.
    ///
    /// # Errors
    /// `NotFound` for a domain about which nothing was decided.
    pub fn reset_instance(
        &self,
        moment: Moment,
        domain: &str,
        by: Id,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.decide(moment, domain, by, (None, reason)).map(drop)
    }

    fn decide(
        &self,
        mut m: Moment,
        domain: &str,
        by: Id,
        (standing, reason): (Option<Standing>, &str),
    ) -> Result<Severed, StoreError> {
        let domain = checked(domain)?;
        let reason = text::prose("reason", reason, text::REASON)?;
        self.write(move |tx| {
            let db = &mut *tx.db;
            match standing {
                Some(standing) => keep(db, m.now, &domain, (standing, &reason, by))?,
                None => forget(db, &domain)?,
            }
            let act = match standing {
                Some(Standing::Blocked) => "block",
                Some(Standing::Allowed) => "allow",
                None => "reset",
            };
            let entry = Entry {
                by: Some(by),
                act,
                target_kind: "instance",
                target_id: &domain,
                target_label: &domain,
                reason: &reason,
            };
            log(db, &mut m, &entry)?;
            settings::keep(db, REVISION, &m.id().to_string())?;
            if standing == Some(Standing::Blocked) {
                return sever(db, m.now);
            }
            Ok(Severed::default())
        })
    }

    /// All decisions, if they are not those that `known` has; `None` when nothing changed, which costs one small read.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn blocks(&self, known: &Blocks) -> Result<Option<Blocks>, StoreError> {
        self.read(|db| {
            let revision = settings::value_of(db, REVISION)?.unwrap_or_default();
            if revision == known.revision {
                return Ok(None);
            }
            Ok(Some(Blocks {
                decided: decided(db)?,
                revision,
            }))
        })
    }

    /// The decisions, by domain.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor; otherwise when the database does not answer.
    pub fn instances(&self, paging: &Paging) -> Result<Page<Instance>, StoreError> {
        self.read(|db| {
            let mut query = instances::table
                .left_join(accounts::table.on(instances::by_account.eq(accounts::id.nullable())))
                .order(instances::domain)
                .limit(paging.bounded() + 1)
                .select((
                    instances::domain,
                    instances::standing,
                    instances::reason,
                    accounts::name.nullable(),
                    instances::at,
                ))
                .into_boxed();
            if let Some([after]) = paging.after()? {
                query = query.filter(instances::domain.gt(after));
            }
            let rows: Vec<(String, String, String, Option<String>, Millis)> = query.load(db)?;
            Page::of(rows, paging, |row| [row.0.clone()]).try_map(|(domain, standing, reason, by, at)| {
                let standing = Standing::parse(&standing)?;
                Ok(Instance {
                    domain,
                    standing,
                    reason,
                    by,
                    at,
                })
            })
        })
    }
}

fn keep(
    db: &mut Db,
    now: Millis,
    domain: &str,
    (standing, reason, by): (Standing, &str, Id),
) -> Result<(), StoreError> {
    let decision = (
        instances::standing.eq(standing.word()),
        instances::reason.eq(reason),
        instances::by_account.eq(Some(by)),
        instances::at.eq(now),
    );
    each!(db, conn => diesel::insert_into(instances::table)
        .values((instances::domain.eq(domain), decision))
        .on_conflict(instances::domain)
        .do_update()
        .set(decision)
        .execute(conn))?;
    Ok(())
}

fn forget(db: &mut Db, domain: &str) -> Result<(), StoreError> {
    match diesel::delete(instances::table.find(domain)).execute(db)? {
        0 => Err(StoreError::NotFound {
            what: "decision about this server",
        }),
        _ => Ok(()),
    }
}

fn decided(db: &mut Db) -> Result<HashMap<String, Standing>, StoreError> {
    let rows: Vec<(String, String)> = instances::table
        .select((instances::domain, instances::standing))
        .load(db)?;
    rows.into_iter()
        .map(|(domain, standing)| Ok((domain, Standing::parse(&standing)?)))
        .collect()
}

/// Ends every tie to servers that are blocked now.
fn sever(db: &mut Db, now: Millis) -> Result<Severed, StoreError> {
    let blocks = Blocks {
        decided: decided(db)?,
        revision: String::new(),
    };
    let mut known: Vec<String> = remote_actors::table
        .select(remote_actors::domain)
        .distinct()
        .load(db)?;
    known.retain(|domain| blocks.is_blocked(domain));
    let mut severed = Severed::default();
    for some in known.chunks(500) {
        let there = || {
            remote_actors::table
                .filter(remote_actors::domain.eq_any(some))
                .select(remote_actors::id)
        };
        severed.followers +=
            diesel::delete(followers::table.filter(followers::follower_id.eq_any(there()))).execute(db)?;
        diesel::delete(past_followers::table.filter(past_followers::follower_id.eq_any(there())))
            .execute(db)?;
        severed.followed += diesel::update(following::table.filter(following::target_id.eq_any(there())))
            .filter(following::state.eq_any(["requested", "accepted"]))
            .set((following::state.eq("withdrawn"), following::updated_at.eq(now)))
            .execute(db)?;
    }
    let mut waiting: Vec<String> = host_table::table
        .filter(host_table::due_at.is_not_null().and(host_table::waiting.gt(0)))
        .order(host_table::host)
        .select(host_table::host)
        .load(db)?;
    waiting.retain(|host| blocks.is_blocked(host));
    for host in waiting {
        severed.deliveries += end_deliveries(db, now, &host)?;
    }
    Ok(severed)
}

fn end_deliveries(db: &mut Db, now: Millis, host: &str) -> Result<usize, StoreError> {
    let Some(mut host) = hosts::lock(db, host)? else {
        return Ok(0);
    };
    let ended = diesel::update(deliveries::table)
        .filter(
            deliveries::host
                .eq(&host.host)
                .and(deliveries::state.eq("waiting")),
        )
        .set((
            deliveries::state.eq("refused"),
            deliveries::done_at.eq(now),
            deliveries::reason.eq(ENDED),
        ))
        .execute(db)?;
    host.waiting = 0;
    hosts::save(db, now, &host)?;
    Ok(ended)
}
