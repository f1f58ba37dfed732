//! The tracker's own listener for HTTP: announces and scrapes are read, answered and written in the thread of the socket.
//! TLS, pages and WebSockets are the web server's. Here are its settings, its limits, start and stop; a connection goes
//! `sockets.rs` → `worker.rs` → `desk.rs` → `responder.rs` → `head.rs`, `wire/http`.

mod connections;
mod desk;
mod head;
mod responder;
mod sockets;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ipnet::IpNet;
use rustix::event::{EventfdFlags, eventfd};

pub use desk::{HEAD_SECONDS, IDLE_SECONDS, TAKE_SECONDS};
pub use head::MAX_HEAD;
pub use responder::{Progress, Responder, Then};

use crate::time::Clock;
use crate::tracker::Tracker;
use connections::Census;
use worker::Worker;

/// Where and how the door opens.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where to listen; an IPv6 address takes no IPv4 connections.
    pub listen: Vec<SocketAddr>,
    /// Threads, each with a socket at each address, at least 1.
    pub threads: usize,
    /// Most connections at a time. Beyond it a request that comes at once is answered, and the connection closed.
    pub max_connections: u32,
    /// Most connections of one address; of an IPv6 address, the first 64 bits. Proxies have no such limit.
    pub max_connections_per_address: u32,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Half a sentence for those who look for something else here, such as “pages are on port 8080”.
    pub elsewhere: String,
    /// A random number, drawn once at the start, for the choice of peers.
    pub seed: u64,
}

impl HttpSettings {
    /// One thread that listens nowhere yet, with the usual limits.
    pub fn new(seed: u64) -> Self {
        Self {
            listen: Vec::new(),
            threads: 1,
            max_connections: 16_384,
            max_connections_per_address: 256,
            trusted_proxies: Vec::new(),
            elsewhere: "pages and WebSockets are on the web server's port".to_owned(),
            seed,
        }
    }
}

/// The open door. When this is dropped, what has come is answered, answers have some seconds to be taken, and it is closed.
#[derive(Debug)]
pub struct HttpDoor {
    addresses: Vec<SocketAddr>,
    /// Each thread, and what tells it to stop.
    threads: Vec<(Arc<OwnedFd>, JoinHandle<io::Result<()>>)>,
}

impl HttpDoor {
    /// Binds the sockets and begins to answer.
    ///
    /// # Errors
    /// An address cannot be listened on, or the system gives no more threads or files.
    pub fn open(settings: &HttpSettings, tracker: &Arc<Tracker>, clock: &Clock) -> io::Result<Self> {
        let mut door = Self {
            addresses: Vec::new(),
            threads: Vec::new(),
        };
        let mut of_threads: Vec<Vec<OwnedFd>> = (0..settings.threads.max(1)).map(|_| Vec::new()).collect();
        for address in &settings.listen {
            let (bound, sockets) = sockets::listen(*address, of_threads.len()).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
            })?;
            door.addresses.push(bound);
            for (of_thread, socket) in of_threads.iter_mut().zip(sockets) {
                of_thread.push(socket);
            }
        }
        let census = Census::new(settings.max_connections, settings.max_connections_per_address);
        let census = Arc::new(census);
        for (sockets, number) in of_threads.into_iter().zip(0..) {
            let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
            let responder = Responder::new(
                Arc::clone(tracker),
                settings.trusted_proxies.clone(),
                settings.elsewhere.clone(),
                settings.seed.wrapping_add(number),
            );
            let (census, clock) = (Arc::clone(&census), Arc::clone(clock));
            let worker = Worker::new(sockets, Arc::clone(&stop), responder, census, clock)?;
            let thread = thread::Builder::new().name(format!("http-tracker-{number}"));
            door.threads.push((stop, thread.spawn(|| worker.run())?));
        }
        Ok(door)
    }

    /// Where the door is, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for HttpDoor {
    fn drop(&mut self) {
        for (stop, _) in &self.threads {
            // It can only fail when it has been told often enough.
            let _ = rustix::io::write(stop, &1_u64.to_ne_bytes());
        }
        for (_, thread) in self.threads.drain(..) {
            // A thread that failed has ended too.
            let _ = thread.join();
        }
    }
}
