//! Listening sockets: one for each thread and address, between which the kernel spreads new connections. What is said over
//! them is in `worker.rs`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Listens on an address as often as there are threads; with port 0, on one free port. Says where.
pub(super) fn listen(address: SocketAddr, threads: usize) -> io::Result<(SocketAddr, Vec<OwnedFd>)> {
    // The first socket is bound alone and only then shared: another archive of the same user on this port, which sockets
    // that are all shared would join, is an error.
    let first = bind(address, false)?;
    let bound = rustix::net::getsockname(&first)?.try_into()?;
    sockopt::set_socket_reuseport(&first, threads > 1)?;
    let mut sockets = vec![first];
    for _ in 1..threads {
        sockets.push(bind(bound, true)?);
    }
    for socket in &sockets {
        rustix::net::listen(socket, BACKLOG)?;
    }
    Ok((bound, sockets))
}

fn bind(address: SocketAddr, is_shared: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, is_shared)?;
    // Accepted connections inherit it: answers to requests sent one behind the other do not wait for each other.
    sockopt::set_tcp_nodelay(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}
