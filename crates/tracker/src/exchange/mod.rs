//! Peers that speak WebRTC, called guests here: who is in which swarm over which socket, and who is handed whose offers and
//! answers. They share torrents, listing, limits and counts with all other peers, and are told of by nobody's address: a
//! guest is reached only by an offer that the tracker hands on. No sockets: a door gives a session what a client said, and
//! takes letters out. Inside: `session.rs` (one socket), `guests.rs` (what the tracker decides), `room.rs` (the guests of
//! one torrent). The messages are `wire/websocket`.

mod guests;
mod room;
mod session;

pub(crate) use room::Room;
pub use session::{Heard, Letter, MAX_TORRENTS, Said, Session, TooMuch};

/// One socket of a door. No two that were ever open have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);
