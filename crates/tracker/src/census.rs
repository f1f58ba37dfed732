//! Every torrent that is served, with what its swarm counts: for whoever runs the tracker, never for clients. Told part by
//! part, so that no announce waits for more than one part and nobody needs memory for all. What a client may ask for is in
//! `tracker.rs`.

use shoal_torrent::SwarmKey;

use crate::house::House;
use crate::reply::Counts;
use crate::settings::Mode;
use crate::shard::Shard;
use crate::torrents::{Listing, Torrent};
use crate::tracker::Tracker;

/// One torrent of a census. A hybrid stands under its first key only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What its clients announce.
    pub key: SwarmKey,
    /// What its swarm counts; a listed torrent may have no peer.
    pub counts: Counts,
}

impl Tracker {
    /// How many parts a census has: about a thousandth of all torrents is in each.
    pub fn parts(&self) -> usize {
        self.shards.len()
    }

    /// Adds the torrents of a part, in no order; nothing for a part that there is not. What comes or goes between two parts
    /// may be told or not, but nothing is told twice.
    pub fn census(&self, part: usize, into: &mut Vec<Counted>) {
        if let Some(shard) = self.shards.get(part) {
            shard.0.lock().census(&self.house, into);
        }
    }
}

impl Shard {
    fn census(&self, house: &House, into: &mut Vec<Counted>) {
        let mode = house.settings.mode;
        into.extend((0..self.torrents.places()).filter_map(|at| {
            let torrent = self.torrents.get(at).filter(|torrent| is_served(torrent, mode))?;
            Some(Counted {
                key: torrent.key,
                counts: self.counts_at(at)?,
            })
        }));
    }
}

fn is_served(torrent: &Torrent, mode: Mode) -> bool {
    match torrent.ledger.listing() {
        Listing::Listed => mode != Mode::Closed,
        Listing::Unlisted => mode == Mode::Open,
        Listing::Forbidden => false,
    }
}
