//! A thread of the UDP door at its socket, whatever the way by which it reads and sends: the desk that answers, the clock,
//! and whether to go on. Next in the flow: `desk.rs`.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::desk::Desk;
use crate::time::{Clock, Seconds};

/// How often in a row a socket may fail before the way is given up.
const FAILURES: u32 = 1000;

pub(super) struct Post {
    pub(super) desk: Desk,
    pub(super) clock: Clock,
    pub(super) is_closing: Arc<AtomicBool>,
    failures: u32,
    begun: Duration,
    now: Seconds,
}

impl Post {
    pub(super) fn new(desk: Desk, clock: Clock, is_closing: Arc<AtomicBool>) -> Self {
        Self {
            desk,
            clock,
            is_closing,
            failures: 0,
            begun: Duration::ZERO,
            now: Seconds::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.is_closing.load(Ordering::Relaxed)
    }

    /// Begins with datagrams that came together.
    pub(super) fn begin(&mut self) {
        self.failures = 0;
        self.begun = (self.clock)();
        self.now = Seconds::of(self.begun);
    }

    /// Answers one of them.
    pub(super) fn answer(&mut self, from: SocketAddr, datagram: &[u8], out: &mut Vec<u8>) {
        self.desk.answer(from, datagram, self.now, out);
    }

    /// Ends with so many datagrams, which were read, answered and sent together.
    pub(super) fn end(&mut self, many: usize) {
        let took = (self.clock)().saturating_sub(self.begun).as_nanos();
        if many > 0 {
            self.desk
                .time(u64::try_from(took).unwrap_or(u64::MAX), many as u64);
        }
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
