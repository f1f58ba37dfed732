//! Other people's servers that hang or are gone: how many answers the inbox waits for from one host at once, and which
//! hosts have lately not answered at all, so that a dead one costs its own senders patience and nobody else's. Holds no
//! clock. Part of `budget.rs`.

use moka::sync::Cache;
use shoal_store::Millis;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many hosts are remembered; the least used are forgotten.
const REMEMBERED: u64 = 10_000;
/// How many fetches from one host the inbox waits for at once: a quarter of all.
const OF_ONE_HOST: usize = 16;
/// After how many fetches in a row without an answer a host is left alone, and for how long.
const UNANSWERED: u32 = 3;
const PAUSE: Millis = 60_000;

/// What is known of hosts.
pub(crate) struct Silence {
    turns: Cache<String, Arc<Semaphore>>,
    unanswered: Cache<String, (Millis, u32)>,
}

impl Silence {
    pub(crate) fn new() -> Self {
        Self {
            turns: Cache::new(REMEMBERED),
            unanswered: Cache::new(REMEMBERED),
        }
    }

    /// A turn to fetch from this host, given back when dropped; `None` while too many are under way.
    pub(crate) fn turn(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let turns = self
            .turns
            .get_with_by_ref(host, || Arc::new(Semaphore::new(OF_ONE_HOST)));
        turns.try_acquire_owned().ok()
    }

    /// Whether a host is left alone for now.
    pub(crate) fn is_silent(&self, now: Millis, host: &str) -> bool {
        let unanswered = self.unanswered.get(host);
        unanswered.is_some_and(|(last, count)| count >= UNANSWERED && now - last < PAUSE)
    }

    /// Remembers whether a fetch was answered at all.
    pub(crate) fn heard(&self, now: Millis, host: &str, answered: bool) {
        if answered {
            self.unanswered.invalidate(host);
        } else {
            let before = self.unanswered.get(host).map_or(0, |(_, count)| count);
            self.unanswered
                .insert(host.to_owned(), (now, before.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_so_many_turns_at_once() {
        let silence = Silence::new();
        let mut turns: Vec<_> = (0..OF_ONE_HOST).map(|_| silence.turn("a.example")).collect();
        assert!(turns.iter().all(Option::is_some));
        assert!(silence.turn("a.example").is_none() && silence.turn("b.example").is_some());
        turns.pop();
        assert!(silence.turn("a.example").is_some());
    }

    #[test]
    fn a_host_that_never_answers_is_left_alone_for_a_minute_at_a_time() {
        let silence = Silence::new();
        for at in 0..3 {
            assert!(!silence.is_silent(at, "a.example"));
            silence.heard(at, "a.example", false);
        }
        assert!(silence.is_silent(2, "a.example") && !silence.is_silent(2, "b.example"));
        assert!(!silence.is_silent(2 + PAUSE, "a.example"));
        silence.heard(2 + PAUSE, "a.example", false);
        assert!(
            silence.is_silent(3 + PAUSE, "a.example"),
            "one more failure is enough"
        );
        silence.heard(4 + PAUSE, "a.example", true);
        assert!(!silence.is_silent(4 + PAUSE, "a.example"));
    }
}
