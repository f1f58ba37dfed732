//! The connections of one thread that are kept open, each in a few dozen bytes while nothing is under way, and the census of
//! all threads that limits how many there are. `desk.rs` reads from them and writes to them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use parking_lot::Mutex;
use rustix::event::epoll::EventFlags;

use crate::time::Seconds;

/// A connection between two moments of work.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    pub(super) source: IpAddr,
    /// When it is given up unless something happens.
    pub(super) deadline: Seconds,
    pub(super) stage: Stage,
    /// What is under way; nothing most of the time.
    pub(super) held: Option<Box<Held>>,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A request, or the rest of one.
    Asking,
    /// That the client takes its answers.
    Taking,
    /// That the client has seen our end of the connection; what it still sends is thrown away.
    Leaving,
}

/// Bytes that are not done with.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) input: Vec<u8>,
    pub(super) output: Vec<u8>,
    /// Whether the connection is over when the output is taken.
    pub(super) ends: bool,
}

impl Connection {
    /// What it holds, to be added to.
    pub(super) fn hold(&mut self) -> &mut Held {
        self.held.get_or_insert_default()
    }

    /// What the poll is to look for.
    pub(super) fn wants(&self) -> EventFlags {
        match self.stage {
            Stage::Asking | Stage::Leaving => EventFlags::IN,
            Stage::Taking => EventFlags::OUT,
        }
    }

    /// Bytes of memory beyond the connection itself.
    pub(super) fn held_bytes(&self) -> usize {
        let bytes = |held: &Held| held.input.capacity() + held.output.capacity();
        self.held.as_deref().map_or(0, bytes)
    }
}

/// Connections under numbers that stay the same as long as they live.
#[derive(Debug, Default)]
pub(super) struct Connections {
    places: Vec<Option<Connection>>,
    free: Vec<u32>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The number that the next one put in will have.
    pub(super) fn next(&self) -> u32 {
        self.free.last().map_or(self.places.len() as u32, |place| *place)
    }

    pub(super) fn put(&mut self, connection: Connection) {
        match self.free.pop() {
            Some(place) => self.places[place as usize] = Some(connection),
            None => self.places.push(Some(connection)),
        }
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Connection> {
        self.places.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn take(&mut self, number: u32) -> Option<Connection> {
        let connection = self.places.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(connection)
    }

    /// The numbers of those for whom this holds.
    pub(super) fn numbers(&self, mut holds: impl FnMut(&Connection) -> bool) -> Vec<u32> {
        let found = self.places.iter().zip(0..);
        found
            .filter_map(|(place, number)| holds(place.as_ref()?).then_some(number))
            .collect()
    }
}

/// Who is connected, over all threads.
#[derive(Debug)]
pub(super) struct Census {
    most: u32,
    most_per_address: u32,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    of_address: HashMap<Group, u32>,
}

/// What counts as one address: all of an IPv4 address, the first 64 bits of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Four(u32),
    Six(u64),
}

impl Group {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::Four(ip.to_bits()),
            IpAddr::V6(ip) => Self::Six((ip.to_bits() >> 64) as u64),
        }
    }
}

impl Census {
    /// A census that lets in so many in all, and so many of one address.
    pub(super) fn new(most: u32, most_per_address: u32) -> Self {
        Self {
            most,
            most_per_address,
            counts: Mutex::default(),
        }
    }

    /// Counts one in; false if there are enough of them. A proxy speaks for many, so only the limit of all is its limit.
    pub(super) fn enter(&self, ip: IpAddr, is_proxy: bool) -> bool {
        let mut counts = self.counts.lock();
        if counts.all >= self.most {
            return false;
        }
        let of_address = counts.of_address.entry(Group::of(ip)).or_default();
        if *of_address >= self.most_per_address && !is_proxy {
            return false;
        }
        *of_address += 1;
        counts.all += 1;
        true
    }

    /// Counts one out that was counted in.
    pub(super) fn leave(&self, ip: IpAddr) {
        let mut counts = self.counts.lock();
        let group = Group::of(ip);
        counts.all -= 1;
        if let Some(of_address) = counts.of_address.get_mut(&group) {
            *of_address -= 1;
            if *of_address == 0 {
                counts.of_address.remove(&group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_idle_connection_takes_a_few_dozen_bytes() {
        assert!(
            size_of::<Option<Connection>>() <= 48,
            "{}",
            size_of::<Option<Connection>>()
        );
    }

    #[test]
    fn a_census_limits_addresses_and_all() {
        let census = Census::new(5, 2);
        assert!(census.enter(ip("8.0.0.1"), false) && census.enter(ip("::ffff:8.0.0.1"), false));
        assert!(
            !census.enter(ip("8.0.0.1"), false),
            "a mapped address is the same address"
        );
        assert!(census.enter(ip("2606::1"), false) && census.enter(ip("2606::2"), false));
        assert!(
            !census.enter(ip("2606::3:0:0:1"), false),
            "64 bits are one address"
        );
        assert!(census.enter(ip("2606::3:0:0:1"), true), "a proxy speaks for many");
        assert!(!census.enter(ip("9.9.9.9"), true), "five are all");
        census.leave(ip("8.0.0.1"));
        assert!(census.enter(ip("8.0.0.1"), false));
        for left in ["8.0.0.1", "8.0.0.1", "2606::1", "2606::1", "2606::1"] {
            census.leave(ip(left));
        }
        let counts = census.counts.lock();
        assert!(
            counts.all == 0 && counts.of_address.is_empty(),
            "nobody is remembered"
        );
    }
}
