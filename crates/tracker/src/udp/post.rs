//! A thread of the UDP door at its socket, whatever the way by which it reads and sends: the desk that answers, the clock,
//! and whether to go on. Next in the flow: `desk.rs`.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::desk::{Desk, When};
#[cfg(target_os = "linux")]
use super::overrun::dropped;
use super::shield::{Shield, Worth};
use crate::figures::{Family, Outcome};
use crate::time::{Clock, Seconds};

/// From so many datagrams on it pays to look at all of them before the first is answered.
pub(super) const FORESEEN: usize = 4;

/// How often in a row a socket may fail before the way is given up.
const FAILURES: u32 = 1000;

/// How often a thread asks how many datagrams were never read.
const GLANCE: Duration = Duration::from_secs(1);

/// Datagrams that were never read: how many when the kernel was asked last, and when that was.
#[derive(Debug, Default)]
struct Overrun {
    count: u32,
    asked: Duration,
}

pub(super) struct Post {
    pub(super) desk: Desk,
    pub(super) clock: Clock,
    pub(super) is_closing: Arc<AtomicBool>,
    shield: Shield,
    overrun: Overrun,
    failures: u32,
    begun: Duration,
    at: When,
}

impl Post {
    pub(super) fn new(desk: Desk, clock: Clock, is_closing: Arc<AtomicBool>) -> Self {
        Self {
            desk,
            clock,
            is_closing,
            shield: Shield::default(),
            overrun: Overrun::default(),
            failures: 0,
            begun: Duration::ZERO,
            at: When {
                now: Seconds::default(),
                is_busy: false,
            },
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.is_closing.load(Ordering::Relaxed)
    }

    /// Begins with datagrams that came together.
    pub(super) fn begin(&mut self) {
        self.failures = 0;
        self.begun = (self.clock)();
        self.at = When {
            now: Seconds::of(self.begun),
            is_busy: self.shield.is_busy(),
        };
    }

    /// Answers one of them.
    pub(super) fn answer(&mut self, from: SocketAddr, datagram: &[u8], out: &mut Vec<u8>) {
        let outcome = self.desk.answer(from, datagram, self.at, out);
        let worth = match outcome {
            Outcome::Connected => Worth::Little,
            Outcome::WrongConnection | Outcome::Malformed | Outcome::TooMany => Worth::Nothing,
            _ => return,
        };
        self.shield.saw(from.ip(), worth);
    }

    /// Ends with so many datagrams, which were read, answered and sent together; `is_full` says that there may be more
    /// already than could be read at once.
    pub(super) fn end(&mut self, many: usize, is_full: bool, socket: &UdpSocket) {
        let now = (self.clock)();
        if now.saturating_sub(self.overrun.asked) >= GLANCE {
            self.overrun.asked = now;
            self.count_overrun(socket);
        }
        let took = now.saturating_sub(self.begun).as_nanos();
        if many > 0 {
            self.desk
                .time(u64::try_from(took).unwrap_or(u64::MAX), many as u64);
        }
        if self
            .shield
            .turn(is_full, now, || dropped(socket).unwrap_or_default())
        {
            keep_out(socket, &self.shield);
        }
    }

    /// Counts what was never read since the last time.
    fn count_overrun(&mut self, socket: &UdpSocket) {
        let (Some(count), Ok(own)) = (dropped(socket), socket.local_addr()) else {
            return;
        };
        let more = count.wrapping_sub(mem::replace(&mut self.overrun.count, count));
        self.desk.overrun(Family::of(own.ip()), more);
    }

    /// Passes over a failure of the socket that is no reason to stop, such as an answer that a network did not want.
    pub(super) fn pardon(&mut self, error: io::Error) -> io::Result<()> {
        if matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
        ) {
            return Ok(());
        }
        self.failures += 1;
        if self.failures > FAILURES {
            Err(error)
        } else {
            Ok(())
        }
    }
}

/// Has the kernel keep out whom the shield names. If it does not, they are answered as far as there is time.
#[cfg(target_os = "linux")]
fn keep_out(socket: &UdpSocket, shield: &Shield) {
    let _ = super::filter::keep_out(socket, shield.kept());
}

/// Elsewhere, they are answered as far as there is time.
#[cfg(not(target_os = "linux"))]
fn keep_out(_: &UdpSocket, _: &Shield) {}
/// Elsewhere nobody counts.
#[cfg(not(target_os = "linux"))]
fn dropped(_: &UdpSocket) -> Option<u32> {
    None
}
