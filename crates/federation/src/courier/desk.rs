//! What the carriers of one courier share: the ledgers, in which the outcomes of all of them are written down together,
//! the letters they carry, the slots they work in, and who is at work. Decides nothing about a delivery; `carrier.rs`
//! does.

use super::{HOSTS_AT_ONCE, expander::Expander};
use crate::{
    Federation, Shared,
    ledger::{Gather, Ledger},
    letters::Letter,
};
use shoal_store::{Outcome, Settled, StoreError, Then};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many outcomes are written down in one transaction.
const PAGE: usize = 128;
/// How long an outcome may wait for others if the next delivery to its host is in hand, which waits with it.
const GATHER: Gather = Gather::All(Duration::from_millis(5));
/// How long if none is: then nobody waits.
const AT_LEISURE: Gather = Gather::All(Duration::from_millis(25));

/// Shared by the carriers of one courier.
pub(super) struct Desk {
    pub(super) federation: Arc<Federation>,
    pub(super) owner: String,
    pub(super) expander: Expander,
    outcomes: Ledger<Outcome, Settled>,
    last_outcomes: Ledger<Outcome, Settled>,
    slots: Arc<Semaphore>,
    at_work: Mutex<HashSet<String>>,
    miscounted: AtomicBool,
}

impl Desk {
    /// Opens the ledgers, which are kept until the last carrier is gone.
    ///
    /// # Errors
    /// When the machine has no thread to give.
    pub(super) fn open(federation: Arc<Federation>, owner: String) -> Result<Arc<Self>, StoreError> {
        let open = |name, gather| {
            let shared = Arc::clone(federation.shared());
            Ledger::open(name, (PAGE, gather), move |outcomes| {
                let settled = shared.store.settle(shared.moment(), outcomes)?;
                Ok(settled.into_iter().map(Ok).collect())
            })
        };
        let (outcomes, last_outcomes) = (open("outcomes", GATHER)?, open("last-outcomes", AT_LEISURE)?);
        let expander = Expander::new(Arc::clone(&federation), owner.clone());
        Ok(Arc::new(Self {
            federation,
            owner,
            expander,
            outcomes,
            last_outcomes,
            slots: Arc::new(Semaphore::new(HOSTS_AT_ONCE)),
            at_work: Mutex::default(),
            miscounted: AtomicBool::new(false),
        }))
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.federation.shared()
    }

    /// Writes an outcome down, together with those of others that come at the same time.
    pub(super) async fn settle(&self, outcome: Outcome) -> Result<Settled, StoreError> {
        match outcome.then {
            Then::InHand => self.outcomes.write(outcome).await,
            Then::More(_) | Then::Release => self.last_outcomes.write(outcome).await,
        }
    }

    /// What deliveries of an activity carry; `None` when it is no more.
    pub(super) async fn letter(&self, activity: i64) -> Result<Option<Arc<Letter>>, StoreError> {
        if let Some(letter) = self.shared().letters.get(activity) {
            return Ok(Some(letter));
        }
        let read = self.shared().with_store(move |store| store.letter(activity));
        Ok(read
            .await?
            .map(|letter| self.shared().letters.lay_out(activity, letter)))
    }

    /// How many more hosts may be sent to now.
    pub(super) fn free(&self) -> usize {
        self.slots.available_permits()
    }

    /// A slot to work in, once there is one. `None` never comes: nobody closes them.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// Notes that the database failed in between: hosts may be claimed of which nobody here knows.
    pub(super) fn lost_count(&self) {
        self.miscounted.store(true, Ordering::Relaxed);
    }

    /// Lets go of hosts that are claimed in our name and that nobody here works on, if there may be any.
    pub(super) async fn count_again(&self) -> Result<(), StoreError> {
        if !self.miscounted.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let at_work: Vec<String> = self.hosts_at_work().iter().cloned().collect();
        let (moment, owner) = (self.shared().moment(), self.owner.clone());
        self.shared()
            .with_store(move |store| store.release_all_but(moment, &owner, &at_work))
            .await?;
        Ok(())
    }

    fn hosts_at_work(&self) -> MutexGuard<'_, HashSet<String>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host that is worked on, from when it was claimed until this is dropped.
pub(super) struct AtWork {
    desk: Arc<Desk>,
    host: String,
}

impl AtWork {
    pub(super) fn begin(desk: &Arc<Desk>, host: &str) -> Self {
        desk.hosts_at_work().insert(host.to_owned());
        Self {
            desk: Arc::clone(desk),
            host: host.to_owned(),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.desk.hosts_at_work().remove(&self.host);
    }
}
