//! The crate from outside: over real sockets on loopback, with a real SQLite file and a clock that the test moves. What
//! needs none of that is tested in the files themselves. `world.rs` is our side, `foreign.rs` the other.

mod checker;
mod corpora;
mod courier;
mod disorder;
mod documents;
mod evidence;
mod faults;
mod foreign;
mod inbox;
mod knocks;
mod outgoing;
mod proofs;
mod records;
mod replay;
mod signatures;
mod stub;
mod torrents;
mod world;
