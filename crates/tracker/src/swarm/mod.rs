//! One swarm: who is in it, from none to hundreds of thousands, in no more room than that needs. Two IPv4 peers or one
//! IPv6 peer stand in the swarm itself, up to 31 on one shelf, more in tables. Knows neither what is listed nor any
//! limit; `shard.rs` holds swarms and decides. Inside: `shelf.rs`, `table.rs`, `large.rs`, `share.rs`.

mod large;
mod share;
mod shelf;
mod table;

use std::ops::{AddAssign, SubAssign};

use rand::Rng;

use self::large::Large;
pub(crate) use self::large::Position;
use crate::address::Reach;
use crate::foresight::{prefetch, prefetch_head};
use crate::mix::Mixer;
use crate::peer::{Kind, Meta, Peer, Peer4, Peer6, Record, Way};
use crate::reply::AnnounceReply;

/// Whom a client is to be told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// The client, who is never told of itself.
    pub(crate) peer: &'a Peer,
    /// Whether the client is in the swarm now.
    pub(crate) stored: bool,
    /// At most so many.
    pub(crate) count: usize,
    /// Also those that only give.
    pub(crate) sources: bool,
    pub(crate) four: bool,
    pub(crate) six: bool,
    /// From where the client itself can be reached.
    pub(crate) reach: Reach,
    /// By which hash it asks, and so will greet those it is told of.
    pub(crate) way: Way,
}

impl Wish<'_> {
    fn admits<R: Record>(&self, record: &R) -> bool {
        (self.sources || !record.meta().is_source())
            && record.meta().came_by(self.way)
            && R::of(self.peer).is_none_or(|itself| !itself.is_same_peer(record))
            && (self.reach == Reach::Local || record.reach().may_be_told_to(self.reach))
    }

    /// Tells the client of a peer, if it may and wishes to know.
    fn tell<R: Record>(&self, record: &R, reply: &mut AnnounceReply) -> bool {
        let admitted = self.admits(record);
        if admitted {
            record.tell(reply);
        }
        admitted
    }
}

/// How many of which kind are in a swarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) seeders: u32,
    pub(crate) partial_seeds: u32,
    pub(crate) leechers: u32,
    /// How many of all have an IPv6 address.
    pub(crate) six: u32,
}

impl Members {
    pub(crate) fn all(&self) -> u32 {
        self.seeders + self.partial_seeds + self.leechers
    }

    pub(crate) fn enter(&mut self, kind: Kind, is_four: bool) {
        *self.of(kind) += 1;
        self.six += u32::from(!is_four);
    }

    pub(crate) fn leave(&mut self, kind: Kind, is_four: bool) {
        *self.of(kind) -= 1;
        self.six -= u32::from(!is_four);
    }

    fn add<R: Record>(&mut self, record: &R) {
        self.enter(record.meta().kind(), record.is_four());
    }

    fn of(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Seeder => &mut self.seeders,
            Kind::PartialSeed => &mut self.partial_seeds,
            Kind::Leecher => &mut self.leechers,
        }
    }
}

impl AddAssign for Members {
    fn add_assign(&mut self, other: Self) {
        self.seeders += other.seeders;
        self.partial_seeds += other.partial_seeds;
        self.leechers += other.leechers;
        self.six += other.six;
    }
}

impl SubAssign for Members {
    fn sub_assign(&mut self, other: Self) {
        self.seeders -= other.seeders;
        self.partial_seeds -= other.partial_seeds;
        self.leechers -= other.leechers;
        self.six -= other.six;
    }
}

/// Where a peer that announces soon would be in a large swarm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    pub(crate) hash: u32,
    pub(crate) is_four: bool,
    /// Whether it only gives.
    pub(crate) is_source: bool,
}

/// Sees each peer of a swarm once.
pub(crate) trait Visit {
    /// Whether the peer stays.
    fn keeps<R: Record>(&mut self, peer: &R) -> bool;

    /// Comes by the shelf on which the next peers stand.
    fn comes_by<R: Record>(&mut self, _: &[R]) {}
}

/// The peers of one torrent.
#[derive(Debug)]
pub(crate) enum Swarm {
    Few4([Peer4; 2]),
    Few6([Peer6; 1]),
    Some4(Box<[Peer4]>),
    Some6(Box<[Peer6]>),
    Large(Box<Large>),
}

impl Default for Swarm {
    fn default() -> Self {
        Self::Few4([Peer4::default(); 2])
    }
}

enum View<'a> {
    Four(&'a [Peer4]),
    Six(&'a [Peer6]),
    Large(&'a Large),
}

enum ViewMut<'a> {
    Four(&'a mut [Peer4]),
    Six(&'a mut [Peer6]),
    Large(&'a mut Large),
}

impl Swarm {
    fn view(&self) -> View<'_> {
        match self {
            Self::Few4(shelf) => View::Four(shelf),
            Self::Some4(shelf) => View::Four(shelf),
            Self::Few6(shelf) => View::Six(shelf),
            Self::Some6(shelf) => View::Six(shelf),
            Self::Large(large) => View::Large(large),
        }
    }

    fn view_mut(&mut self) -> ViewMut<'_> {
        match self {
            Self::Few4(shelf) => ViewMut::Four(shelf),
            Self::Some4(shelf) => ViewMut::Four(shelf),
            Self::Few6(shelf) => ViewMut::Six(shelf),
            Self::Some6(shelf) => ViewMut::Six(shelf),
            Self::Large(large) => ViewMut::Large(large),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self.view() {
            View::Four(shelf) => shelf::taken(shelf),
            View::Six(shelf) => shelf::taken(shelf),
            View::Large(large) => large.len(),
        }
    }

    pub(crate) fn members(&self) -> Members {
        let mut members = Members::default();
        match self.view() {
            View::Four(shelf) => shelf[..shelf::taken(shelf)]
                .iter()
                .for_each(|peer| members.add(peer)),
            View::Six(shelf) => shelf[..shelf::taken(shelf)]
                .iter()
                .for_each(|peer| members.add(peer)),
            View::Large(large) => return large.members(),
        }
        members
    }

    /// Brings a peer that is there up to date, and says what it was.
    pub(crate) fn renew(&mut self, peer: &Peer, mixer: &Mixer) -> Option<Meta> {
        match self.view_mut() {
            ViewMut::Four(shelf) => shelf::renew(shelf, peer.four.as_ref()?),
            ViewMut::Six(shelf) => shelf::renew(shelf, &peer.six),
            ViewMut::Large(large) => large.renew(peer, mixer),
        }
    }

    pub(crate) fn contains(&self, peer: &Peer, mixer: &Mixer) -> bool {
        match self.view() {
            View::Four(shelf) => peer
                .four
                .is_some_and(|four| shelf::position(shelf, &four).is_some()),
            View::Six(shelf) => shelf::position(shelf, &peer.six).is_some(),
            View::Large(large) => large.contains(peer, mixer),
        }
    }

    /// Asks for the memory of what the swarm points to: its shelf, or the heads of its tables, beyond which there is more to
    /// ask for …
    pub(crate) fn foresee(&self) -> bool {
        match self {
            Self::Large(large) => prefetch(&**large),
            Self::Some4(shelf) => shelf.iter().step_by(8).for_each(prefetch_head),
            Self::Some6(shelf) => shelf.iter().step_by(3).for_each(prefetch_head),
            Self::Few4(_) | Self::Few6(_) => {}
        }
        matches!(self, Self::Large(_))
    }

    /// … the place in the list of leaves that leads to a peer, …
    pub(crate) fn foresee_list(&self, ahead: Ahead) {
        if let Self::Large(large) = self {
            large.foresee_list(ahead);
        }
    }

    /// … then the leaf itself.
    pub(crate) fn foresee_leaf(&self, ahead: Ahead) {
        if let Self::Large(large) = self {
            large.foresee_leaf(ahead);
        }
    }

    /// How many peers the address of a peer has here; for IPv6, its first 64 bits.
    pub(crate) fn neighbours(&self, peer: &Peer, mixer: &Mixer) -> usize {
        match self.view() {
            View::Four(shelf) => peer
                .four
                .map_or(0, |four| shelf::neighbours(shelf, four.group(), None)),
            View::Six(shelf) => shelf::neighbours(shelf, peer.six.group(), None),
            View::Large(large) => large.neighbours(peer, mixer),
        }
    }

    /// Puts in a peer that is not there.
    pub(crate) fn insert(&mut self, peer: &Peer, mixer: &Mixer) {
        let has_room = match (self.view_mut(), &peer.four) {
            (ViewMut::Large(large), _) => return large.insert(peer, mixer),
            (ViewMut::Four(shelf), Some(four)) => shelf::put(shelf, *four),
            (ViewMut::Four(_), None) => false,
            (ViewMut::Six(shelf), _) => shelf::put(shelf, peer.six),
        };
        if !has_room {
            self.widen(peer, mixer);
        }
    }

    /// Puts in a peer for which there is no room yet.
    fn widen(&mut self, peer: &Peer, mixer: &Mixer) {
        let len = self.len();
        let becomes_six = matches!(self, Self::Few4(_) | Self::Some4(_)) && peer.four.is_none();
        *self = match std::mem::take(self) {
            Self::Few4(_) if becomes_six && len == 0 => Self::Few6([peer.six]),
            mut old if len == shelf::SMALL => {
                let mut large = Box::<Large>::default();
                old.drain_into(&mut |peer| large.insert(&peer, mixer));
                large.insert(peer, mixer);
                Self::Large(large)
            }
            mut old if becomes_six => {
                let mut shelf = Box::default();
                old.drain_into(&mut |peer| shelf::insert(&mut shelf, peer.six));
                shelf::insert(&mut shelf, peer.six);
                Self::Some6(shelf)
            }
            Self::Few4(few) => Self::Some4(Box::new([few[0], few[1], peer.four.unwrap_or_default()])),
            Self::Few6(few) => Self::Some6(Box::new([few[0], peer.six, Peer6::default()])),
            Self::Some4(mut shelf) => {
                shelf::insert(&mut shelf, peer.four.unwrap_or_default());
                Self::Some4(shelf)
            }
            Self::Some6(mut shelf) => {
                shelf::insert(&mut shelf, peer.six);
                Self::Some6(shelf)
            }
            large => large,
        };
    }

    /// Takes a peer out, and says what it was.
    pub(crate) fn remove(&mut self, peer: &Peer, mixer: &Mixer) -> Option<Meta> {
        let gone = match self.view_mut() {
            ViewMut::Four(shelf) => {
                let at = shelf::position(shelf, peer.four.as_ref()?)?;
                shelf::take(shelf, at).meta()
            }
            ViewMut::Six(shelf) => {
                let at = shelf::position(shelf, &peer.six)?;
                shelf::take(shelf, at).meta()
            }
            ViewMut::Large(large) => large.remove(peer, mixer)?,
        };
        self.shrink();
        Some(gone)
    }

    /// Takes the smallest form that holds the peers, with some reluctance to change back and forth.
    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Large(large) if large.len() <= shelf::SMALL / 2 => self.rebuild(),
            Self::Some4(shelf) if shelf::taken(shelf) <= 1 => self.rebuild(),
            Self::Some6(shelf) if shelf::taken(shelf) == 0 => *self = Self::default(),
            Self::Few6([peer]) if peer.is_free() => *self = Self::default(),
            Self::Some4(shelf) => shelf::trim(shelf),
            Self::Some6(shelf) => shelf::trim(shelf),
            Self::Few4(_) | Self::Few6(_) | Self::Large(_) => {}
        }
    }

    /// Puts all peers of a swarm that has become small into a new one.
    fn rebuild(&mut self) {
        let mut old = std::mem::take(self);
        // A small swarm has no table, so its hash is never asked for.
        let mixer = Mixer::new(0, 0);
        old.drain_into(&mut |peer| self.insert(&peer, &mixer));
    }

    /// Hands over all peers and leaves none.
    pub(crate) fn drain_into(&mut self, put: &mut impl FnMut(Peer)) {
        match &mut std::mem::take(self) {
            Self::Large(large) => large.drain_into(put),
            small => match small.view() {
                View::Four(shelf) => shelf[..shelf::taken(shelf)]
                    .iter()
                    .for_each(|peer| put((*peer).into())),
                View::Six(shelf) => shelf[..shelf::taken(shelf)]
                    .iter()
                    .for_each(|peer| put((*peer).into())),
                View::Large(_) => {}
            },
        }
    }

    /// Writes up to `wish.count` peers, drawn at random, into the reply.
    pub(crate) fn draw(&self, wish: &Wish<'_>, rng: &mut impl Rng, reply: &mut AnnounceReply) {
        match self.view() {
            View::Four(shelf) if wish.four => draw_small(shelf, wish, rng, reply),
            View::Four(_) => {}
            View::Six(shelf) => draw_small(shelf, wish, rng, reply),
            View::Large(large) => large.draw(wish, rng, reply),
        }
    }

    /// Shows the next peers to `visit`, a small swarm at once and a large one leaf by leaf. How many were shown; `None`
    /// when all have been.
    pub(crate) fn walk(&mut self, at: &mut Position, visit: &mut impl Visit) -> Option<usize> {
        let start = *at == Position::default();
        match self.view_mut() {
            ViewMut::Large(large) => large.walk(at, visit),
            _ if !start => None,
            ViewMut::Four(shelf) => {
                *at = Position::END;
                visit.comes_by(shelf);
                Some(shelf::retain(shelf, |peer| visit.keeps(peer)))
            }
            ViewMut::Six(shelf) => {
                *at = Position::END;
                visit.comes_by(shelf);
                Some(shelf::retain(shelf, |peer| visit.keeps(peer)))
            }
        }
    }
}

/// Draws from a shelf: each peer has the same chance.
fn draw_small<R: Record>(shelf: &[R], wish: &Wish<'_>, rng: &mut impl Rng, reply: &mut AnnounceReply) {
    let shelf = &shelf[..shelf::taken(shelf)];
    let admits = |record: &&R| {
        let family = if record.is_four() { wish.four } else { wish.six };
        family && wish.admits(*record)
    };
    let mut eligible = 0;
    if shelf.len() > wish.count {
        eligible = shelf.iter().filter(admits).count();
    }
    let mut wanted = wish.count;
    for record in shelf.iter().filter(admits) {
        if wanted == 0 {
            return;
        }
        // Selection sampling: the next is taken with the chance of those still wanted among those still to come.
        if eligible <= wanted || rng.random_range(0..eligible) < wanted {
            record.tell(reply);
            wanted -= 1;
        }
        eligible = eligible.saturating_sub(1);
    }
}
