//! The stories: what Shoal promises, each told on the running program.
//!
//! One file per story. Those in `real_clients/` need foreign programs, which `cargo xtask test` installs and names in
//! the environment; without them they say that they are skipped. The tools they share are in `tests/src/`.

mod announce_keys;
mod attacks;
mod backup;
mod blocked_hashes;
mod configuration;
mod crash;
mod first_start;
mod hostile_uploads;
mod lost_ground;
mod one_data_folder;
mod openapi;
mod problems;
mod queue_desk;
mod real_clients;
mod records;
mod stopping;
mod takedown;
mod tokens;
mod two_archives;
mod two_processes;
mod verifying;
mod watching;
