//! What a flood meets: while datagrams come as fast as they are answered, or faster, the networks (IPv4 /24, IPv6 /48) that send most of
//! those that prove nothing or ask too often are found out, and the kernel is told to let only one in 64 of their datagrams
//! through. So a flood costs whoever sends it, and all others are answered as always. Decides by counts and the time it is
//! told; `filter.rs` tells the kernel.

use std::mem;
use std::net::IpAddr;
use std::time::Duration;

/// After so many full batches in a row the kernel is asked whether it drops datagrams, and how often then.
const BUSY: u32 = 8;
const GLANCE: Duration = Duration::from_millis(5);

/// For how long is counted before anybody is kept out, and for how long then.
const WINDOW: Duration = Duration::from_millis(20);
const TERM: Duration = Duration::from_secs(10);

/// Networks that are counted at once, and that are kept out at once.
const WATCHED: usize = 32;
pub(super) const MOST: usize = 16;

/// How many datagrams of one network come through in a term, of which one in [`PASSED`] does, if it goes on flooding: as
/// many as some thousands a second leave.
const GOES_ON: u32 = 400;

/// One in so many comes through.
pub(super) const PASSED: u32 = 64;

/// Fewer datagrams in a window are no flood.
const FLOOD: u32 = 1000;

/// A network that counts as one sender: the first bits of its addresses, and its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// The first 24 bits.
    Four(u32),
    /// The first 48 bits.
    Six(u64),
}

impl Network {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Four(ip.to_bits() >> 8),
            IpAddr::V6(ip) => Self::Six((ip.to_bits() >> 80) as u64),
        }
    }
}

/// What a datagram is worth that is no announce and no scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It asks for a connection id.
    Little,
    /// It has a wrong connection id, is no datagram of the protocol, or comes from somebody who asks too often.
    Nothing,
}

/// A network that is kept out, until when, and how many of its datagrams came through since.
#[derive(Clone, Copy, Debug)]
struct Kept {
    network: Network,
    until: Duration,
    passed: u32,
}

/// What one thread knows of floods at its socket.
#[derive(Debug, Default)]
pub(super) struct Shield {
    full: u32,
    /// Datagrams that the kernel had dropped when it was asked last, when that was, and whether they have become more.
    dropped: u32,
    asked: Duration,
    is_dropping: bool,
    since: Option<Duration>,
    all: u32,
    counts: Vec<(Network, u32)>,
    kept: Vec<Kept>,
}

impl Shield {
    /// Whether datagrams come faster than they are answered, and some are lost for it.
    pub(super) fn is_busy(&self) -> bool {
        self.full >= BUSY && self.is_dropping
    }

    /// Whether anybody is counted or kept out.
    pub(super) fn is_on(&self) -> bool {
        self.full >= BUSY || !self.kept.is_empty()
    }

    /// Counts a datagram that is worth nothing, or one that only asks for a connection id: of those any number is taken as
    /// long as none is lost.
    pub(super) fn saw(&mut self, ip: IpAddr, worth: Worth) {
        if !self.is_on() || (worth == Worth::Little && !self.is_busy()) {
            return;
        }
        let network = Network::of(ip);
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.network == network) {
            kept.passed = kept.passed.saturating_add(1);
            return;
        }
        self.all = self.all.saturating_add(1);
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| *known == network) {
            *count += 1;
        } else if self.counts.len() < WATCHED {
            self.counts.push((network, 1));
        } else if let Some(least) = self.counts.iter_mut().min_by_key(|(_, count)| *count) {
            // The newcomer takes over the count of the least: who sends much stays, whoever else comes.
            *least = (network, least.1 + 1);
        }
    }

    /// Ends with a batch of datagrams. Says whether other networks than before are to be kept out. `dropped` asks the kernel
    /// how many datagrams it has dropped.
    pub(super) fn turn(&mut self, is_full: bool, now: Duration, dropped: impl FnOnce() -> u32) -> bool {
        self.full = if is_full {
            (self.full + 1).min(2 * BUSY)
        } else {
            self.full / 2
        };
        if self.full >= BUSY && now.saturating_sub(self.asked) >= GLANCE {
            let before = mem::replace(&mut self.dropped, dropped());
            (self.is_dropping, self.asked) = (self.dropped != before, now);
        }
        let mut is_changed = self.release(now);
        if self.full < BUSY {
            self.forget();
            return is_changed;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) >= WINDOW {
            is_changed |= self.judge(now);
            self.forget();
        }
        is_changed
    }

    /// The networks that are kept out now.
    pub(super) fn kept(&self) -> impl Iterator<Item = Network> + use<'_> {
        self.kept.iter().map(|kept| kept.network)
    }

    /// Lets those go whose term is over, unless they go on.
    fn release(&mut self, now: Duration) -> bool {
        let before = self.kept.len();
        self.kept.retain_mut(|kept| {
            if kept.until > now {
                return true;
            }
            let goes_on = kept.passed >= GOES_ON;
            (kept.until, kept.passed) = (now + TERM, 0);
            goes_on
        });
        self.kept.len() < before
    }

    /// Keeps out whoever sends an eighth of all that is worth nothing.
    fn judge(&mut self, now: Duration) -> bool {
        if self.all < FLOOD {
            return false;
        }
        let before = self.kept.len();
        for (network, count) in &self.counts {
            if self.kept.len() < MOST && *count >= self.all / 8 {
                self.kept.push(Kept {
                    network: *network,
                    until: now + TERM,
                    passed: 0,
                });
            }
        }
        self.kept.len() > before
    }

    fn forget(&mut self) {
        self.since = None;
        self.all = 0;
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Full batches over a window, in which so many datagrams of these addresses come in turn and others are dropped.
    fn flood(shield: &mut Shield, from: u64, count: usize, addresses: &[IpAddr]) -> bool {
        (0..BUSY).for_each(|_| {
            shield.turn(true, at(from), || from as u32);
        });
        for ip in addresses.iter().cycle().take(count) {
            shield.saw(*ip, Worth::Little);
        }
        shield.turn(true, at(from + 30), || from as u32 + 1)
    }

    /// A batch that is not full.
    fn calm(shield: &mut Shield, millis: u64) -> bool {
        shield.turn(false, at(millis), || panic!("nobody asks while all is calm"))
    }

    #[test]
    fn one_network_that_floods_is_kept_out_and_let_in_again() {
        let mut shield = Shield::default();
        let flooders: Vec<IpAddr> = (1..255).map(|host| ip(&format!("192.0.2.{host}"))).collect();
        assert!(flood(&mut shield, 5, 5000, &flooders));
        assert_eq!(shield.kept().collect::<Vec<_>>(), [Network::of(flooders[0])]);
        // It goes on: its term begins anew.
        (0..GOES_ON).for_each(|_| shield.saw(flooders[7], Worth::Nothing));
        assert!(!calm(&mut shield, 10_100));
        assert_eq!(shield.kept().count(), 1);
        // It has stopped.
        assert!(calm(&mut shield, 20_200));
        assert_eq!(shield.kept().count(), 0);
    }

    #[test]
    fn nobody_is_kept_out_while_all_are_answered_or_when_all_are_equal() {
        let mut shield = Shield::default();
        for millis in 0..1000 {
            (0..500).for_each(|_| shield.saw(ip("192.0.2.1"), Worth::Nothing));
            assert!(!calm(&mut shield, millis));
        }
        // However many ask for connection ids: none is lost.
        for millis in 1000..2000 {
            (0..500).for_each(|_| shield.saw(ip("192.0.2.1"), Worth::Little));
            assert!(!shield.turn(true, at(millis), || 0));
        }
        let crowd: Vec<IpAddr> = (0..200).map(|net| ip(&format!("2001:db8:{net}::1"))).collect();
        assert!(!flood(&mut shield, 2000, 100_000, &crowd));
        assert!(!flood(&mut shield, 3000, FLOOD as usize - 1, &crowd[..1]));
        assert!(shield.counts.len() <= WATCHED);
    }

    #[test]
    fn forged_datagrams_need_not_do_harm_first() {
        let mut shield = Shield::default();
        for millis in 0..30 {
            (0..200).for_each(|_| shield.saw(ip("192.0.2.1"), Worth::Nothing));
            shield.turn(true, at(millis), || 0);
        }
        assert_eq!(shield.kept().count(), 1);
        assert!(!shield.is_busy());
    }

    #[test]
    fn no_more_are_kept_out_than_the_kernel_is_told() {
        let mut shield = Shield::default();
        for round in 0..10 {
            let crowd: Vec<IpAddr> = (0..4).map(|net| ip(&format!("10.{round}.{net}.1"))).collect();
            flood(&mut shield, 100 + round * 100, 8000, &crowd);
        }
        assert_eq!(shield.kept().count(), MOST);
    }
}
