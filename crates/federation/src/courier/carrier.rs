//! One host and what waits for it: each delivery is signed anew and posted, one at a time, first in, first out. The first
//! failure that may pass ends the round and delays the host, so that a host that returns is met by one request and not by
//! many; a refusal ends that delivery and goes on.

use super::{
    BATCH, LEASE,
    backoff::{self, PROMISE},
    desk::Desk,
    verdict::{Verdict, of_answer, of_error},
};
use crate::{FetchError, Shared, remote, sign::Signature};
use shoal_store::{Attempt, Delivery, Fate, GiveUp, Host, Millis, Outcome, Store, StoreError, Then};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, watch};
use url::Url;

/// How long one host is served before others get their turn.
const TURN: Duration = Duration::from_secs(30);
/// How soon a host answers that is not waited for: after this, its slot is another's.
const PROMPT: Duration = Duration::from_secs(1);
/// How many deliveries are given up in one transaction.
const AT_ONCE: u32 = 500;
/// How many followers behind a vanished inbox are looked at, and how long each may take; the lease outlasts them all.
const LOOKED_AT: u32 = 3;
const LOOK: Duration = Duration::from_secs(10);

/// Carries to one host.
pub(super) struct Carrier {
    desk: Arc<Desk>,
    host: Host,
    hand: VecDeque<Delivery>,
    slot: Option<OwnedSemaphorePermit>,
}

impl Carrier {
    /// A carrier for a claimed host, with the first of what waits for it.
    pub(super) fn new(desk: Arc<Desk>, host: Host, first: Vec<Delivery>) -> Self {
        Self {
            desk,
            host,
            hand: first.into(),
            slot: None,
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.desk.shared()
    }

    /// Serves the host for a turn and lets go of it.
    pub(super) async fn carry(mut self, stop: &watch::Receiver<bool>) {
        if let Err(error) = self.turn(stop).await {
            tracing::error!(host = %self.host.host, %error, "deliveries stopped over a database problem");
            self.desk.lost_count();
        }
    }

    async fn turn(&mut self, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let begun = Instant::now();
        while let Some(delivery) = self.hand.pop_front() {
            if *stop.borrow() {
                break;
            }
            let then = match (begun.elapsed() > TURN, self.hand.is_empty()) {
                (true, _) => Then::Release,
                (false, true) => Then::More(BATCH),
                (false, false) => Then::InHand,
            };
            if !self.deliver(delivery, then).await? {
                return Ok(());
            }
        }
        self.let_go().await
    }

    async fn let_go(&self) -> Result<(), StoreError> {
        let (host, owner) = (self.host.host.clone(), self.desk.owner.clone());
        let moment = self.shared().moment();
        self.shared()
            .with_store(move |store| store.release_host(moment, &host, &owner))
            .await
    }

    /// Makes one attempt and writes down how it went. False when the host is no longer ours.
    async fn deliver(&mut self, delivery: Delivery, then: Then) -> Result<bool, StoreError> {
        let (status, verdict) = self.attempt(&delivery).await?;
        let now = self.shared().now();
        let (fate, reason) = match verdict {
            Verdict::Taken => (Fate::Delivered, String::new()),
            Verdict::Refused(reason) => {
                tracing::info!(host = %self.host.host, ?status, %reason, "a delivery was refused");
                (Fate::Refused, reason)
            }
            Verdict::Gone(reason) => {
                self.look_who_is_gone(&delivery.inbox).await?;
                (Fate::Refused, reason)
            }
            Verdict::NotNow { reason, .. } if now - delivery.created_at > PROMISE => {
                self.give_up(status, reason).await?;
                return Ok(false);
            }
            Verdict::NotNow { reason, wait } => (self.not_now(now, wait), reason),
        };
        if fate == Fate::Delivered || fate == Fate::Refused && status.is_some() {
            self.host.failures = 0;
        }
        if self.hand.is_empty() {
            // Others may send while this is written down.
            self.slot = None;
        }
        let attempt = self.attempt_at(delivery.id, status, reason);
        let settled = self.desk.settle(Outcome { attempt, fate, then }).await?;
        self.hand.extend(settled.next);
        let failed = matches!(fate, Fate::NotNow { .. });
        if failed {
            self.shared().known.failed(&self.host.host);
        }
        Ok(settled.held && !failed)
    }

    fn attempt_at(&self, delivery: i64, status: Option<u16>, reason: String) -> Attempt {
        Attempt {
            delivery,
            owner: self.desk.owner.clone(),
            lease: LEASE,
            status,
            reason,
        }
    }

    /// How long the host is left alone: what it asked for, but no less than its failures call for.
    fn not_now(&self, now: Millis, asked: Option<Millis>) -> Fate {
        let earned = backoff::wait(self.host.failures, rand::random());
        let asked = asked.map(|asked| asked.min(backoff::LONGEST));
        Fate::NotNow {
            retry_at: now + earned.max(asked.unwrap_or(0)),
            asked_until: asked.map(|asked| now + asked),
        }
    }

    /// Signs and posts.
    async fn attempt(&mut self, delivery: &Delivery) -> Result<(Option<u16>, Verdict), StoreError> {
        let refused = |reason: &str| Ok((None, Verdict::Refused(reason.to_owned())));
        let Some(letter) = self.desk.letter(delivery.activity).await? else {
            return refused("the activity is no more");
        };
        let Some(sender) = self.shared().identity_of(letter.actor).await? else {
            return refused("the actor that sends it is no more");
        };
        let Ok(url) = Url::parse(&delivery.inbox) else {
            return refused("the inbox is not an address");
        };
        if self.slot.is_none() {
            self.slot = self.desk.slot().await;
        }
        let signature = Signature {
            key_id: &sender.key_id,
            signer: &sender.signer,
        };
        let shared = Arc::clone(self.shared());
        let mut posting = Box::pin(shared.client.post(&url, &letter.body, signature));
        let answer = match tokio::time::timeout(PROMPT, &mut posting).await {
            Ok(answer) => answer,
            Err(_) => {
                self.slot = None;
                self.desk.federation.wake();
                posting.await
            }
        };
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
    async fn give_up(&self, status: Option<u16>, why: String) -> Result<(), StoreError> {
        let reason = format!("given up after a week of trying: {why}");
        let these = GiveUp {
            host: self.host.host.clone(),
            queued_before: self.shared().now() - PROMISE,
            reason: reason.clone(),
        };
        let mut given_up = AT_ONCE as usize;
        while given_up == AT_ONCE as usize {
            let (moment, these) = (self.shared().moment(), these.clone());
            let old = move |store: &Store| store.give_up_deliveries(moment, these, AT_ONCE);
            given_up = self.shared().with_store(old).await?;
        }
        let host = self.host.host.clone();
        let first = self
            .shared()
            .with_store(move |store| store.next_deliveries(&host, 1));
        if let Some(waiting) = first.await?.first() {
            let attempt = self.attempt_at(waiting.id, status, reason);
            let (fate, then) = (self.not_now(self.shared().now(), None), Then::Release);
            self.desk.settle(Outcome { attempt, fate, then }).await?;
            return Ok(());
        }
        self.let_go().await
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
            let fetched = tokio::time::timeout(LOOK, remote::refetch(&self.desk.federation, &url)).await;
            if matches!(fetched, Ok(Err(FetchError::Gone | FetchError::Status(404)))) {
                let moment = self.shared().moment();
                let uri = owner.uri.clone();
                let gone = move |store: &Store| store.mark_remote_actor_gone(moment, &uri);
                self.shared().with_store(gone).await?;
                self.shared().known.forget(&owner.uri);
            }
        }
        Ok(())
    }
}
