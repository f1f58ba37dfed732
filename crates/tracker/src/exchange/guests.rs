//! What the tracker decides about guests: the same as about other peers, in the same shard under the same lock. Only what
//! differs is here: they stand in a room beside the swarm, live as long as their socket, and are handed offers instead of
//! addresses. Next in the flow: `room.rs`.

use std::net::IpAddr;

use rand::Rng;
use shoal_torrent::SwarmKey;

use super::SocketId;
use super::room::{Guest, Handed, Room, Round, Word};
use crate::house::House;
use crate::mix::Spot;
use crate::peer::{Kind, Meta, Peer6, Record};
use crate::reply::{AnnounceReply, Warning};
use crate::request::{AnnounceRequest, Caller, Event, Refusal};
use crate::shard::{Ask, Found, Place, Shard, Step};
use crate::tracker::Tracker;
use crate::wire::websocket::Id;

/// What tells guests of one address apart in the memory of who has left: nothing, since they name themselves.
const ANY_GUEST: u64 = u64::MAX;

/// An announce over a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) caller: Caller,
    pub(crate) request: &'a AnnounceRequest,
    pub(crate) socket: SocketId,
    /// The names of the offers that come with it, as many as are wanted.
    pub(crate) offers: &'a [Id],
}

/// What a guest is answered.
#[derive(Debug, Default)]
pub(crate) struct Welcome {
    pub(crate) reply: AnnounceReply,
    /// The key under which it stands now, if it does.
    pub(crate) home: Option<SwarmKey>,
    pub(crate) handed: Vec<Handed>,
}

impl Tracker {
    /// Takes a guest in, brings it up to date or takes it out, and hands its offers to others.
    ///
    /// # Errors
    /// As for any announce; also when the socket is in the swarm by another name.
    pub(crate) fn welcome(
        &self,
        visit: &Visit<'_>,
        rng: &mut impl Rng,
        welcome: &mut Welcome,
    ) -> Result<(), Refusal> {
        let ask = self.ask(visit.caller, visit.request, &mut welcome.reply)?;
        self.follow(visit.request.key, |shard, place| {
            shard.welcome(place, (&ask, visit), rng, welcome)
        })
        .unwrap_or(Ok(()))?;
        self.complete(&ask, rng, &mut welcome.reply);
        // Others are met only by announcing, and that costs little on a socket that is open anyway.
        let interval = welcome.reply.interval / 8;
        welcome.reply.interval = interval.max(welcome.reply.min_interval);
        Ok(())
    }

    /// To whom an answer to an offer goes, and by which hash that guest knows the torrent.
    pub(crate) fn answer(&self, key: SwarmKey, word: &Word) -> Option<(SocketId, SwarmKey)> {
        self.follow(key, |shard, place| {
            shard.in_room(place, |room| room?.answer(word))
        })
        .flatten()
    }

    /// Whether a socket is in a swarm.
    pub(crate) fn has_guest(&self, home: SwarmKey, socket: SocketId) -> bool {
        let look = |room: Option<&mut Room>| room.is_some_and(|room| room.get(socket).is_some());
        self.follow(home, |shard, place| shard.in_room(place, look))
            .unwrap_or(false)
    }

    /// Takes a guest out whose socket is closed.
    pub(crate) fn part(&self, home: SwarmKey, socket: SocketId, ip: IpAddr) {
        let group = Peer6::new(ip.to_canonical(), 0, Meta::default()).group();
        self.follow(home, |shard, place| {
            let at = shard.torrents.find(place.spot, &place.key);
            if let Some(primary) = at.and_then(|at| shard.alias_at(at)) {
                return Step::Elsewhere(primary);
            }
            if let Some(at) = at {
                shard.see_off(at, (place.spot, group), socket, &self.house);
            }
            Step::Done(())
        });
    }
}

impl Shard {
    fn welcome(
        &mut self,
        place: Place,
        (ask, visit): (&Ask<'_>, &Visit<'_>),
        rng: &mut impl Rng,
        welcome: &mut Welcome,
    ) -> Step<Result<(), Refusal>> {
        let goes = ask.request.event == Event::Stopped;
        let at = match self.locate(place, ask, !goes) {
            Found::At(at) => at,
            Found::Elsewhere(primary) => return Step::Elsewhere(primary),
            Found::Nowhere(answer) => return Step::Done(answer),
        };
        if goes {
            let group = ask.peer.six.group();
            self.see_off(at, (place.spot, group), visit.socket, ask.house);
        } else {
            match self.seat(at, place, ask, visit.socket) {
                Ok(warning) => welcome.reply.warning = warning,
                Err(refusal) => return Step::Done(Err(refusal)),
            }
            if welcome.reply.warning.is_none() {
                welcome.home = Some(place.key);
                let round = Round {
                    from: visit.socket,
                    offers: visit.offers,
                    now: visit.caller.now,
                    timeout: ask.house.timeout(0),
                };
                if let Some(room) = self.rooms.get_mut(&place.key) {
                    room.hand_out(round, rng, &mut welcome.handed);
                }
            }
        }
        welcome.reply.counts = self.counts_at(at).unwrap_or_default();
        Step::Done(Ok(()))
    }

    /// Takes a guest in or brings it up to date.
    fn seat(
        &mut self,
        at: usize,
        place: Place,
        ask: &Ask<'_>,
        socket: SocketId,
    ) -> Result<Option<Warning>, Refusal> {
        let (house, group) = (ask.house, ask.peer.six.group());
        let room = self.rooms.get(&place.key);
        let known = room.and_then(|room| room.get(socket));
        if known.is_some_and(|known| known.peer_id != ask.request.peer_id) {
            return Err(Refusal::Malformed(
                "this socket is in this swarm with another peer_id: stop that one first",
            ));
        }
        let most = house.settings.max_peers_per_torrent as usize;
        if known.is_none() {
            let peers = self.peers_at(at) + room.map_or(0, Room::len);
            if peers >= most || !house.has_room_for_peer() {
                return Ok(Some(Warning::Full));
            }
            house.count_peers(1);
        }
        let meta = Meta::new(ask.kind, ask.now);
        let meta = if ask.completes() { meta.counted() } else { meta };
        let guest = Guest::new(socket, ask.request.peer_id, ask.request.key, meta);
        let old = self.rooms.entry(place.key).or_default().enter(guest);
        if let Some(torrent) = self.torrents.get_mut(at) {
            torrent.ledger.set_room(true);
        }
        let is_first = old.is_none_or(|old| old.kind() != Kind::Seeder && !old.is_counted());
        let departed = house.mixer.fingerprint(place.spot, group, ANY_GUEST);
        if ask.completes() && is_first && !self.departed.contains(departed) {
            self.count_completion(at);
        }
        Ok(None)
    }

    /// Takes a guest out, and the room with the last one.
    fn see_off(&mut self, at: usize, who: (Spot, u64), socket: SocketId, house: &House) {
        let Some(torrent) = self.torrents.get_mut(at) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&torrent.key) else {
            return;
        };
        let Some(old) = room.leave(socket) else { return };
        house.count_peers(-1);
        if room.len() == 0 {
            torrent.ledger.set_room(false);
            self.rooms.remove(&torrent.key);
        }
        if old.is_counted() {
            let (spot, group) = who;
            self.departed
                .remember(house.mixer.fingerprint(spot, group, ANY_GUEST));
        }
    }

    /// Whether all peers of a torrent are guests.
    pub(crate) fn has_guests_only(&self, house: &House, key: &SwarmKey) -> bool {
        let at = self.torrents.find(house.mixer.spot(key), key);
        at.is_some_and(|at| self.peers_at(at) == 0)
    }

    /// Looks into the room of a torrent, if there is one.
    fn in_room<T>(&mut self, place: Place, look: impl FnOnce(Option<&mut Room>) -> T) -> Step<T> {
        let at = self.torrents.find(place.spot, &place.key);
        match at.and_then(|at| self.alias_at(at)) {
            Some(primary) => Step::Elsewhere(primary),
            None => Step::Done(look(self.rooms.get_mut(&place.key))),
        }
    }
}
