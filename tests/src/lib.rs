//! Whole-system tests of the running program, met from outside: the harness that the stories share.
//!
//! Here are the program as a process (`instance.rs`), its answers (`web.rs`), the foreign programs that it is tested
//! against (`peers.rs`, `daemon.rs`), a network of a test's own (`network.rs`), stub inboxes (`inbox.rs`), foreign servers as good or bad as a test wants them (`foreign.rs`), a
//! throw-away database (`database.rs`) and things to publish (`material.rs`). What a story claims stands in `stories/`, one file each; the rules of the house are in `tidy.rs`.

pub mod binary;
pub mod cluster;
pub mod daemon;
pub mod database;
pub mod foreign;
pub mod inbox;
pub mod instance;
pub mod letter;
pub mod material;
pub mod network;
pub mod peers;
pub mod process;
pub mod scene;
pub mod signer;
pub mod skip;
pub mod udp;
pub mod wait;
pub mod web;
pub mod websocket;
pub mod wire;

use std::path::{Path, PathBuf};

/// The root of the checkout.
///
/// # Panics
/// Never in a checkout: this package lies one folder below its root.
#[must_use]
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies in the checkout")
        .to_path_buf()
}
