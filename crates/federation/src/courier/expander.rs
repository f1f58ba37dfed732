//! Events become activities and deliveries, in the order in which they happened, by one process at a time: whoever holds
//! the lease. What an event means is `outbox/`; writing it down is one transaction that happens once per event, so
//! dying in between only means building it again.

use crate::{Federation, outbox};
use shoal_store::{Built, Millis, PendingEvent, Store, StoreError};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

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

    /// Builds up to a batch of events.
    ///
    /// # Errors
    /// When the store does not answer. An event that cannot be built stops the line: its order is kept, and it is logged.
    pub(super) async fn expand(&self) -> Result<Expanded, StoreError> {
        // Asking for events first keeps an idle server from writing.
        let mut pending = self.pending().await?;
        if pending.is_empty() {
            return Ok(Expanded::All);
        }
        if !self.surely_holds() {
            if !self.take().await? {
                return Ok(Expanded::All);
            }
            // Somebody else may have built some of them before the lease was ours.
            pending = self.pending().await?;
        }
        let full = pending.len() == BATCH as usize;
        for event in pending {
            build(&self.federation, event).await?;
            if !self.surely_holds() && !self.take().await? {
                return Ok(Expanded::All);
            }
        }
        Ok(if full { Expanded::More } else { Expanded::All })
    }

    async fn pending(&self) -> Result<Vec<PendingEvent>, StoreError> {
        let read = |store: &Store| store.unbuilt_events(BATCH);
        self.federation.shared().with_store(read).await
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

/// Builds one event and writes down what it came to.
async fn build(federation: &Arc<Federation>, event: PendingEvent) -> Result<(), StoreError> {
    let (builder, seq) = (Arc::clone(federation), event.seq);
    let (moment, again) = (federation.shared().moment(), federation.shared().moment());
    let told = federation.shared().with_store(move |store| {
        let built = unless_lasting(&event, outbox::build(&builder, &event))?;
        if let Err(error) = store.record_built(moment, event.id, built) {
            store.record_built(again, event.id, unless_lasting(&event, Err(error))?)?;
        }
        Ok(())
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
