//! Datagrams by the dozen: one call of the system reads all that are there, one sends all answers (`recvmmsg`,
//! `sendmmsg`). For Linux. What is said in them is `desk.rs`.

#![expect(
    unsafe_code,
    reason = "the standard library has no calls for more than one datagram"
)]

use std::io;
use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;

use super::name::{NAME_BYTES, Name};
use super::post::{FORESEEN, Post};
use crate::wire::udp::MAX_DATAGRAM;

/// Datagrams of one call.
const BATCH: usize = 64;

/// Where datagrams are read to and answers are written. The headers point into the other parts, which therefore never move
/// or change their length.
struct Tray {
    names: Box<[Name; BATCH]>,
    datagrams: Box<[[u8; MAX_DATAGRAM]; BATCH]>,
    _pieces: Box<[libc::iovec; BATCH]>,
    incoming: Box<[libc::mmsghdr; BATCH]>,
    answers: Box<[Vec<u8>; BATCH]>,
    answer_pieces: Box<[libc::iovec; BATCH]>,
    outgoing: Box<[libc::mmsghdr; BATCH]>,
}

impl Tray {
    fn new() -> Self {
        let mut names = Box::new([[0; NAME_BYTES]; BATCH].map(Name));
        let mut datagrams = Box::new([[0; MAX_DATAGRAM]; BATCH]);
        let empty = libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        };
        let mut pieces = Box::new([empty; BATCH]);
        let mut answer_pieces = Box::new([empty; BATCH]);
        // SAFETY: a header of zeros is valid: no name, no pieces, no flags.
        let blank: libc::mmsghdr = unsafe { mem::zeroed() };
        let (mut incoming, mut outgoing) = (Box::new([blank; BATCH]), Box::new([blank; BATCH]));
        for at in 0..BATCH {
            pieces[at].iov_base = datagrams[at].as_mut_ptr().cast();
            pieces[at].iov_len = MAX_DATAGRAM;
            let header = &mut incoming[at].msg_hdr;
            header.msg_name = names[at].0.as_mut_ptr().cast();
            header.msg_namelen = NAME_BYTES as libc::socklen_t;
            header.msg_iov = &raw mut pieces[at];
            header.msg_iovlen = 1;
            let header = &mut outgoing[at].msg_hdr;
            header.msg_iov = &raw mut answer_pieces[at];
            header.msg_iovlen = 1;
        }
        Self {
            names,
            datagrams,
            _pieces: pieces,
            incoming,
            answers: Box::new([const { Vec::new() }; BATCH]),
            answer_pieces,
            outgoing,
        }
    }

    /// Waits for a datagram and reads all that are there.
    fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        // SAFETY: there are `BATCH` headers, and what they point to lives as long as they do and is not used meanwhile.
        let read = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.incoming.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_WAITFORONE as _,
                ptr::null_mut(),
            )
        };
        usize::try_from(read).map_err(|_| io::Error::last_os_error())
    }

    /// Answers what was read, and says how many answers there are.
    fn answer(&mut self, read: usize, post: &mut Post) -> usize {
        post.begin();
        if read >= FORESEEN {
            let datagrams = self.incoming.iter().zip(&self.datagrams[..]).zip(&self.names[..]);
            post.desk
                .foresee(datagrams.take(read).filter_map(|((header, bytes), name)| {
                    let length = (header.msg_len as usize).min(MAX_DATAGRAM);
                    Some((name.address()?, &bytes[..length]))
                }));
        }
        let mut answered = 0;
        for at in 0..read {
            let length = (self.incoming[at].msg_len as usize).min(MAX_DATAGRAM);
            let header = &mut self.incoming[at].msg_hdr;
            let name_length = mem::replace(&mut header.msg_namelen, NAME_BYTES as libc::socklen_t);
            let Some(from) = self.names[at].address() else {
                continue;
            };
            let out = &mut self.answers[at];
            post.answer(from, &self.datagrams[at][..length], out);
            if out.is_empty() {
                continue;
            }
            self.answer_pieces[answered].iov_base = out.as_mut_ptr().cast();
            self.answer_pieces[answered].iov_len = out.len();
            let header = &mut self.outgoing[answered].msg_hdr;
            header.msg_name = self.names[at].0.as_mut_ptr().cast();
            header.msg_namelen = name_length;
            answered += 1;
        }
        answered
    }

    /// Sends the answers. One that cannot be sent is lost, as any datagram may be.
    fn send(&mut self, answered: usize, socket: &UdpSocket) {
        let mut at = 0;
        while at < answered {
            // SAFETY: the headers from `at` to `answered` point to answers and names that live and are not used meanwhile.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.outgoing[at..].as_mut_ptr(),
                    (answered - at) as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                )
            };
            at += usize::try_from(sent).unwrap_or(0).max(1);
        }
    }
}

/// Answers until the door is closed.
pub(super) fn run(socket: &UdpSocket, post: &mut Post) -> io::Result<()> {
    let mut tray = Tray::new();
    while post.is_open() {
        match tray.receive(socket) {
            Ok(read) => {
                let answered = tray.answer(read, post);
                tray.send(answered, socket);
                post.end(read, read == BATCH, socket);
            }
            Err(error) => {
                post.pardon(error)?;
                post.end(0, false, socket);
            }
        }
    }
    Ok(())
}
