//! The only sender. It turns events into deliveries (`expander.rs`) and carries them (`carrier.rs`), host by host, in the
//! order they were queued; `verdict.rs` reads the answers and `backoff.rs` says when to try again. What it has in hand is
//! in the store, under claims: a process that dies loses nothing, and another goes on where it stopped (`pulse.rs`).
//! What its carriers share is in `desk.rs`.

mod backoff;
mod carrier;
mod desk;
mod expander;
mod pulse;
mod verdict;

pub use backoff::PROMISE;

use crate::{Federation, Shared};
use carrier::Carrier;
use desk::{AtWork, Desk};
use shoal_store::{Backend, Claimed, Delivery, Host, Millis, StoreError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinSet};

/// How many hosts are sent to at once that answer promptly.
const HOSTS_AT_ONCE: usize = 128;
/// How many there may be together with those that are waited for. Each is a connection, and a process may have a
/// thousand without asking.
const HOSTS_AT_MOST: usize = 384;
/// How many deliveries of one host are read at once.
const BATCH: u32 = 16;
/// How long a host stays claimed if nobody notices that its owner died; longer than any turn, and than clocks differ.
const LEASE: Millis = 600_000;
/// How often a store that other processes share is looked at, and how long after a fault the next try is made.
const LOOK: Duration = Duration::from_secs(1);
/// So many hosts at least are claimed at once while others are at work, so that few claims serve many.
const WORTH: usize = HOSTS_AT_ONCE / 2;
/// How long at the most that is waited for, and how often it is looked at.
const GATHER: Duration = Duration::from_millis(20);
const GLANCE: Duration = Duration::from_millis(4);
/// The longest sleep; due times lie in the store, so nothing depends on it.
const SLEEP: Duration = Duration::from_secs(60);
/// How long deliveries under way may take to finish when the server stops.
const PATIENCE: Duration = Duration::from_secs(15);

/// The courier of one process.
pub struct Courier {
    federation: Arc<Federation>,
    owner: String,
}

impl Federation {
    /// Sends until told to stop, then finishes what is under way (15 s at most). Returns at once when federation is off.
    pub async fn run_courier(self: &Arc<Self>, stop: watch::Receiver<bool>) {
        if self.settings().enabled {
            self.shared().work_apart();
            Courier::new(Arc::clone(self)).run(stop).await;
        }
    }
}

impl Courier {
    /// A courier with a name of its own, under which it holds claims: that of its node, and a part by chance.
    pub fn new(federation: Arc<Federation>) -> Self {
        let owner = format!("{}{:016x}", pulse::family(&federation), rand::random::<u64>());
        Self { federation, owner }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.federation.shared()
    }

    fn desk(&self) -> Result<Arc<Desk>, StoreError> {
        Desk::open(Arc::clone(&self.federation), self.owner.clone())
    }

    /// Works until `stop` becomes true.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let desk = match self.desk() {
            Ok(desk) => desk,
            Err(error) => return tracing::error!(%error, "the courier cannot work"),
        };
        // Dropped with this future, and what runs in them ends.
        let (mut beside, mut busy) = (JoinSet::new(), JoinSet::new());
        if let Err(error) = self.take_over().await {
            tracing::error!(%error, "the courier could not take over what was left");
        }
        if self.federation.store().kind() == Backend::Postgres {
            beside.spawn(pulse::keep(Arc::clone(&desk)));
        }
        let (mut expanding, idle) = (JoinSet::new(), self.idle());
        expanding.spawn(expander::keep(Arc::clone(&desk), idle, stop.clone()));
        while !*stop.borrow() {
            let pause = match self.round(&desk, &mut busy, &stop).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "the courier has a problem with the database");
                    desk.lost_count();
                    LOOK
                }
            };
            tokio::select! {
                () = self.shared().queued.notified() => {}
                Some(_) = busy.join_next(), if !busy.is_empty() => {}
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => break,
            }
            gather(&desk, &mut busy).await;
        }
        self.finish(busy, expanding).await;
    }

    /// On SQLite there is one server per file, so every claim is of a process that died: what it held is due at once.
    /// On PostgreSQL that is so for those that ran as this node before; the others are judged by their silence.
    async fn take_over(&self) -> Result<(), StoreError> {
        let (moment, owner) = (self.shared().moment(), self.owner.clone());
        let kind = self.federation.store().kind();
        let clear = move |store: &shoal_store::Store| match kind {
            Backend::Sqlite => store.clear_leases(moment).map(|_| Vec::new()),
            Backend::Postgres => store.beat(moment, &owner),
        };
        let beats = self.shared().with_store(clear).await?;
        let family = pulse::family(&self.federation);
        for (owner, _) in beats {
            if owner.starts_with(&family) && owner != self.owner {
                pulse::bury(self.shared(), owner).await?;
            }
        }
        Ok(())
    }

    /// Sets a task on each host that is due, and says how long nothing more will be.
    async fn round(
        &self,
        desk: &Arc<Desk>,
        busy: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Duration, StoreError> {
        while let Some(Ok(())) = busy.try_join_next() {}
        desk.count_again().await?;
        let free = desk.free().min(HOSTS_AT_MOST.saturating_sub(busy.len()));
        if free == 0 {
            // A host that finishes, or that keeps us waiting, wakes the loop.
            return Ok(SLEEP);
        }
        let claimed = self.claim(free).await?;
        let all = claimed.hosts.len() < free;
        self.send_out(desk, busy, claimed.hosts, stop);
        Ok(if all {
            self.pause(claimed.next_due)
        } else {
            Duration::ZERO
        })
    }

    fn send_out(
        &self,
        desk: &Arc<Desk>,
        busy: &mut JoinSet<()>,
        claimed: Vec<(Host, Vec<Delivery>)>,
        stop: &watch::Receiver<bool>,
    ) {
        for (host, first) in claimed {
            let at_work = AtWork::begin(desk, &host.host);
            let carrier = Carrier::new(Arc::clone(desk), host, first);
            let stop = stop.clone();
            busy.spawn(async move {
                carrier.carry(&stop).await;
                drop(at_work);
            });
        }
    }

    /// Claims hosts that are due, with what is first for each, and lays what they are to carry at hand.
    async fn claim(&self, limit: usize) -> Result<Claimed, StoreError> {
        let (moment, owner) = (self.shared().moment(), self.owner.clone());
        let limit = u32::try_from(limit).unwrap_or(1);
        let mut claimed = self
            .shared()
            .with_store(move |store| store.claim_hosts(moment, &owner, LEASE, limit))
            .await?;
        for (activity, letter) in claimed.letters.drain() {
            self.shared().letters.lay_out(activity, letter);
        }
        Ok(claimed)
    }

    /// Until the next host is due, and never too long.
    fn pause(&self, next: Option<Millis>) -> Duration {
        let until = next.map_or(SLEEP, |due| {
            // Never less than a moment: a host may be due and just now in other hands.
            let wait = (due - self.shared().now()).max(20);
            Duration::from_millis(u64::try_from(wait).unwrap_or(20))
        });
        until.min(self.idle())
    }

    /// How long to sleep when there is nothing to do; on PostgreSQL other processes may write what nobody tells us of.
    fn idle(&self) -> Duration {
        match self.federation.store().kind() {
            Backend::Postgres => LOOK,
            Backend::Sqlite => SLEEP,
        }
    }

    /// Lets what is under way end, then gives everything back.
    async fn finish(&self, mut busy: JoinSet<()>, mut expanding: JoinSet<()>) {
        let all = async {
            while busy.join_next().await.is_some() {}
            while expanding.join_next().await.is_some() {}
        };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("some deliveries were still under way; they will be made again");
        }
        busy.shutdown().await;
        expanding.shutdown().await;
        if let Err(error) = pulse::bury(self.shared(), self.owner.clone()).await {
            tracing::warn!(%error, "the courier could not give back what it had in hand");
        }
    }

    /// One whole pass at the present time: builds every event and carries to every host that is due until none is.
    /// For tests and for commands that want to see the end; `run` is the same without end.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pass(&self) -> Result<(), StoreError> {
        let (desk, (_keep, stop)) = (self.desk()?, watch::channel(false));
        while desk.expander.expand(&stop).await? == expander::Expanded::More {}
        loop {
            let claimed = self.claim(HOSTS_AT_ONCE).await?;
            if claimed.hosts.is_empty() {
                return desk.expander.release().await;
            }
            let mut busy = JoinSet::new();
            self.send_out(&desk, &mut busy, claimed.hosts, &stop);
            while busy.join_next().await.is_some() {}
        }
    }
}

/// Waits for as many places to become free as a claim is worth, for a moment, while anybody is at work.
async fn gather(desk: &Desk, busy: &mut JoinSet<()>) {
    let begun = Instant::now();
    while let Some(Ok(())) = busy.try_join_next() {}
    while !busy.is_empty() && begun.elapsed() < GATHER {
        tokio::time::sleep(GLANCE).await;
        while let Some(Ok(())) = busy.try_join_next() {}
        if desk.free() >= WORTH {
            break;
        }
    }
}
