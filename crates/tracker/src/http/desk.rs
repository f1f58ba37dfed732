//! One connection at a time: what has come is read, answered and written, in as few calls as can be. The buffers are those of
//! the thread; a connection keeps bytes of its own only while a request is not whole or an answer is not taken. Which
//! connection comes next is decided in `worker.rs`, what is answered in `responder.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown};

use super::connections::{Connection, Stage};
use super::head::MAX_HEAD;
use super::responder::{Responder, Then, write_too_late};
use crate::request::Caller;
use crate::time::{Clock, Seconds};

/// Seconds within which the head of a request has to be whole.
pub const HEAD_SECONDS: u32 = 10;

/// Seconds for which a connection may be silent between two requests.
pub const IDLE_SECONDS: u32 = 60;

/// Seconds within which answers have to be taken.
pub const TAKE_SECONDS: u32 = 10;

/// Seconds for which a client that was refused may go on sending, so that it gets to read why.
const LEAVE_SECONDS: u32 = 2;

/// Bytes read at once. What a connection holds of a request that is not whole has its place in front.
const INPUT: usize = 64 * 1024;

/// What one thread serves its connections with.
pub(super) struct Desk {
    pub(super) responder: Responder,
    clock: Clock,
    /// When the connections that are served now were found ready.
    found: Duration,
    input: Box<[u8]>,
    output: Vec<u8>,
}

impl Desk {
    pub(super) fn new(responder: Responder, clock: Clock) -> Self {
        Self {
            responder,
            found: clock(),
            clock,
            input: vec![0; INPUT].into_boxed_slice(),
            output: Vec::new(),
        }
    }

    /// Does what the connection waited for. With `is_last` it ends when what has come is answered. False if it is over, as
    /// it is after a panic: a fault of ours costs one connection, and not the tracker.
    pub(super) fn serve(&mut self, connection: &mut Connection, is_last: bool) -> bool {
        let served = catch_unwind(AssertUnwindSafe(|| match connection.stage {
            Stage::Asking => self.read(connection, is_last),
            Stage::Taking => self.write(connection, is_last),
            Stage::Leaving => self.discard(connection, is_last),
        }));
        served.unwrap_or(false)
    }

    /// Looks at the clock; says whether another second has begun.
    pub(super) fn look(&mut self) -> bool {
        let before = self.now();
        self.found = (self.clock)();
        self.now() != before
    }

    /// The second in which the connections that are served now were found ready.
    pub(super) fn now(&self) -> Seconds {
        Seconds::of(self.found)
    }

    /// Tells a client that its request took too long, if it has begun one.
    pub(super) fn give_up(&mut self, connection: &Connection) {
        if connection.stage == Stage::Asking && connection.held.is_some() {
            self.output.clear();
            write_too_late(&mut self.output);
            // It is over in any case.
            let _sent = send(connection, &self.output);
        }
    }

    /// A moment so many seconds from now.
    pub(super) fn after(&self, seconds: u32) -> Seconds {
        Seconds(self.now().0.saturating_add(seconds))
    }

    fn read(&mut self, connection: &mut Connection, is_last: bool) -> bool {
        let waiting = self.take_up(connection);
        let filled =
            match rustix::net::recv(&connection.socket, &mut self.input[waiting..], RecvFlags::empty()) {
                Ok((0, _)) => return false,
                Ok((length, _)) => waiting + length,
                Err(Errno::AGAIN | Errno::INTR) => return !is_last,
                Err(_) => return false,
            };
        let fresh = &self.input[waiting..filled];
        if waiting > 0 && filled < MAX_HEAD && memchr::memchr(b'\n', fresh).is_none() {
            // Without a line end it cannot be whole: nothing is read again for each byte of a slow client.
            connection.hold().input.extend_from_slice(fresh);
            return !is_last;
        }
        self.answer(connection, filled, is_last)
    }

    /// Copies what the connection holds of its next request to the front of the input; says how much that is.
    fn take_up(&mut self, connection: &Connection) -> usize {
        let held = connection.held.as_deref().map_or(&[][..], |held| &held.input);
        self.input[..held.len()].copy_from_slice(held);
        held.len()
    }

    /// Answers what stands in the input, and has the connection keep what is left over.
    fn answer(&mut self, connection: &mut Connection, filled: usize, is_last: bool) -> bool {
        let caller = Caller::new(self.now(), connection.source);
        let mut at = 0;
        loop {
            self.output.clear();
            let rest = &self.input[at..filled];
            let progress = self.responder.answer(rest, caller, is_last, &mut self.output);
            at += progress.taken;
            let Ok(sent) = send(connection, &self.output) else {
                return false;
            };
            self.time(progress.answered);
            if sent < self.output.len() {
                let deadline = self.after(TAKE_SECONDS);
                let held = connection.hold();
                held.output = self.output[sent..].to_vec();
                held.input = self.input[at..filled].to_vec();
                held.ends = matches!(progress.then, Then::Close | Then::Refuse);
                (connection.stage, connection.deadline) = (Stage::Taking, deadline);
                return true;
            }
            match progress.then {
                Then::Write => {}
                Then::Read => break,
                Then::Close => return false,
                Then::Refuse => return self.leave(connection, is_last),
            }
        }
        self.keep(connection, at, filled);
        true
    }

    /// Counts how long so many requests were in our hands: not from their first byte, which a slow client sends early, but
    /// from when they were there to be read.
    fn time(&self, answered: u32) {
        if answered > 0 {
            let took = (self.clock)().saturating_sub(self.found).as_nanos();
            self.responder.time(took as u64, answered);
        }
    }

    /// Has the connection keep what is not whole yet, and sets the time for it.
    fn keep(&self, connection: &mut Connection, at: usize, filled: usize) {
        let rest = &self.input[at..filled];
        if rest.is_empty() {
            connection.held = None;
            connection.deadline = self.after(IDLE_SECONDS);
            return;
        }
        let has_begun = at == 0
            && connection
                .held
                .as_ref()
                .is_some_and(|held| !held.input.is_empty());
        if !has_begun {
            connection.deadline = self.after(HEAD_SECONDS);
        }
        let input = &mut connection.hold().input;
        input.clear();
        input.extend_from_slice(rest);
    }

    /// Goes on sending; when all is taken, goes on answering.
    fn write(&mut self, connection: &mut Connection, is_last: bool) -> bool {
        let Some(held) = connection.held.take() else {
            return false;
        };
        let Ok(sent) = send(connection, &held.output) else {
            return false;
        };
        if sent < held.output.len() {
            connection.held = Some(held);
            connection.hold().output.drain(..sent);
            return true;
        }
        if held.ends {
            return false;
        }
        self.input[..held.input.len()].copy_from_slice(&held.input);
        connection.stage = Stage::Asking;
        self.answer(connection, held.input.len(), is_last)
    }

    /// Ends our side only: with the whole connection closed while the client sends, the answer would be lost on its way.
    fn leave(&self, connection: &mut Connection, is_last: bool) -> bool {
        connection.held = None;
        (connection.stage, connection.deadline) = (Stage::Leaving, self.after(LEAVE_SECONDS));
        !is_last && rustix::net::shutdown(&connection.socket, Shutdown::Write).is_ok()
    }

    fn discard(&mut self, connection: &Connection, is_last: bool) -> bool {
        match rustix::net::recv(&connection.socket, &mut *self.input, RecvFlags::empty()) {
            Ok((length, _)) => length > 0 && !is_last,
            Err(error) => error == Errno::AGAIN && !is_last,
        }
    }
}

/// Sends what the system takes at once.
fn send(connection: &Connection, bytes: &[u8]) -> Result<usize, Errno> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match rustix::net::send(&connection.socket, bytes, SendFlags::NOSIGNAL) {
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        sent => sent,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{IpAddr, Ipv4Addr};
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::settings::Settings;
    use crate::tracker::Tracker;

    /// A connection on which a request has come, and the client's end of it.
    fn asking() -> (Connection, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().expect("the system has two sockets");
        ours.set_nonblocking(true).expect("it is a socket");
        theirs
            .write_all(b"GET /scrape HTTP/1.1\r\n\r\n")
            .expect("it is taken");
        let connection = Connection {
            socket: ours.into(),
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            deadline: Seconds(99),
            stage: Stage::Asking,
            held: None,
        };
        (connection, theirs)
    }

    #[test]
    fn a_panic_costs_one_connection() {
        let is_broken = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_broken);
        let clock: Clock = Arc::new(move || {
            assert!(!told.load(Ordering::SeqCst), "a test breaks the clock");
            Duration::ZERO
        });
        let tracker = Arc::new(Tracker::new(Settings::new(1)));
        let mut desk = Desk::new(Responder::new(tracker, Vec::new(), String::new(), 1), clock);
        for broken in [false, true, false] {
            is_broken.store(broken, Ordering::SeqCst);
            let (mut connection, mut client) = asking();
            assert_eq!(desk.serve(&mut connection, false), !broken);
            drop(connection);
            let mut answer = String::new();
            client
                .read_to_string(&mut answer)
                .expect("the other end is closed");
            assert!(answer.ends_with("8:retry in5:nevere"), "{answer}");
        }
    }
}
