//! One peer in as few bytes as can be: 8 for IPv4, 20 for IPv6. Holds what a peer is known by (address and port, never
//! its peer id) and five flags with the time of its last announce. Peers stand in shelves: `swarm/shelf.rs` is next.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::Reach;
use crate::mix::{Mixer, Spot};
use crate::reply::AnnounceReply;
use crate::time::Tick;

/// What a peer has of the torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It downloads.
    Leecher,
    /// It has all that it wants, which is not all there is (BEP 21).
    PartialSeed,
    /// It has everything.
    Seeder,
}

/// By which of a torrent's hashes a client announces. Only a hybrid (BEP 52) has a second one. Peers greet each other with
/// a hash, and a client that knows the first alone does not answer to the second: it must not be told of under that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The hash under which the swarm is kept: of a hybrid, that of v1.
    First,
    /// That of v2, cut short.
    Second,
}

/// Flags and time of the last announce, in 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta(u16);

impl Meta {
    const SEEDER: u16 = 1;
    const PARTIAL: u16 = 2;
    const COUNTED: u16 = 4;
    const BY_FIRST: u16 = 8;
    const BY_SECOND: u16 = 16;
    const TICK_SHIFT: u32 = 5;

    /// Of a peer that has announced by the first hash.
    pub(crate) fn new(kind: Kind, seen: Tick) -> Self {
        let flags = match kind {
            Kind::Leecher => 0,
            Kind::PartialSeed => Self::PARTIAL,
            Kind::Seeder => Self::SEEDER,
        };
        Self(flags | Self::BY_FIRST | seen.bits() << Self::TICK_SHIFT)
    }

    /// The same, of a peer that has announced this way alone.
    pub(crate) fn by(self, way: Way) -> Self {
        Self(self.0 & !(Self::BY_FIRST | Self::BY_SECOND) | Self::flag_of(way))
    }

    /// Whether it has announced this way, and so can be told of to those who ask this way.
    pub(crate) fn came_by(self, way: Way) -> bool {
        self.0 & Self::flag_of(way) != 0
    }

    fn flag_of(way: Way) -> u16 {
        match way {
            Way::First => Self::BY_FIRST,
            Way::Second => Self::BY_SECOND,
        }
    }

    /// The same, with its completion counted.
    pub(crate) fn counted(self) -> Self {
        Self(self.0 | Self::COUNTED)
    }

    /// This, keeping from `old` that the completion was counted and which ways the peer has come.
    pub(crate) fn succeeding(self, old: Self) -> Self {
        Self(self.0 | old.0 & (Self::COUNTED | Self::BY_FIRST | Self::BY_SECOND))
    }

    pub(crate) fn is_counted(self) -> bool {
        self.0 & Self::COUNTED != 0
    }

    pub(crate) fn kind(self) -> Kind {
        match self.0 & (Self::SEEDER | Self::PARTIAL) {
            0 => Kind::Leecher,
            Self::PARTIAL => Kind::PartialSeed,
            _ => Kind::Seeder,
        }
    }

    /// Whether it only gives.
    pub(crate) fn is_source(self) -> bool {
        self.0 & (Self::SEEDER | Self::PARTIAL) != 0
    }

    pub(crate) fn seen(self) -> Tick {
        Tick::from_bits(self.0 >> Self::TICK_SHIFT)
    }

    /// The same bits with an age instead of a time, which another clock understands too.
    pub(crate) fn age_bits(self, now: Tick) -> u16 {
        self.flags() | self.seen().age(now) << Self::TICK_SHIFT
    }

    /// What `age_bits` wrote, by the clock of this `now`.
    pub(crate) fn from_age_bits(bits: u16, now: Tick) -> Self {
        let seen = now.before(bits >> Self::TICK_SHIFT);
        Self(Self(bits).flags() | seen.bits() << Self::TICK_SHIFT)
    }

    fn flags(self) -> u16 {
        self.0 & ((1 << Self::TICK_SHIFT) - 1)
    }
}

/// A peer as it stands in a table. The default is a free place; a peer never has port 0.
pub(crate) trait Record: Copy + Default {
    /// The peer in this form, if it has one.
    fn of(peer: &Peer) -> Option<Self>;
    fn is_free(&self) -> bool;
    fn is_same_peer(&self, other: &Self) -> bool;
    fn meta(&self) -> Meta;
    fn set_meta(&mut self, meta: Meta);
    fn ip(&self) -> IpAddr;
    fn is_four(&self) -> bool;
    fn port(&self) -> u16;
    fn reach(&self) -> Reach;
    /// What counts as one address: all of an IPv4 address, the first 64 bits of an IPv6 address.
    fn group(&self) -> u64;
    /// What tells the peers of one group apart.
    fn low(&self) -> u64;
    /// Adds the peer to a reply.
    fn tell(&self, reply: &mut AnnounceReply);

    fn hash(&self, mixer: &Mixer) -> u32 {
        mixer.peer(self.group(), self.low())
    }
}

/// A peer at an IPv4 address: address, port and meta in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer4(u64);

impl Peer4 {
    pub(crate) fn new(ip: Ipv4Addr, port: u16, meta: Meta) -> Self {
        Self(u64::from(ip.to_bits()) << 32 | u64::from(port) << 16 | u64::from(meta.0))
    }

    fn v4(self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.0 >> 32) as u32)
    }
}

impl Record for Peer4 {
    fn of(peer: &Peer) -> Option<Self> {
        peer.four
    }

    fn is_free(&self) -> bool {
        self.0 == 0
    }

    fn is_same_peer(&self, other: &Self) -> bool {
        (self.0 ^ other.0) >> 16 == 0
    }

    fn meta(&self) -> Meta {
        Meta(self.0 as u16)
    }

    fn set_meta(&mut self, meta: Meta) {
        self.0 = self.0 & !0xffff | u64::from(meta.0);
    }

    fn ip(&self) -> IpAddr {
        IpAddr::V4(self.v4())
    }

    fn is_four(&self) -> bool {
        true
    }

    fn port(&self) -> u16 {
        (self.0 >> 16) as u16
    }

    fn reach(&self) -> Reach {
        Reach::of_v4(self.v4())
    }

    fn group(&self) -> u64 {
        self.0 >> 32
    }

    fn low(&self) -> u64 {
        u64::from(self.port())
    }

    fn tell(&self, reply: &mut AnnounceReply) {
        // Address and port stand as they are sent.
        let [a, b, c, d, high, low, ..] = self.0.to_be_bytes();
        reply.peers4.push([a, b, c, d, high, low]);
    }
}

/// A peer at any address; IPv4 addresses are kept mapped (`::ffff:a.b.c.d`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer6 {
    ip: [u32; 4],
    port: u16,
    meta: Meta,
}

impl Peer6 {
    pub(crate) fn new(ip: IpAddr, port: u16, meta: Meta) -> Self {
        let bits = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        Self {
            ip: [96, 64, 32, 0].map(|shift| (bits >> shift) as u32),
            port,
            meta,
        }
    }

    fn v6(&self) -> Ipv6Addr {
        Ipv6Addr::from_bits(
            self.ip
                .iter()
                .fold(0, |bits, word| bits << 32 | u128::from(*word)),
        )
    }
}

impl Record for Peer6 {
    fn of(peer: &Peer) -> Option<Self> {
        Some(peer.six)
    }

    fn is_free(&self) -> bool {
        self.port == 0
    }

    fn is_same_peer(&self, other: &Self) -> bool {
        self.ip == other.ip && self.port == other.port
    }

    fn meta(&self) -> Meta {
        self.meta
    }

    fn set_meta(&mut self, meta: Meta) {
        self.meta = meta;
    }

    fn ip(&self) -> IpAddr {
        match self.ip {
            [0, 0, 0xffff, low] => IpAddr::V4(Ipv4Addr::from_bits(low)),
            _ => IpAddr::V6(self.v6()),
        }
    }

    fn is_four(&self) -> bool {
        matches!(self.ip, [0, 0, 0xffff, _])
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn reach(&self) -> Reach {
        Reach::of(self.ip())
    }

    fn group(&self) -> u64 {
        match self.ip {
            [0, 0, 0xffff, low] => u64::from(low),
            [high, low, ..] => u64::from(high) << 32 | u64::from(low),
        }
    }

    fn low(&self) -> u64 {
        u64::from(self.port) ^ u64::from(self.ip[2] ^ self.ip[3].rotate_left(7))
    }

    fn tell(&self, reply: &mut AnnounceReply) {
        reply.add(self.ip(), self.port);
    }
}

/// A peer in both forms, before it is known in which sort of swarm it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// `None` if its address is not of IPv4.
    pub(crate) four: Option<Peer4>,
    pub(crate) six: Peer6,
}

impl Peer {
    pub(crate) fn new(ip: IpAddr, port: u16, meta: Meta) -> Self {
        let four = match ip {
            IpAddr::V4(ip) => Some(Peer4::new(ip, port, meta)),
            IpAddr::V6(_) => None,
        };
        Self {
            four,
            six: Peer6::new(ip, port, meta),
        }
    }

    /// The same peer, as it is now.
    pub(crate) fn with(mut self, meta: Meta) -> Self {
        self.four.iter_mut().for_each(|four| four.set_meta(meta));
        self.six.set_meta(meta);
        self
    }

    pub(crate) fn meta(&self) -> Meta {
        self.six.meta()
    }

    pub(crate) fn is_four(&self) -> bool {
        self.four.is_some()
    }

    /// What tells this peer of this torrent from most others.
    pub(crate) fn fingerprint(&self, torrent: Spot, mixer: &Mixer) -> u32 {
        mixer.fingerprint(torrent, self.six.group(), self.six.low())
    }
}

impl<R: Record> From<R> for Peer {
    fn from(record: R) -> Self {
        Self::new(record.ip(), record.port(), record.meta())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small_and_gives_back_what_it_was_given() {
        assert_eq!(size_of::<Peer4>(), 8);
        assert_eq!(size_of::<Peer6>(), 20);
        let meta = Meta::new(Kind::Seeder, Tick::from_bits(2000)).counted();
        assert_eq!(
            (meta.kind(), meta.seen().bits(), meta.is_counted()),
            (Kind::Seeder, 2000, true)
        );
        let four = Peer4::new(Ipv4Addr::new(203, 0, 113, 9), 6881, meta);
        let mapped = Peer6::new(four.ip(), 6881, meta);
        assert_eq!((four.ip(), four.port(), four.meta()), (mapped.ip(), 6881, meta));
        assert_eq!(four.group(), mapped.group());
        let ip: IpAddr = "2001:db8:1:2:3:4:5:6".parse().expect("an address");
        let six = Peer6::new(ip, 1, meta);
        assert_eq!((six.ip(), six.group()), (ip, 0x2001_0db8_0001_0002));
        assert!(Peer4::default().is_free() && Peer6::default().is_free());
    }

    #[test]
    fn a_peer_has_come_by_each_hash_that_it_ever_announced() {
        let meta = Meta::new(Kind::Leecher, Tick::from_bits(7));
        assert!(meta.came_by(Way::First) && !meta.came_by(Way::Second));
        let second = meta.by(Way::Second);
        assert!(second.came_by(Way::Second) && !second.came_by(Way::First));
        let both = second.succeeding(meta);
        assert!(both.came_by(Way::First) && both.came_by(Way::Second));
        assert_eq!((both.kind(), both.seen().bits()), (Kind::Leecher, 7));
    }

    #[test]
    fn time_and_flags_do_not_make_another_peer() {
        let at = |kind, tick| {
            Peer4::new(
                Ipv4Addr::new(1, 2, 3, 4),
                5,
                Meta::new(kind, Tick::from_bits(tick)),
            )
        };
        assert!(at(Kind::Seeder, 1).is_same_peer(&at(Kind::PartialSeed, 9)));
        let mut record = at(Kind::Leecher, 1);
        record.set_meta(at(Kind::PartialSeed, 9).meta());
        assert_eq!(record, at(Kind::PartialSeed, 9));
    }
}
