//! What attempts came to, written down: delivered, refused for good, or not now. Outcomes of several hosts share a
//! transaction, and whoever tells one is told in the same breath what is next for its host.
//!
//! Nothing overtakes: while the first delivery of a host is delayed, its whole host is. Next: `queue.rs`, looking at the
//! queue and clearing it up.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::connection::Db;
use crate::deliveries::{Delivery, bounded};
use crate::hosts::{self, Host, Row};
use crate::kept::{kept, padded};
use crate::schema::{deliveries, hosts as rows};
use crate::shelf::Shelf;
use crate::{Millis, Moment, Store, StoreError};

/// How an attempt to deliver something went, told by the one who holds the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The delivery.
    pub delivery: i64,
    /// The owner of the claim.
    pub owner: String,
    /// For how many milliseconds from now the claim is renewed.
    pub lease: Millis,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What happened, in words for an admin; cut after 500 characters.
    pub reason: String,
}

/// What an attempt means for the delivery and its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The other side took it: the host is well.
    Delivered,
    /// It will never be taken: it is tried no more, and what is behind it goes on.
    Refused,
    /// It cannot be taken now: its host is let go and not tried before this.
    NotNow {
        /// When the next attempt may be made.
        retry_at: Millis,
        /// Until when the other side asked to be left alone; signs of life do not shorten that.
        asked_until: Option<Millis>,
    },
}

/// What the one who holds the host wants to do next, if the delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It has more in hand: the claim is renewed.
    InHand,
    /// It wants so many more; the host is let go if there is none.
    More(u32),
    /// It lets the host go.
    Release,
}

/// An attempt, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The attempt.
    pub attempt: Attempt,
    /// What became of the delivery.
    pub fate: Fate,
    /// What is wanted next.
    pub then: Then,
}

/// How things stand after an outcome was written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Whether the claim is still the owner's, who otherwise must send nothing more to this host.
    pub held: bool,
    /// What to send next, in order, if more was wanted.
    pub next: Vec<Delivery>,
}

impl Store {
    /// Writes down how attempts went, each to another host, and answers in the same order. All in one transaction, but
    /// for hosts that somebody else is just changing: they have one each, so that nobody waits while holding others.
    ///
    /// # Errors
    /// `NotFound` for a delivery that does not exist; then nothing was written.
    pub fn settle(&self, m: Moment, outcomes: Vec<Outcome>) -> Result<Vec<Settled>, StoreError> {
        let count = outcomes.len();
        let (settled, busy) = self.write_behind(move |tx| settle_free(tx.db, m.now, outcomes))?;
        let mut answers = vec![Settled::default(); count];
        for (place, answer) in settled {
            answers[place] = answer;
        }
        for (place, name, outcome) in busy {
            answers[place] = self.write_behind(move |tx| {
                let missing = || StoreError::Internal(format!("no row for the host {name}"));
                let mut host = hosts::lock(tx.db, &name)?.ok_or_else(missing)?;
                apply(tx.db, m.now, &mut host, &outcome)
            })?;
        }
        Ok(answers)
    }
}

/// Outcomes in their places, settled, and those whose hosts others hold locked just now.
type Parted = (Vec<(usize, Settled)>, Vec<(usize, String, Outcome)>);

fn settle_free(db: &mut Db, now: Millis, outcomes: Vec<Outcome>) -> Result<Parted, StoreError> {
    let numbers: Vec<i64> = outcomes.iter().map(|outcome| outcome.attempt.delivery).collect();
    let named = deliveries::table
        .filter(deliveries::seq.eq_any(padded(numbers)))
        .select((deliveries::seq, deliveries::host));
    let named: Vec<(i64, String)> = kept(named).load(db)?;
    let named: HashMap<i64, String> = named.into_iter().collect();
    let mut free = lock_free(db, named.values().cloned().collect())?;
    let mut plain = take_plain(db, now, &outcomes, (&named, &free))?;
    let (mut settled, mut busy) = (Vec::new(), Vec::new());
    for (place, outcome) in outcomes.into_iter().enumerate() {
        let name = named.get(&outcome.attempt.delivery);
        let name = name.ok_or(StoreError::NotFound { what: "delivery" })?;
        if let Some(held) = plain.remove(&outcome.attempt.delivery) {
            let next = Vec::new();
            settled.push((place, Settled { held, next }));
            continue;
        }
        match free.get_mut(name) {
            Some(host) => settled.push((place, apply(db, now, host, &outcome)?)),
            None => busy.push((place, name.clone(), outcome)),
        }
    }
    Ok((settled, busy))
}

/// What many deliveries have in common that were simply taken.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Plain {
    status: Option<u16>,
    /// Until when the claim is renewed; `None` when nothing more waits for the host, which is let go.
    until: Option<Millis>,
}

impl Plain {
    /// What an outcome has in common with others, if all that it changes is alike.
    fn of(now: Millis, outcome: &Outcome, host: &Host) -> Option<Self> {
        let Outcome { attempt, fate, then } = outcome;
        let simple = *fate == Fate::Delivered && host.is_held_by(&attempt.owner) && host.paused.is_none();
        let until = match (then, host.waiting) {
            (Then::InHand, 2..) => Some(now.saturating_add(attempt.lease)),
            (Then::More(_) | Then::Release, 1) => None,
            _ => return None,
        };
        let status = attempt.status;
        simple.then_some(Self { status, until })
    }
}

/// Writes down, a few statements for all of them, the outcomes that are the rule: taken, and there is more in hand, or
/// that was the last. Gives those by delivery, with whether the claim still holds; the others are settled one by one.
fn take_plain(
    db: &mut Db,
    now: Millis,
    outcomes: &[Outcome],
    (named, free): (&HashMap<i64, String>, &HashMap<String, Host>),
) -> Result<HashMap<i64, bool>, StoreError> {
    let mut groups: HashMap<Plain, Vec<i64>> = HashMap::new();
    if named.len() == free.len() && named.len() == outcomes.len() {
        // Each to another host, and none of them in other hands.
        for outcome in outcomes {
            let delivery = outcome.attempt.delivery;
            let host = named.get(&delivery).and_then(|name| free.get(name));
            if let Some(plain) = host.and_then(|host| Plain::of(now, outcome, host)) {
                groups.entry(plain).or_default().push(delivery);
            }
        }
    }
    let mut taken = HashMap::new();
    for (plain, deliveries) in groups {
        let ended = end_all(db, now, &plain, deliveries)?;
        let names = ended.iter().filter_map(|delivery| named.get(delivery));
        go_on(db, now, &plain, names.map(String::as_str).collect())?;
        taken.extend(
            ended
                .into_iter()
                .map(|delivery| (delivery, plain.until.is_some())),
        );
    }
    Ok(taken)
}

/// Ends these deliveries, which were taken; says which of them had waited.
fn end_all(db: &mut Db, now: Millis, plain: &Plain, which: Vec<i64>) -> Result<Vec<i64>, StoreError> {
    let ended = diesel::update(deliveries::table)
        .filter(
            deliveries::seq
                .eq_any(padded(which))
                .and(deliveries::state.eq("waiting")),
        )
        .set((
            deliveries::state.eq("delivered"),
            deliveries::attempts.eq(deliveries::attempts + 1),
            deliveries::tried_at.eq(now),
            deliveries::done_at.eq(now),
            deliveries::status.eq(plain.status.map(i64::from)),
            deliveries::reason.eq(None::<String>),
        ))
        .returning(deliveries::seq);
    Ok(kept(ended).get_results(db)?)
}

/// What [`Host::recovered`] and a taken delivery change of these hosts.
fn go_on(db: &mut Db, now: Millis, plain: &Plain, names: Vec<&str>) -> Result<(), StoreError> {
    let these = rows::table.filter(rows::host.eq_any(padded(names)));
    let well = (
        rows::waiting.eq(rows::waiting - 1),
        rows::due_at.eq(plain.until),
        rows::lease_until.eq(plain.until),
        rows::failures.eq(0),
        rows::failing_since.eq(None::<Millis>),
        rows::retry_at.eq(None::<Millis>),
        rows::asked_until.eq(None::<Millis>),
        rows::last_success_at.eq(now),
    );
    match plain.until {
        Some(_) => kept(diesel::update(these).set(well)).execute(db)?,
        None => {
            let let_go = (rows::lease_owner.eq(None::<String>), rows::idle_since.eq(now));
            kept(diesel::update(these).set((well, let_go))).execute(db)?
        }
    };
    Ok(())
}

/// Those of the hosts that can be locked without waiting.
fn lock_free(db: &mut Db, names: Vec<String>) -> Result<HashMap<String, Host>, StoreError> {
    let these = rows::table.filter(rows::host.eq_any(padded(names)));
    let rows: Vec<Row> = match db {
        Db::Sqlite(conn) => kept(these.select(Row::as_select())).load(conn)?,
        Db::Postgres(conn) => these
            .select(Row::as_select())
            .for_update()
            .skip_locked()
            .load(conn)?,
    };
    let hosts = rows.into_iter().map(hosts::from_row);
    Ok(hosts.map(|host| (host.host.clone(), host)).collect())
}

/// Writes one outcome down for its locked host. A delivery that has ended already stays as it is.
fn apply(db: &mut Db, now: Millis, host: &mut Host, outcome: &Outcome) -> Result<Settled, StoreError> {
    let Outcome { attempt, fate, then } = outcome;
    let held = host.is_held_by(&attempt.owner);
    let reason = bounded(&attempt.reason);
    if let Fate::NotNow {
        retry_at,
        asked_until,
    } = *fate
    {
        note_attempt(db, now, attempt, &reason)?;
        if held {
            host.failed(now, attempt.status, reason);
            host.failures = host.failures.saturating_add(1);
            host.failing_since = host.failing_since.or(Some(now));
            (host.retry_at, host.asked_until) = (Some(retry_at), asked_until);
            host.claimed = None;
            hosts::save(db, now, host)?;
        }
        return Ok(Settled {
            held,
            next: Vec::new(),
        });
    }
    let ended = end(db, now, attempt, *fate, &reason)?;
    host.waiting -= ended;
    if *fate == Fate::Delivered || attempt.status.is_some_and(|status| status < 500) {
        host.recovered();
    }
    match fate {
        Fate::Delivered => host.last_success_at = Some(now),
        _ => host.failed(now, attempt.status, reason),
    }
    let mut next = Vec::new();
    if held {
        if let (Then::More(most), true) = (then, host.may_be_claimed()) {
            next = Shelf::waiting(db, &host.host, i64::from(*most))?;
        }
        // What was ended by others in between may not be the only such delivery in the worker's hand: it reads anew.
        let in_hand = *then == Then::InHand && ended > 0;
        let goes_on = host.paused.is_none() && (in_hand || !next.is_empty());
        let until = now.saturating_add(attempt.lease);
        host.claimed = goes_on.then(|| (attempt.owner.clone(), until));
    }
    hosts::save(db, now, host)?;
    Ok(Settled {
        held: held && host.claimed.is_some(),
        next,
    })
}

/// Counts an attempt that ended nothing.
fn note_attempt(db: &mut Db, now: Millis, attempt: &Attempt, reason: &str) -> Result<(), StoreError> {
    diesel::update(deliveries::table.find(attempt.delivery))
        .filter(deliveries::state.eq("waiting"))
        .set((
            deliveries::attempts.eq(deliveries::attempts + 1),
            deliveries::tried_at.eq(now),
            deliveries::status.eq(attempt.status.map(i64::from)),
            deliveries::reason.eq(reason),
        ))
        .execute(db)?;
    Ok(())
}

/// Ends a waiting delivery; says how many that were, one or none.
fn end(db: &mut Db, now: Millis, attempt: &Attempt, fate: Fate, reason: &str) -> Result<i64, StoreError> {
    let state = match fate {
        Fate::Delivered => "delivered",
        _ => "refused",
    };
    let ended = diesel::update(deliveries::table.find(attempt.delivery))
        .filter(deliveries::state.eq("waiting"))
        .set((
            deliveries::state.eq(state),
            deliveries::attempts.eq(deliveries::attempts + 1),
            deliveries::tried_at.eq(now),
            deliveries::done_at.eq(now),
            deliveries::status.eq(attempt.status.map(i64::from)),
            deliveries::reason.eq(Some(reason).filter(|reason| !reason.is_empty())),
        ));
    let ended = kept(ended).execute(db)?;
    Ok(i64::try_from(ended).unwrap_or(0))
}
