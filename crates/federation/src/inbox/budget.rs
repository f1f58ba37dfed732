//! How often strangers may make us work: new actors and Follows per host and minute, repeated fetches of one actor whose
//! key does not fit, and a memory of those that could not be fetched. Holds no clock. Used by `sender.rs`.

use super::silence::Silence;
use moka::sync::Cache;
use shoal_store::Millis;
use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicI64, Ordering},
};
use tokio::sync::{Mutex, MutexGuard, Semaphore};

/// How many hosts and actors are remembered; the least used are forgotten.
const REMEMBERED: u64 = 10_000;
/// How many actors of one host may be fetched in a minute.
const FETCHES_PER_MINUTE: u32 = 300;
/// How many Follows of one host are answered in a minute; each costs a row and a delivery. The largest server sends a few.
const FOLLOWS_PER_MINUTE: u32 = 6_000;
/// How many fetches the inbox may wait for at once.
const FETCHES_AT_ONCE: usize = 64;
/// How many queues there are for actors to be fetched in; two that fall into the same wait for each other.
const QUEUES: usize = 4096;
const MINUTE: Millis = 60_000;
/// How long a failure is remembered, and how long after a refetch the next one waits.
const PAUSE: Millis = 5 * MINUTE;

/// What became of a fetch that failed a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is gone, or not an actor: nothing to wait for.
    Final,
    /// It may work later.
    Passing,
}

/// The counters.
pub(crate) struct Budget {
    hosts: Cache<String, (Millis, u32)>,
    follows: Cache<String, (Millis, u32)>,
    refetched: Cache<String, Millis>,
    failed: Cache<String, (Millis, Failure)>,
    /// Fetches that the inbox waits for now, over all hosts.
    pub(crate) at_once: Semaphore,
    /// Hosts that hang.
    pub(crate) silence: Silence,
    queues: Vec<Mutex<()>>,
    order: RandomState,
    told_of_clocks: AtomicI64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        let (hosts, refetched, failed) = (
            Cache::new(REMEMBERED),
            Cache::new(REMEMBERED),
            Cache::new(REMEMBERED),
        );
        Self {
            hosts,
            follows: Cache::new(REMEMBERED),
            refetched,
            failed,
            at_once: Semaphore::new(FETCHES_AT_ONCE),
            silence: Silence::new(),
            queues: (0..QUEUES).map(|_| Mutex::new(())).collect(),
            order: RandomState::new(),
            told_of_clocks: AtomicI64::new(Millis::MIN),
        }
    }

    /// Waits until nobody else fetches this actor: of many that ask for it at once, only the first has to.
    pub(crate) async fn turn(&self, actor: &str) -> MutexGuard<'_, ()> {
        let place = self.order.hash_one(actor) % QUEUES as u64;
        self.queues[usize::try_from(place).unwrap_or(0)].lock().await
    }

    /// Whether one more actor of this host may be fetched now; counts it.
    pub(crate) fn may_fetch(&self, now: Millis, host: &str) -> bool {
        count(&self.hosts, now, host) < FETCHES_PER_MINUTE
    }

    /// Whether one more Follow of this host, well signed, may be taken in now; counts it.
    pub(crate) fn may_follow(&self, now: Millis, host: &str) -> bool {
        count(&self.follows, now, host) < FOLLOWS_PER_MINUTE
    }

    /// Whether this actor may be fetched again because its key did not fit; once in five minutes.
    pub(crate) fn may_refetch(&self, now: Millis, actor: &str) -> bool {
        if self.refetched.get(actor).is_some_and(|at| now - at < PAUSE) {
            return false;
        }
        self.refetched.insert(actor.to_owned(), now);
        true
    }

    /// Whether this actor may be fetched again because it says that it changed; once in five minutes.
    pub(crate) fn may_refresh(&self, now: Millis, actor: &str) -> bool {
        self.may_refetch(now, &format!("changed {actor}"))
    }

    /// Whether it is time to say in the log that somebody's clock is wrong; once in ten minutes.
    pub(crate) fn may_tell_of_clocks(&self, now: Millis) -> bool {
        let told = self.told_of_clocks.load(Ordering::Relaxed);
        let due = now.saturating_sub(told) >= 10 * MINUTE;
        due && self
            .told_of_clocks
            .compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Remembers that an actor could not be fetched.
    pub(crate) fn remember_failure(&self, now: Millis, actor: &str, failure: Failure) {
        self.failed.insert(actor.to_owned(), (now, failure));
    }

    /// What a fetch of this actor came to within the last five minutes, when it failed.
    pub(crate) fn failure(&self, now: Millis, actor: &str) -> Option<Failure> {
        self.failed
            .get(actor)
            .filter(|(at, _)| now - at < PAUSE)
            .map(|(_, failure)| failure)
    }
}

/// How many there were of a host in its present minute before this one.
fn count(counted: &Cache<String, (Millis, u32)>, now: Millis, host: &str) -> u32 {
    let minute = counted.get(host).filter(|(since, _)| now - since < MINUTE);
    let (since, count) = minute.unwrap_or((now, 0));
    counted.insert(host.to_owned(), (since, count.saturating_add(1)));
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_so_many_fetches_a_minute() {
        let budget = Budget::new();
        for _ in 0..FETCHES_PER_MINUTE {
            assert!(budget.may_fetch(0, "a.example"));
        }
        assert!(!budget.may_fetch(59_999, "a.example"));
        assert!(budget.may_fetch(59_999, "b.example"));
        assert!(budget.may_fetch(60_000, "a.example"));
    }

    #[test]
    fn a_host_has_so_many_follows_a_minute() {
        let budget = Budget::new();
        for _ in 0..FOLLOWS_PER_MINUTE {
            assert!(budget.may_follow(0, "a.example"));
        }
        assert!(!budget.may_follow(59_999, "a.example"));
        assert!(budget.may_follow(59_999, "b.example"));
        assert!(budget.may_follow(60_000, "a.example"));
    }

    #[test]
    fn wrong_clocks_are_told_of_now_and_then() {
        let budget = Budget::new();
        assert!(budget.may_tell_of_clocks(5));
        assert!(!budget.may_tell_of_clocks(10 * MINUTE));
        assert!(budget.may_tell_of_clocks(10 * MINUTE + 5));
    }

    #[test]
    fn a_key_is_refetched_once_in_five_minutes_and_a_failure_remembered_as_long() {
        let budget = Budget::new();
        assert!(budget.may_refetch(0, "https://a.example/u"));
        assert!(!budget.may_refetch(PAUSE - 1, "https://a.example/u"));
        assert!(budget.may_refetch(PAUSE, "https://a.example/u"));
        budget.remember_failure(0, "https://a.example/u", Failure::Passing);
        assert_eq!(
            budget.failure(PAUSE - 1, "https://a.example/u"),
            Some(Failure::Passing)
        );
        assert_eq!(budget.failure(PAUSE, "https://a.example/u"), None);
    }
}
