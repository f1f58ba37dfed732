//! How many requests came, how they ended and how long they were in our hands: for each protocol and family, never for a
//! client. Each thread of a door counts for itself in a [`Tally`]; [`Tracker::figures`] sums them up. Holds no clock:
//! doors say how long. What the swarms hold is in `tracker.rs`, [`Totals`](crate::Totals).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::request::Refusal;
use crate::tracker::Tracker;

/// How a client speaks to the tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// BEP 15.
    Udp,
    /// BEP 3.
    Http,
    /// WebTorrent.
    WebSocket,
}

impl Protocol {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Http, Self::WebSocket];

    /// The word for it in figures; it will not change.
    pub fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Http => "http",
            Self::WebSocket => "websocket",
        }
    }
}

/// The family of a client's address; one that comes mapped into IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

impl Family {
    /// Both, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Four, Self::Six];

    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(_) => Self::Four,
            IpAddr::V6(_) => Self::Six,
        }
    }

    /// The word for it in figures; it will not change.
    pub fn word(self) -> &'static str {
        match self {
            Self::Four => "ipv4",
            Self::Six => "ipv6",
        }
    }
}

/// How a request ended. A request is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A UDP connect was answered, or a WebSocket opened.
    Connected,
    /// An announce was served.
    Announced,
    /// A scrape was served, however many torrents it named.
    Scraped,
    /// An offer or an answer of a WebSocket peer was handed on to another.
    Relayed,
    /// Refused: the torrent is not listed here.
    NotListed,
    /// Refused: the torrent was taken off by moderators.
    Forbidden,
    /// Refused: the tracker is closed.
    Closed,
    /// Refused: no more torrents are taken.
    Full,
    /// Refused: the key in the path is unknown or revoked, or there must be one.
    WrongKey,
    /// Refused: this client program is not served.
    WrongClient,
    /// Refused, or not answered: the address or its network asks too often.
    TooMany,
    /// Refused, or not answered: the request is not understood, or asks for what nobody gets.
    Malformed,
    /// Refused, or not answered: the connection id is not one of ours, or too old.
    WrongConnection,
    /// Served, but the answer could not be handed to the network.
    Unsent,
    /// Never read: datagrams came faster than they were answered, or their network was kept out because of that.
    Overrun,
}

impl Outcome {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Connected,
        Self::Announced,
        Self::Scraped,
        Self::Relayed,
        Self::NotListed,
        Self::Forbidden,
        Self::Closed,
        Self::Full,
        Self::WrongKey,
        Self::WrongClient,
        Self::TooMany,
        Self::Malformed,
        Self::WrongConnection,
        Self::Unsent,
        Self::Overrun,
    ];

    /// The word for it in figures; it will not change.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "connect",
            Self::Announced => "announce",
            Self::Scraped => "scrape",
            Self::Relayed => "relay",
            Self::NotListed => "not_listed",
            Self::Forbidden => "forbidden",
            Self::Closed => "closed",
            Self::Full => "full",
            Self::WrongKey => "wrong_key",
            Self::WrongClient => "wrong_client",
            Self::TooMany => "too_many",
            Self::Malformed => "malformed",
            Self::WrongConnection => "wrong_connection",
            Self::Unsent => "unsent",
            Self::Overrun => "overrun",
        }
    }
}

impl From<&Refusal> for Outcome {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotListed => Self::NotListed,
            Refusal::Forbidden => Self::Forbidden,
            Refusal::Closed => Self::Closed,
            Refusal::Full => Self::Full,
            Refusal::Private | Refusal::UnknownKey => Self::WrongKey,
            Refusal::TooFast => Self::TooMany,
            Refusal::ClientDenied => Self::WrongClient,
            Refusal::FullScrape | Refusal::Malformed(_) => Self::Malformed,
        }
    }
}

/// Buckets of a histogram; the last takes what is longer than all bounds.
const BUCKETS: usize = 22;

/// What one thread of a door counts, on cache lines of its own. Only that thread may count: the others read. Counting costs
/// a load and a store, and no lock of the bus.
#[repr(align(128))]
#[derive(Debug)]
pub struct Tally {
    protocol: Protocol,
    counts: [[AtomicU64; Outcome::ALL.len()]; 2],
    times: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

impl Tally {
    fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            counts: Default::default(),
            times: Default::default(),
            nanos: AtomicU64::new(0),
        }
    }

    /// Counts so many requests that ended so.
    #[inline]
    pub fn count(&self, family: Family, outcome: Outcome, n: u64) {
        add(&self.counts[family as usize][outcome as usize], n);
    }

    /// Counts the time of so many requests, each of which was so many nanoseconds in our hands: from when it was read to
    /// when its answer was written. A door that reads many at once reads its clock once for all of them.
    #[inline]
    pub fn time(&self, nanos: u64, n: u64) {
        add(&self.times[Times::bucket(nanos)], n);
        add(&self.nanos, nanos.wrapping_mul(n));
    }
}

/// Adds to what only this thread changes.
#[inline]
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

/// How long requests were in our hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Requests by time: bucket `i` has those that took up to [`Times::bound`] of `i` and longer than that of `i - 1`.
    pub buckets: [u64; BUCKETS],
    /// Nanoseconds of all together.
    pub nanos: u64,
}

impl Times {
    /// The longest time of a bucket in nanoseconds: a microsecond, and twice as long each time up to 1.05 seconds; `None`
    /// for the last bucket.
    pub fn bound(bucket: usize) -> Option<u64> {
        (bucket + 1 < BUCKETS).then(|| 1000 << bucket)
    }

    /// All requests whose time was counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn bucket(nanos: u64) -> usize {
        let micros = nanos.saturating_sub(1) / 1000;
        ((u64::BITS - micros.leading_zeros()) as usize).min(BUCKETS - 1)
    }
}

/// What all doors counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    counts: [[[u64; Outcome::ALL.len()]; 2]; 3],
    times: [Times; 3],
}

impl Figures {
    /// How many requests of a protocol and a family ended so.
    pub fn count(&self, protocol: Protocol, family: Family, outcome: Outcome) -> u64 {
        self.counts[protocol as usize][family as usize][outcome as usize]
    }

    /// How many requests of a protocol ended so, from both families.
    pub fn of_protocol(&self, protocol: Protocol, outcome: Outcome) -> u64 {
        Family::ALL
            .iter()
            .map(|family| self.count(protocol, *family, outcome))
            .sum()
    }

    /// How long requests of a protocol were in our hands.
    pub fn times(&self, protocol: Protocol) -> &Times {
        &self.times[protocol as usize]
    }

    fn add(&mut self, tally: &Tally) {
        let at = tally.protocol as usize;
        for (sums, counts) in self.counts[at].iter_mut().zip(&tally.counts) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        let times = &mut self.times[at];
        for (sum, count) in times.buckets.iter_mut().zip(&tally.times) {
            *sum += count.load(Ordering::Relaxed);
        }
        times.nanos = times.nanos.wrapping_add(tally.nanos.load(Ordering::Relaxed));
    }
}

impl Tracker {
    /// A tally for one thread of a door, to be asked for once when that starts: it is kept for as long as the tracker.
    pub fn tally(&self, protocol: Protocol) -> Arc<Tally> {
        let tally = Arc::new(Tally::new(protocol));
        self.tallies.lock().push(Arc::clone(&tally));
        tally
    }

    /// What all doors counted since the start. Numbers that are counted meanwhile may be of slightly different moments.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for tally in self.tallies.lock().iter() {
            figures.add(tally);
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn what_is_listed_stands_at_its_own_number() {
        assert!((0..).zip(Protocol::ALL).all(|(at, one)| one as usize == at));
        assert!((0..).zip(Family::ALL).all(|(at, one)| one as usize == at));
        assert!((0..).zip(Outcome::ALL).all(|(at, one)| one as usize == at));
        let words: std::collections::BTreeSet<_> = Outcome::ALL.iter().map(|one| one.word()).collect();
        assert_eq!(words.len(), Outcome::ALL.len());
    }

    #[test]
    fn a_time_is_in_the_bucket_whose_bound_it_does_not_exceed() {
        for nanos in [0, 1, 999, 1000, 1001, 2000, 2001, 65_000, 1 << 29, 1_048_576_000] {
            let bucket = Times::bucket(nanos);
            assert!(
                Times::bound(bucket).is_some_and(|bound| nanos <= bound),
                "{nanos}"
            );
            assert!(bucket == 0 || Times::bound(bucket - 1).is_some_and(|bound| nanos > bound));
        }
        for nanos in [1_048_576_001, u64::MAX] {
            assert_eq!(Times::bound(Times::bucket(nanos)), None);
        }
    }

    #[test]
    fn tallies_are_summed_by_protocol_family_and_outcome() {
        let tracker = Tracker::new(Settings::new(1));
        let tallies = [Protocol::Udp, Protocol::Udp, Protocol::Http].map(|of| tracker.tally(of));
        std::thread::scope(|scope| {
            for tally in &tallies {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        tally.count(Family::Four, Outcome::Announced, 3);
                        tally.count(Family::Six, Outcome::NotListed, 1);
                        tally.time(1500, 4);
                    }
                });
            }
        });
        drop(tallies);
        let figures = tracker.figures();
        let count = |protocol, family, outcome| figures.count(protocol, family, outcome);
        assert_eq!(count(Protocol::Udp, Family::Four, Outcome::Announced), 6000);
        assert_eq!(count(Protocol::Udp, Family::Six, Outcome::NotListed), 2000);
        assert_eq!(count(Protocol::Http, Family::Four, Outcome::Announced), 3000);
        assert_eq!(figures.of_protocol(Protocol::WebSocket, Outcome::Announced), 0);
        let times = figures.times(Protocol::Udp);
        assert_eq!(
            (times.count(), times.buckets[1], times.nanos),
            (8000, 8000, 12_000_000)
        );
    }

    #[test]
    fn a_mapped_address_is_of_the_family_it_stands_for() {
        let family = |text: &str| Family::of(text.parse().expect("an address"));
        assert_eq!(family("192.0.2.1"), Family::Four);
        assert_eq!(family("::ffff:192.0.2.1"), Family::Four);
        assert_eq!(family("2001:db8::1"), Family::Six);
    }
}
