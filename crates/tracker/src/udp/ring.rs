//! Datagrams through io_uring: one standing order fills a ring of buffers with whatever comes, answers are handed over
//! together, and one call of the system does both. For Linux from 6.0 on. What is said in them is `desk.rs`.

#![expect(
    unsafe_code,
    reason = "the system reads and writes our memory by orders that outlive a call"
)]

use std::alloc::{self, Layout};
use std::io;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::cqueue;
use io_uring::squeue::Flags;
use io_uring::types::{BufRingEntry, Fixed, RecvMsgOut, Timespec};
use io_uring::{IoUring, opcode};

use super::name::{self, NAME_BYTES};
use super::post::{FORESEEN, Post};
use super::socket::PATIENCE;
use crate::wire::udp::MAX_DATAGRAM;

/// Orders that can be handed over together: answers, and the standing ones.
const ORDERS: u32 = 256;

/// Answers that are written before they are handed over.
const BATCH: usize = 128;

/// So many datagrams at once mean that more are waiting: the system hands over no more than 32 in one go.
const FULL: usize = 32;

/// Buffers for what comes in.
const BUFFERS: u16 = 512;

/// Bytes of a buffer: a head with the sender's address, and the datagram.
const HEAD: usize = 16 + NAME_BYTES;
const BUFFER: usize = HEAD + MAX_DATAGRAM;

/// The memory that buffers are offered in must begin with a page.
const PAGE: usize = 4096;

/// What the parts of a result are recognised by.
const RECEIVE: u64 = 1;
const SEND: u64 = 2;
const PULSE: u64 = 3;

/// The buffers for what comes in, and the list in which they are offered to the system.
struct Shelf {
    entries: NonNull<BufRingEntry>,
    buffers: Box<[[u8; BUFFER]]>,
    tail: u16,
}

impl Shelf {
    fn layout() -> Layout {
        let bytes = usize::from(BUFFERS) * size_of::<BufRingEntry>();
        Layout::from_size_align(bytes, PAGE).expect("a few pages are a layout")
    }

    fn new() -> Self {
        // SAFETY: the layout is not empty, and zeros are valid entries.
        let memory = unsafe { alloc::alloc_zeroed(Self::layout()) };
        let Some(entries) = NonNull::new(memory.cast()) else {
            alloc::handle_alloc_error(Self::layout());
        };
        let buffers = vec![[0; BUFFER]; BUFFERS.into()].into();
        let mut shelf = Self {
            entries,
            buffers,
            tail: 0,
        };
        (0..BUFFERS).for_each(|id| shelf.offer(id));
        shelf.publish();
        shelf
    }

    /// What came into a buffer.
    fn filled(&self, come: &Come) -> &[u8] {
        &self.buffers[usize::from(come.id)][..come.filled]
    }

    /// Puts a buffer into the list.
    fn offer(&mut self, id: u16) {
        let at = usize::from(self.tail % BUFFERS);
        // SAFETY: `at` is below the number of entries, and the system reads none beyond the published tail.
        let entry = unsafe { self.entries.add(at).as_mut() };
        entry.set_addr(self.buffers[usize::from(id)].as_mut_ptr() as u64);
        entry.set_len(BUFFER as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Lets the system see what was offered.
    fn publish(&self) {
        // SAFETY: the list begins at `entries`; the tail lies in its first entry, is aligned, and only we write it.
        let tail = unsafe { &*BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}

/// An answer and where it goes, while the system sends it.
struct Answer {
    name: [u8; NAME_BYTES],
    bytes: Vec<u8>,
}

/// What orders point to. It is never freed: the system lets go of it some time after the ring is closed, and a door is opened
/// once.
struct Memory {
    shelf: Shelf,
    answers: Vec<Answer>,
    shape: libc::msghdr,
    pulse: Timespec,
}

impl Memory {
    fn new() -> &'static mut Self {
        // SAFETY: a header of zeros is valid: no name, no pieces, no flags.
        let mut shape: libc::msghdr = unsafe { mem::zeroed() };
        shape.msg_namelen = NAME_BYTES as libc::socklen_t;
        let blank = || Answer {
            name: [0; NAME_BYTES],
            bytes: Vec::with_capacity(MAX_DATAGRAM),
        };
        Box::leak(Box::new(Self {
            shelf: Shelf::new(),
            answers: (0..BATCH).map(|_| blank()).collect(),
            shape,
            pulse: Timespec::from(PATIENCE),
        }))
    }
}

impl Memory {
    /// The sender and the datagram in a buffer.
    fn datagram(&self, come: &Come) -> Option<(SocketAddr, &[u8])> {
        let message = RecvMsgOut::parse(self.shelf.filled(come), &self.shape).ok()?;
        // Not `payload_data`, whose bytes live no longer than the message does.
        let payload = self.shelf.filled(come).get(HEAD..)?;
        Some((name::address(message.name_data())?, payload))
    }
}

/// A buffer that something came into, and how many bytes.
struct Come {
    id: u16,
    filled: usize,
}

/// The orders of one thread.
struct Ring {
    ring: IoUring,
    memory: &'static mut Memory,
    come: Vec<Come>,
}

impl Ring {
    fn new(socket: &UdpSocket) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(ORDERS * 4)
            .build(ORDERS)?;
        ring.submitter().register_files(&[socket.as_raw_fd()])?;
        let memory = Memory::new();
        // SAFETY: the list has `BUFFERS` entries and is never freed.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                memory.shelf.entries.as_ptr() as u64,
                BUFFERS,
                0,
                0,
            )?;
        }
        let mut this = Self {
            ring,
            memory,
            come: Vec::with_capacity(BATCH),
        };
        this.order_datagrams();
        this.order_pulse();
        Ok(this)
    }

    /// Gives an order. There is always room: what is given between two calls is fewer than `ORDERS`.
    fn order(&mut self, entry: &io_uring::squeue::Entry) {
        // SAFETY: all that orders point to is in `Memory`, which stays where it is.
        let given = unsafe { self.ring.submission().push(entry) };
        debug_assert!(given.is_ok(), "more orders than there is room for");
    }

    fn order_datagrams(&mut self) {
        let entry = opcode::RecvMsgMulti::new(Fixed(0), &raw const self.memory.shape, 0).build();
        self.order(&entry.user_data(RECEIVE));
    }

    /// Orders to be woken, so that a quiet socket does not keep the thread from ending.
    fn order_pulse(&mut self) {
        let entry = opcode::Timeout::new(&raw const self.memory.pulse).build();
        self.order(&entry.user_data(PULSE));
    }

    /// Orders an answer to be sent at once or not at all: when the orders were handed over it can be written anew.
    fn order_answer(&mut self, at: usize, length: libc::socklen_t) {
        let answer = &self.memory.answers[at];
        let entry = opcode::Send::new(Fixed(0), answer.bytes.as_ptr(), answer.bytes.len() as u32)
            .dest_addr(answer.name.as_ptr().cast())
            .dest_addr_len(length)
            .flags(libc::MSG_DONTWAIT)
            .build();
        self.order(&entry.flags(Flags::SKIP_SUCCESS).user_data(SEND));
    }

    /// Hands over all orders, waits for a result, and works on those that are there.
    fn turn(&mut self, socket: &UdpSocket, post: &mut Post) -> io::Result<()> {
        match self.ring.submit_and_wait(1) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) => post.pardon(error)?,
        }
        post.begin();
        let is_receiving = self.collect(post)?;
        let come = mem::take(&mut self.come);
        if come.len() >= FORESEEN {
            let memory = &*self.memory;
            post.desk
                .foresee(come.iter().filter_map(|come| memory.datagram(come)));
        }
        let mut answered = 0;
        for come in &come {
            if let Some(length) = self.answer(answered, come, post) {
                self.order_answer(answered, length);
                answered += 1;
            }
            self.memory.shelf.offer(come.id);
        }
        let read = come.len();
        self.come = come;
        self.memory.shelf.publish();
        if !is_receiving {
            self.order_datagrams();
        }
        post.end(read, read >= FULL, socket);
        Ok(())
    }

    /// Takes the results that are there; whether the standing order still stands.
    fn collect(&mut self, post: &mut Post) -> io::Result<bool> {
        self.come.clear();
        let mut is_receiving = true;
        while self.come.len() < BATCH {
            let Some(result) = self.ring.completion().next() else {
                break;
            };
            match result.user_data() {
                RECEIVE => {
                    is_receiving &= cqueue::more(result.flags());
                    match cqueue::buffer_select(result.flags()) {
                        Some(id) => self.come.push(Come {
                            id,
                            filled: usize::try_from(result.result()).unwrap_or(0).min(BUFFER),
                        }),
                        None => self.excuse(result.result(), post)?,
                    }
                }
                PULSE => self.order_pulse(),
                _ => {}
            }
        }
        Ok(is_receiving)
    }

    /// Passes over what may happen to a standing order, which is given anew then.
    fn excuse(&self, result: i32, post: &mut Post) -> io::Result<()> {
        match -result {
            // All buffers are in use: they are offered again in this turn.
            libc::ENOBUFS => Ok(()),
            0 => Ok(()),
            error => post.pardon(io::Error::from_raw_os_error(error)),
        }
    }

    /// Writes the answer to what is in a buffer; how long the address is, or nothing if there is no answer.
    fn answer(&mut self, at: usize, come: &Come, post: &mut Post) -> Option<libc::socklen_t> {
        let Memory {
            shelf,
            answers,
            shape,
            ..
        } = &mut *self.memory;
        let message = RecvMsgOut::parse(shelf.filled(come), shape).ok()?;
        let (sender, answer) = (message.name_data(), &mut answers[at]);
        let from = name::address(sender)?;
        post.answer(from, message.payload_data(), &mut answer.bytes);
        answer.name[..sender.len()].copy_from_slice(sender);
        (!answer.bytes.is_empty()).then(|| name::length(&from))
    }
}

/// Answers until the door is closed.
///
/// # Errors
/// The system has no io_uring, or not all of what is used of it, or does not allow it.
pub(super) fn run(socket: &UdpSocket, post: &mut Post, is_ready: impl FnOnce()) -> io::Result<()> {
    let mut ring = Ring::new(socket)?;
    ring.ring.submit()?;
    is_ready();
    while post.is_open() {
        ring.turn(socket, post)?;
    }
    Ok(())
}
