//! The least that a server over TCP can do: it waits, reads, and sends the same 330 bytes to whoever said something.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use memchr::memmem;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

use crate::Fault;
use crate::machine::pin_this;

/// The name of its thread.
pub(super) const NAME: &str = "floor";

/// Starts it on the first core, for as long as the process runs.
pub(super) fn open() -> Result<SocketAddr, Fault> {
    let flags = SocketFlags::NONBLOCK;
    let listener = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    rustix::net::bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
    rustix::net::listen(&listener, 4096)?;
    let address = rustix::net::getsockname(&listener)?.try_into()?;
    std::thread::Builder::new()
        .name(NAME.to_owned())
        .spawn(move || serve(&listener))?;
    Ok(address)
}

fn serve(listener: &OwnedFd) -> Result<(), Fault> {
    pin_this(0)?;
    let poll = epoll::create(CreateFlags::empty())?;
    epoll::add(&poll, listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 265\r\n\r\n".to_vec();
    answer.extend_from_slice(&[b'x'; 265]);
    let mut input = vec![0; 8192];
    // Under the number of its file.
    let mut connections: Vec<Option<OwnedFd>> = Vec::new();
    let mut events = Vec::with_capacity(256);
    loop {
        epoll::wait(&poll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            let number = event.data.u64();
            if number != u64::MAX {
                let place = &mut connections[number as usize];
                if place
                    .as_ref()
                    .is_none_or(|socket| !answered(socket, &mut input, &answer, false))
                {
                    *place = None;
                }
                continue;
            }
            while let Ok(socket) = rustix::net::accept_with(listener, SocketFlags::NONBLOCK) {
                if !answered(&socket, &mut input, &answer, true) {
                    continue;
                }
                let number = socket.as_raw_fd() as usize;
                epoll::add(&poll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
                connections.resize_with(connections.len().max(number + 1), || None);
                connections[number] = Some(socket);
            }
        }
    }
}

/// Answers once; false if the connection is over.
fn answered(socket: &OwnedFd, input: &mut [u8], answer: &[u8], is_new: bool) -> bool {
    match rustix::net::recv(socket, &mut *input, RecvFlags::empty()) {
        Ok((length, _)) if length > 0 => {
            let ends = memmem::find(&input[..length], b"Connection: close").is_some();
            rustix::net::send(socket, answer, SendFlags::NOSIGNAL).is_ok() && !ends
        }
        Ok(_) => false,
        Err(_) => is_new,
    }
}
