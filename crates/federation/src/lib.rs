//! How Shoal speaks to other servers: ActivityPub documents, signatures, the inbox, and the courier, which is the only
//! sender. It knows the store and the torrents, no web framework and no configuration file.
//!
//! The flow: `federation.rs` holds what everything shares; a request from outside goes through `inbox/`; an event from the
//! store goes through `outbox/`, then `courier/`; whatever is fetched goes through `fetch.rs`.

mod base58;
mod blocklist;
pub mod canonical;
mod collections;
pub mod courier;
mod documents;
mod federation;
pub mod fetch;
mod follow;
pub mod html;
pub mod inbox;
pub mod keys;
mod ledger;
mod letters;
pub mod markdown;
mod nodeinfo;
mod objects;
pub mod outbox;
pub mod policy;
pub mod proof;
mod reader;
pub mod records;
mod remote;
pub mod sign;
pub mod time;
pub mod urls;
pub mod verify;
pub mod vocab;
mod webfinger;

pub(crate) use federation::Shared;
pub use federation::{BuildError, Clock, Federation, Settings};
pub use fetch::FetchError;
pub use inbox::{Incoming, Receipt};
pub use objects::ObjectAnswer;
pub use reader::Asked;

/// The media type of ActivityPub documents.
pub const ACTIVITY_JSON: &str = "application/activity+json";
