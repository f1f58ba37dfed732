//! `[tracker.websocket]`: how much of the tracker's WebSocket is had. What a message may be is not for operators to choose,
//! and stands in `docs/tracker.md`.

use serde::{Deserialize, Serialize};

/// `[tracker.websocket]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSocketSettings {
    /// Whether browsers are served.
    pub enabled: bool,
    /// Most sockets at a time.
    pub max_sockets: usize,
    /// Most sockets at one address (one IPv4 address, one IPv6 /64).
    pub max_sockets_per_address: usize,
    /// Seconds of silence after which a socket is closed; it is asked for a sign of life twice before.
    pub idle_seconds: u32,
}

impl Default for WebSocketSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_sockets: 10_000,
            max_sockets_per_address: 100,
            idle_seconds: 120,
        }
    }
}

impl WebSocketSettings {
    /// What is wrong with it, a sentence for each fault.
    pub(super) fn faults(&self) -> impl Iterator<Item = String> {
        let must = [
            (
                (3..=600).contains(&self.idle_seconds),
                "tracker.websocket.idle_seconds: must be between 3 and 600 seconds",
            ),
            (
                self.max_sockets <= 1_000_000,
                "tracker.websocket.max_sockets: must be at most 1,000,000",
            ),
        ];
        must.into_iter()
            .filter(|(holds, _)| !holds)
            .map(|(_, sentence)| sentence.to_owned())
    }
}
