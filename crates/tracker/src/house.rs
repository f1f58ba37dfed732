//! What all shards share: the settings, the secret of the hashes and the two numbers that limit all of them together.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::admission::Admission;
use crate::mix::Mixer;
use crate::peer::Peer;
use crate::pressure::Strain;
use crate::settings::Settings;
use crate::swarm::Swarm;

/// A value on cache lines of its own, so that others are not slowed by its changes.
#[repr(align(128))]
#[derive(Debug, Default)]
pub(crate) struct Padded<T>(pub(crate) T);

#[derive(Debug)]
pub(crate) struct House {
    pub(crate) settings: Settings,
    pub(crate) mixer: Mixer,
    pub(crate) admission: Admission,
    /// Peers in all swarms. Changed only when a peer comes or goes.
    pub(crate) peers: Padded<AtomicU32>,
    pub(crate) strain: Strain,
    /// Entries of torrents that are not listed.
    pub(crate) unlisted: Padded<AtomicU32>,
    /// The stamp of entries that a resync now running has not seen.
    pub(crate) unseen: AtomicBool,
    /// Whether a resync is running.
    pub(crate) resyncing: AtomicBool,
}

impl House {
    pub(crate) fn new(settings: Settings) -> Self {
        let settings = settings.tamed();
        Self {
            mixer: Mixer::new(settings.seed, settings.max_peers_per_address),
            admission: Admission::new(&settings),
            settings,
            peers: Padded::default(),
            strain: Strain::default(),
            unlisted: Padded::default(),
            unseen: AtomicBool::new(false),
            resyncing: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_resyncing(&self) -> bool {
        self.resyncing.load(Ordering::Relaxed)
    }

    pub(crate) fn unseen_stamp(&self) -> bool {
        self.unseen.load(Ordering::Relaxed)
    }

    pub(crate) fn has_room_for_peer(&self) -> bool {
        self.peers.0.load(Ordering::Relaxed) < self.settings.max_peers
    }

    pub(crate) fn has_room_for_torrent(&self) -> bool {
        self.unlisted.0.load(Ordering::Relaxed) < self.settings.max_torrents
    }

    pub(crate) fn count_peers(&self, more: i32) {
        self.peers.0.fetch_add(more as u32, Ordering::Relaxed);
    }

    pub(crate) fn count_unlisted(&self, more: i32) {
        self.unlisted.0.fetch_add(more as u32, Ordering::Relaxed);
    }

    /// Whether the address of a peer has as many peers in a swarm as one may.
    pub(crate) fn is_crowded(&self, swarm: &Swarm, peer: &Peer) -> bool {
        let limit = self.settings.max_peers_per_address as usize;
        limit > 0 && swarm.len() >= limit && swarm.neighbours(peer, &self.mixer) >= limit
    }
}
