//! The clients: so many requests are under way until so many are answered.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Fault;
use crate::crowd::{self, key, port};
use crate::datagrams::{BATCH, Batch};
use crate::machine::pin_this;

pub(super) const SOCKETS: usize = 16;
const OUTSTANDING: usize = 128;
pub(crate) const CONNECT: [u8; 16] = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4];

/// What is asked.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ask {
    Connect,
    Fill,
    Announce,
    ScrapeFive,
}

/// Clients that ask again as soon as they are answered.
pub(crate) struct Load {
    pub(crate) sockets: Vec<UdpSocket>,
    connections: Vec<[u8; 8]>,
    homes: Arc<[u32]>,
    rng: SmallRng,
    filled: [usize; SOCKETS],
    /// All that was answered.
    pub(super) bytes: usize,
}

impl Load {
    /// Clients of a crowd, of which each socket has an equal part, at sixteen addresses.
    pub(crate) fn new(door: SocketAddr, homes: &Arc<[u32]>) -> Result<Self, Fault> {
        Self::at(door, homes, |at| Ipv4Addr::new(127, 0, 0, 2 + at as u8))
    }

    /// The same, each in a network of its own.
    pub(super) fn spread(door: SocketAddr, homes: &Arc<[u32]>) -> Result<Self, Fault> {
        Self::at(door, homes, |at| Ipv4Addr::new(127, 1, at as u8, 2))
    }

    fn at(door: SocketAddr, homes: &Arc<[u32]>, address: impl Fn(usize) -> Ipv4Addr) -> Result<Self, Fault> {
        let mut sockets = Vec::new();
        let mut connections = Vec::new();
        for at in 0..SOCKETS {
            let socket = UdpSocket::bind((address(at), 0))?;
            socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20)?;
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
            homes: Arc::clone(homes),
            rng: SmallRng::seed_from_u64(7),
            filled: [0; SOCKETS],
            bytes: 0,
        })
    }

    /// Asks so often; how many answers came.
    pub(super) fn run(&mut self, ask: Ask, count: usize) -> Result<usize, Fault> {
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

    /// Sends so many requests by a socket, and waits for no answer.
    pub(super) fn send(&mut self, ask: Ask, at: usize, count: usize) {
        let mut out = Batch::new(false);
        let mut sent = 0;
        while sent < count {
            let room = (count - sent).min(BATCH);
            for place in 0..room {
                let datagram = self.datagram(ask, at);
                out.put(place, &datagram);
            }
            sent += out.send(&self.sockets[at], room).max(1);
        }
    }

    /// Reads all answers that are there; how many that is.
    pub(super) fn read(&mut self) -> usize {
        let mut read = Batch::new(false);
        let mut all = 0;
        for socket in &self.sockets {
            loop {
                let came = read.receive(socket);
                self.bytes += (0..came).map(|place| read.get(place).len()).sum::<usize>();
                all += came;
                if came == 0 {
                    break;
                }
            }
        }
        all
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
