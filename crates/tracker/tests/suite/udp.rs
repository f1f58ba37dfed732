//! The UDP door over real sockets, by each backend that this machine has: what is answered, what is met with silence, and
//! that nobody is told of an address that was not proven.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shoal_tracker::udp::{Backend, ConnectionIds, UdpDoor, UdpSettings};
use shoal_tracker::{Clock, Family, Mode, Outcome, Protocol, Settings, SwarmKey, SwarmKeys, Tracker};

const CONNECT: [u8; 16] = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4];
const KEY: [u8; 20] = [0x3b; 20];

/// Longer than any answer takes; an answer that must not come is waited for by asking something else behind it.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open door on virtual time, and its tracker.
pub(crate) struct Harbour {
    pub(crate) tracker: Arc<Tracker>,
    door: UdpDoor,
    seconds: Arc<AtomicU64>,
}

impl Harbour {
    fn open(backend: Backend, listen: &[&str], threads: usize) -> io::Result<Self> {
        let seconds = Arc::new(AtomicU64::new(1000));
        let told = Arc::clone(&seconds);
        let clock: Clock = Arc::new(move || Duration::from_secs(told.load(Ordering::SeqCst)));
        let opened = Self::open_by(clock, backend, listen, threads)?;
        Ok(Self { seconds, ..opened })
    }

    /// A door whose time is told by a clock of the test.
    fn open_by(clock: Clock, backend: Backend, listen: &[&str], threads: usize) -> io::Result<Self> {
        let settings = Settings {
            mode: Mode::Open,
            max_peers_per_address: 0,
            requests_per_second_per_address: 0,
            requests_per_second_per_network: 0,
            ..Settings::new(5)
        };
        let tracker = Arc::new(Tracker::new(settings));
        let listen = listen
            .iter()
            .map(|at| at.parse().expect("an address and a port"))
            .collect();
        let settings = UdpSettings {
            listen,
            threads,
            backend,
            ids: ConnectionIds::new(&[3; 16], 120, 1_790_000_000),
            seed: 11,
        };
        Ok(Self {
            door: UdpDoor::open(&settings, &tracker, &clock)?,
            tracker,
            seconds: Arc::default(),
        })
    }

    /// Every backend that works on this machine, each with a door at 127.0.0.1.
    fn each() -> Vec<Self> {
        let all = [Backend::IoUring, Backend::Mmsg, Backend::Plain];
        let opened = all.into_iter().filter_map(|backend| {
            Self::open(backend, &["127.0.0.1:0"], 1)
                .map_err(|error| eprintln!("skipped: {backend}: {error}"))
                .ok()
        });
        let opened: Vec<Self> = opened.collect();
        assert!(
            opened
                .iter()
                .any(|harbour| harbour.door.backend() == Backend::Plain),
            "the plain way works everywhere"
        );
        opened
    }

    fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    fn boat(&self, at: &str) -> Boat {
        Boat::new(at, self.door.addresses()[0])
    }
}

/// A client at an address of its own.
pub(crate) struct Boat {
    socket: UdpSocket,
    connection: [u8; 8],
}

impl Boat {
    fn new(at: &str, door: SocketAddr) -> Self {
        let ip: IpAddr = at.parse().expect("an address");
        let socket = UdpSocket::bind((ip, 0)).expect("loopback has this address");
        socket.connect(door).expect("the door has an address");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a time above zero");
        Self {
            socket,
            connection: [0; 8],
        }
    }

    fn connected(at: &str, door: SocketAddr) -> Self {
        let mut boat = Self::new(at, door);
        boat.connect();
        boat
    }

    fn connect(&mut self) {
        let answer = self.ask(&CONNECT);
        assert_eq!((answer.len(), &answer[..8]), (16, &[0, 0, 0, 0, 1, 2, 3, 4][..]));
        self.connection.copy_from_slice(&answer[8..]);
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).expect("loopback takes it");
    }

    fn receive(&self) -> Vec<u8> {
        let mut answer = [0; 4096];
        let length = self.socket.recv(&mut answer).expect("an answer comes");
        answer[..length].to_vec()
    }

    fn ask(&self, datagram: &[u8]) -> Vec<u8> {
        self.send(datagram);
        self.receive()
    }

    /// Asks as BEP 15 says, again and again until it is answered: on a machine that has no time a datagram may be lost.
    fn insist(&self, datagram: &[u8]) -> Vec<u8> {
        let mut answer = [0; 4096];
        let often = Duration::from_millis(500);
        self.socket
            .set_read_timeout(Some(often))
            .expect("a time above zero");
        for _ in 0..PATIENCE.as_millis() / often.as_millis() {
            self.send(datagram);
            if let Ok(length) = self.socket.recv(&mut answer) {
                return answer[..length].to_vec();
            }
        }
        panic!("no answer in {PATIENCE:?}");
    }

    /// Whether a datagram is met with silence: what is answered first is what was asked after it.
    fn is_silent(&self, datagram: &[u8]) -> bool {
        self.send(datagram);
        let after = [&CONNECT[..12], b"last"].concat();
        self.ask(&after)[4..8] == *b"last"
    }

    /// An announce, to be changed where it differs.
    fn announce(&self, port: u16, left: u64) -> Vec<u8> {
        let mut bytes = [&self.connection[..], &[0, 0, 0, 1], b"tran", &KEY, &[b'p'; 20]].concat();
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&left.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&2_u32.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        bytes.extend_from_slice(&port.to_be_bytes());
        bytes
    }

    fn scrape(&self, keys: &[[u8; 20]]) -> Vec<u8> {
        [&self.connection[..], &[0, 0, 0, 2], b"tran", keys.as_flattened()].concat()
    }
}

/// Numbers of an answer after its first eight bytes.
fn numbers(answer: &[u8]) -> Vec<u32> {
    let (words, _) = answer[8..].as_chunks::<4>();
    words.iter().map(|word| u32::from_be_bytes(*word)).collect()
}

fn is_error(answer: &[u8]) -> bool {
    answer[..4] == [0, 0, 0, 3]
}

#[test]
fn peers_find_each_other_by_every_backend() {
    for harbour in Harbour::each() {
        let door = harbour.door.addresses()[0];
        let (seeder, leecher) = (
            Boat::connected("127.0.0.1", door),
            Boat::connected("127.0.0.2", door),
        );
        let alone = seeder.ask(&seeder.announce(6881, 0));
        assert_eq!(
            (alone.len(), &alone[..8]),
            (20, &[0, 0, 0, 1, b't', b'r', b'a', b'n'][..])
        );
        let told = leecher.ask(&leecher.announce(6882, 100));
        assert_eq!(told[20..], [127, 0, 0, 1, 0x1a, 0xe1]);
        let [interval, leechers, seeders, ..] = numbers(&told)[..] else {
            panic!("an answer has three numbers: {told:?}");
        };
        assert!(interval >= 1800 && (leechers, seeders) == (1, 1));
        let counted = leecher.ask(&leecher.scrape(&[KEY, [9; 20]]));
        assert_eq!(numbers(&counted), [1, 0, 1, 0, 0, 0]);
    }
}

#[test]
fn families_have_sockets_of_their_own() {
    let Ok(harbour) = Harbour::open(Backend::Auto, &["127.0.0.1:0", "[::1]:0"], 2) else {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let [four, six] = *harbour.door.addresses() else {
        panic!("two addresses were asked for");
    };
    let (a, b) = (Boat::connected("::1", six), Boat::connected("::1", six));
    a.ask(&a.announce(1000, 0));
    let told = b.ask(&b.announce(2000, 5));
    assert_eq!(told.len(), 20 + 18, "{told:?}");
    assert_eq!(told[20..36], std::net::Ipv6Addr::LOCALHOST.octets());
    // A datagram has room for one family only: who comes by IPv4 counts them, but is not told of them.
    let other = Boat::connected("127.0.0.1", four);
    let told = other.ask(&other.announce(3000, 5));
    assert_eq!((told.len(), &numbers(&told)[1..]), (20, &[2, 1][..]));
}

#[test]
fn nothing_is_stored_or_told_before_the_address_is_proven() {
    for harbour in Harbour::each() {
        let door = harbour.door.addresses()[0];
        let mut boat = harbour.boat("127.0.0.1");
        assert!(boat.is_silent(&boat.announce(6881, 0)), "no connection id");
        let other = Boat::connected("127.0.0.9", door);
        boat.connection = other.connection;
        assert!(
            boat.is_silent(&boat.announce(6881, 0)),
            "the id of another address"
        );
        boat.connect();
        boat.connection[7] ^= 1;
        assert!(boat.is_silent(&boat.announce(6881, 0)), "a guessed id");
        assert_eq!(harbour.tracker.totals().peers4, 0);
        let figures = harbour.tracker.figures();
        let count = |outcome| figures.count(Protocol::Udp, Family::Four, outcome);
        assert_eq!(
            (count(Outcome::Announced), count(Outcome::WrongConnection)),
            (0, 3)
        );
        // Another port of the same address may use the id, as libtorrent does.
        let mut second = harbour.boat("127.0.0.9");
        second.connection = other.connection;
        assert_eq!(second.ask(&second.announce(6881, 0)).len(), 20);
    }
}

#[test]
fn an_id_is_good_for_two_minutes_and_then_named_as_old() {
    for harbour in Harbour::each() {
        let boat = Boat::connected("127.0.0.1", harbour.door.addresses()[0]);
        harbour.pass(120);
        assert!(!is_error(&boat.ask(&boat.announce(6881, 0))));
        harbour.pass(1);
        let asked = boat.announce(6881, 0);
        let answer = boat.ask(&asked);
        assert!(is_error(&answer) && answer.len() <= asked.len(), "{answer:?}");
        assert!(String::from_utf8_lossy(&answer[8..]).contains("connect anew"));
        assert!(
            boat.is_silent(&asked[..40]),
            "an answer may not be longer than what was asked"
        );
    }
}

#[test]
fn what_is_broken_is_met_with_silence_or_a_sentence() {
    for harbour in Harbour::each() {
        let boat = Boat::connected("127.0.0.1", harbour.door.addresses()[0]);
        let whole = boat.announce(6881, 0);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            if length < 16 {
                assert!(boat.is_silent(cut), "{length} bytes");
            } else {
                assert!(is_error(&boat.ask(cut)), "{length} bytes");
            }
        }
        for silent in [&CONNECT[..15], b"", &[0; 16], &[0xff; 2000]] {
            assert!(boat.is_silent(silent), "{silent:?}");
        }
        assert_eq!(boat.ask(&[&CONNECT[..], &[0; 100]].concat()).len(), 16);
        let mut action = whole.clone();
        action[11] = 9;
        assert!(is_error(&boat.ask(&action)));
        assert!(is_error(&boat.ask(&boat.scrape(&[]))));
        assert_eq!(harbour.tracker.totals().peers4, 0);
        let mut event = whole.clone();
        event[83] = 7;
        assert!(!is_error(&boat.ask(&event)), "an unknown event is passed over");
        for options in [
            &b"\x02\x0d/announce?x=1\x00"[..],
            b"\x02\xff/",
            b"\x02",
            b"\x09\x01",
        ] {
            assert!(
                !is_error(&boat.ask(&[&whole[..], options].concat())),
                "{options:?}"
            );
        }
        // Longer than any datagram that is read: what is beyond is not seen.
        assert!(!is_error(&boat.ask(&[&whole[..], &[0; 60_000]].concat())));
    }
}

#[test]
fn a_peer_is_where_its_datagrams_come_from() {
    for harbour in Harbour::each() {
        let door = harbour.door.addresses()[0];
        let (liar, asker) = (
            Boat::connected("127.0.0.1", door),
            Boat::connected("127.0.0.2", door),
        );
        let mut announce = liar.announce(6881, 0);
        announce[84..88].copy_from_slice(&[8, 8, 8, 8]);
        liar.ask(&announce);
        liar.ask(&liar.announce(0, 0));
        // The same peer id and the stop of another address do nothing to it.
        let mut stop = asker.announce(6881, 0);
        stop[83] = 3;
        asker.ask(&stop);
        assert_eq!(
            asker.ask(&asker.announce(7000, 1))[20..],
            [127, 0, 0, 1, 0x1a, 0xe1]
        );
    }
}

#[test]
fn answers_are_bounded_whatever_is_wanted() {
    for harbour in Harbour::each() {
        let boat = Boat::connected("127.0.0.1", harbour.door.addresses()[0]);
        for port in 1000..1400 {
            boat.ask(&boat.announce(port, 5));
        }
        for (wanted, told) in [(i32::MAX, 200), (-1, 50), (i32::MIN, 50), (0, 0), (7, 7)] {
            let mut announce = boat.announce(9, 5);
            announce[92..96].copy_from_slice(&wanted.to_be_bytes());
            assert_eq!(boat.ask(&announce).len(), 20 + 6 * told, "{wanted}");
        }
        for (asked, counted) in [(1, 1), (74, 74), (75, 74), (1000, 74)] {
            let answer = boat.ask(&boat.scrape(&vec![KEY; asked]));
            assert_eq!(answer.len(), 8 + 12 * counted, "{asked}");
        }
    }
}

#[test]
fn completed_is_counted_once_and_stopped_takes_the_peer_out() {
    for harbour in Harbour::each() {
        let boat = Boat::connected("127.0.0.1", harbour.door.addresses()[0]);
        let mut announce = boat.announce(6881, 0);
        announce[83] = 1;
        boat.ask(&announce);
        boat.ask(&announce);
        assert_eq!(numbers(&boat.ask(&boat.scrape(&[KEY]))), [1, 1, 0]);
        announce[83] = 3;
        assert_eq!(boat.ask(&announce).len(), 20);
        assert_eq!(numbers(&boat.ask(&boat.scrape(&[KEY]))), [0, 1, 0]);
        // Whoever does not know what it lacks has not everything.
        boat.ask(&boat.announce(6882, u64::MAX));
        assert_eq!(numbers(&boat.ask(&boat.scrape(&[KEY]))), [0, 1, 1]);
    }
}

#[test]
fn a_refusal_says_why() {
    for harbour in Harbour::each() {
        let keys = SwarmKeys {
            primary: SwarmKey::new(KEY),
            alias: None,
        };
        harbour.tracker.forbid(keys);
        let boat = Boat::connected("127.0.0.1", harbour.door.addresses()[0]);
        let answer = boat.ask(&boat.announce(6881, 0));
        assert!(is_error(&answer) && answer[4..8] == *b"tran");
        assert!(String::from_utf8_lossy(&answer[8..]).contains("moderators"));
    }
}

#[test]
fn a_flood_from_one_network_costs_others_nothing() {
    for backend in [Backend::IoUring, Backend::Mmsg] {
        let start = Instant::now();
        let clock: Clock = Arc::new(move || start.elapsed());
        let Ok(harbour) = Harbour::open_by(clock, backend, &["127.0.0.1:0"], 1) else {
            eprintln!("skipped: {backend} does not work here");
            continue;
        };
        let door = harbour.door.addresses()[0];
        let honest = Boat::connected("127.0.0.1", door);
        let is_over = Arc::new(AtomicBool::new(false));
        let flooders = flood(door, &is_over);
        // Until the flood is kept out, or has shown that this machine can bear it.
        let limit = Instant::now() + PATIENCE;
        loop {
            let figures = harbour.tracker.figures();
            let count = |outcome| figures.count(Protocol::Udp, Family::Four, outcome);
            let is_seen = count(Outcome::Overrun) > 10_000 || count(Outcome::Connected) > 1_000_000;
            if is_seen || Instant::now() > limit {
                break;
            }
            std::thread::yield_now();
        }
        for port in 1..=300 {
            assert!(!is_error(&honest.insist(&honest.announce(port, 1))));
        }
        is_over.store(true, Ordering::SeqCst);
        flooders.join().expect("the flood ends");
        assert_eq!(harbour.tracker.totals().peers4, 300);
    }
}

/// Connects and forged announces from one network, as fast as one thread can, until it is over.
fn flood(door: SocketAddr, is_over: &Arc<AtomicBool>) -> JoinHandle<()> {
    let is_over = Arc::clone(is_over);
    std::thread::spawn(move || {
        let boats: Vec<Boat> = (1..9)
            .map(|host| Boat::new(&format!("127.9.9.{host}"), door))
            .collect();
        let forged: Vec<Vec<u8>> = boats.iter().map(|boat| boat.announce(6881, 0)).collect();
        while !is_over.load(Ordering::Relaxed) {
            for (boat, forged) in boats.iter().zip(&forged) {
                // What the kernel does not take is not sent.
                let _ = boat.socket.send(&CONNECT);
                let _ = boat.socket.send(forged);
            }
        }
    })
}

#[test]
fn a_panic_costs_what_was_in_hand_and_not_the_door() {
    for backend in [Backend::Auto, Backend::Mmsg, Backend::Plain] {
        let is_broken = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_broken);
        let clock: Clock = Arc::new(move || {
            assert!(!told.swap(false, Ordering::SeqCst), "a test breaks the clock");
            Duration::from_secs(1000)
        });
        let harbour =
            Harbour::open_by(clock, backend, &["127.0.0.1:0"], 1).expect("loopback has a free port");
        let boat = Boat::connected("127.0.0.1", harbour.door.addresses()[0]);
        for port in 1..=3 {
            is_broken.store(true, Ordering::SeqCst);
            // An answer that comes late may be one to what was asked before.
            while is_broken.load(Ordering::SeqCst) {
                boat.insist(&boat.announce(port, 0));
            }
            assert!(!is_error(&boat.insist(&boat.announce(port, 0))));
        }
        assert_eq!(harbour.tracker.totals().peers4, 3);
    }
}

#[test]
fn one_address_is_not_taken_twice() {
    let harbour = Harbour::open(Backend::Auto, &["127.0.0.1:0"], 1).expect("loopback has a free port");
    let taken = harbour.door.addresses()[0].to_string();
    let refused = Harbour::open(Backend::Auto, &[&taken], 1)
        .err()
        .expect("it is in use");
    assert!(refused.to_string().contains(&taken), "{refused}");
}
