//! `[tracker.http]`: the tracker's own listener for HTTP, beside the web server. What the keys do is
//! `crates/tracker/src/http/`. Next in the flow: `doors.rs`.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// `[tracker.http]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrackerHttp {
    /// Addresses and ports; none switches it off, port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Threads, each with a socket at each address; 0 means one per core.
    pub threads: usize,
    /// Most connections at a time.
    pub max_connections: u32,
    /// Most connections of one address at a time (one IPv4 address, one IPv6 /64).
    pub max_connections_per_address: u32,
}

impl Default for TrackerHttp {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 6969))],
            threads: 1,
            max_connections: 16_384,
            max_connections_per_address: 256,
        }
    }
}

impl TrackerHttp {
    /// Every fault, each a sentence that names the key.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.threads > 256 {
            faults.push("tracker.http.threads: must be between 0 and 256".to_owned());
        }
        if self.max_connections == 0 || self.max_connections_per_address == 0 {
            faults.push(
                "tracker.http: max_connections and max_connections_per_address must be at least 1".to_owned(),
            );
        }
        faults
    }
}
