//! How many datagrams the kernel did not hand over, because nobody had read those before them or the filter kept them out: for
//! Linux, which counts them for each socket.

#![expect(
    unsafe_code,
    reason = "the standard library does not ask for what a socket has dropped"
)]

use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// Places of the kernel's answer, and the one with the number of dropped datagrams (`SK_MEMINFO_VARS`, `SK_MEMINFO_DROPS`).
const PLACES: usize = 9;
const DROPS: usize = 8;

/// How many there were since the socket was opened, modulo 2³².
pub(super) fn dropped(socket: &UdpSocket) -> Option<u32> {
    let mut counts = [0_u32; PLACES];
    let mut length = mem::size_of_val(&counts) as libc::socklen_t;
    // SAFETY: the kernel writes no more than `length` bytes to `counts`, which has as many.
    let ended = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            counts.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (ended == 0 && length as usize == mem::size_of_val(&counts)).then(|| counts[DROPS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_read_is_counted() {
        let door = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        assert_eq!(dropped(&door), Some(0));
        let sender = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let to = door.local_addr().expect("it is bound");
        for _ in 0..100_000 {
            sender.send_to(&[0; 100], to).expect("loopback takes it");
            if dropped(&door) > Some(0) {
                return;
            }
        }
        panic!("100,000 datagrams found room in the queue of a socket");
    }
}
