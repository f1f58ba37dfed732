//! The UDP door (BEP 15): sockets, each with a thread that reads, answers and sends. What is said over the line is
//! `wire/udp.rs`, what is answered `desk.rs`; how datagrams are read and sent is chosen at the start: `ring.rs`, `mmsg.rs` or
//! `plain.rs`. Begin with [`UdpDoor`].

mod connection;
mod desk;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod mmsg;
#[cfg(target_os = "linux")]
mod name;
#[cfg(target_os = "linux")]
mod overrun;
mod plain;
mod post;
#[cfg(target_os = "linux")]
mod ring;
mod shield;
mod socket;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

pub use self::connection::{ConnectionIds, LONGEST_LIFE};
pub use self::desk::{Desk, When};
use self::post::Post;
use crate::time::Clock;
use crate::tracker::Tracker;

/// How datagrams are read and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The fastest of those below that works here.
    #[default]
    Auto,
    /// By io_uring, for Linux from 6.0 on, where it is allowed.
    IoUring,
    /// By `recvmmsg` and `sendmmsg`, for Linux.
    Mmsg,
    /// One by one, for every system.
    Plain,
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::IoUring => "io_uring",
            Self::Mmsg => "mmsg",
            Self::Plain => "plain",
        })
    }
}

/// Where and how the door opens.
#[derive(Clone, Debug)]
pub struct UdpSettings {
    /// Where to listen; an IPv6 address takes no IPv4 datagrams.
    pub listen: Vec<SocketAddr>,
    /// Threads at each address, at least 1.
    pub threads: usize,
    /// How datagrams are read and sent.
    pub backend: Backend,
    /// What makes connection ids.
    pub ids: ConnectionIds,
    /// A random number, drawn once at the start, for the choice of peers.
    pub seed: u64,
}

/// The open door. It is closed when this is dropped.
#[derive(Debug)]
pub struct UdpDoor {
    addresses: Vec<SocketAddr>,
    backend: Backend,
    fallback: Option<String>,
    is_closing: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// How a thread began: with this backend, and why not with a faster one.
type Began = io::Result<(Backend, Option<String>)>;

impl UdpDoor {
    /// Binds the sockets and begins to answer.
    ///
    /// # Errors
    /// An address cannot be listened on, or the backend that was asked for does not work here.
    pub fn open(settings: &UdpSettings, tracker: &Arc<Tracker>, clock: &Clock) -> io::Result<Self> {
        let mut door = Self {
            addresses: Vec::new(),
            backend: settings.backend,
            fallback: None,
            is_closing: Arc::default(),
            threads: Vec::new(),
        };
        let mut seed = settings.seed;
        for address in &settings.listen {
            let sockets = socket::open(*address, settings.threads.max(1)).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
            })?;
            door.addresses.push(sockets[0].local_addr()?);
            for socket in sockets {
                seed = seed.wrapping_add(1);
                let desk = Desk::new(Arc::clone(tracker), settings.ids.clone(), seed);
                let post = Post::new(desk, Arc::clone(clock), Arc::clone(&door.is_closing));
                (door.backend, door.fallback) = door.start(socket, post, settings.backend)?;
            }
        }
        Ok(door)
    }

    /// Starts a thread at a socket, and waits until it has found its way.
    fn start(&mut self, socket: UdpSocket, mut post: Post, wanted: Backend) -> Began {
        let (say, said) = sync_channel(1);
        let thread = thread::Builder::new().name("udp-tracker".into());
        self.threads
            .push(thread.spawn(move || keep_working(&socket, &mut post, wanted, &say))?);
        said.recv()
            .map_err(|_| io::Error::other("a thread of the UDP tracker ended before it began"))?
    }

    /// Where the door is, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How datagrams are read and sent.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Why not in a faster way, if a faster one was tried.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }
}

impl Drop for UdpDoor {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

/// Works at a socket until the door closes. A panic, which is a fault of ours, costs what was in hand and not the tracker: the
/// thread begins again, by another way than io_uring, whose memory is never given back.
fn keep_working(socket: &UdpSocket, post: &mut Post, wanted: Backend, say: &SyncSender<Began>) {
    let mut way = wanted;
    while catch_unwind(AssertUnwindSafe(|| work(socket, post, way, say))).is_err() && post.is_open() {
        if matches!(way, Backend::Auto | Backend::IoUring) {
            way = if cfg!(target_os = "linux") {
                Backend::Mmsg
            } else {
                Backend::Plain
            };
        }
    }
}

/// Works at a socket until the door closes: in the way that is wanted, or, if any will do, in the fastest that works.
#[cfg(target_os = "linux")]
fn work(socket: &UdpSocket, post: &mut Post, wanted: Backend, say: &SyncSender<Began>) {
    let mut why = None;
    if matches!(wanted, Backend::Auto | Backend::IoUring) {
        match ring::run(socket, post, || tell(say, Backend::IoUring, None)) {
            Ok(()) => return,
            Err(error) if wanted == Backend::IoUring => {
                let _ = say.try_send(Err(no_ring(&error)));
            }
            Err(error) => why = Some(no_ring(&error).to_string()),
        }
    }
    if wanted == Backend::Plain {
        tell(say, Backend::Plain, None);
        let _ = plain::run(socket, post);
        return;
    }
    tell(say, Backend::Mmsg, why);
    let _ = mmsg::run(socket, post).and_then(|()| plain::run(socket, post));
}

/// Works at a socket until the door closes, in the one way there is.
#[cfg(not(target_os = "linux"))]
fn work(socket: &UdpSocket, post: &mut Post, wanted: Backend, say: &SyncSender<Began>) {
    if matches!(wanted, Backend::IoUring | Backend::Mmsg) {
        let _ = say.try_send(Err(io::Error::other(format!("{wanted} is there on Linux only"))));
        return;
    }
    tell(say, Backend::Plain, None);
    let _ = plain::run(socket, post);
}

/// Says how a thread began. Nobody listens any more when it goes on in another way later.
fn tell(say: &SyncSender<Began>, backend: Backend, why: Option<String>) {
    let _ = say.try_send(Ok((backend, why)));
}

/// Why io_uring does not work, and what to do.
#[cfg(target_os = "linux")]
fn no_ring(error: &io::Error) -> io::Error {
    let hint = match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => "the kernel is older than 6.1 or built without it",
        Some(libc::EPERM | libc::EACCES) => {
            "it is forbidden here: by /proc/sys/kernel/io_uring_disabled, or by the container's seccomp profile"
        }
        Some(libc::ENOMEM) => "the limit of locked memory is too low: raise LimitMEMLOCK or `ulimit -l`",
        Some(libc::EMFILE | libc::ENFILE) => "too many files are open: raise LimitNOFILE or `ulimit -n`",
        _ => "the system does not say why",
    };
    io::Error::new(error.kind(), format!("io_uring cannot be used ({error}): {hint}"))
}
