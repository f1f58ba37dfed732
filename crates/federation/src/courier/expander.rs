//! Events become activities and deliveries, in the order in which they happened, by one process at a time: whoever holds
//! the lease. What an event means is `outbox/`; writing it down is one transaction that happens once per event, so
//! dying in between only means building it again.

use crate::{Federation, outbox};
use shoal_store::{Built, Millis, PendingEvent, StoreError};
use std::sync::Arc;

/// The lease's name.
const LEASE: &str = "expander";
/// How long it lasts without renewal.
const TTL: Millis = 30_000;
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

/// Builds up to a batch of events.
///
/// # Errors
/// When the store does not answer. An event that cannot be built stops the line: its order is kept, and it is logged.
pub(super) async fn expand(federation: &Arc<Federation>, owner: &str) -> Result<Expanded, StoreError> {
    let shared = federation.shared();
    let (now, holder) = (shared.now(), owner.to_owned());
    let pending = shared
        .with_store(move |store| {
            // Asking for events first keeps an idle server from writing.
            let pending = store.unbuilt_events(BATCH)?;
            if pending.is_empty() || !store.take_lease(now, LEASE, &holder, TTL)? {
                return Ok(Vec::new());
            }
            // Somebody else may have built some of them before the lease was ours.
            store.unbuilt_events(BATCH)
        })
        .await?;
    let full = pending.len() == BATCH as usize;
    for event in pending {
        build(federation, event).await?;
        let (now, holder) = (shared.now(), owner.to_owned());
        if !shared
            .with_store(move |store| store.take_lease(now, LEASE, &holder, TTL))
            .await?
        {
            return Ok(Expanded::All);
        }
    }
    Ok(if full { Expanded::More } else { Expanded::All })
}

async fn build(federation: &Arc<Federation>, event: PendingEvent) -> Result<(), StoreError> {
    let builder = Arc::clone(federation);
    let moment = federation.shared().moment();
    let seq = event.seq;
    let again = federation.shared().moment();
    let built = federation.shared().with_store(move |store| {
        let outcome = outbox::build(&builder, &event);
        match outcome.and_then(|built| store.record_built(moment, event.id, built)) {
            Err(error) if is_lasting(&error) => {
                // It would fail for ever and hold up everything behind it.
                tracing::error!(seq, %error, event = ?event.event, "an event cannot be told and is left out");
                store.record_built(again, event.id, Built::default())
            }
            other => other,
        }
    });
    let told = built.await;
    told.inspect_err(|error| tracing::error!(seq, %error, "an event could not be built"))
        .map(drop)
}

/// Whether building the same event again can only fail again.
fn is_lasting(error: &StoreError) -> bool {
    use StoreError::{Gone, Invalid, NotFound, Refused};
    matches!(error, NotFound { .. } | Invalid(_) | Gone { .. } | Refused(_))
}

/// Gives the lease back.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn release(federation: &Arc<Federation>, owner: &str) -> Result<(), StoreError> {
    let owner = owner.to_owned();
    federation
        .shared()
        .with_store(move |store| store.release_lease(LEASE, &owner))
        .await
}
