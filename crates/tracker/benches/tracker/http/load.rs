//! The client: so many connections, each with one request under way, until so many are answered.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use memchr::memmem;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, sockopt};

use super::{CONNECTIONS, Crowd, address};
use crate::Fault;

/// How many requests, and whether over connections that are kept.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) requests: usize,
    pub(super) keeps: bool,
}

pub(super) struct Load<'a> {
    server: SocketAddr,
    crowd: &'a Crowd,
    run: Run,
    rng: SmallRng,
    poll: OwnedFd,
    connections: Vec<Connection>,
    request: Vec<u8>,
    sent: usize,
}

struct Connection {
    socket: OwnedFd,
    input: Vec<u8>,
}

impl<'a> Load<'a> {
    pub(super) fn new(server: SocketAddr, crowd: &'a Crowd, run: Run, seed: u64) -> Result<Self, Fault> {
        let mut load = Self {
            server,
            crowd,
            run,
            rng: SmallRng::seed_from_u64(seed),
            poll: epoll::create(CreateFlags::empty())?,
            connections: Vec::new(),
            request: Vec::new(),
            sent: 0,
        };
        for number in 0..CONNECTIONS {
            let connection = load.connect(number)?;
            load.connections.push(connection);
        }
        Ok(load)
    }

    pub(super) fn run(&mut self) -> Result<(), Fault> {
        for number in 0..CONNECTIONS {
            self.ask(number)?;
        }
        let mut events = Vec::with_capacity(256);
        let mut answered = 0;
        while answered < self.run.requests {
            epoll::wait(&self.poll, spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                answered += self.listen(event.data.u64() as usize)?;
            }
        }
        Ok(())
    }

    /// Connects from the address of the peers of this connection.
    fn connect(&self, number: usize) -> Result<Connection, Fault> {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        rustix::net::bind(&socket, &SocketAddr::new(IpAddr::V4(address(number)), 0))?;
        rustix::net::connect(&socket, &self.server)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        epoll::add(
            &self.poll,
            &socket,
            EventData::new_u64(number as u64),
            EventFlags::IN,
        )?;
        Ok(Connection {
            socket,
            input: Vec::with_capacity(8192),
        })
    }

    /// Sends the next request, if there are more.
    fn ask(&mut self, number: usize) -> Result<(), Fault> {
        if self.sent < self.run.requests {
            self.sent += 1;
            self.request.clear();
            let keeps = self.run.keeps;
            self.crowd
                .write_request(number, keeps, &mut self.rng, &mut self.request);
            rustix::net::send(
                &self.connections[number].socket,
                &self.request,
                SendFlags::NOSIGNAL,
            )?;
        }
        Ok(())
    }

    /// Reads what has come; how many answers are whole by it.
    fn listen(&mut self, number: usize) -> Result<usize, Fault> {
        let Connection { socket, input } = &mut self.connections[number];
        let (_, length) = rustix::net::recv(&*socket, spare_capacity(input), RecvFlags::DONTWAIT)?;
        if length == 0 {
            return Err("the server ended a connection".into());
        }
        if !is_whole(input)? {
            return Ok(0);
        }
        input.clear();
        if !self.run.keeps {
            // The old one is closed by this.
            self.connections[number] = self.connect(number)?;
        }
        self.ask(number)?;
        Ok(1)
    }
}

/// Whether an answer is whole. Fails if it is none that was wanted.
fn is_whole(input: &[u8]) -> Result<bool, Fault> {
    let Some(end) = memmem::find(input, b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = std::str::from_utf8(&input[..end])?;
    let length = head
        .split_once("Content-Length: ")
        .ok_or("an answer without a length")?
        .1;
    let length: usize = length.split("\r\n").next().unwrap_or_default().parse()?;
    if !head.starts_with("HTTP/1.1 200") || memmem::find(input, b"failure reason").is_some() {
        return Err(format!("refused: {}", input.escape_ascii()).into());
    }
    Ok(input.len() >= end + 4 + length)
}
