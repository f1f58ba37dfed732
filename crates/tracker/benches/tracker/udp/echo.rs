//! The floor of the UDP door: reads and sends by the dozen, and answers whatever comes with as many zeros as wanted.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::event::{Timespec, epoll};
use socket2::{Domain, Socket, Type};

use crate::Fault;
use crate::datagrams::Batch;
use crate::machine::pin_this;

/// The name of its threads.
pub(super) const NAME: &str = "echo";

/// What is done after datagrams were read: nothing, or a wait for whoever measures.
pub(super) type Pause = Arc<dyn Fn() + Send + Sync>;

/// Threads that echo, each at a socket of its own, all at one address.
pub(crate) struct Echo {
    pub(super) address: SocketAddr,
    is_closing: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Echo {
    /// One thread, on the first core.
    pub(super) fn open(bytes: usize) -> Result<Self, Fault> {
        Self::open_many(bytes, 1, &(Arc::new(|| ()) as Pause))
    }

    /// So many threads, on the first core and the second in turn.
    pub(super) fn open_many(bytes: usize, threads: usize, pause: &Pause) -> Result<Self, Fault> {
        let mut echo = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            is_closing: Arc::default(),
            threads: Vec::new(),
        };
        for number in 0..threads {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
            socket.set_recv_buffer_size(8 << 20)?;
            socket.set_send_buffer_size(8 << 20)?;
            socket.set_reuse_port(threads > 1)?;
            socket.bind(&echo.address.into())?;
            socket.set_nonblocking(true)?;
            let socket = UdpSocket::from(socket);
            echo.address = socket.local_addr()?;
            let (seen, pause) = (Arc::clone(&echo.is_closing), Arc::clone(pause));
            let work = move || {
                pin_this(number % 2).expect("there are two cores");
                answer(&socket, bytes, &seen, &pause).expect("the echo answers");
            };
            let thread = thread::Builder::new().name(NAME.into());
            echo.threads.push(thread.spawn(work)?);
        }
        Ok(echo)
    }
}

fn answer(socket: &UdpSocket, bytes: usize, is_closing: &AtomicBool, pause: &Pause) -> Result<(), Fault> {
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
            pause();
            answers.send_to_those_of(socket, &mut asked, read);
        }
    }
    Ok(())
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
