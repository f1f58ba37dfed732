//! What a client asks and why it may be refused, whatever the protocol. Holds no parsing, which is in `wire`, and no
//! decision, which is in `shard.rs`. The answer is in `reply.rs`.

use std::net::IpAddr;

use shoal_torrent::SwarmKey;
use thiserror::Error;

use crate::pass::Pass;
use crate::time::Seconds;

/// Who asks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Now, by a clock that never goes back.
    pub now: Seconds,
    /// Where the request came from: the address of the socket, or what a trusted proxy says it was.
    pub source: IpAddr,
}

impl Caller {
    /// Somebody at an address that is proven: by a connection, or by a connection id (BEP 15).
    pub fn new(now: Seconds, source: IpAddr) -> Self {
        Self { now, source }
    }
}

/// What a client tells with an announce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Event {
    /// It is still there.
    #[default]
    None,
    /// It has begun.
    Started,
    /// It goes.
    Stopped,
    /// It has just got everything.
    Completed,
    /// It has all that it wants, though not all there is (BEP 21).
    Paused,
}

/// From which families a client takes peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// IPv4 and IPv6, as HTTP can carry both (BEP 7).
    #[default]
    Both,
    /// The family of its own address only, as in a UDP answer (BEP 15).
    Own,
}

/// An announce (BEP 3, BEP 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnounceRequest {
    /// The swarm that is meant.
    pub key: SwarmKey,
    /// What the client calls itself. It is not kept: a peer is known by its address and port.
    pub peer_id: [u8; 20],
    /// Where it takes connections; with 0 it is answered, but not told to others.
    pub port: u16,
    /// Bytes that it lacks, `None` if it did not say or does not know.
    pub left: Option<u64>,
    /// What has happened.
    pub event: Event,
    /// How many peers it wants, `None` if it did not say.
    pub numwant: Option<u32>,
    /// From which families.
    pub families: Families,
    /// Whether it takes peers in compact form (BEP 23).
    pub compact: bool,
    /// The personal key in the path, which `Pass::of_path` reads for all protocols.
    pub pass: Option<Pass>,
}

impl AnnounceRequest {
    /// An ordinary announce of a leecher in compact form, to be changed where it differs.
    pub fn new(key: SwarmKey, peer_id: [u8; 20], port: u16) -> Self {
        let (event, families) = (Event::default(), Families::default());
        Self {
            key,
            peer_id,
            port,
            left: None,
            event,
            numwant: None,
            families,
            compact: true,
            pass: None,
        }
    }
}

/// Why a client is not served. To the client it is an answer like any other.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The torrent is not listed here.
    #[error("this torrent is not listed on this tracker")]
    NotListed,
    /// It was hidden or removed by the moderators.
    #[error("this torrent was taken off this tracker by its moderators")]
    Forbidden,
    /// It is private (BEP 27), and the client brought no personal key.
    #[error(
        "this torrent is private: announce with a personal announce URL, which you make in your settings on this site"
    )]
    Private,
    /// The personal key in the path is none, or is not valid, or no longer.
    #[error(
        "the key in this announce URL is not valid: copy the whole URL again, or make a new one in your settings on \
         this site"
    )]
    UnknownKey,
    /// This tracker serves nobody.
    #[error("this tracker is closed")]
    Closed,
    /// No more unlisted torrents are taken.
    #[error("this tracker is full: it takes no more torrents at present")]
    Full,
    /// The address or its network asks more often than it may.
    #[error("too many requests from this address or its network: try again in a few minutes")]
    TooFast,
    /// The operator does not serve this client program.
    #[error("this tracker does not serve this client program; others are welcome")]
    ClientDenied,
    /// A scrape without an info hash would ask for everything.
    #[error("a scrape must name at least one info_hash: full scrapes are not offered")]
    FullScrape,
    /// The request is not understood.
    #[error("{0}")]
    Malformed(&'static str),
}

/// When a refused client may ask again (BEP 31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// In so many minutes.
    Minutes(u16),
    /// The same request will never be served.
    Never,
}

impl Refusal {
    /// When the client may ask again (BEP 31). A torrent that is not listed yet may be soon; one that was hidden may
    /// be restored; a key may have been made a moment ago on another node.
    pub fn retry(&self) -> Retry {
        match self {
            Self::NotListed | Self::UnknownKey => Retry::Minutes(15),
            Self::Forbidden | Self::Closed => Retry::Minutes(60),
            Self::Full => Retry::Minutes(30),
            Self::TooFast => Retry::Minutes(5),
            Self::ClientDenied | Self::FullScrape | Self::Private | Self::Malformed(_) => Retry::Never,
        }
    }
}
