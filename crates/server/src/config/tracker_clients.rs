//! `[tracker.clients]`: which client programs the tracker serves. How their names are read is in
//! `crates/tracker/src/clients.rs`.

use serde::{Deserialize, Serialize};
use shoal_tracker::{Clients, ClientsFault};

/// `[tracker.clients]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrackerClients {
    /// First bytes of the peer ids that are served; all, if none is named.
    pub allow: Vec<String>,
    /// First bytes of those that are not, even if allowed.
    pub deny: Vec<String>,
}

impl TrackerClients {
    /// The same as the tracker reads it.
    pub(crate) fn read(&self) -> Result<Clients, ClientsFault> {
        Clients::new(&self.allow, &self.deny)
    }

    /// Every fault, each a sentence that names the key.
    pub(super) fn faults(&self) -> Vec<String> {
        let fault = self.read().err();
        fault
            .map(|fault| format!("tracker.clients: {fault}"))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_cannot_be_read_is_named() {
        let deny = vec!["-XX".to_owned(), "50%".to_owned()];
        let faults = TrackerClients {
            deny,
            ..TrackerClients::default()
        }
        .faults();
        assert!(
            faults.len() == 1 && faults[0].starts_with("tracker.clients: \"50%\""),
            "{faults:?}"
        );
        assert!(TrackerClients::default().faults().is_empty());
    }
}
