//! From the bytes of requests to the bytes of answers, as many as there are: announces and scrapes with status 200 and a
//! bencoded body, everything else with a sentence. No sockets: `desk.rs` reads and writes, and the fuzz target comes in
//! here.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::head::{Fault, Head, MAX_HEAD, Method, Start};
use crate::figures::{Family, Outcome, Protocol, Tally};
use crate::pass::Pass;
use crate::reply::{AnnounceReply, Scraped};
use crate::request::{AnnounceRequest, Caller, Refusal};
use crate::tracker::Tracker;
use crate::wire::http as wire;

/// Answers beyond so many bytes wait until these are taken.
const FULL: usize = 64 * 1024;

/// Answers the requests of one thread.
#[derive(Debug)]
pub struct Responder {
    tracker: Arc<Tracker>,
    tally: Arc<Tally>,
    trusted_proxies: Vec<IpNet>,
    /// What is said to those who look for something else here.
    elsewhere: String,
    rng: SmallRng,
    reply: AnnounceReply,
    scraped: Vec<Scraped>,
    body: Vec<u8>,
}

/// How far a connection's input was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that are done with.
    pub taken: usize,
    /// Announces and scrapes among the answers.
    pub answered: u32,
    /// How it goes on.
    pub then: Then,
}

/// How a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The rest of the input, if any, is the beginning of a request.
    Read,
    /// So much is answered that it has to be sent before more is.
    Write,
    /// The last request was answered.
    Close,
    /// What came is no request that can be served here; what follows is not looked at.
    Refuse,
}

impl Responder {
    /// A responder that believes `X-Forwarded-For` of these proxies and says to others where they may look.
    pub fn new(tracker: Arc<Tracker>, trusted_proxies: Vec<IpNet>, elsewhere: String, seed: u64) -> Self {
        Self {
            tally: tracker.tally(Protocol::Http),
            tracker,
            trusted_proxies,
            elsewhere,
            rng: SmallRng::seed_from_u64(seed),
            reply: AnnounceReply::new(),
            scraped: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Counts the time that so many answers took, in nanoseconds.
    pub(super) fn time(&self, nanos: u64, answered: u32) {
        self.tally.time(nanos, answered.into());
    }

    /// Whether an address is a configured proxy's.
    pub(super) fn is_proxy(&self, ip: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&ip))
    }

    /// Answers the whole requests at the beginning of the input, in order. `socket` is the caller as the socket knows it;
    /// with `is_last` the connection ends when they are answered.
    pub fn answer(&mut self, input: &[u8], socket: Caller, is_last: bool, out: &mut Vec<u8>) -> Progress {
        let mut progress = Progress {
            taken: 0,
            answered: 0,
            then: Then::Read,
        };
        while progress.then == Then::Read {
            let rest = &input[progress.taken..];
            if out.len() >= FULL && !rest.is_empty() {
                progress.then = Then::Write;
                break;
            }
            match Head::find(rest) {
                Start::Whole(head, length) => {
                    progress.taken += length;
                    let keeps = head.keeps() && !(is_last && progress.taken == input.len());
                    progress.then = self.answer_one(&head, socket, keeps, out);
                    progress.answered += u32::from(service(&head).is_some());
                }
                Start::Part if is_last => progress.then = Then::Close,
                Start::Part => break,
                Start::Wrong(fault) => {
                    write_fault(fault, out);
                    progress.then = Then::Refuse;
                }
            }
        }
        progress
    }

    fn answer_one(&mut self, head: &Head<'_>, socket: Caller, keeps: bool, out: &mut Vec<u8>) -> Then {
        if head.has_body {
            write_sentence("413 Content Too Large", "requests to a tracker have no body", out);
            return Then::Refuse;
        }
        let ending = match (keeps, head.is_old) {
            (true, false) => "",
            (true, true) => "\r\nConnection: keep-alive",
            (false, _) => "\r\nConnection: close",
        };
        self.body.clear();
        let status = self.fill(head, socket);
        write_head(status, self.body.len(), ending, out);
        if head.method != Method::Head {
            out.extend_from_slice(&self.body);
        }
        if keeps { Then::Read } else { Then::Close }
    }

    /// Fills the body and says with which status it goes out.
    fn fill(&mut self, head: &Head<'_>, socket: Caller) -> &'static str {
        let Some(service) = service(head) else {
            return self.say_why(head);
        };
        let source = if self.trusted_proxies.is_empty() {
            socket.source
        } else {
            wire::client_ip(socket.source, head.forwarded(), &self.trusted_proxies)
        };
        let caller = Caller { source, ..socket };
        let pass = Pass::of_path(head.path);
        let served = pass.and_then(|pass| match service {
            Service::Announce => self.announce(caller, pass, head.query),
            Service::Scrape => self.scrape(caller, pass, head.query),
        });
        let outcome = served.unwrap_or_else(|refusal| {
            self.body.clear();
            wire::write_failure(&refusal, &mut self.body);
            Outcome::from(&refusal)
        });
        self.tally.count(Family::of(source), outcome, 1);
        "200 OK"
    }

    /// Says why a request is neither an announce nor a scrape.
    fn say_why(&mut self, head: &Head<'_>) -> &'static str {
        let (status, sentence) = if head.method == Method::Other {
            (
                "405 Method Not Allowed\r\nAllow: GET, HEAD",
                "announces and scrapes are asked for with GET",
            )
        } else if head.wants_websocket {
            ("400 Bad Request", "WebSockets are not taken on this port")
        } else {
            ("404 Not Found", "there is nothing here but /announce and /scrape")
        };
        for part in [sentence, "; ", &self.elsewhere, "\n"] {
            self.body.extend_from_slice(part.as_bytes());
        }
        status
    }

    fn announce(&mut self, caller: Caller, pass: Option<Pass>, query: &[u8]) -> Result<Outcome, Refusal> {
        let request = AnnounceRequest {
            pass,
            ..wire::parse_announce(query)?
        };
        self.tracker
            .announce(caller, &request, &mut self.rng, &mut self.reply)?;
        wire::write_announce(&self.reply, &mut self.body);
        Ok(Outcome::Announced)
    }

    fn scrape(&mut self, caller: Caller, pass: Option<Pass>, query: &[u8]) -> Result<Outcome, Refusal> {
        let keys = wire::parse_scrape(query)?;
        self.tracker.scrape_as(caller, pass, &keys, &mut self.scraped)?;
        wire::write_scrape(&mut self.scraped, &mut self.body);
        Ok(Outcome::Scraped)
    }
}

/// What a request is served with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Announce,
    Scrape,
}

/// Which service a request is for; none if there is nothing for it here.
fn service(head: &Head<'_>) -> Option<Service> {
    if head.method == Method::Other || head.wants_websocket || head.has_body {
        return None;
    }
    let is_below = |rest: &[u8]| rest.is_empty() || rest[0] == b'/';
    if head.path.strip_prefix(b"/announce").is_some_and(is_below) {
        Some(Service::Announce)
    } else if head.path.strip_prefix(b"/scrape").is_some_and(is_below) {
        Some(Service::Scrape)
    } else {
        None
    }
}

/// The answer to a client whose request did not come in time.
pub(super) fn write_too_late(out: &mut Vec<u8>) {
    write_sentence("408 Request Timeout", "the request did not come in time", out);
}

fn write_fault(fault: Fault, out: &mut Vec<u8>) {
    match fault {
        Fault::Malformed(sentence) => write_sentence("400 Bad Request", sentence, out),
        Fault::TooLong => {
            const { assert!(MAX_HEAD == 16_384) };
            let sentence = "a request must not be longer than 16384 bytes";
            write_sentence("431 Request Header Fields Too Large", sentence, out);
        }
    }
}

/// The last answer of a connection.
fn write_sentence(status: &str, sentence: &str, out: &mut Vec<u8>) {
    write_head(status, sentence.len() + 1, "\r\nConnection: close", out);
    out.extend_from_slice(sentence.as_bytes());
    out.push(b'\n');
}

fn write_head(status: &str, length: usize, ending: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_bytes());
    out.extend_from_slice(b"\r\nContent-Type: text/plain\r\nContent-Length: ");
    wire::digits(length as u64, out);
    out.extend_from_slice(ending.as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
}
