//! Who is in the swarm now: peers in memory, the registry of listed torrents, the wire formats, and the doors of its own.
//! No database, no async runtime, no clock of its own.
//!
//! A request goes from a door (`udp`, `http`, or the server's) by `wire` → `tracker.rs` → `shard.rs` → `swarm` and back into a reply
//! that `wire` writes out. Begin with [`Tracker`].

mod address;
mod admission;
mod budget;
mod census;
mod clients;
mod departed;
mod exchange;
mod figures;
mod foresight;
mod ground;
mod house;
pub mod http;
mod mix;
mod pass;
mod passes;
mod peer;
mod pressure;
mod registry;
mod reply;
mod request;
mod settings;
mod shard;
mod snapshot;
mod swarm;
mod sweep;
mod time;
mod torrents;
mod tracker;
pub mod udp;
pub mod wire;

pub use census::Counted;
pub use clients::{Clients, ClientsFault};
pub use exchange::{Heard, Letter, MAX_TORRENTS, Said, Session, SocketId, TooMuch};
pub use figures::{Family, Figures, Outcome, Protocol, Tally, Times};
pub use pass::{Pass, PassHash};
pub use passes::{PassComparison, PassUse};
pub use registry::Resync;
pub use reply::{AnnounceReply, Counts, Scraped, Warning};
pub use request::{AnnounceRequest, Caller, Event, Families, Refusal, Retry};
pub use settings::{Mode, Settings};
pub use shoal_torrent::{SwarmKey, SwarmKeys};
pub use snapshot::{Restored, SnapshotError};
pub use sweep::Swept;
pub use time::{Clock, Seconds};
pub use tracker::{Totals, Tracker};
