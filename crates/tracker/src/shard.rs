//! One of 1,024 parts of the tracker, behind one lock: its torrents, what they count, and all decisions about a peer.
//! Takes no lock itself; `tracker.rs` does. Listing is in `registry.rs`, forgetting in `sweep.rs`.

use std::collections::BTreeMap;

use rand::Rng;
use shoal_torrent::SwarmKey;

use crate::address::Reach;
use crate::departed::Departed;
use crate::exchange::Room;
use crate::house::House;
use crate::mix::Spot;
use crate::pass::PassHash;
use crate::peer::{Kind, Meta, Peer, Way};
use crate::reply::{AnnounceReply, Counts, Warning};
use crate::request::{AnnounceRequest, Event, Families, Refusal};
use crate::settings::Mode;
use crate::swarm::{Members, Swarm, Wish};
use crate::time::{Seconds, Tick};
use crate::torrents::{Holding, Ledger, Listing, Torrent, Torrents};

/// Where a torrent is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) spot: Spot,
    pub(crate) key: SwarmKey,
}

/// How a question to a shard ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<T> {
    Done(T),
    /// The key is the second one of a hybrid; its swarm is under this one.
    Elsewhere(SwarmKey),
}

/// Where the torrent of an announce stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    At(usize),
    /// The key is the second one of a hybrid; its swarm is under this one.
    Elsewhere(SwarmKey),
    /// It is not there; whoever asks is answered this.
    Nowhere(Result<(), Refusal>),
}

/// An announce, prepared before the lock is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) house: &'a House,
    pub(crate) request: &'a AnnounceRequest,
    pub(crate) peer: Peer,
    pub(crate) kind: Kind,
    pub(crate) reach: Reach,
    /// Peers wanted, within the limit.
    pub(crate) count: usize,
    pub(crate) now: Tick,
    pub(crate) seen: Seconds,
    /// The valid personal key with which it came.
    pub(crate) pass: Option<PassHash>,
}

impl Ask<'_> {
    /// Whether others could be told of this peer.
    fn has_place(&self) -> bool {
        self.request.port != 0 && self.reach != Reach::Never
    }

    fn comes(&self) -> bool {
        self.has_place() && self.request.event != Event::Stopped
    }

    fn goes(&self) -> bool {
        self.has_place() && self.request.event == Event::Stopped
    }

    pub(crate) fn completes(&self) -> bool {
        self.request.event == Event::Completed && self.kind == Kind::Seeder
    }

    /// By which hash the client asks for what is kept under a key.
    pub(crate) fn way(&self, kept_under: &SwarmKey) -> Way {
        if self.request.key == *kept_under {
            Way::First
        } else {
            Way::Second
        }
    }
}

/// What each request looks at stands first, on one cache line with the lock.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) torrents: Torrents,
    /// All peers of this shard.
    pub(crate) members: Members,
    /// Swarms that are not empty.
    pub(crate) swarms: u32,
    /// Completed downloads of listed torrents that were not taken yet, a row for each torrent.
    pub(crate) completions: Vec<(SwarmKey, u64)>,
    pub(crate) departed: Departed,
    /// The guests of torrents that have any, under the key of the swarm.
    pub(crate) rooms: BTreeMap<SwarmKey, Room>,
    pub(crate) completed: u64,
}

impl Shard {
    pub(crate) fn announce(
        &mut self,
        place: Place,
        ask: &Ask<'_>,
        rng: &mut impl Rng,
        reply: &mut AnnounceReply,
    ) -> Step<Result<(), Refusal>> {
        let at = match self.locate(place, ask, ask.comes()) {
            Found::At(at) => at,
            Found::Elsewhere(primary) => return Step::Elsewhere(primary),
            Found::Nowhere(answer) => return Step::Done(answer),
        };
        if ask.comes() {
            reply.warning = self.enter(at, place, ask);
        } else if ask.goes() {
            self.leave(at, place.spot, ask);
        }
        self.answer(at, ask, rng, reply);
        Step::Done(Ok(()))
    }

    /// Finds the torrent of an announce, which begins with whoever `comes` first if it may.
    pub(crate) fn locate(&mut self, place: Place, ask: &Ask<'_>, comes: bool) -> Found {
        let found = match self.find_served(place, ask.house, ask.pass.is_some()) {
            Ok(None) if comes => self.create(place, ask.house).map(Some),
            found => found,
        };
        match found {
            Ok(Some(at)) => self.alias_at(at).map_or(Found::At(at), Found::Elsewhere),
            Ok(None) => Found::Nowhere(Ok(())),
            Err(refusal) => Found::Nowhere(Err(refusal)),
        }
    }

    /// The first key of the hybrid whose second one stands at a place.
    pub(crate) fn alias_at(&self, at: usize) -> Option<SwarmKey> {
        match self.torrents.get(at)?.holding {
            Holding::Alias(primary) => Some(primary),
            Holding::Swarm(_) => None,
        }
    }

    /// Finds what is served under a key. `None` if the tracker is open and does not know the key yet.
    fn find_served(&self, place: Place, house: &House, has_pass: bool) -> Result<Option<usize>, Refusal> {
        let found = self.torrents.find(place.spot, &place.key);
        let ledger = found
            .and_then(|at| self.torrents.get(at))
            .map(|torrent| torrent.ledger);
        match (ledger.map(Ledger::listing), house.settings.mode) {
            (Some(Listing::Forbidden), _) => Err(Refusal::Forbidden),
            _ if !has_pass && ledger.is_some_and(Ledger::is_private) => Err(Refusal::Private),
            (Some(Listing::Listed), _) | (_, Mode::Open) => Ok(found),
            _ => Err(Refusal::NotListed),
        }
    }

    /// Begins an unlisted swarm.
    fn create(&mut self, place: Place, house: &House) -> Result<usize, Refusal> {
        if !house.has_room_for_torrent() {
            return Err(Refusal::Full);
        }
        Ok(self.begin(place.key, house.unseen_stamp(), house))
    }

    /// Puts in an entry that says nothing yet.
    pub(crate) fn begin(&mut self, key: SwarmKey, stamp: bool, house: &House) -> usize {
        house.count_unlisted(1);
        self.torrents
            .insert(Torrent::new(key, Listing::Unlisted, stamp), &house.mixer)
    }

    /// Stores the peer or brings it up to date.
    fn enter(&mut self, at: usize, place: Place, ask: &Ask<'_>) -> Option<Warning> {
        let house = ask.house;
        let swarm = swarm_at(&mut self.torrents, at)?;
        let meta = Meta::new(ask.kind, ask.now).by(ask.way(&place.key));
        let peer = ask.peer.with(if ask.completes() { meta.counted() } else { meta });
        let old = swarm.renew(&peer, &house.mixer);
        if let Some(old) = old {
            self.members.leave(old.kind(), peer.is_four());
        } else if swarm.len() >= house.settings.max_peers_per_torrent as usize
            || !house.has_room_for_peer()
            || (ask.kind != Kind::Leecher && house.has_enough(swarm))
        {
            return Some(Warning::Full);
        } else if house.is_crowded(swarm, &peer) {
            return Some(Warning::TooManyFromAddress);
        } else {
            self.swarms += u32::from(swarm.len() == 0);
            swarm.insert(&peer, &house.mixer);
            house.count_peers(1);
        }
        self.members.enter(ask.kind, peer.is_four());
        let is_first = old.is_none_or(|old| old.kind() != Kind::Seeder && !old.is_counted());
        if ask.completes() && is_first && !self.departed.contains(peer.fingerprint(place.spot, &house.mixer))
        {
            self.count_completion(at);
        }
        None
    }

    /// Takes the peer out.
    fn leave(&mut self, at: usize, spot: Spot, ask: &Ask<'_>) {
        let Some(swarm) = swarm_at(&mut self.torrents, at) else {
            return;
        };
        let Some(old) = swarm.remove(&ask.peer, &ask.house.mixer) else {
            return;
        };
        self.swarms -= u32::from(swarm.len() == 0);
        self.members.leave(old.kind(), ask.peer.is_four());
        ask.house.count_peers(-1);
        if old.is_counted() {
            self.departed
                .remember(ask.peer.fingerprint(spot, &ask.house.mixer));
        }
    }

    pub(crate) fn count_completion(&mut self, at: usize) {
        let Some(torrent) = self.torrents.get_mut(at) else {
            return;
        };
        torrent
            .ledger
            .set_completed(u64::from(torrent.ledger.completed()) + 1);
        self.completed += 1;
        if torrent.ledger.listing() == Listing::Listed {
            let key = torrent.key;
            self.add_completions(key, 1);
        }
    }

    /// Keeps completed downloads until they are taken.
    pub(crate) fn add_completions(&mut self, key: SwarmKey, count: u64) {
        match self.completions.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known += count,
            None => self.completions.push((key, count)),
        }
    }

    fn answer(&self, at: usize, ask: &Ask<'_>, rng: &mut impl Rng, reply: &mut AnnounceReply) {
        let Some(torrent) = self.torrents.get(at) else {
            return;
        };
        let Holding::Swarm(swarm) = &torrent.holding else {
            return;
        };
        reply.counts = self.counts_of(torrent, swarm);
        if ask.request.event == Event::Stopped {
            return;
        }
        let both = ask.request.families == Families::Both;
        let wish = Wish {
            peer: &ask.peer,
            stored: ask.comes() && reply.warning.is_none(),
            count: ask.count,
            sources: ask.kind == Kind::Leecher,
            four: both || ask.peer.is_four(),
            six: both || !ask.peer.is_four(),
            reach: ask.reach,
            way: ask.way(&torrent.key),
        };
        swarm.draw(&wish, rng, reply);
    }

    /// What the swarm of a key counts, `None` if it is not served.
    pub(crate) fn counts(&self, place: Place, house: &House, has_pass: bool) -> Step<Option<Counts>> {
        let found = self.find_served(place, house, has_pass).ok().flatten();
        match found.and_then(|at| self.alias_at(at)) {
            Some(primary) => Step::Elsewhere(primary),
            None => Step::Done(found.and_then(|at| self.counts_at(at))),
        }
    }

    /// What the swarm at a place of the table counts, guests too; `None` for an alias.
    pub(crate) fn counts_at(&self, at: usize) -> Option<Counts> {
        let torrent = self.torrents.get(at)?;
        match &torrent.holding {
            Holding::Swarm(swarm) => Some(self.counts_of(torrent, swarm)),
            Holding::Alias(_) => None,
        }
    }

    fn counts_of(&self, torrent: &Torrent, swarm: &Swarm) -> Counts {
        let mut members = swarm.members();
        if torrent.ledger.has_room() {
            let room = self.rooms.get(&torrent.key);
            members += room.map(Room::members).unwrap_or_default();
        }
        counts(&members, torrent.ledger.completed())
    }

    /// How many peers have an address in the swarm at a place of the table.
    pub(crate) fn peers_at(&self, at: usize) -> usize {
        match self.torrents.get(at).map(|torrent| &torrent.holding) {
            Some(Holding::Swarm(swarm)) => swarm.len(),
            _ => 0,
        }
    }

    /// Puts in a peer that was known before, from a snapshot or another swarm. False if it may not be, or is there.
    pub(crate) fn adopt(&mut self, place: Place, peer: &Peer, house: &House) -> Step<bool> {
        let at = match self.find_served(place, house, true) {
            Ok(Some(at)) => Ok(at),
            Ok(None) => self.create(place, house),
            Err(refusal) => Err(refusal),
        };
        let Ok(at) = at else { return Step::Done(false) };
        let swarm = match self.torrents.get_mut(at).map(|torrent| &mut torrent.holding) {
            Some(Holding::Swarm(swarm)) => swarm,
            Some(Holding::Alias(primary)) => return Step::Elsewhere(*primary),
            None => return Step::Done(false),
        };
        let is_full =
            swarm.len() >= house.settings.max_peers_per_torrent as usize || !house.has_room_for_peer();
        if is_full || swarm.contains(peer, &house.mixer) {
            return Step::Done(false);
        }
        self.swarms += u32::from(swarm.len() == 0);
        swarm.insert(peer, &house.mixer);
        self.members.enter(peer.meta().kind(), peer.is_four());
        house.count_peers(1);
        Step::Done(true)
    }
}

/// The swarm at a place of the table, unless that is free or an alias.
pub(crate) fn swarm_at(torrents: &mut Torrents, at: usize) -> Option<&mut Swarm> {
    match torrents.get_mut(at) {
        Some(Torrent {
            holding: Holding::Swarm(swarm),
            ..
        }) => Some(swarm),
        _ => None,
    }
}

fn counts(members: &Members, completed: u32) -> Counts {
    let incomplete = members.leechers + members.partial_seeds;
    Counts {
        complete: members.seeders,
        incomplete,
        downloaders: members.leechers,
        completed,
    }
}
