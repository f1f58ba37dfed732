//! The tracker: 1,024 shards, each behind a lock of its own. Takes time and randomness as arguments and does no I/O. A
//! request is worked on in `shard.rs`; listing is in `registry.rs`, forgetting in `sweep.rs`, restarts in `snapshot.rs`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::{Mutex, MutexGuard};
use rand::Rng;
use shoal_torrent::{SwarmKey, SwarmKeys};

use crate::address::Reach;
use crate::figures::Tally;
use crate::foresight::Chart;
use crate::ground::Ground;
use crate::house::{House, Padded};
use crate::mix::SHARD_BITS;
use crate::pass::{Pass, PassHash};
use crate::passes::{PassUse, Passes};
use crate::peer::{Kind, Meta, Peer};
use crate::registry::Registry;
use crate::reply::{AnnounceReply, Counts, Scraped};
use crate::request::{AnnounceRequest, Caller, Event, Refusal};
use crate::settings::{Mode, Settings};
use crate::shard::{Ask, Place, Shard, Step};
use crate::sweep::Cursor;
use crate::time::{Seconds, Tick};

/// More than this is no amount of data but the word of some client for “unknown”.
const UNKNOWN_LEFT: u64 = i64::MAX as u64;

/// All swarms and what is listed. Shared by all threads; no call waits for more than one shard at a time.
#[derive(Debug)]
pub struct Tracker {
    pub(crate) house: House,
    pub(crate) shards: Box<[Padded<Mutex<Shard>>]>,
    pub(crate) charts: Box<[Chart]>,
    pub(crate) registry: Registry,
    pub(crate) passes: Passes,
    pub(crate) cursor: Mutex<Cursor>,
    pub(crate) ground: Mutex<Ground>,
    pub(crate) tallies: Mutex<Vec<Arc<Tally>>>,
}

/// What the tracker counts in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Torrents that are known: listed, forbidden, or unlisted with peers. The second key of a hybrid counts too.
    pub known: u64,
    /// Those of them that are neither listed nor forbidden.
    pub unlisted: u64,
    /// Torrents that have a peer.
    pub torrents: u64,
    /// IPv4 peers.
    pub peers4: u64,
    /// IPv6 peers.
    pub peers6: u64,
    /// Peers that speak WebRTC.
    pub guests: u64,
    /// Peers of all sorts that have everything.
    pub seeders: u64,
    /// Those that do not, partial seeds left out.
    pub leechers: u64,
    /// Those that have all they want, though not all there is (BEP 21).
    pub partial_seeds: u64,
    /// Downloads completed since the start.
    pub completed: u64,
}

impl Tracker {
    /// A tracker without torrents.
    pub fn new(settings: Settings) -> Self {
        Self {
            house: House::new(settings),
            shards: (0..1 << SHARD_BITS).map(|_| Padded::default()).collect(),
            charts: (0..1 << SHARD_BITS).map(|_| Chart::default()).collect(),
            registry: Registry::default(),
            passes: Passes::default(),
            cursor: Mutex::default(),
            ground: Mutex::default(),
            tallies: Mutex::default(),
        }
    }

    /// Stores, renews or removes the client and fills the reply with peers for it, never itself.
    ///
    /// # Errors
    /// The torrent or the client is not served, not without a valid key, no more are taken, or the client asks too often;
    /// to be answered with the reason (BEP 3).
    pub fn announce(
        &self,
        caller: Caller,
        request: &AnnounceRequest,
        rng: &mut impl Rng,
        reply: &mut AnnounceReply,
    ) -> Result<(), Refusal> {
        let ask = self.ask(caller, request, reply)?;
        self.follow(request.key, |shard, place| {
            shard.announce(place, &ask, rng, reply)
        })
        .unwrap_or(Ok(()))?;
        self.complete(&ask, rng, reply);
        Ok(())
    }

    /// Looks at an announce before any shard is asked, and empties the reply.
    ///
    /// # Errors
    /// Whoever asks is refused, whatever the shard would say.
    pub(crate) fn ask<'a>(
        &'a self,
        caller: Caller,
        request: &'a AnnounceRequest,
        reply: &mut AnnounceReply,
    ) -> Result<Ask<'a>, Refusal> {
        reply.clear();
        if self.house.settings.mode == Mode::Closed {
            return Err(Refusal::Closed);
        }
        self.admit_announce(caller)?;
        if !self.house.settings.clients.admit(&request.peer_id) {
            return Err(Refusal::ClientDenied);
        }
        let pass = self.find_pass(request.pass)?;
        let settings = &self.house.settings;
        let ip = caller.source.to_canonical();
        reply.external_ip = ip;
        let (kind, now) = (kind(request), Tick::of(caller.now));
        Ok(Ask {
            house: &self.house,
            request,
            peer: Peer::new(ip, request.port, Meta::new(kind, now)),
            kind,
            reach: Reach::of(ip),
            count: request
                .numwant
                .unwrap_or(settings.default_numwant)
                .min(settings.max_numwant) as usize,
            now,
            seen: caller.now,
            pass,
        })
    }

    /// Adds to a reply what does not depend on the shard, and notes what a personal key was used for.
    pub(crate) fn complete(&self, ask: &Ask<'_>, rng: &mut impl Rng, reply: &mut AnnounceReply) {
        let request = ask.request;
        if let Some(pass) = ask.pass {
            self.passes.note(PassUse {
                pass,
                torrent: request.key,
                seeding: ask.kind == Kind::Seeder && request.event != Event::Stopped,
                seen: ask.seen,
            });
        }
        reply.compact = request.compact;
        reply.min_interval = self.house.settings.min_interval;
        reply.interval = self.interval(&reply.counts, ask.seen, rng);
    }

    /// What the swarms of up to `Settings::max_scrape` keys count. A torrent that is not served has no counts, nor has
    /// a private one.
    ///
    /// # Errors
    /// No key is named, the tracker is closed, or the caller asks too often.
    pub fn scrape(&self, caller: Caller, keys: &[SwarmKey], reply: &mut Vec<Scraped>) -> Result<(), Refusal> {
        self.scrape_as(caller, None, keys, reply)
    }

    /// As `scrape`, for a client with a personal key, to which private torrents have counts too.
    ///
    /// # Errors
    /// The personal key is not valid; as `scrape`.
    pub fn scrape_as(
        &self,
        caller: Caller,
        pass: Option<Pass>,
        keys: &[SwarmKey],
        reply: &mut Vec<Scraped>,
    ) -> Result<(), Refusal> {
        reply.clear();
        if keys.is_empty() {
            return Err(Refusal::FullScrape);
        }
        if self.house.settings.mode == Mode::Closed {
            return Err(Refusal::Closed);
        }
        self.admit_scrape(caller, keys.len())?;
        let has_pass = self.find_pass(pass)?.is_some();
        reply.extend(
            keys.iter()
                .take(self.house.settings.max_scrape as usize)
                .map(|key| Scraped {
                    key: *key,
                    counts: self
                        .follow(*key, |shard, place| shard.counts(place, &self.house, has_pass))
                        .flatten(),
                }),
        );
        Ok(())
    }

    /// What the swarm of a torrent counts, a private one's too; nothing if it is not served.
    pub fn counts(&self, keys: SwarmKeys) -> Counts {
        self.follow(keys.primary, |shard, place| {
            shard.counts(place, &self.house, true)
        })
        .flatten()
        .unwrap_or_default()
    }

    /// Completed downloads of listed torrents since the last call, to be added to what is stored.
    pub fn take_completions(&self) -> Vec<(SwarmKey, u64)> {
        self.shards
            .iter()
            .flat_map(|shard| std::mem::take(&mut shard.0.lock().completions))
            .collect()
    }

    /// Gives back completed downloads that could not be stored, to be taken again.
    pub fn give_back_completions(&self, completions: Vec<(SwarmKey, u64)>) {
        for (key, count) in completions {
            let (place, mut shard) = self.lock(key);
            shard.add_completions(place.key, count);
        }
    }

    /// What the tracker counts in all. Looks into each shard in turn, so numbers may be of slightly different moments.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals {
            unlisted: self.house.unlisted.0.load(Ordering::Relaxed).into(),
            ..Totals::default()
        };
        for shard in &self.shards {
            let shard = shard.0.lock();
            totals.known += shard.torrents.len() as u64;
            totals.torrents += u64::from(shard.swarms);
            totals.peers4 += u64::from(shard.members.all() - shard.members.six);
            totals.peers6 += u64::from(shard.members.six);
            let mut members = shard.members;
            for (key, room) in &shard.rooms {
                totals.guests += room.len() as u64;
                members += room.members();
                totals.torrents += u64::from(shard.has_guests_only(&self.house, key));
            }
            totals.seeders += u64::from(members.seeders);
            totals.leechers += u64::from(members.leechers);
            totals.partial_seeds += u64::from(members.partial_seeds);
            totals.completed += shard.completed;
        }
        totals
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.house.settings
    }

    /// The hash of the key that a client brought, if it brought one.
    fn find_pass(&self, pass: Option<Pass>) -> Result<Option<PassHash>, Refusal> {
        let Some(pass) = pass else { return Ok(None) };
        self.passes.find(&pass).map(Some).ok_or(Refusal::UnknownKey)
    }

    /// Locks the shard of a key.
    pub(crate) fn lock(&self, key: SwarmKey) -> (Place, MutexGuard<'_, Shard>) {
        let spot = self.house.mixer.spot(&key);
        (Place { spot, key }, self.shards[spot.shard()].0.lock())
    }

    /// Asks the shard of a key and, if that only knows where the swarm is, the shard of the swarm. `None` if that sends
    /// on again, which happens only while a listing is changed.
    pub(crate) fn follow<T>(
        &self,
        key: SwarmKey,
        mut ask: impl FnMut(&mut Shard, Place) -> Step<T>,
    ) -> Option<T> {
        let mut key = key;
        for _ in 0..2 {
            let (place, mut shard) = self.lock(key);
            match ask(&mut shard, place) {
                Step::Done(done) => return Some(done),
                Step::Elsewhere(primary) => key = primary,
            }
        }
        None
    }

    /// Longer in large swarms and under strain, and different for each client. After a start, when many come at once, they
    /// are sent apart over more than half an interval, so that they do not come at once again.
    fn interval(&self, counts: &Counts, now: Seconds, rng: &mut impl Rng) -> u32 {
        let settings = &self.house.settings;
        let eighths = self.house.stretch(counts.complete + counts.incomplete);
        let interval = settings.interval * (8 + eighths) / 8;
        let has_just_begun = now.0.wrapping_sub(settings.started.0) < settings.interval;
        let least = match has_just_begun {
            true => (interval / 2).max(settings.min_interval),
            false => interval,
        };
        rng.random_range(least..=interval + interval / 8)
    }
}

/// What the client has, by its own word, which nothing but the order of answers depends on.
fn kind(request: &AnnounceRequest) -> Kind {
    match (request.event, request.left) {
        (_, Some(0)) => Kind::Seeder,
        (Event::Completed, None) => Kind::Seeder,
        (Event::Completed, Some(left)) if left >= UNKNOWN_LEFT => Kind::Seeder,
        (Event::Paused, _) => Kind::PartialSeed,
        _ => Kind::Leecher,
    }
}
