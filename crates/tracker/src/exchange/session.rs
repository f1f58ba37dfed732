//! One socket from its opening to its end: what a client says goes in, letters to this and other sockets come out. Holds
//! where the client is, so that its end can be told everywhere. Next in the flow: `guests.rs`.

use std::net::IpAddr;

use rand::Rng;
use shoal_torrent::SwarmKey;

use super::SocketId;
use super::guests::{Visit, Welcome};
use super::room::Word;
use crate::figures::Outcome;
use crate::pass::Pass;
use crate::request::{AnnounceRequest, Caller, Event, Refusal};
use crate::time::Seconds;
use crate::tracker::Tracker;
use crate::wire::websocket::{
    Answer, Id, Message, Offer, Unread, parse, write_announce, write_answer, write_failure, write_offer,
    write_scrape,
};

/// The most torrents of one socket.
pub const MAX_TORRENTS: usize = 256;

/// Messages that a socket may send at once, and the seconds' worth that it gets back in each second.
const BURST: u32 = 400;
const PER_SECOND: u32 = 20;

/// What a client said, and when.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Now, by a clock that never goes back.
    pub now: Seconds,
    /// One message.
    pub text: &'a [u8],
}

/// A message for a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whose it is: this socket's or another's.
    pub to: SocketId,
    /// The text.
    pub text: String,
}

/// How a message ended, to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What became of it.
    pub outcome: Outcome,
    /// Offers that were handed on to others.
    pub offers: usize,
}

/// The client sends more messages than are read from one: its socket is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch;

/// A socket and the swarms that it is in.
#[derive(Debug)]
pub struct Session {
    socket: SocketId,
    source: IpAddr,
    pass: Result<Option<Pass>, Refusal>,
    /// The keys under which it stands.
    homes: Vec<SwarmKey>,
    allowance: u32,
    counted_at: Seconds,
}

impl Session {
    /// A socket that was opened by somebody, with what `Pass::of_path` says of the path.
    pub fn new(socket: SocketId, caller: Caller, pass: Result<Option<Pass>, Refusal>) -> Self {
        Self {
            socket,
            source: caller.source,
            pass,
            homes: Vec::new(),
            allowance: BURST,
            counted_at: caller.now,
        }
    }

    /// Its number.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Whether it is in a swarm, or was when it last said something.
    pub fn is_anywhere(&self) -> bool {
        !self.homes.is_empty()
    }

    /// Counts one thing that the client sent, a message or less: 400 at once, 20 in a second on the whole.
    ///
    /// # Errors
    /// It was one too many.
    pub fn allow(&mut self, now: Seconds) -> Result<(), TooMuch> {
        let seconds = now.0.saturating_sub(self.counted_at.0);
        self.counted_at = now;
        let allowance = self.allowance.saturating_add(seconds.saturating_mul(PER_SECOND));
        self.allowance = allowance.min(BURST).checked_sub(1).ok_or(TooMuch)?;
        Ok(())
    }

    /// Serves one message, and counts it: 400 at once, 20 in a second on the whole.
    ///
    /// # Errors
    /// It was one too many.
    pub fn hear(
        &mut self,
        tracker: &Tracker,
        said: Said<'_>,
        rng: &mut impl Rng,
        letters: &mut Vec<Letter>,
    ) -> Result<Heard, TooMuch> {
        self.allow(said.now)?;
        let caller = Caller::new(said.now, self.source);
        let before = letters.len();
        let served = match parse(said.text) {
            Ok(Message::Announce(request, offers)) => self
                .announce(tracker, (caller, request, &offers), rng, letters)
                .map_err(|refusal| Unread {
                    is_scrape: false,
                    about: Some(request.key),
                    refusal,
                }),
            Ok(Message::Answer(answer)) => Ok(self.answer(tracker, said.now, &answer, letters)),
            Ok(Message::Scrape(keys)) => {
                self.scrape(tracker, caller, &keys, letters)
                    .map_err(|refusal| Unread {
                        is_scrape: true,
                        about: None,
                        refusal,
                    })
            }
            Err(unread) => Err(unread),
        };
        let others = letters[before..].iter().filter(|letter| letter.to != self.socket);
        let handed = others.count();
        Ok(match served {
            Ok(Outcome::Announced) => Heard {
                outcome: Outcome::Announced,
                offers: handed,
            },
            Ok(outcome) => Heard { outcome, offers: 0 },
            Err(unread) => {
                self.tell(letters, |out| {
                    write_failure(unread.is_scrape, unread.about, &unread.refusal, out);
                });
                Heard {
                    outcome: Outcome::from(&unread.refusal),
                    offers: 0,
                }
            }
        })
    }

    /// Leaves all swarms: to be called when the socket is closed, however it is.
    pub fn close(&mut self, tracker: &Tracker) {
        for home in std::mem::take(&mut self.homes) {
            tracker.part(home, self.socket, self.source);
        }
    }

    fn announce(
        &mut self,
        tracker: &Tracker,
        (caller, request, offers): (Caller, AnnounceRequest, &[Offer<'_>]),
        rng: &mut impl Rng,
        letters: &mut Vec<Letter>,
    ) -> Result<Outcome, Refusal> {
        let goes = request.event == Event::Stopped;
        if !goes {
            self.check_room(tracker, request.key)?;
        }
        let request = AnnounceRequest {
            pass: self.pass?,
            ..request
        };
        let wanted = request.numwant.map_or(usize::MAX, |numwant| numwant as usize);
        let ids: Vec<Id> = offers.iter().take(wanted).map(|offer| offer.id).collect();
        let visit = Visit {
            caller,
            request: &request,
            socket: self.socket,
            offers: &ids,
        };
        let mut welcome = Welcome::default();
        let served = tracker.welcome(&visit, rng, &mut welcome);
        match (served, welcome.home) {
            (Ok(()), Some(home)) if !self.homes.contains(&home) => self.homes.push(home),
            (Ok(()), None) if goes => self.homes.retain(|home| *home != request.key),
            // Whoever is no longer served, such as by a key that was revoked, is not left where it is.
            (Err(Refusal::UnknownKey | Refusal::Private | Refusal::ClientDenied), _) => {
                tracker.part(request.key, self.socket, self.source);
            }
            _ => {}
        }
        served?;
        self.tell(letters, |out| write_announce(request.key, &welcome.reply, out));
        for handed in &welcome.handed {
            let mut text = String::new();
            write_offer(handed.key, &request.peer_id, &offers[handed.offer], &mut text);
            letters.push(Letter { to: handed.to, text });
        }
        Ok(Outcome::Announced)
    }

    fn scrape(
        &self,
        tracker: &Tracker,
        caller: Caller,
        keys: &[SwarmKey],
        letters: &mut Vec<Letter>,
    ) -> Result<Outcome, Refusal> {
        let mut scraped = Vec::with_capacity(keys.len().min(128));
        tracker.scrape_as(caller, self.pass?, keys, &mut scraped)?;
        self.tell(letters, |out| write_scrape(&mut scraped, out));
        Ok(Outcome::Scraped)
    }

    /// Refuses one torrent too many. Torrents that were hidden meanwhile do not count.
    fn check_room(&mut self, tracker: &Tracker, key: SwarmKey) -> Result<(), Refusal> {
        if self.homes.len() >= MAX_TORRENTS && !self.homes.contains(&key) {
            let socket = self.socket;
            self.homes.retain(|home| tracker.has_guest(*home, socket));
            if self.homes.len() >= MAX_TORRENTS {
                return Err(Refusal::Malformed(
                    "this socket is in 256 swarms, which is all that one may: open another",
                ));
            }
        }
        Ok(())
    }

    /// Hands an answer on to whose offer it answers. Others are dropped without a word.
    fn answer(
        &self,
        tracker: &Tracker,
        now: Seconds,
        answer: &Answer<'_>,
        letters: &mut Vec<Letter>,
    ) -> Outcome {
        let word = Word {
            from: self.socket,
            peer_id: answer.peer_id,
            to: answer.to,
            offer_id: answer.offer_id,
            now,
        };
        let Some((to, key)) = tracker.answer(answer.key, &word) else {
            return Outcome::Malformed;
        };
        let mut text = String::new();
        write_answer(key, answer, &mut text);
        letters.push(Letter { to, text });
        Outcome::Relayed
    }

    fn tell(&self, letters: &mut Vec<Letter>, write: impl FnOnce(&mut String)) {
        let mut text = String::new();
        write(&mut text);
        letters.push(Letter {
            to: self.socket,
            text,
        });
    }
}
