//! The guests of one torrent, each known by its socket, and the offers that each was handed and has not answered. Knows no
//! listing and no limit of the tracker; `guests.rs` does.

use rand::Rng;
use rand::seq::index;
use shoal_torrent::SwarmKey;

use super::SocketId;
use crate::peer::Meta;
use crate::swarm::Members;
use crate::time::{Seconds, Tick};
use crate::wire::websocket::Id;

/// Offers that one guest may still answer in one torrent; the oldest is forgotten for a new one.
const MOST_OPEN: usize = 64;

/// Those among them that came from one and the same guest.
const MOST_OF_ONE: usize = 4;

/// Seconds for which an offer can be answered. Clients wait for 50.
const PATIENCE: u32 = 120;

/// A peer with a socket.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) socket: SocketId,
    pub(crate) peer_id: Id,
    /// The hash by which it knows the torrent: of a hybrid, either.
    pub(crate) key: SwarmKey,
    pub(crate) meta: Meta,
    open: Vec<Open>,
}

/// An offer that was handed to a guest.
#[derive(Debug)]
struct Open {
    from: SocketId,
    id: Id,
    since: Seconds,
}

/// What a guest offers to the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round<'a> {
    pub(crate) from: SocketId,
    pub(crate) offers: &'a [Id],
    pub(crate) now: Seconds,
    /// How many ticks a guest may have been silent that is handed an offer.
    pub(crate) timeout: u16,
}

/// Which offer goes to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) to: SocketId,
    /// The hash by which that guest knows the torrent.
    pub(crate) key: SwarmKey,
    /// The place among the offers.
    pub(crate) offer: usize,
}

/// What a guest answers, without what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) from: SocketId,
    pub(crate) peer_id: Id,
    pub(crate) to: Id,
    pub(crate) offer_id: Id,
    pub(crate) now: Seconds,
}

#[derive(Debug, Default)]
pub(crate) struct Room {
    /// In the order of their sockets.
    guests: Vec<Guest>,
    members: Members,
}

impl Guest {
    pub(crate) fn new(socket: SocketId, peer_id: Id, key: SwarmKey, meta: Meta) -> Self {
        Self {
            socket,
            peer_id,
            key,
            meta,
            open: Vec::new(),
        }
    }

    fn keep(&mut self, offer: Open) {
        let now = offer.since;
        self.open.retain(|open| is_fresh(open, now));
        let of_one = |open: &Open| open.from == offer.from;
        if self.open.iter().filter(|open| of_one(open)).count() >= MOST_OF_ONE
            && let Some(at) = self.open.iter().position(of_one)
        {
            self.open.remove(at);
        }
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push(offer);
    }
}

impl Room {
    pub(crate) fn len(&self) -> usize {
        self.guests.len()
    }

    pub(crate) fn members(&self) -> Members {
        self.members
    }

    pub(crate) fn get(&self, socket: SocketId) -> Option<&Guest> {
        self.guests.get(self.position(socket).ok()?)
    }

    /// Takes a guest in, or brings one up to date that is there, and says what that was.
    pub(crate) fn enter(&mut self, guest: Guest) -> Option<Meta> {
        self.members.enter(guest.meta.kind(), true);
        match self.position(guest.socket) {
            Ok(at) => {
                let known = &mut self.guests[at];
                let old = known.meta;
                known.meta = guest.meta.succeeding(old);
                known.key = guest.key;
                self.members.leave(old.kind(), true);
                Some(old)
            }
            Err(at) => {
                self.guests.insert(at, guest);
                None
            }
        }
    }

    /// Takes a guest out, and says what it was.
    pub(crate) fn leave(&mut self, socket: SocketId) -> Option<Meta> {
        let gone = self.guests.remove(self.position(socket).ok()?);
        self.members.leave(gone.meta.kind(), true);
        if self.guests.len() * 2 + 4 < self.guests.capacity() {
            self.guests.shrink_to(self.guests.len() + 2);
        }
        Some(gone.meta)
    }

    /// Hands each offer to another guest, drawn at random, as long as there are any: never to the guest itself, nor to a
    /// socket that bears its name, nor to one that has long not announced, and from one that only gives to those that
    /// download.
    pub(crate) fn hand_out(&mut self, round: Round<'_>, rng: &mut impl Rng, out: &mut Vec<Handed>) {
        let Ok(own) = self.position(round.from) else {
            return;
        };
        let now = Tick::of(round.now);
        let (peer_id, gives) = (self.guests[own].peer_id, self.guests[own].meta.is_source());
        // Whoever may not have an offer must not make one announce walk through a whole room.
        let looks = self.guests.len().min(8 * round.offers.len() + 64);
        let mut offers = round.offers.iter().enumerate().peekable();
        for at in index::sample(rng, self.guests.len(), looks) {
            if offers.peek().is_none() {
                return;
            }
            let other = &mut self.guests[at];
            let is_silent = other.meta.seen().age(now) > round.timeout;
            if at == own || is_silent || other.peer_id == peer_id || (gives && other.meta.is_source()) {
                continue;
            }
            let Some((offer, id)) = offers.next() else { return };
            other.keep(Open {
                from: round.from,
                id: *id,
                since: round.now,
            });
            out.push(Handed {
                to: other.socket,
                key: other.key,
                offer,
            });
        }
    }

    /// To whom an answer goes: whose offer was handed to the one that answers, bears the name that is answered, and is
    /// still there. An offer is answered once.
    pub(crate) fn answer(&mut self, word: &Word) -> Option<(SocketId, SwarmKey)> {
        let own = self.position(word.from).ok()?;
        let guest = &self.guests[own];
        let offerer = |open: &Open| self.get(open.from).filter(|offerer| offerer.peer_id == word.to);
        let at = guest.open.iter().position(|open| {
            open.id == word.offer_id && is_fresh(open, word.now) && offerer(open).is_some()
        })?;
        let to = offerer(&guest.open[at]).filter(|_| guest.peer_id == word.peer_id)?;
        let to = (to.socket, to.key);
        self.guests[own].open.remove(at);
        if self.guests[own].open.is_empty() {
            self.guests[own].open = Vec::new();
        }
        Some(to)
    }

    fn position(&self, socket: SocketId) -> Result<usize, usize> {
        self.guests.binary_search_by_key(&socket, |guest| guest.socket)
    }
}

fn is_fresh(open: &Open, now: Seconds) -> bool {
    now.0 < open.since.0.saturating_add(PATIENCE)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;
    use crate::peer::Kind;

    const KEY: SwarmKey = SwarmKey::new([7; 20]);

    fn room(kinds: &[Kind]) -> Room {
        let mut room = Room::default();
        for (n, kind) in kinds.iter().enumerate() {
            let meta = Meta::new(*kind, Tick::default());
            room.enter(Guest::new(SocketId(n as u64), [n as u8; 20], KEY, meta));
        }
        room
    }

    fn hand_out(room: &mut Room, from: u64, offers: &[Id], now: u32) -> Vec<Handed> {
        let mut handed = Vec::new();
        let round = Round {
            from: SocketId(from),
            offers,
            now: Seconds(now),
            timeout: 100,
        };
        room.hand_out(round, &mut SmallRng::seed_from_u64(3), &mut handed);
        handed
    }

    fn answer(room: &mut Room, from: u64, to: u8, offer: Id, now: u32) -> Option<SocketId> {
        let word = Word {
            from: SocketId(from),
            peer_id: [from as u8; 20],
            to: [to; 20],
            offer_id: offer,
            now: Seconds(now),
        };
        room.answer(&word).map(|(socket, _)| socket)
    }

    #[test]
    fn offers_go_to_others_each_to_one() {
        let mut all = room(&[Kind::Leecher; 5]);
        let handed = hand_out(&mut all, 2, &[[1; 20], [2; 20], [3; 20]], 0);
        let mut to: Vec<_> = handed.iter().map(|handed| handed.to.0).collect();
        to.sort_unstable();
        to.dedup();
        assert!(to.len() == 3 && !to.contains(&2));
        assert_eq!(hand_out(&mut all, 2, &[[9; 20]; 16], 0).len(), 4);
        assert!(hand_out(&mut all, 9, &[[9; 20]], 0).is_empty(), "it is not there");
    }

    #[test]
    fn seeders_offer_to_leechers_only() {
        let mut all = room(&[Kind::Seeder, Kind::Seeder, Kind::PartialSeed, Kind::Leecher]);
        let to_whom = |handed: Vec<Handed>| handed.iter().map(|handed| handed.to.0).collect::<Vec<_>>();
        assert_eq!(to_whom(hand_out(&mut all, 0, &[[1; 20]; 9], 0)), [3]);
        assert_eq!(to_whom(hand_out(&mut all, 2, &[[1; 20]; 9], 0)), [3]);
        assert_eq!(hand_out(&mut all, 3, &[[1; 20]; 9], 0).len(), 3);
    }

    #[test]
    fn an_answer_goes_once_to_whose_offer_it_was() {
        let mut two = room(&[Kind::Leecher; 2]);
        let offer = [5; 20];
        assert_eq!(hand_out(&mut two, 0, &[offer], 10).len(), 1);
        assert_eq!(answer(&mut two, 1, 0, [6; 20], 10), None, "no such offer");
        assert_eq!(
            answer(&mut two, 1, 1, offer, 10),
            None,
            "not the offer of that one"
        );
        assert_eq!(
            answer(&mut two, 0, 1, offer, 10),
            None,
            "it was not handed to that one"
        );
        assert_eq!(answer(&mut two, 1, 0, offer, 129), Some(SocketId(0)));
        assert_eq!(answer(&mut two, 1, 0, offer, 129), None, "answered before");
        hand_out(&mut two, 0, &[offer], 10);
        assert_eq!(answer(&mut two, 1, 0, offer, 130), None, "too late");
        hand_out(&mut two, 0, &[offer], 200);
        two.leave(SocketId(0));
        assert_eq!(answer(&mut two, 1, 0, offer, 200), None, "gone");
    }

    #[test]
    fn what_is_kept_for_an_answer_is_bounded() {
        let mut all = room(&[Kind::Leecher; 200]);
        for from in 1..200 {
            for _ in 0..20 {
                hand_out(&mut all, from, &[[from as u8; 20]; 16], 0);
            }
        }
        assert!(all.guests.iter().all(|guest| guest.open.len() <= MOST_OPEN));
        let mut two = room(&[Kind::Leecher; 2]);
        (0..50).for_each(|n| drop(hand_out(&mut two, 0, &[[n; 20]], 0)));
        assert_eq!(two.guests[1].open.len(), MOST_OF_ONE);
    }

    #[test]
    fn sockets_of_one_name_are_two_guests_that_are_not_introduced() {
        let mut room = room(&[Kind::Leecher; 1]);
        let meta = Meta::new(Kind::Leecher, Tick::default());
        room.enter(Guest::new(SocketId(9), [0; 20], KEY, meta));
        assert_eq!((room.len(), room.members().leechers), (2, 2));
        assert!(hand_out(&mut room, 9, &[[1; 20]], 0).is_empty());
        let seeder = Meta::new(Kind::Seeder, Tick::default());
        let old = room.enter(Guest::new(SocketId(9), [0; 20], KEY, seeder));
        assert_eq!(old.map(Meta::kind), Some(Kind::Leecher));
        assert_eq!((room.len(), room.members().seeders), (2, 1));
        assert!(room.leave(SocketId(9)).is_some() && room.leave(SocketId(9)).is_none());
        assert_eq!(room.members().all(), 1);
    }
}
