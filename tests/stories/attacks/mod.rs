//! What strangers try, each on the running program. Which attack is answered where is listed in
//! `docs/attacks.md`; the stage they share is `stage.rs`.

mod announces;
mod blocked;
mod documents;
mod errands;
mod exhaustion;
mod fetched;
mod keys;
mod ownership;
mod reading;
mod signatures;
mod sockets;
mod stage;
mod structured;
