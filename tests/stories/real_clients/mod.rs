//! Stories with software that others wrote: torrent clients, a fediverse server, a browser.

mod browser;
mod fediverse;
mod swarm;
mod transmission;
