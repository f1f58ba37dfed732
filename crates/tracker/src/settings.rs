//! What an operator may choose. Holds no defaults of other crates and reads no file: `tracker.rs` is given this.

use crate::clients::Clients;
use crate::time::{LONGEST_TIMEOUT, Seconds};

/// Which torrents are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Those that are listed.
    #[default]
    Listed,
    /// All that are not forbidden; of the unlisted ones up to `Settings::max_torrents`.
    Open,
    /// None.
    Closed,
}

/// The settings of a tracker. Limits of 0 mean no limit.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which torrents are served.
    pub mode: Mode,
    /// Seconds between two announces of a client, in a small swarm. In larger ones it is up to doubled, and up to an
    /// eighth is added at random, so that clients do not come in waves.
    pub interval: u32,
    /// Seconds that a client must let pass at least.
    pub min_interval: u32,
    /// Seconds after which a peer that does not announce is forgotten; longer in swarms whose interval is longer. Not
    /// less than one and a half intervals, at most nine hours in the largest swarms.
    pub peer_timeout: u32,
    /// The most unlisted torrents of an open tracker.
    pub max_torrents: u32,
    /// The most peers in all.
    pub max_peers: u32,
    /// The most peers of one torrent.
    pub max_peers_per_torrent: u32,
    /// The most peers that one address has in one torrent. Of an IPv6 address the first 64 bits count.
    pub max_peers_per_address: u32,
    /// Peers in an answer to a client that does not say how many it wants.
    pub default_numwant: u32,
    /// The most peers in an answer.
    pub max_numwant: u32,
    /// The most torrents of one scrape; more are not looked at.
    pub max_scrape: u32,
    /// Requests in a second of one address (IPv4, or the first 64 bits of IPv6) over some time; at once, as many as in a
    /// minute. Eight hashes of a scrape are a request.
    pub requests_per_second_per_address: u32,
    /// The same for a network, the first 24 bits of IPv4 or 48 of IPv6; at once, as many as in twenty seconds.
    pub requests_per_second_per_network: u32,
    /// Which clients are served, by their peer ids.
    pub clients: Clients,
    /// When the tracker began to serve. In the first interval after that clients are sent apart.
    pub started: Seconds,
    /// A random number, drawn once at the start. All tables are keyed by it, so that nobody can aim at one place.
    pub seed: u64,
}

impl Settings {
    /// The settings of a tracker for which nothing was chosen.
    pub fn new(seed: u64) -> Self {
        Self {
            mode: Mode::Listed,
            interval: 1800,
            min_interval: 300,
            peer_timeout: 2700,
            max_torrents: 100_000,
            max_peers: 4_000_000,
            max_peers_per_torrent: 100_000,
            max_peers_per_address: 64,
            default_numwant: 50,
            max_numwant: 200,
            max_scrape: 100,
            requests_per_second_per_address: 0,
            requests_per_second_per_network: 0,
            clients: Clients::default(),
            started: Seconds(0),
            seed,
        }
    }

    /// The same, with values that cannot work brought to the nearest that can.
    pub(crate) fn tamed(mut self) -> Self {
        self.interval = self.interval.clamp(1, LONGEST_TIMEOUT / 4);
        self.min_interval = self.min_interval.min(self.interval);
        self.peer_timeout = self
            .peer_timeout
            .clamp(self.interval * 3 / 2, LONGEST_TIMEOUT / 2);
        for limit in [
            &mut self.max_torrents,
            &mut self.max_peers,
            &mut self.max_peers_per_torrent,
        ] {
            if *limit == 0 {
                *limit = u32::MAX;
            }
        }
        // More than that one address cannot have: it has no more ports.
        if self.max_peers_per_address >= u32::from(u16::MAX) {
            self.max_peers_per_address = 0;
        }
        self.max_numwant = self.max_numwant.clamp(1, 1000);
        self.default_numwant = self.default_numwant.min(self.max_numwant);
        self.max_scrape = self.max_scrape.clamp(1, 1000);
        self
    }
}
