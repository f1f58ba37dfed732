//! What a client is answered, whatever the protocol. An `AnnounceReply` is filled anew for each announce, so one per
//! thread is enough and nothing is allocated. `wire` writes it out.

use std::net::{IpAddr, Ipv4Addr};

use shoal_torrent::SwarmKey;

/// What a client should know although it was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The torrent or the tracker has as many peers as it may: the client was not stored.
    Full,
    /// Its address has as many peers in this torrent as one may: the client was not stored.
    TooManyFromAddress,
}

impl Warning {
    /// What people read.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Full => "this swarm is full: other peers are not told of you for the time being",
            Self::TooManyFromAddress => {
                "too many peers of this torrent at your address: others are not told of this one"
            }
        }
    }
}

/// The answer to an announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceReply {
    /// Seconds after which the client should announce again.
    pub interval: u32,
    /// Seconds before which it must not.
    pub min_interval: u32,
    /// What the swarm counts, with the client.
    pub counts: Counts,
    /// The address by which the client is known here (BEP 24).
    pub external_ip: IpAddr,
    /// IPv4 peers: four bytes of address, two of port, in network order (BEP 23).
    pub peers4: Vec<[u8; 6]>,
    /// IPv6 peers: sixteen bytes of address, two of port, in network order (BEP 7).
    pub peers6: Vec<[u8; 18]>,
    /// What else the client should know.
    pub warning: Option<Warning>,
    /// Whether the client takes peers in compact form (BEP 23).
    pub compact: bool,
}

impl Default for AnnounceReply {
    fn default() -> Self {
        Self {
            interval: 0,
            min_interval: 0,
            counts: Counts::default(),
            external_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            peers4: Vec::new(),
            peers6: Vec::new(),
            warning: None,
            compact: true,
        }
    }
}

impl AnnounceReply {
    /// An empty reply, to be filled by `Tracker::announce` as often as wanted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the last answer and keeps its memory.
    pub(crate) fn clear(&mut self) {
        let peers4 = std::mem::take(&mut self.peers4);
        let peers6 = std::mem::take(&mut self.peers6);
        *self = Self {
            peers4,
            peers6,
            ..Self::default()
        };
        self.peers4.clear();
        self.peers6.clear();
    }

    /// Adds a peer.
    pub(crate) fn add(&mut self, ip: IpAddr, port: u16) {
        let [high, low] = port.to_be_bytes();
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                self.peers4.push([a, b, c, d, high, low]);
            }
            IpAddr::V6(ip) => {
                let mut peer = [0; 18];
                peer[..16].copy_from_slice(&ip.octets());
                peer[16..].copy_from_slice(&[high, low]);
                self.peers6.push(peer);
            }
        }
    }
}

/// How many are in a swarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Peers that have everything.
    pub complete: u32,
    /// Peers that have not, partial seeds among them.
    pub incomplete: u32,
    /// Those of `incomplete` that download (BEP 21).
    pub downloaders: u32,
    /// Downloads ever completed.
    pub completed: u32,
}

/// One torrent of a scrape (BEP 48).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scraped {
    /// The hash as it was asked for.
    pub key: SwarmKey,
    /// What its swarm counts; `None` if the torrent is not served here.
    pub counts: Option<Counts>,
}
