//! Messages of WebTorrent clients over WebSocket: from the text of one to what is asked, and from a reply to a text. There
//! is no BEP; the form is that of `bittorrent-tracker`, with which all such clients speak: JSON in which hashes and ids are
//! texts of twenty characters U+0000 to U+00FF, one for each byte. Knows nothing of sockets or frames. Inside: `json.rs`,
//! `read.rs`, `write.rs`; who gets which message is decided in `exchange/`.

mod json;
mod read;
mod write;

use shoal_torrent::SwarmKey;

pub use read::parse;
pub use write::{write_announce, write_answer, write_failure, write_offer, write_scrape};

use crate::request::{AnnounceRequest, Refusal};

/// The longest message that is read, in bytes. Clients send some kilobytes: ten offers of one or two each.
pub const MAX_MESSAGE: usize = 64 << 10;

/// The most offers of one announce that are read; the rest is passed over. Clients send five or ten.
pub const MAX_OFFERS: usize = 16;

/// The longest session description of an offer or answer, in bytes as it stands in the message.
pub const MAX_SDP: usize = 16 << 10;

/// What a client calls itself, or an offer of its own.
pub type Id = [u8; 20];

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// It is in a swarm, and has offers for others.
    Announce(AnnounceRequest, Vec<Offer<'a>>),
    /// It answers an offer that it was handed.
    Answer(Answer<'a>),
    /// It wants to know what swarms count.
    Scrape(Vec<SwarmKey>),
}

/// A session description: the inside of a JSON text, escaped as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdp<'a>(&'a str);

/// An invitation to connect, for one peer that the tracker chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// By which the answer names it.
    pub id: Id,
    /// How to connect.
    pub sdp: Sdp<'a>,
}

/// What a peer says to an offer that it was handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The torrent.
    pub key: SwarmKey,
    /// Who answers.
    pub peer_id: Id,
    /// Whose offer it was.
    pub to: Id,
    /// Which offer it was.
    pub offer_id: Id,
    /// How to connect.
    pub sdp: Sdp<'a>,
}

/// A message that cannot be served, and what the client must be told so that it knows which of its messages that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Whether it was a scrape; else it counts as an announce.
    pub is_scrape: bool,
    /// The torrent, if the message says so much.
    pub about: Option<SwarmKey>,
    /// Why.
    pub refusal: Refusal,
}
