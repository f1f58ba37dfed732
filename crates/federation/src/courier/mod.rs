//! The only sender. It turns events into deliveries (`expander.rs`) and carries them (`carrier.rs`), host by host, in the
//! order they were queued; `verdict.rs` reads the answers and `backoff.rs` says when to try again. What it has in hand is
//! in the store, under leases: a process that dies loses nothing, and another goes on where it stopped.

mod backoff;
mod carrier;
mod expander;
mod verdict;

pub use backoff::PROMISE;

use crate::{Federation, Shared};
use carrier::Carrier;
use shoal_store::{Backend, Millis, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// How many hosts are sent to at once.
const HOSTS_AT_ONCE: usize = 64;
/// How long a host stays claimed without a sign of life; longer than any one request takes.
const LEASE: Millis = 120_000;
/// How often a store that other processes share is looked at, and how long after a fault the next try is made.
const LOOK: Duration = Duration::from_secs(1);
/// The longest sleep; due times lie in the store, so nothing depends on it.
const SLEEP: Duration = Duration::from_secs(60);
/// How long deliveries under way may take to finish when the server stops.
const PATIENCE: Duration = Duration::from_secs(20);

/// The courier of one process.
pub struct Courier {
    federation: Arc<Federation>,
    owner: String,
}

impl Federation {
    /// Sends until told to stop, then finishes what is under way (20 s at most). Returns at once when federation is off.
    pub async fn run_courier(self: &Arc<Self>, stop: watch::Receiver<bool>) {
        if self.settings().enabled {
            Courier::new(Arc::clone(self)).run(stop).await;
        }
    }
}

impl Courier {
    /// A courier with a name of its own, under which it holds leases.
    pub fn new(federation: Arc<Federation>) -> Self {
        let owner = format!("courier-{:032x}", rand::random::<u128>());
        Self { federation, owner }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.federation.shared()
    }

    /// Works until `stop` becomes true.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        if let Err(error) = self.take_over().await {
            tracing::error!(%error, "the courier could not take over what was left");
        }
        let mut busy = JoinSet::new();
        while !*stop.borrow() {
            let pause = match self.round(&mut busy, &stop).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "the courier has a problem with the database");
                    LOOK
                }
            };
            tokio::select! {
                () = self.shared().woken.notified() => {}
                Some(_) = busy.join_next(), if !busy.is_empty() => {}
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => break,
            }
        }
        self.finish(busy).await;
    }

    /// On SQLite there is one server per file, so every lease is of a process that died: what it held is due at once.
    async fn take_over(&self) -> Result<(), StoreError> {
        let moment = self.shared().moment();
        let clear = |store: &shoal_store::Store| match store.kind() {
            Backend::Sqlite => store.clear_leases(moment).map(drop),
            Backend::Postgres => Ok(()),
        };
        self.shared().with_store(clear).await
    }

    /// Builds what has happened, sets a task on each host that is due, and says how long nothing more will be.
    async fn round(
        &self,
        busy: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Duration, StoreError> {
        while let Some(Ok(())) = busy.try_join_next() {}
        if expander::expand(&self.federation, &self.owner).await? == expander::Expanded::More {
            self.shared().woken.notify_one();
        }
        let free = HOSTS_AT_ONCE.saturating_sub(busy.len());
        if free == 0 {
            // A host that finishes wakes the loop.
            return Ok(SLEEP);
        }
        let claimed = self.claim(free).await?;
        let all = claimed.len() < free;
        for host in claimed {
            let carrier = Carrier::new(Arc::clone(&self.federation), self.owner.clone(), host);
            let stop = stop.clone();
            busy.spawn(async move { carrier.carry(&stop).await });
        }
        if !all {
            return Ok(Duration::ZERO);
        }
        self.pause().await
    }

    async fn claim(&self, limit: usize) -> Result<Vec<shoal_store::Host>, StoreError> {
        let (moment, owner) = (self.shared().moment(), self.owner.clone());
        let limit = u32::try_from(limit).unwrap_or(1);
        self.shared()
            .with_store(move |store| store.claim_hosts(moment, &owner, LEASE, limit))
            .await
    }

    /// Until the next host is due; on PostgreSQL other processes may write events that nobody tells us of.
    async fn pause(&self) -> Result<Duration, StoreError> {
        let next = self.shared().with_store(|store| store.next_due_host()).await?;
        let until = next.map_or(SLEEP, |due| {
            // Never less than a moment: a host may be due and just now in other hands.
            let wait = (due - self.shared().now()).max(20);
            Duration::from_millis(u64::try_from(wait).unwrap_or(20))
        });
        let most = if self.federation.store().kind() == Backend::Postgres {
            LOOK
        } else {
            SLEEP
        };
        Ok(until.min(most))
    }

    /// Lets what is under way end, then gives everything back.
    async fn finish(&self, mut busy: JoinSet<()>) {
        let all = async { while busy.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("some deliveries were still under way; they will be made again");
        }
        busy.abort_all();
        if let Err(error) = expander::release(&self.federation, &self.owner).await {
            tracing::warn!(%error, "the courier could not give its lease back");
        }
    }

    /// One whole pass at the present time: builds every event and carries to every host that is due until none is.
    /// For tests and for commands that want to see the end; `run` is the same without end.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pass(&self) -> Result<(), StoreError> {
        while expander::expand(&self.federation, &self.owner).await? == expander::Expanded::More {}
        let (_keep, stop) = watch::channel(false);
        loop {
            let claimed = self.claim(HOSTS_AT_ONCE).await?;
            if claimed.is_empty() {
                return expander::release(&self.federation, &self.owner).await;
            }
            let mut busy = JoinSet::new();
            for host in claimed {
                let carrier = Carrier::new(Arc::clone(&self.federation), self.owner.clone(), host);
                let stop = stop.clone();
                busy.spawn(async move { carrier.carry(&stop).await });
            }
            while busy.join_next().await.is_some() {}
        }
    }
}
