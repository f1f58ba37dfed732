//! How stored things look to people, whatever page or feed they are on: sizes, times, hashes, swarms, dangers, prose.
//! Knows no requests and no routes. Next in the flow: `pages.rs` and `feeds.rs`, which put these together.

pub(crate) mod address;
pub(crate) mod hash;
pub(crate) mod markdown;
pub(crate) mod size;
pub(crate) mod swarm;
pub(crate) mod threat;
pub(crate) mod time;
pub(crate) mod tree;
pub(crate) mod words;
