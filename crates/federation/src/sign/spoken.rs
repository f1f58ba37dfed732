//! Which scheme a host believed, as far as that is known: cavage is tried first, RFC 9421 when a host does not believe it,
//! and what worked is remembered. In memory and bounded; what is forgotten costs one more request. Used by
//! `fetch/knock.rs`.

use super::Scheme;
use moka::sync::Cache;
use shoal_store::Millis;

/// How many hosts are remembered; the least used are forgotten.
const REMEMBERED: u64 = 10_000;
/// How long RFC 9421 goes first to a host that believed only that.
const A_DAY: Millis = 24 * 3600 * 1000;

/// What is known of hosts.
pub(crate) struct Spoken {
    hosts: Cache<String, (Scheme, Millis)>,
}

impl Spoken {
    pub(crate) fn new() -> Self {
        Self {
            hosts: Cache::new(REMEMBERED),
        }
    }

    /// The scheme to begin with.
    pub(crate) fn first(&self, now: Millis, host: &str) -> Scheme {
        match self.hosts.get(host) {
            Some((Scheme::Rfc9421, since)) if now - since < A_DAY => Scheme::Rfc9421,
            _ => Scheme::Cavage,
        }
    }

    /// The scheme to repeat a request in that was answered so; `None` when the answer stands. A 400 may be about the
    /// signature only where this scheme was never believed.
    pub(crate) fn second(&self, host: &str, first: Scheme, status: u16) -> Option<Scheme> {
        let other = match first {
            Scheme::Cavage => Scheme::Rfc9421,
            Scheme::Rfc9421 => Scheme::Cavage,
        };
        let known = self.hosts.get(host).map(|(scheme, _)| scheme);
        match status {
            401 => Some(other),
            400 if first == Scheme::Rfc9421 || known != Some(first) => Some(other),
            _ => None,
        }
    }

    /// Remembers that a host believed a request signed so. How long RFC 9421 goes first counts from its first success.
    pub(crate) fn believed(&self, now: Millis, host: &str, scheme: Scheme) {
        let known = self.hosts.get(host).is_some_and(|(known, since)| {
            known == scheme && (known == Scheme::Cavage || now - since < A_DAY)
        });
        if !known {
            self.hosts.insert(host.to_owned(), (scheme, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Scheme::{Cavage, Rfc9421};

    #[test]
    fn cavage_goes_first_and_what_worked_goes_first_for_a_day() {
        let spoken = Spoken::new();
        assert_eq!(spoken.first(0, "a.example"), Cavage);
        spoken.believed(0, "a.example", Rfc9421);
        spoken.believed(A_DAY - 1, "a.example", Rfc9421);
        assert_eq!(spoken.first(A_DAY - 1, "a.example"), Rfc9421);
        assert_eq!(
            spoken.first(A_DAY, "a.example"),
            Cavage,
            "counted from the first success"
        );
        assert_eq!(spoken.first(0, "b.example"), Cavage);
        spoken.believed(A_DAY, "a.example", Rfc9421);
        assert_eq!(spoken.first(A_DAY + 1, "a.example"), Rfc9421);
        spoken.believed(2 * A_DAY, "a.example", Cavage);
        assert_eq!(spoken.first(2 * A_DAY, "a.example"), Cavage);
        assert_eq!(spoken.second("a.example", Cavage, 400), None);
    }

    #[test]
    fn only_disbelief_is_knocked_at_twice() {
        let spoken = Spoken::new();
        assert_eq!(spoken.second("a.example", Cavage, 401), Some(Rfc9421));
        assert_eq!(spoken.second("a.example", Cavage, 400), Some(Rfc9421));
        assert_eq!(spoken.second("a.example", Rfc9421, 401), Some(Cavage));
        assert_eq!(spoken.second("a.example", Rfc9421, 400), Some(Cavage));
        for status in [200, 202, 302, 403, 404, 410, 429, 500, 503] {
            assert_eq!(spoken.second("a.example", Cavage, status), None, "{status}");
        }
        spoken.believed(0, "a.example", Cavage);
        assert_eq!(
            spoken.second("a.example", Cavage, 400),
            None,
            "it is about something else"
        );
        assert_eq!(spoken.second("a.example", Cavage, 401), Some(Rfc9421));
    }
}
