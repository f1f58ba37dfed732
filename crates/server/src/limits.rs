//! Rates: how often one address or account may try what is costly or worth guessing.
//!
//! Keys live in memory only and are forgotten once they are idle (`tasks.rs` calls [`Limits::forget_idle`]). An IPv6
//! client counts as its /64. Sizes of bodies and lists are stated where they are read.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use shoal_store::Id;

use crate::error::Problem;

/// Most keys that one limiter holds; beyond it, idle keys are dropped at once and, if that frees nothing, newcomers wait.
const MOST_KEYS: usize = 100_000;

/// The program's rate limiters.
pub struct Limits {
    sign_in_address: DefaultKeyedRateLimiter<IpAddr>,
    sign_in_name: DefaultKeyedRateLimiter<String>,
    changes: DefaultKeyedRateLimiter<Id>,
    disbelieved: DefaultKeyedRateLimiter<IpAddr>,
}

/// How long somebody waits for an answer who keeps sending what is not believed.
const DISBELIEVED_WAITS: Duration = Duration::from_secs(1);

fn per_minute(sustained: u32, burst: u32) -> Quota {
    let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Quota::per_minute(at_least_one(sustained)).allow_burst(at_least_one(burst))
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_in_address: RateLimiter::keyed(per_minute(10, 20)),
            sign_in_name: RateLimiter::keyed(per_minute(5, 10)),
            changes: RateLimiter::keyed(per_minute(600, 600)),
            disbelieved: RateLimiter::keyed(per_minute(120, 300)),
        }
    }
}

impl Limits {
    /// One try to sign in: 10 a minute for an address (bursts of 20), 5 a minute for a name (bursts of 10).
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn sign_in(&self, address: IpAddr, name: &str) -> Result<(), Problem> {
        check(&self.sign_in_address, &network(address))?;
        check(
            &self.sign_in_name,
            &name.chars().take(64).collect::<String>().to_lowercase(),
        )
    }

    /// One call that changes something: 600 a minute for an account.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn change(&self, account: Id) -> Result<(), Problem> {
        check(&self.changes, &account)
    }

    /// How long the answer waits to a request that was not believed: not at all for an honest mistake, a second for an
    /// address that makes more than 120 a minute (300 at once). Whoever only pretends then costs a held connection and
    /// little work, while what is believed is answered at once, from that address too.
    pub fn disbelieved(&self, address: IpAddr) -> Duration {
        match check(&self.disbelieved, &network(address)) {
            Ok(()) => Duration::ZERO,
            Err(_) => DISBELIEVED_WAITS,
        }
    }

    /// Drops what was not used lately.
    pub fn forget_idle(&self) {
        self.sign_in_address.retain_recent();
        self.sign_in_name.retain_recent();
        self.changes.retain_recent();
        self.disbelieved.retain_recent();
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Result<(), Problem> {
    if limiter.len() > MOST_KEYS {
        limiter.retain_recent();
        if limiter.len() > MOST_KEYS {
            return Err(Problem::too_many(60));
        }
    }
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Problem::too_many(wait.as_secs() + 1)
    })
}

/// The address itself, or the /64 of an IPv6 address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_keeps_sending_what_is_not_believed_waits() {
        let limits = Limits::default();
        let pretender: IpAddr = "198.51.100.7".parse().expect("an address");
        let waits: Vec<Duration> = (0..400).map(|_| limits.disbelieved(pretender)).collect();
        assert!(waits[..300].iter().all(Duration::is_zero));
        assert_eq!(waits[399], DISBELIEVED_WAITS);
        let other = "198.51.100.8".parse().expect("an address");
        assert!(limits.disbelieved(other).is_zero());
    }

    #[test]
    fn guessing_a_password_is_slowed_and_others_are_not() {
        let limits = Limits::default();
        let attacker: IpAddr = "2001:db8::1".parse().expect("an address");
        let same_net: IpAddr = "2001:db8::2".parse().expect("an address");
        let mut refused = None;
        for i in 0..40 {
            refused = refused.or(limits
                .sign_in(if i % 2 == 0 { attacker } else { same_net }, &format!("n{i}"))
                .err());
        }
        let refused = refused.expect("the address runs out of tries");
        assert!(refused.retry_after.is_some_and(|s| (1..=60).contains(&s)));
        limits
            .sign_in("198.51.100.7".parse().expect("an address"), "ann")
            .expect("another address may");
    }
}
