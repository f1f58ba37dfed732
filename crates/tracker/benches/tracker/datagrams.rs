//! Datagrams by the dozen for the load and for the floor: many are sent, and many read, by one call of the system.

#![expect(
    unsafe_code,
    reason = "the standard library has no calls for more than one datagram"
)]

use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;

/// Datagrams of one call.
pub(crate) const BATCH: usize = 64;

const LONGEST: usize = 2048;

/// Room for some datagrams and the addresses they came from.
pub(crate) struct Batch {
    bytes: Vec<[u8; LONGEST]>,
    _names: Vec<[u64; 4]>,
    pieces: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Batch {
    /// `names` keeps the senders' addresses, so that what was read can be sent back.
    pub(crate) fn new(names: bool) -> Self {
        let mut bytes = vec![[0; LONGEST]; BATCH];
        let mut addresses = vec![[0_u64; 4]; BATCH];
        let mut pieces: Vec<libc::iovec> = bytes
            .iter_mut()
            .map(|bytes| libc::iovec {
                iov_base: bytes.as_mut_ptr().cast(),
                iov_len: LONGEST,
            })
            .collect();
        // SAFETY: a header of zeros is valid: no name, no pieces, no flags.
        let blank: libc::mmsghdr = unsafe { mem::zeroed() };
        let mut headers = vec![blank; BATCH];
        for ((header, piece), name) in headers.iter_mut().zip(&mut pieces).zip(&mut addresses) {
            header.msg_hdr.msg_iov = piece;
            header.msg_hdr.msg_iovlen = 1;
            if names {
                header.msg_hdr.msg_name = name.as_mut_ptr().cast();
                header.msg_hdr.msg_namelen = 32;
            }
        }
        Self {
            bytes,
            _names: addresses,
            pieces,
            headers,
        }
    }

    /// Puts a datagram in its place.
    pub(crate) fn put(&mut self, at: usize, datagram: &[u8]) {
        self.bytes[at][..datagram.len()].copy_from_slice(datagram);
        self.pieces[at].iov_len = datagram.len();
    }

    /// What is in a place.
    pub(crate) fn get(&self, at: usize) -> &[u8] {
        &self.bytes[at][..(self.headers[at].msg_len as usize).min(LONGEST)]
    }

    /// All places to so many bytes, for sending.
    pub(crate) fn resize(&mut self, length: usize) {
        self.pieces.iter_mut().for_each(|piece| piece.iov_len = length);
    }

    /// Sends the first ones; how many the system took.
    pub(crate) fn send(&mut self, socket: &UdpSocket, count: usize) -> usize {
        // SAFETY: there are at least `count` headers; what they point to lives as long as they do.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count.min(BATCH) as u32,
                0,
            )
        };
        usize::try_from(sent).unwrap_or(0)
    }

    /// Reads what is there; how many that is.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> usize {
        // SAFETY: there are `BATCH` headers; what they point to lives as long as they do.
        let read = unsafe {
            let (headers, nowhere) = (self.headers.as_mut_ptr(), ptr::null_mut());
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers,
                BATCH as u32,
                libc::MSG_DONTWAIT,
                nowhere,
            )
        };
        usize::try_from(read).unwrap_or(0)
    }

    /// Sends what was read back to where it came from, as it is in `other`.
    pub(crate) fn send_to_those_of(&mut self, socket: &UdpSocket, other: &mut Self, count: usize) {
        for (header, from) in self.headers.iter_mut().zip(&mut other.headers).take(count) {
            header.msg_hdr.msg_name = from.msg_hdr.msg_name;
            header.msg_hdr.msg_namelen = mem::replace(&mut from.msg_hdr.msg_namelen, 32);
        }
        let mut at = 0;
        while at < count {
            // SAFETY: the headers from `at` to `count` point to bytes and names that live.
            let sent = unsafe {
                let headers = self.headers[at..].as_mut_ptr();
                libc::sendmmsg(socket.as_raw_fd(), headers, (count - at) as u32, 0)
            };
            at += usize::try_from(sent).unwrap_or(0).max(1);
        }
    }
}
