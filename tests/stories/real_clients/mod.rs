//! Stories with software that others wrote: torrent clients, a fediverse server, a browser.

mod aria2;
mod browser;
mod doors;
mod fediverse;
mod private;
mod proofs;
mod qbittorrent;
mod signatures;
mod swarm;
mod tracker_client;
mod transmission;
mod webtorrent;
