//! The loop of one thread: it waits for its sockets, takes new connections, has the desk serve those that are ready, and
//! gives up those whose time is over. What is done with a connection is in `desk.rs`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SocketAddrAny, SocketFlags};
use rustix::time::Timespec;

use super::connections::{Census, Connection, Connections, Stage};
use super::desk::{Desk, HEAD_SECONDS, TAKE_SECONDS};
use super::responder::Responder;
use crate::time::Clock;

/// Bytes that all connections of a thread together may hold of requests that are not whole and answers that are not taken.
const MOST_HELD: usize = 32 * 1024 * 1024;

/// Connections taken before others are served again.
const AT_ONCE: usize = 64;

/// Marks of what is not a connection, beside the numbers of those that are.
const LISTENER: u64 = 1 << 32;
const STOP: u64 = 2 << 32;

pub(super) struct Worker {
    poll: OwnedFd,
    listeners: Vec<OwnedFd>,
    stop: Arc<OwnedFd>,
    census: Arc<Census>,
    desk: Desk,
    connections: Connections,
    /// Bytes that connections hold.
    held: usize,
    /// No connections are taken for the moment, because the system has no more files.
    is_paused: bool,
    is_stopping: bool,
}

impl Worker {
    pub(super) fn new(
        listeners: Vec<OwnedFd>,
        stop: Arc<OwnedFd>,
        responder: Responder,
        census: Arc<Census>,
        clock: Clock,
    ) -> io::Result<Self> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&poll, &*stop, EventData::new_u64(STOP), EventFlags::IN)?;
        let worker = Self {
            poll,
            listeners,
            stop,
            census,
            desk: Desk::new(responder, clock),
            connections: Connections::default(),
            held: 0,
            is_paused: false,
            is_stopping: false,
        };
        for (listener, number) in worker.listeners.iter().zip(0..) {
            epoll::add(
                &worker.poll,
                listener,
                EventData::new_u64(LISTENER + number),
                EventFlags::IN,
            )?;
        }
        Ok(worker)
    }

    /// Serves until it is told to stop and every answer is taken.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(256);
        while !(self.is_stopping && self.connections.len() == 0) {
            // The seconds are looked at only while something waits for them.
            let is_timed = self.connections.len() > 0 || self.is_paused;
            let second = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            match epoll::wait(
                &self.poll,
                spare_capacity(&mut events),
                is_timed.then_some(&second),
            ) {
                Err(Errno::INTR) | Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            let is_later = self.desk.look();
            for event in events.drain(..) {
                match event.data.u64() {
                    STOP => self.begin_to_stop(),
                    // What is left over is told again.
                    mark if mark >= LISTENER => _ = self.accept((mark - LISTENER) as usize),
                    number => self.serve(number as u32),
                }
            }
            if is_later {
                self.give_up();
                self.set_paused(false);
            }
        }
        Ok(())
    }

    /// Takes what connections have come. False if there are none left.
    fn accept(&mut self, listener: usize) -> bool {
        for _ in 0..AT_ONCE {
            let Some(listener) = self.listeners.get(listener) else {
                return false;
            };
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            match rustix::net::acceptfrom_with(listener, flags) {
                Ok((socket, address)) => self.welcome(socket, address),
                Err(Errno::AGAIN) => return false,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    self.set_paused(true);
                    return false;
                }
                // Something happened to one connection before it was taken.
                Err(_) => {}
            }
        }
        true
    }

    /// Answers a new connection if its request is there already, and keeps it if it is to be kept and may be.
    fn welcome(&mut self, socket: OwnedFd, address: Option<SocketAddrAny>) {
        let Some(Ok(address)) = address.map(SocketAddr::try_from) else {
            return;
        };
        let source = address.ip().to_canonical();
        let mut connection = Connection {
            socket,
            source,
            deadline: self.desk.after(HEAD_SECONDS),
            stage: Stage::Asking,
            held: None,
        };
        let is_proxy = self.desk.responder.is_proxy(source);
        let is_counted = self.census.enter(source, is_proxy);
        let stays = self.desk.serve(&mut connection, self.is_stopping || !is_counted);
        if !is_counted {
            return;
        }
        let held = self.held + connection.held_bytes();
        let mark = EventData::new_u64(self.connections.next().into());
        if stays
            && held <= MOST_HELD
            && epoll::add(&self.poll, &connection.socket, mark, connection.wants()).is_ok()
        {
            self.held = held;
            self.connections.put(connection);
        } else {
            self.census.leave(source);
        }
    }

    fn serve(&mut self, number: u32) {
        let Some(connection) = self.connections.get_mut(number) else {
            return;
        };
        let (stage, held) = (connection.stage, connection.held_bytes());
        let mut stays = self.desk.serve(connection, self.is_stopping);
        if stays && connection.stage != stage {
            let mark = EventData::new_u64(number.into());
            stays = epoll::modify(&self.poll, &connection.socket, mark, connection.wants()).is_ok();
        }
        self.held = self.held - held + connection.held_bytes();
        if !stays || self.held > MOST_HELD {
            self.close(number);
        }
    }

    /// Lets a connection go. The poll forgets a file that is closed.
    fn close(&mut self, number: u32) {
        if let Some(connection) = self.connections.take(number) {
            self.held -= connection.held_bytes();
            self.census.leave(connection.source);
        }
    }

    /// Lets those go whose time is over.
    fn give_up(&mut self) {
        let now = self.desk.now();
        for number in self.connections.numbers(|connection| connection.deadline <= now) {
            if let Some(connection) = self.connections.get_mut(number) {
                self.desk.give_up(connection);
            }
            self.close(number);
        }
    }

    /// Stops looking at new connections, or looks at them again.
    fn set_paused(&mut self, is_paused: bool) {
        if self.is_paused == is_paused {
            return;
        }
        self.is_paused = is_paused;
        let wants = if is_paused {
            EventFlags::empty()
        } else {
            EventFlags::IN
        };
        for (listener, number) in self.listeners.iter().zip(0..) {
            // A listener that cannot be changed is looked at as before.
            let _changed = epoll::modify(&self.poll, listener, EventData::new_u64(LISTENER + number), wants);
        }
    }

    /// Answers what has come, and keeps only connections whose answers are not taken yet.
    fn begin_to_stop(&mut self) {
        let _forgotten = epoll::delete(&self.poll, &*self.stop);
        self.is_stopping = true;
        for listener in 0..self.listeners.len() {
            while self.accept(listener) {}
        }
        self.listeners.clear();
        for number in self
            .connections
            .numbers(|connection| connection.stage != Stage::Taking)
        {
            self.serve(number);
        }
        let deadline = self.desk.after(TAKE_SECONDS / 2);
        for number in self
            .connections
            .numbers(|connection| connection.deadline > deadline)
        {
            if let Some(connection) = self.connections.get_mut(number) {
                connection.deadline = deadline;
            }
        }
    }
}
