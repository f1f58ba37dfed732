//! Stories with software that others wrote: torrent clients, a fediverse server, a browser.

mod browser;
mod fediverse;
mod proofs;
mod signatures;
mod swarm;
mod transmission;
