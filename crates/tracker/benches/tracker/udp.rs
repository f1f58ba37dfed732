//! What a request costs over UDP, beside the floor of the same run: an echo that reads and sends by the dozen and answers
//! with as many bytes. The door's thread is kept on one core, the load on another; a request's cost is the processor time of
//! that thread. 1,000,000 peers in 100,000 torrents, 30 wanted, 128 requests outstanding over 16 sockets; three runs, each of
//! floor and door in turn. Next: `swarm.rs`, the same without sockets.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use shoal_tracker::udp::{Backend, ConnectionIds, UdpDoor, UdpSettings};
use shoal_tracker::{Clock, Mode, Settings, Tracker};

use crate::crowd::{self, LONG_TAILED, key, port};
use crate::datagrams::{BATCH, Batch};
use crate::machine::{pin, pin_this, worked_by};
use crate::{Fault, median, say};

const SOCKETS: usize = 16;
const OUTSTANDING: usize = 128;
const REQUESTS: usize = 500_000;
const RUNS: usize = 3;
pub(crate) const CONNECT: [u8; 16] = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4];

/// What is asked.
#[derive(Clone, Copy, PartialEq)]
enum Ask {
    Connect,
    Fill,
    Announce,
    ScrapeFive,
}

/// Requests of one kind, the bytes of their usual answer, and what that is called.
const ASKED: [(Ask, usize, &str); 3] = [
    (Ask::Connect, 16, "connect"),
    (Ask::Announce, 187, "announce"),
    (Ask::ScrapeFive, 68, "scrape of 5"),
];

pub(crate) fn measure() -> Result<(), Fault> {
    for backend in [Backend::IoUring, Backend::Mmsg, Backend::Plain] {
        match Stand::open(backend, 1) {
            Ok(stand) => stand.measure()?,
            Err(error) => say(&format!("UDP by {backend}"), "not measured", &error.to_string())?,
        }
    }
    measure_two()
}

/// Answers a second of two threads on two cores, by their processor time, beside one.
fn measure_two() -> Result<(), Fault> {
    let mut per_second = Vec::new();
    for threads in [1, 2] {
        let stand = Stand::open(Backend::Auto, threads)?;
        pin("udp-tracker", &[0, 1])?;
        let mut load = Load::new(stand.door.addresses()[0])?;
        load.run(Ask::Fill, LONG_TAILED.peers)?;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(cost("udp-tracker", || load.run(Ask::Announce, REQUESTS))?);
        }
        per_second.push(threads as f64 * 1e6 / median(runs));
    }
    let how = format!(
        "{:.0} and {:.0} announces a second of processor time",
        per_second[1], per_second[0]
    );
    say(
        "UDP: two sockets on two cores ÷ one on one",
        &format!("{:.2}", per_second[1] / per_second[0]),
        &how,
    )
}

/// Microseconds of processor time that the threads of a name spend on each of so many answers.
fn cost(name: &str, run: impl FnOnce() -> Result<usize, Fault>) -> Result<f64, Fault> {
    let start = worked_by(name)?;
    let answers = run()?;
    Ok((worked_by(name)? - start).as_secs_f64() * 1e6 / answers as f64)
}

/// A tracker behind a door.
pub(crate) struct Stand {
    pub(crate) door: UdpDoor,
    pub(crate) tracker: Arc<Tracker>,
}

impl Stand {
    pub(crate) fn open(backend: Backend, threads: usize) -> Result<Self, Fault> {
        let unlimited = Settings {
            mode: Mode::Open,
            max_torrents: 0,
            max_peers: 0,
            ..Settings::new(0x5ea1)
        };
        let tracker = Arc::new(Tracker::new(Settings {
            max_peers_per_torrent: 0,
            max_peers_per_address: 0,
            requests_per_second_per_address: 10_000_000,
            requests_per_second_per_network: 10_000_000,
            ..unlimited
        }));
        let settings = UdpSettings {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            threads,
            backend,
            ids: ConnectionIds::new(&[5; 16], 7200, 1_790_000_000),
            seed: 1,
        };
        let start = Instant::now();
        let clock: Clock = Arc::new(move || start.elapsed());
        let door = UdpDoor::open(&settings, &tracker, &clock)?;
        pin("udp-tracker", &[0])?;
        Ok(Self { door, tracker })
    }

    fn measure(&self) -> Result<(), Fault> {
        let backend = self.door.backend();
        let mut load = Load::new(self.door.addresses()[0])?;
        load.run(Ask::Fill, LONG_TAILED.peers)?;
        let stored = self.tracker.totals().peers4;
        for (ask, bytes, name) in ASKED {
            let (mut floors, mut runs, mut answered) = (Vec::new(), Vec::new(), 0);
            for _ in 0..RUNS {
                let echo = Echo::open(bytes)?;
                let mut shouts = Load::new(echo.address)?;
                floors.push(cost("echo", || shouts.run(ask, REQUESTS))?);
                let before = load.bytes;
                runs.push(cost("udp-tracker", || load.run(ask, REQUESTS))?);
                answered = (load.bytes - before) / REQUESTS;
            }
            let (floor, each) = (median(floors), median(runs));
            let how = format!(
                "{each:.2} µs and {floor:.2} µs; answers of {answered} and {bytes} bytes, {stored} peers"
            );
            say(
                &format!("UDP {name} by {backend} ÷ echo"),
                &format!("{:.2}", each / floor),
                &how,
            )?;
        }
        Ok(())
    }
}

/// The floor: answers whatever comes with as many zeros as wanted.
struct Echo {
    address: SocketAddr,
    is_closing: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Echo {
    fn open(bytes: usize) -> Result<Self, Fault> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
        socket.set_recv_buffer_size(8 << 20)?;
        socket.set_send_buffer_size(8 << 20)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from(socket);
        let address = socket.local_addr()?;
        let is_closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_closing);
        let echo = move || Self::answer(&socket, bytes, &seen).expect("the echo answers");
        let thread = Some(thread::Builder::new().name("echo".into()).spawn(echo)?);
        pin("echo", &[0])?;
        Ok(Self {
            address,
            is_closing,
            thread,
        })
    }

    fn answer(socket: &UdpSocket, bytes: usize, is_closing: &AtomicBool) -> Result<(), Fault> {
        let (mut asked, mut answers) = (Batch::new(true), Batch::new(true));
        answers.resize(bytes);
        let poller = epoll::create(epoll::CreateFlags::empty())?;
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&poller, socket, epoll::EventData::new_u64(0), flags)?;
        let patience = Timespec {
            tv_sec: 0,
            tv_nsec: 250_000_000,
        };
        let mut events = Vec::with_capacity(1);
        while !is_closing.load(Ordering::Relaxed) {
            events.clear();
            epoll::wait(
                &poller,
                rustix::buffer::spare_capacity(&mut events),
                Some(&patience),
            )?;
            loop {
                let read = asked.receive(socket);
                if read == 0 {
                    break;
                }
                answers.send_to_those_of(socket, &mut asked, read);
            }
        }
        Ok(())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Clients that ask again as soon as they are answered.
pub(crate) struct Load {
    pub(crate) sockets: Vec<UdpSocket>,
    connections: Vec<[u8; 8]>,
    homes: Vec<u32>,
    rng: SmallRng,
    filled: [usize; SOCKETS],
    bytes: usize,
}

impl Load {
    pub(crate) fn new(door: SocketAddr) -> Result<Self, Fault> {
        let mut sockets = Vec::new();
        let mut connections = Vec::new();
        for at in 0..SOCKETS {
            let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2 + at as u8), 0))?;
            socket.connect(door)?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            socket.send(&CONNECT)?;
            let mut answer = [0; 2048];
            socket.recv(&mut answer)?;
            let mut connection = [0; 8];
            connection.copy_from_slice(&answer[8..16]);
            connections.push(connection);
            sockets.push(socket);
        }
        pin_this(1)?;
        Ok(Self {
            sockets,
            connections,
            homes: LONG_TAILED.homes(),
            rng: SmallRng::seed_from_u64(7),
            filled: [0; SOCKETS],
            bytes: 0,
        })
    }

    /// Asks so often; how many answers came.
    fn run(&mut self, ask: Ask, count: usize) -> Result<usize, Fault> {
        let (mut out, mut read) = (Batch::new(false), Batch::new(false));
        let (mut open, mut asked, mut answered) = ([0_usize; SOCKETS], 0, 0);
        let patience = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        while answered < count {
            let mut is_idle = true;
            for (at, open) in open.iter_mut().enumerate() {
                let room = (OUTSTANDING / SOCKETS - *open).min(BATCH).min(count - asked);
                if room > 0 {
                    for place in 0..room {
                        let datagram = self.datagram(ask, at);
                        out.put(place, &datagram);
                    }
                    let sent = out.send(&self.sockets[at], room);
                    *open += sent;
                    asked += sent;
                    is_idle &= sent == 0;
                }
                let came = read.receive(&self.sockets[at]);
                self.bytes += (0..came).map(|place| read.get(place).len()).sum::<usize>();
                *open -= came.min(*open);
                answered += came;
                is_idle &= came == 0;
            }
            if is_idle {
                let mut waiting: Vec<PollFd<'_>> = self
                    .sockets
                    .iter()
                    .map(|socket| PollFd::new(socket, PollFlags::IN))
                    .collect();
                if poll(&mut waiting, Some(&patience))? == 0 {
                    return Err(format!("no answer for a second; {answered} of {count} came").into());
                }
            }
        }
        Ok(answered)
    }

    /// One request by a socket.
    fn datagram(&mut self, ask: Ask, at: usize) -> Vec<u8> {
        let each = self.homes.len() / SOCKETS;
        match ask {
            Ask::Connect => CONNECT.to_vec(),
            Ask::Fill => {
                // Each peer by the socket that it later announces by.
                let peer = self.filled[at] % each * SOCKETS + at;
                self.filled[at] += 1;
                self.announce(peer, at, 2)
            }
            Ask::Announce => {
                let peer = self.rng.random_range(0..each) * SOCKETS + at;
                self.announce(peer, at, 0)
            }
            Ask::ScrapeFive => {
                let mut bytes = [&self.connections[at][..], &[0, 0, 0, 2], b"tran"].concat();
                for _ in 0..5 {
                    let home = self.homes[self.rng.random_range(0..self.homes.len())];
                    bytes.extend_from_slice(key(home).as_bytes());
                }
                bytes
            }
        }
    }

    pub(crate) fn announce(&self, peer: usize, at: usize, event: u32) -> Vec<u8> {
        let key = key(self.homes[peer]);
        let mut bytes = Vec::with_capacity(98);
        for part in [
            &self.connections[at][..],
            &[0, 0, 0, 1],
            b"tran",
            key.as_bytes(),
            b"-qB5000-",
        ] {
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&[0; 12]);
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&u64::from(peer.is_multiple_of(4)).to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&event.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&(crowd::mix(peer as u64) as u32).to_be_bytes());
        bytes.extend_from_slice(&30_u32.to_be_bytes());
        bytes.extend_from_slice(&port(peer).to_be_bytes());
        bytes
    }
}
