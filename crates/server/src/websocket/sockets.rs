//! All sockets that are open, and what waits to be sent to each. Bounded in number, in number for each address, and in what
//! waits. What is sent is decided elsewhere; `conversation.rs` takes it out.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use actix_http::ws::CloseCode;
use parking_lot::{Mutex, MutexGuard};
use shoal_tracker::{Caller, Letter, Pass, Refusal, Session, SocketId, Tracker};

use crate::config::WebSocketSettings;
use crate::limits::network;

/// Bytes that may wait for a socket beside what the connection holds; one that does not take them is given up.
const MOST_WAITING: usize = 128 << 10;

/// Parts of the directory, so that workers seldom wait for each other.
const PARTS: usize = 32;

/// The directory.
pub(crate) struct Sockets {
    last: AtomicU64,
    is_closing: AtomicBool,
    parts: [Mutex<HashMap<SocketId, Arc<Line>>>; PARTS],
    crowd: Mutex<Crowd>,
    settings: WebSocketSettings,
}

#[derive(Default)]
struct Crowd {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// Why a socket is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// There are as many as there may be, or the program is stopping.
    Here,
    /// There are as many from that address.
    There,
}

/// The way to one socket.
#[derive(Debug)]
pub(crate) struct Line {
    socket: SocketId,
    network: IpAddr,
    queue: Mutex<Queue>,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Queue {
    letters: VecDeque<String>,
    bytes: usize,
    end: Option<CloseCode>,
    waker: Option<Waker>,
}

/// What a socket finds when it looks.
pub(crate) enum Waiting {
    Letter(String),
    /// It is to be closed.
    End(CloseCode),
    /// Nothing; it will be woken.
    Nothing,
}

impl Sockets {
    pub(crate) fn new(settings: WebSocketSettings) -> Self {
        Self {
            last: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            parts: std::array::from_fn(|_| Mutex::default()),
            crowd: Mutex::default(),
            settings,
        }
    }

    /// Lets a socket in.
    ///
    /// # Errors
    /// There is no room for it.
    pub(crate) fn admit(
        &self,
        caller: Caller,
        pass: Result<Option<Pass>, Refusal>,
    ) -> Result<Arc<Line>, Crowded> {
        let network = network(caller.source);
        let mut crowd = self.crowd.lock();
        if crowd.all >= self.settings.max_sockets || self.is_closing.load(Ordering::Relaxed) {
            return Err(Crowded::Here);
        }
        let here = crowd.by_network.get(&network).copied().unwrap_or(0);
        if here >= self.settings.max_sockets_per_address {
            return Err(Crowded::There);
        }
        crowd.all += 1;
        crowd.by_network.insert(network, here + 1);
        drop(crowd);
        let socket = SocketId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let line = Arc::new(Line {
            socket,
            network,
            queue: Mutex::default(),
            session: Mutex::new(Session::new(socket, caller, pass)),
        });
        self.part(socket).lock().insert(socket, Arc::clone(&line));
        Ok(line)
    }

    /// Forgets a socket that is closed.
    pub(crate) fn forget(&self, line: &Line) {
        if self.part(line.socket).lock().remove(&line.socket).is_none() {
            return;
        }
        let mut crowd = self.crowd.lock();
        crowd.all -= 1;
        if let Some(count) = crowd.by_network.get_mut(&line.network) {
            *count -= 1;
            if *count == 0 {
                crowd.by_network.remove(&line.network);
            }
        }
    }

    /// Puts a letter down for its socket, if that is still open. Nobody waits for whoever does not read: that one leaves
    /// all swarms at once, though its connection may hold out for a while. The caller must hold no session.
    pub(crate) fn send(&self, letter: Letter, tracker: &Tracker) {
        let line = self.part(letter.to).lock().get(&letter.to).cloned();
        if let Some(line) = line
            && !line.put(letter.text)
        {
            line.session().close(tracker);
        }
    }

    /// Lets nobody in any more, and closes all that are open.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        for part in &self.parts {
            let lines: Vec<_> = part.lock().values().cloned().collect();
            lines.iter().for_each(|line| line.end(CloseCode::Away));
        }
    }

    fn part(&self, socket: SocketId) -> &Mutex<HashMap<SocketId, Arc<Line>>> {
        &self.parts[socket.0 as usize % PARTS]
    }
}

impl Line {
    /// Where the client is, and what it may still say.
    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock()
    }

    /// What to send next; if there is nothing, who is to be woken for more.
    pub(crate) fn next(&self, waker: &Waker) -> Waiting {
        let mut queue = self.queue.lock();
        if let Some(text) = queue.letters.pop_front() {
            queue.bytes -= text.len();
            if queue.letters.is_empty() {
                queue.letters = VecDeque::new();
            }
            return Waiting::Letter(text);
        }
        if let Some(end) = queue.end {
            return Waiting::End(end);
        }
        if queue.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            queue.waker = Some(waker.clone());
        }
        Waiting::Nothing
    }

    /// Closes the socket once what waits is sent.
    pub(crate) fn end(&self, code: CloseCode) {
        let mut queue = self.queue.lock();
        queue.end.get_or_insert(code);
        wake(queue);
    }

    /// False if this was too much, and the socket is given up.
    fn put(&self, text: String) -> bool {
        let mut queue = self.queue.lock();
        if queue.end.is_some() {
            return true;
        }
        let has_room = queue.bytes + text.len() <= MOST_WAITING;
        if has_room {
            queue.bytes += text.len();
            queue.letters.push_back(text);
        } else {
            (queue.letters, queue.bytes) = (VecDeque::new(), 0);
            queue.end = Some(CloseCode::Policy);
        }
        wake(queue);
        has_room
    }
}

/// Wakes whoever reads from a queue, once the queue is free.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use shoal_tracker::{Mode, Said, Seconds, Settings};

    use super::*;

    fn sockets() -> Sockets {
        Sockets::new(WebSocketSettings {
            max_sockets: 3,
            max_sockets_per_address: 2,
            ..WebSocketSettings::default()
        })
    }

    fn admit(sockets: &Sockets, address: &str) -> Result<Arc<Line>, Crowded> {
        let source = address.parse().expect("an address");
        sockets.admit(Caller::new(Seconds(0), source), Ok(None))
    }

    #[test]
    fn sockets_are_bounded_in_all_and_for_an_address() {
        let sockets = sockets();
        let first = admit(&sockets, "2001:db8::1").expect("there is room");
        assert!(admit(&sockets, "2001:db8::2").is_ok());
        assert_eq!(admit(&sockets, "2001:db8::3").err(), Some(Crowded::There));
        assert!(admit(&sockets, "2001:db8:1::3").is_ok());
        assert_eq!(admit(&sockets, "192.0.2.1").err(), Some(Crowded::Here));
        sockets.forget(&first);
        sockets.forget(&first);
        let again = admit(&sockets, "2001:db8::3").expect("there is room again");
        assert_eq!(sockets.crowd.lock().all, 3);
        sockets.close();
        assert!(
            matches!(first.next(Waker::noop()), Waiting::Nothing),
            "it was forgotten"
        );
        assert!(matches!(again.next(Waker::noop()), Waiting::End(CloseCode::Away)));
        sockets.forget(&again);
        assert_eq!(
            admit(&sockets, "192.0.2.1").err(),
            Some(Crowded::Here),
            "it is closing"
        );
    }

    #[test]
    fn whoever_does_not_read_is_given_up_and_in_no_swarm() {
        let sockets = sockets();
        let tracker = Tracker::new(Settings {
            mode: Mode::Open,
            ..Settings::new(1)
        });
        let line = admit(&sockets, "192.0.2.1").expect("there is room");
        let text =
            br#"{"action":"announce","info_hash":"aaaaaaaaaaaaaaaaaaaa","peer_id":"bbbbbbbbbbbbbbbbbbbb"}"#;
        let said = Said {
            now: Seconds(0),
            text,
        };
        let mut letters = Vec::new();
        let heard = line
            .session()
            .hear(&tracker, said, &mut rand::rng(), &mut letters);
        heard.expect("it is one message");
        assert_eq!(tracker.totals().guests, 1);
        let letter = || Letter {
            to: line.socket,
            text: "x".repeat(1000),
        };
        sockets.send(letter(), &tracker);
        assert!(matches!(line.next(Waker::noop()), Waiting::Letter(text) if text.len() == 1000));
        assert!(matches!(line.next(Waker::noop()), Waiting::Nothing));
        (0..200).for_each(|_| sockets.send(letter(), &tracker));
        assert!(matches!(
            line.next(Waker::noop()),
            Waiting::End(CloseCode::Policy)
        ));
        assert_eq!((line.queue.lock().bytes, tracker.totals().guests), (0, 0));
    }
}
