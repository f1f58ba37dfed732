//! The tracker's own HTTP listener over real sockets, with a clock that the tests set. Here are a listener to test and a
//! client that says exactly what it is told to; the tests are in the modules below.

mod attacks;
mod connections;
mod requests;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shoal_tracker::http::{HttpDoor, HttpSettings};
use shoal_tracker::{Clock, Mode, Settings, Tracker};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A listener at work.
struct Door {
    tracker: Arc<Tracker>,
    door: HttpDoor,
    seconds: Arc<AtomicU64>,
    /// A connection over which it is asked whether it has come round.
    watch: RefCell<Option<Client>>,
}

impl Door {
    /// One with these settings that takes any torrent, on a free port.
    fn open(settings: HttpSettings) -> Self {
        let tracker = Tracker::new(Settings {
            mode: Mode::Open,
            ..Settings::new(42)
        });
        Self::of(tracker, settings)
    }

    /// One as it is without configuration.
    fn usual() -> Self {
        Self::open(HttpSettings::new(1))
    }

    fn of(tracker: Tracker, settings: HttpSettings) -> Self {
        let tracker = Arc::new(tracker);
        let seconds = Arc::new(AtomicU64::new(1000));
        let told = Arc::clone(&seconds);
        let clock: Clock = Arc::new(move || Duration::from_secs(told.load(Ordering::Relaxed)));
        let settings = HttpSettings {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            ..settings
        };
        Self {
            door: HttpDoor::open(&settings, &tracker, &clock).expect("a port is free"),
            tracker,
            seconds,
            watch: RefCell::default(),
        }
    }

    fn connect(&self) -> Client {
        let socket = TcpStream::connect(self.door.addresses()[0]).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("it is a socket");
        socket.set_write_timeout(Some(PATIENCE)).expect("it is a socket");
        socket.set_nodelay(true).expect("it is a socket");
        Client {
            socket,
            input: Vec::new(),
        }
    }

    /// Lets seconds pass, after what was sent before has been seen.
    fn pass(&self, seconds: u64) {
        self.turn();
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
        self.turn();
    }

    /// Has the only thread look at its connections, in the order in which something came, and at the clock. It may be in the
    /// middle of that when it answers once, and has come to the end when it answers again.
    fn turn(&self) {
        let mut watch = self.watch.borrow_mut();
        let watch = watch.get_or_insert_with(|| self.connect());
        for _ in 0..2 {
            assert_eq!(watch.ask("GET / HTTP/1.1\r\n\r\n").status, 404);
        }
    }
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// The head, without the empty line.
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        self.body.escape_ascii().to_string()
    }

    fn has_header(&self, line: &str) -> bool {
        self.head.lines().any(|known| known.eq_ignore_ascii_case(line))
    }
}

/// A client over one connection.
struct Client {
    socket: TcpStream,
    input: Vec<u8>,
}

impl Client {
    fn send(&mut self, text: impl AsRef<[u8]>) {
        self.socket.write_all(text.as_ref()).expect("it is taken");
    }

    fn ask(&mut self, text: impl AsRef<[u8]>) -> Answer {
        self.send(text);
        self.answer()
    }

    /// Reads the next answer.
    fn answer(&mut self) -> Answer {
        self.answer_with(true)
    }

    /// Reads the next answer, whose body is there or, as for HEAD, only told of.
    fn answer_with(&mut self, has_body: bool) -> Answer {
        let end = loop {
            match self.input.windows(4).position(|part| part == b"\r\n\r\n") {
                Some(end) => break end,
                None => assert!(self.more(), "it ended in a head: {}", self.input.escape_ascii()),
            }
        };
        let head = String::from_utf8(self.input[..end].to_vec()).expect("a head is text");
        self.input.drain(..end + 4);
        let number = |text: Option<&str>| {
            text.and_then(|text| text.parse::<usize>().ok())
                .expect("a number")
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let length = if has_body { number(length) } else { 0 };
        while self.input.len() < length {
            assert!(self.more(), "it ended in a body");
        }
        Answer {
            status: number(head.split(' ').nth(1)) as u16,
            body: self.input.drain(..length).collect(),
            head,
        }
    }

    /// Checks that the other side has ended, and that nothing came before.
    fn expect_end(&mut self) {
        assert!(
            !self.more() && self.input.is_empty(),
            "{}",
            self.input.escape_ascii()
        );
    }

    fn finish_writing(&self) {
        self.socket.shutdown(Shutdown::Write).expect("it is open");
    }

    /// Reads some bytes; false at the end.
    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let length = match self.socket.read(&mut bytes) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing comes: {error}"),
        };
        self.input.extend_from_slice(&bytes[..length]);
        length > 0
    }
}

/// An announce of a peer at this port, in the words of a client.
fn announce(port: u16) -> String {
    format!(
        "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-qB5000-abcdefghijkl&port={port}&uploaded=0&downloaded=0&left=1\
        &compact=1&numwant=30 HTTP/1.1\r\nHost: t\r\nUser-Agent: qBittorrent/5.0.0\r\nAccept-Encoding: gzip\r\n\r\n"
    )
}
