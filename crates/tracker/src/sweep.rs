//! Forgetting: peers that no longer announce, those that a swarm gives up for want of room, swarms that nobody is in. Done in
//! short steps, so that no announce waits for more than some thousand peers to be looked at. On its way it notes where swarms
//! stand, for `ground.rs`. Next in the flow: `snapshot.rs`, which walks the same way.

use crate::ground::Ground;
use crate::house::House;
use crate::peer::Record;
use crate::pressure::Surplus;
use crate::shard::{Shard, swarm_at};
use crate::swarm::{Members, Position, Visit};
use crate::time::{Seconds, Tick};
use crate::tracker::Tracker;

/// Peers looked at before the lock of a shard is given to others.
const STEP: usize = 2048;

/// How far a round through all shards has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    pub(crate) shard: usize,
    /// The place in the table of the shard.
    pub(crate) at: usize,
    /// The position in the swarm at that place.
    pub(crate) position: Position,
}

/// What one call of `Tracker::sweep` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Peers and empty places looked at.
    pub looked_at: usize,
    /// Peers forgotten.
    pub forgotten: usize,
    /// Whether a round through everything was ended.
    pub round_ended: bool,
}

impl Tracker {
    /// Forgets peers whose time is over, among about `budget` peers from where the last call stopped; ends early at the
    /// end of a round. Every peer should be looked at once in some minutes, and must be within nine hours.
    pub fn sweep(&self, now: Seconds, budget: usize) -> Swept {
        let mut cursor = self.cursor.lock();
        let mut ground = self.ground.lock();
        ground.join_one();
        let mut swept = Swept::default();
        let mut broom = Broom {
            now: Tick::of(now),
            timeout: 0,
            surplus: Surplus::default(),
            forgotten: Members::default(),
            ground: &mut ground,
        };
        while swept.looked_at < budget && !swept.round_ended {
            let mut shard = self.shards[cursor.shard].0.lock();
            let (looked_at, forgotten) = shard.sweep(&mut cursor, &mut broom, &self.house);
            swept.looked_at += looked_at;
            swept.forgotten += forgotten;
            if cursor.at >= shard.torrents.places() {
                broom.ground.note(shard.torrents.parts().1);
                shard.torrents.trim(&self.house.mixer);
                *cursor = Cursor {
                    shard: (cursor.shard + 1) % self.shards.len(),
                    ..Cursor::default()
                };
                swept.round_ended = cursor.shard == 0;
            }
        }
        if swept.round_ended {
            ground.end_round();
        }
        swept
    }
}

impl Shard {
    /// Looks at some peers from the cursor on: how many, and how many were forgotten.
    fn sweep(&mut self, cursor: &mut Cursor, broom: &mut Broom<'_>, house: &House) -> (usize, usize) {
        let (mut looked_at, mut forgotten) = (1, 0);
        while looked_at < STEP && cursor.at < self.torrents.places() {
            let Some(swarm) = swarm_at(&mut self.torrents, cursor.at) else {
                cursor.at += 1;
                looked_at += 1;
                continue;
            };
            let before = swarm.len();
            broom.timeout = house.timeout(before as u32);
            broom.surplus = house.surplus(swarm);
            while looked_at < STEP {
                match swarm.walk(&mut cursor.position, broom) {
                    Some(shown) => looked_at += shown + 1,
                    None => {
                        cursor.position = Position::default();
                        break;
                    }
                }
            }
            let gone = std::mem::take(&mut broom.forgotten);
            forgotten += gone.all() as usize;
            if gone.all() > 0 {
                swarm.shrink();
                self.members -= gone;
                house.count_peers(-(gone.all() as i32));
                self.swarms -= u32::from(swarm.len() == 0);
            }
            if cursor.position == Position::default() {
                self.pass(cursor, house);
            }
        }
        (looked_at, forgotten)
    }

    /// Goes to the next place, unless another torrent moves to this one because its own is no longer needed.
    fn pass(&mut self, cursor: &mut Cursor, house: &House) {
        let is_idle = self
            .torrents
            .get(cursor.at)
            .is_some_and(|torrent| torrent.is_idle())
            && !house.is_resyncing();
        self.forget_if(is_idle, cursor.at, house);
        cursor.at += usize::from(!is_idle);
    }
}

/// Keeps those that have announced in time and are not too many.
#[derive(Debug)]
struct Broom<'a> {
    now: Tick,
    timeout: u16,
    surplus: Surplus,
    forgotten: Members,
    ground: &'a mut Ground,
}

impl Visit for Broom<'_> {
    fn keeps<R: Record>(&mut self, peer: &R) -> bool {
        let age = peer.meta().seen().age(self.now);
        let is_spare = self.surplus.peers > 0 && age > self.surplus.older_than;
        let stays = age <= self.timeout && !is_spare;
        if !stays {
            self.surplus.peers = self.surplus.peers.saturating_sub(1);
            self.forgotten.enter(peer.meta().kind(), peer.is_four());
        }
        stays
    }

    fn comes_by<R: Record>(&mut self, shelf: &[R]) {
        self.ground.note(shelf);
    }
}
