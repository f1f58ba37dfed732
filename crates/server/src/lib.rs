//! What people and programs reach: configuration, routes, pages, the API and the wiring of the other crates.
//!
//! Begin with `cli/serve.rs`, which starts `app.rs`; `routes.rs` names every door.

mod activitypub;
mod announce;
mod announce_keys;
mod api;
mod feeds;
mod node;
mod pages;
mod progress;
mod reader;
mod routes;
mod slow;
mod stats;
mod strain;
mod tasks;
mod view;
mod websocket;

pub mod accounts;
pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doors;
mod error;
pub mod limits;
pub mod publishing;
mod records;
pub mod secrets;
pub mod telemetry;
