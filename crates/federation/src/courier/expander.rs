//! Events become activities and deliveries, in the order in which they happened, by one process at a time: whoever holds
//! the lease. What an event means is `outbox/`; writing it down is one transaction that happens once per event, so
//! dying in between only means building it again. What goes to many is queued page by page after that, all of it before
//! the next event is built, while `mod.rs` claims what is queued already.

use super::{LOOK, desk::Desk};
use crate::{Federation, outbox};
use shoal_store::{Built, Millis, PendingEvent, Spread, Store, StoreError};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// The lease's name.
const LEASE: &str = "expander";
/// How long it lasts without renewal.
const TTL: Millis = 30_000;
/// How long after that it need not be asked for: less than the silence after which a courier is taken for dead.
const SURE: Duration = Duration::from_secs(5);
/// How many events are taken up at once.
const BATCH: u32 = 64;

/// Whether there may be more to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expanded {
    /// A full batch was built.
    More,
    /// Everything was built, or somebody else is at it.
    All,
}

/// Builds events in the name of one courier.
pub(super) struct Expander {
    federation: Arc<Federation>,
    owner: String,
    /// When the lease was last taken or renewed.
    taken: Mutex<Option<Instant>>,
}

impl Expander {
    pub(super) fn new(federation: Arc<Federation>, owner: String) -> Self {
        let taken = Mutex::new(None);
        Self {
            federation,
            owner,
            taken,
        }
    }

    /// Queues what was begun, then builds up to a batch of events, until told to stop.
    ///
    /// # Errors
    /// When the store does not answer. An event that cannot be built stops the line: its order is kept, and it is logged.
    pub(super) async fn expand(&self, stop: &watch::Receiver<bool>) -> Result<Expanded, StoreError> {
        // Asking first keeps an idle server from writing.
        let (mut begun, mut pending) = self.look().await?;
        if begun.is_none() && pending.is_empty() {
            return Ok(Expanded::All);
        }
        if !self.surely_holds() {
            if !self.take().await? {
                return Ok(Expanded::All);
            }
            // Somebody else may have done some of it before the lease was ours.
            (begun, pending) = self.look().await?;
        }
        let full = pending.len() == BATCH as usize;
        let mut pending = pending.into_iter();
        loop {
            if !self.spread(begun, stop).await? {
                return Ok(Expanded::All);
            }
            let Some(event) = pending.next() else { break };
            begun = build(&self.federation, event).await?;
            self.federation.shared().queued.notify_one();
        }
        Ok(if full { Expanded::More } else { Expanded::All })
    }

    /// What was begun and what has happened.
    async fn look(&self) -> Result<(Option<Spread>, Vec<PendingEvent>), StoreError> {
        let read = |store: &Store| Ok((store.next_spread()?, store.unbuilt_events(BATCH)?));
        self.federation.shared().with_store(read).await
    }

    /// Queues one activity after the other for all who are meant; false when told to stop, or the lease is lost.
    async fn spread(&self, begun: Option<Spread>, stop: &watch::Receiver<bool>) -> Result<bool, StoreError> {
        let shared = self.federation.shared();
        let mut next = begun;
        loop {
            if *stop.borrow() || !self.surely_holds() && !self.take().await? {
                return Ok(false);
            }
            let Some(spread) = next else { return Ok(true) };
            let moment = shared.moment();
            let on = move |store: &Store| match store.spread_on(moment, spread)? {
                Some(more) => Ok(Some(more)),
                None => store.next_spread(),
            };
            next = shared.with_store(on).await?;
            shared.queued.notify_one();
        }
    }

    /// Whether the lease was taken so lately that nobody can have it instead.
    fn surely_holds(&self) -> bool {
        self.taken_at().is_some_and(|taken| taken.elapsed() < SURE)
    }

    fn taken_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self) -> Result<bool, StoreError> {
        let shared = self.federation.shared();
        let (begun, now, owner) = (Instant::now(), shared.now(), self.owner.clone());
        let taken = shared
            .with_store(move |store| store.take_lease(now, LEASE, &owner, TTL))
            .await?;
        *self.taken_at() = taken.then_some(begun);
        Ok(taken)
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn release(&self) -> Result<(), StoreError> {
        *self.taken_at() = None;
        let owner = self.owner.clone();
        self.federation
            .shared()
            .with_store(move |store| store.release_lease(LEASE, &owner))
            .await
    }
}

/// Expands whatever happens until told to stop; looks again when woken, and after `idle` in any case.
pub(super) async fn keep(desk: Arc<Desk>, idle: Duration, mut stop: watch::Receiver<bool>) {
    let mut first = true;
    while !*stop.borrow() {
        let expanded = desk.expander.expand(&stop).await;
        if std::mem::take(&mut first) {
            // A courier before this one may have queued something after hosts were looked for.
            desk.shared().queued.notify_one();
        }
        let pause = match expanded {
            Ok(Expanded::More) => continue,
            Ok(Expanded::All) => idle,
            Err(error) => {
                tracing::error!(%error, "what has happened cannot be told: a problem with the database");
                LOOK
            }
        };
        tokio::select! {
            () = desk.shared().happened.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => break,
        }
    }
}

/// Builds one event and writes down what it came to; gives what of it is yet to be queued.
async fn build(federation: &Arc<Federation>, event: PendingEvent) -> Result<Option<Spread>, StoreError> {
    let (builder, seq) = (Arc::clone(federation), event.seq);
    let (moment, again) = (federation.shared().moment(), federation.shared().moment());
    let told = federation.shared().with_store(move |store| {
        let built = unless_lasting(&event, outbox::build(&builder, &event))?;
        if let Err(error) = store.record_built(moment, event.id, built) {
            store.record_built(again, event.id, unless_lasting(&event, Err(error))?)?;
        }
        store.next_spread()
    });
    told.await
        .inspect_err(|error| tracing::error!(seq, %error, "an event could not be built"))
}

/// What an event comes to; nothing when it would fail for ever and hold up everything behind it.
fn unless_lasting(event: &PendingEvent, outcome: Result<Built, StoreError>) -> Result<Built, StoreError> {
    outcome.or_else(|error| {
        if !is_lasting(&error) {
            return Err(error);
        }
        tracing::error!(seq = event.seq, %error, event = ?event.event, "an event cannot be told and is left out");
        Ok(Built::default())
    })
}

/// Whether building the same event again can only fail again.
fn is_lasting(error: &StoreError) -> bool {
    use StoreError::{Gone, Invalid, NotFound, Refused};
    matches!(error, NotFound { .. } | Invalid(_) | Gone { .. } | Refused(_))
}
