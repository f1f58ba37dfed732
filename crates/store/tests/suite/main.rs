//! The suite that holds for both databases: each test is written once and runs on a SQLite file of its own and, where
//! `SHOAL_TEST_POSTGRES` names a server, in a PostgreSQL schema of its own. `scratch.rs` makes these; the other files
//! tell what holds, one file for each noun. What only one database has is tested in `alone.rs`.

mod accounts;
mod actors;
mod alone;
mod announce_keys;
mod backup;
mod built;
mod cast;
mod collections;
mod crash;
mod datasets;
mod deliveries;
mod durable;
mod followers;
mod following;
mod foundation;
mod hash_blocks;
mod hosts;
mod instances;
mod listing;
mod material;
mod moderation;
mod pauses;
mod queue;
mod records;
mod scratch;
mod search;
mod spreads;
mod uploads;
