//! The plain way: one datagram after the other, with what every system has. Used where the faster ways do not work.

use std::io;
use std::net::UdpSocket;

use super::post::Post;
use crate::wire::udp::MAX_DATAGRAM;

/// Answers until the door is closed.
pub(super) fn run(socket: &UdpSocket, post: &mut Post) -> io::Result<()> {
    let (mut datagram, mut out) = ([0; MAX_DATAGRAM], Vec::with_capacity(MAX_DATAGRAM));
    while post.is_open() {
        match socket.recv_from(&mut datagram) {
            Ok((length, from)) => {
                post.begin();
                post.answer(from, &datagram[..length], &mut out);
                // An answer that cannot be sent is one that got lost: the client will ask again.
                if !out.is_empty() {
                    let _ = socket.send_to(&out, from);
                }
                // Whether more is waiting is not known: with this way there is no time to count floods.
                post.end(1, false, socket);
            }
            Err(error) => post.pardon(error)?,
        }
    }
    Ok(())
}
