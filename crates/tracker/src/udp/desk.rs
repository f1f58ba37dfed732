//! What one thread of the UDP door answers: from a datagram and the address it came from to the bytes of the answer.
//! Reads no socket and no clock, so that tests and benches use it as the threads do. Next in the flow: `tracker.rs`.

use std::net::SocketAddr;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use shoal_torrent::SwarmKey;

use super::connection::{ConnectionIds, Proof};
use crate::figures::{Family, Outcome, Protocol, Tally};
use crate::foresight::Coming;
use crate::pass::Pass;
use crate::reply::{AnnounceReply, Scraped};
use crate::request::{AnnounceRequest, Caller, Refusal};
use crate::time::Seconds;
use crate::tracker::Tracker;
use crate::wire::udp::{self, Datagram, Glance, Packet};

/// What is said to a client that proves its address by an id from longer ago.
const STALE: &str = "connection id expired: connect anew";

/// Torrents of one scrape that are asked for ahead.
const FORESEEN_OF_SCRAPE: usize = 8;

/// The time, and whether there is too little of it.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// Now.
    pub now: Seconds,
    /// Whether datagrams come faster than they are answered.
    pub is_busy: bool,
}

/// The answers of one thread, and the memory that they are made in.
#[derive(Debug)]
pub struct Desk {
    tracker: Arc<Tracker>,
    tally: Arc<Tally>,
    ids: ConnectionIds,
    rng: SmallRng,
    reply: AnnounceReply,
    coming: Vec<Coming>,
    keys: Vec<SwarmKey>,
    scraped: Vec<Scraped>,
}

impl Desk {
    /// A desk of a tracker; `seed` is for the choice of peers.
    pub fn new(tracker: Arc<Tracker>, ids: ConnectionIds, seed: u64) -> Self {
        Self {
            tally: tracker.tally(Protocol::Udp),
            tracker,
            ids,
            rng: SmallRng::seed_from_u64(seed),
            reply: AnnounceReply::new(),
            coming: Vec::new(),
            keys: Vec::new(),
            scraped: Vec::new(),
        }
    }

    /// Puts the answer to a datagram into `out`, which is emptied before; it stays empty if there is none. Until the client
    /// has proved its address, an answer is never longer than what was asked. `is_busy` says that datagrams come faster than
    /// they are answered: then each network has its budget for those that prove nothing, and who asks too often is not
    /// even told so. The outcome says whether the datagram was worth something.
    pub fn answer(&mut self, from: SocketAddr, datagram: &[u8], at: When, out: &mut Vec<u8>) -> Outcome {
        out.clear();
        let mut outcome = self.decide(from, datagram, at.now, out);
        let proves_nothing = matches!(outcome, Outcome::Connected | Outcome::WrongConnection);
        let is_too_much = || match outcome {
            Outcome::TooMany => true,
            _ => proves_nothing && !self.tracker.admits_unproven(from.ip(), at.now),
        };
        if at.is_busy && is_too_much() {
            out.clear();
            outcome = Outcome::TooMany;
        }
        self.tally.count(Family::of(from.ip()), outcome, 1);
        outcome
    }

    /// Looks at datagrams that will be answered next, so that their memory is there by then.
    pub(super) fn foresee<'a>(&mut self, datagrams: impl Iterator<Item = (SocketAddr, &'a [u8])>) {
        self.coming.clear();
        for (from, datagram) in datagrams {
            match udp::glance(datagram) {
                Some(Glance::Announce { key, port, has_all }) => {
                    self.coming
                        .push(self.tracker.expect(key, (from.ip(), port), has_all));
                }
                Some(Glance::Scrape(hashes)) => {
                    for hash in hashes.iter().take(FORESEEN_OF_SCRAPE) {
                        self.tracker.expect_torrent(&SwarmKey::new(*hash));
                    }
                }
                None => {}
            }
        }
        self.tracker.foresee(&mut self.coming);
    }

    /// Counts how long so many datagrams took together, in nanoseconds.
    pub(super) fn time(&self, nanos: u64, many: u64) {
        self.tally.time(nanos, many);
    }

    /// Counts datagrams that were never read.
    pub(super) fn overrun(&self, family: Family, many: u32) {
        self.tally.count(family, Outcome::Overrun, many.into());
    }

    fn decide(&mut self, from: SocketAddr, datagram: &[u8], now: Seconds, out: &mut Vec<u8>) -> Outcome {
        // Nobody can be answered at port 0.
        let Some(asked) = Datagram::parse(datagram).filter(|_| from.port() > 0) else {
            return Outcome::Malformed;
        };
        let (ip, transaction) = (from.ip(), asked.transaction);
        if asked.packet == Packet::Connect {
            udp::write_connect(transaction, self.ids.issue(ip, now), out);
            return Outcome::Connected;
        }
        match self.ids.judge(ip, asked.connection, now) {
            Proof::Fresh => self.serve(Caller::new(now, ip), asked, out),
            Proof::Stale if datagram.len() >= 8 + STALE.len() => {
                udp::write_error(transaction, STALE, out);
                Outcome::WrongConnection
            }
            Proof::Stale | Proof::None => Outcome::WrongConnection,
        }
    }

    /// Answers a client that has proved its address.
    fn serve(&mut self, caller: Caller, asked: Datagram<'_>, out: &mut Vec<u8>) -> Outcome {
        let transaction = asked.transaction;
        let served = match asked.packet {
            Packet::Announce { request, options } => {
                let served = self.announce(caller, request, options);
                served.map(|()| {
                    udp::write_announce(transaction, &self.reply, out);
                    Outcome::Announced
                })
            }
            Packet::Scrape(hashes) => {
                let served = self.scrape(caller, hashes);
                served.map(|()| {
                    udp::write_scrape(transaction, &self.scraped, out);
                    Outcome::Scraped
                })
            }
            Packet::Malformed(why) => Err(Refusal::Malformed(why)),
            Packet::Connect => Ok(Outcome::Connected),
        };
        served.unwrap_or_else(|refusal| {
            udp::write_error(transaction, &refusal.to_string(), out);
            Outcome::from(&refusal)
        })
    }

    fn announce(&mut self, caller: Caller, request: AnnounceRequest, options: &[u8]) -> Result<(), Refusal> {
        let pass = match udp::path(options) {
            Some(path) => Pass::of_path(&path)?,
            None => None,
        };
        let request = AnnounceRequest { pass, ..request };
        self.tracker
            .announce(caller, &request, &mut self.rng, &mut self.reply)
    }

    fn scrape(&mut self, caller: Caller, hashes: &[[u8; 20]]) -> Result<(), Refusal> {
        self.keys.clear();
        self.keys.extend(hashes.iter().map(|hash| SwarmKey::new(*hash)));
        self.tracker.scrape(caller, &self.keys, &mut self.scraped)
    }
}
