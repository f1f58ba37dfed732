//! One host and what waits for it: each delivery is signed anew and posted, one at a time, first in, first out. The first
//! failure that may pass ends the round and delays the host; a refusal ends that delivery and goes on.

use super::{
    LEASE,
    backoff::{self, PROMISE},
    verdict::{Verdict, of_answer, of_error},
};
use crate::{Federation, FetchError, Shared, remote, sign::Signature};
use bytes::Bytes;
use shoal_store::{Attempt, Delivery, GiveUp, Host, Millis, Store, StoreError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use url::Url;

/// How many deliveries are read at once; each is at most 64 KiB.
const BATCH: u32 = 16;
/// How long one host is served before others get their turn.
const TURN: Duration = Duration::from_secs(30);
/// How many deliveries are given up in one transaction.
const AT_ONCE: u32 = 500;
/// How many followers behind a vanished inbox are looked at, and how long each may take; the lease outlasts them all.
const LOOKED_AT: u32 = 3;
const LOOK: Duration = Duration::from_secs(10);

/// Carries to one host.
pub(super) struct Carrier {
    federation: Arc<Federation>,
    owner: String,
    host: Host,
}

/// Whether to go on with this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Goes,
    Ends,
}

impl Carrier {
    pub(super) fn new(federation: Arc<Federation>, owner: String, host: Host) -> Self {
        Self {
            federation,
            owner,
            host,
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.federation.shared()
    }

    /// Serves the host for a turn and lets go of it.
    pub(super) async fn carry(mut self, stop: &watch::Receiver<bool>) {
        if let Err(error) = self.turn(stop).await {
            tracing::error!(host = %self.host.host, %error, "deliveries stopped over a database problem");
        }
        let (moment, host, owner) = (self.shared().moment(), self.host.host.clone(), self.owner.clone());
        let released = self
            .shared()
            .with_store(move |store| store.release_host(moment, &host, &owner))
            .await;
        if let Err(error) = released {
            tracing::warn!(host = %self.host.host, %error, "a host stays claimed until its lease runs out");
        }
    }

    async fn turn(&mut self, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let begun = Instant::now();
        loop {
            let host = self.host.host.clone();
            let batch = self
                .shared()
                .with_store(move |store| store.next_deliveries(&host, BATCH))
                .await?;
            if batch.is_empty() {
                return Ok(());
            }
            for delivery in batch {
                if *stop.borrow() || begun.elapsed() > TURN || self.deliver(delivery).await? == Next::Ends {
                    return Ok(());
                }
            }
        }
    }

    /// Makes one attempt and writes down how it went.
    async fn deliver(&mut self, delivery: Delivery) -> Result<Next, StoreError> {
        let (id, created_at, inbox) = (delivery.id, delivery.created_at, delivery.inbox.clone());
        let (status, verdict) = self.attempt(delivery).await?;
        let now = self.shared().now();
        let owner = self.owner.clone();
        let attempt = |reason: String| Attempt {
            delivery: id,
            owner,
            lease: LEASE,
            status,
            reason,
        };
        let moment = self.shared().moment();
        let held = match verdict {
            Verdict::Taken => {
                let attempt = attempt(String::new());
                self.host.failures = 0;
                self.shared()
                    .with_store(move |store| store.delivered(moment, attempt))
                    .await?
            }
            Verdict::Refused(reason) => {
                tracing::info!(host = %self.host.host, ?status, %reason, "a delivery was refused");
                let attempt = attempt(reason);
                if status.is_some() {
                    self.host.failures = 0;
                }
                self.shared()
                    .with_store(move |store| store.refuse_delivery(moment, attempt))
                    .await?
            }
            Verdict::Gone(reason) => {
                let attempt = attempt(reason);
                let held = self
                    .shared()
                    .with_store(move |store| store.refuse_delivery(moment, attempt))
                    .await?;
                self.look_who_is_gone(&inbox).await?;
                held
            }
            Verdict::NotNow { reason, wait } => {
                if now - created_at > PROMISE {
                    return self
                        .give_up(attempt(format!("given up after a week of trying: {reason}")))
                        .await;
                }
                let retry_at = now + self.wait(wait);
                let attempt = attempt(reason);
                self.shared()
                    .with_store(move |store| store.delay_host(moment, attempt, retry_at))
                    .await?;
                false
            }
        };
        Ok(if held { Next::Goes } else { Next::Ends })
    }

    /// How long the host is left alone: what it asked for, but no less than its failures call for.
    fn wait(&self, asked: Option<Millis>) -> Millis {
        let earned = backoff::wait(self.host.failures, rand::random());
        earned.max(asked.unwrap_or(0).min(backoff::LONGEST))
    }

    /// Signs and posts.
    async fn attempt(&self, delivery: Delivery) -> Result<(Option<u16>, Verdict), StoreError> {
        let shared = Arc::clone(self.shared());
        let Some(sender) = shared.identity_of(delivery.actor).await? else {
            let reason = "the actor that sends it is no more".to_owned();
            return Ok((None, Verdict::Refused(reason)));
        };
        let Ok(url) = Url::parse(&delivery.inbox) else {
            return Ok((None, Verdict::Refused("the inbox is not an address".to_owned())));
        };
        let signature = Signature {
            key_id: &sender.key_id,
            signer: &sender.signer,
        };
        let answer = shared
            .client
            .post(&url, Bytes::from(delivery.json), signature)
            .await;
        Ok(match answer {
            Ok(answer) => {
                let fives = self.host.last_status == Some(500);
                (Some(answer.status), of_answer(&answer, delivery.attempts, fives))
            }
            Err(error) => (None, of_error(&error)),
        })
    }

    /// Gives up everything that has waited longer than is promised: the host was away for all that time. What is
    /// younger goes on waiting.
    async fn give_up(&self, attempt: Attempt) -> Result<Next, StoreError> {
        let these = GiveUp {
            host: self.host.host.clone(),
            queued_before: self.shared().now() - PROMISE,
            reason: attempt.reason.clone(),
        };
        let mut given_up = AT_ONCE as usize;
        while given_up == AT_ONCE as usize {
            let (moment, these) = (self.shared().moment(), these.clone());
            let old = move |store: &Store| store.give_up_deliveries(moment, these, AT_ONCE);
            given_up = self.shared().with_store(old).await?;
        }
        let host = self.host.host.clone();
        let first = move |store: &Store| store.next_deliveries(&host, 1);
        if let Some(waiting) = self.shared().with_store(first).await?.first() {
            let attempt = Attempt {
                delivery: waiting.id,
                ..attempt
            };
            let (moment, retry_at) = (self.shared().moment(), self.shared().now() + self.wait(None));
            let delay = move |store: &Store| store.delay_host(moment, attempt, retry_at);
            self.shared().with_store(delay).await?;
        }
        Ok(Next::Ends)
    }

    /// An inbox that is gone is no proof that its owners are: those whose actor document is gone too are forgotten.
    async fn look_who_is_gone(&self, inbox: &str) -> Result<(), StoreError> {
        let asked = inbox.to_owned();
        let owners = self
            .shared()
            .with_store(move |store| store.remote_actors_at_inbox(&asked, LOOKED_AT))
            .await?;
        for owner in owners {
            let Ok(url) = Url::parse(&owner.uri) else { continue };
            let fetched = tokio::time::timeout(LOOK, remote::refetch(&self.federation, &url)).await;
            if matches!(fetched, Ok(Err(FetchError::Gone | FetchError::Status(404)))) {
                let moment = self.shared().moment();
                let gone = move |store: &Store| store.mark_remote_actor_gone(moment, &owner.uri);
                self.shared().with_store(gone).await?;
            }
        }
        Ok(())
    }
}
