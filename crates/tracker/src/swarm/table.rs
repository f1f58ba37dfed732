//! Many peers of one kind and family: shelves of about thirty, found by linear hashing. The table grows and shrinks by
//! one shelf at a time, so no announce ever waits for a whole table to be built anew. Next in the flow: `large.rs`.

use rand::Rng;

use super::shelf;
use crate::foresight::prefetch_head;
use crate::mix::Mixer;
use crate::peer::{Meta, Record};

/// Peers per leaf, on average, above which a leaf is split and below which two are joined.
const FULL: usize = 40;
const SPARSE: usize = 16;

/// Strides over the leaves when peers are drawn: primes, so that each leaf is visited once unless the stride divides
/// their number.
const STRIDES: [usize; 8] = [10_007, 20_011, 30_011, 40_009, 50_021, 60_013, 70_001, 80_021];

/// Leaves whose memory is asked for at once.
const GROUP: usize = 4;

#[derive(Debug)]
pub(super) struct Table<R> {
    leaves: Vec<Box<[R]>>,
    len: u32,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            leaves: Vec::new(),
            len: 0,
        }
    }
}

impl<R: Record> Table<R> {
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The leaf where a hash leads while there are so many leaves.
    fn leaf(hash: u32, leaves: usize) -> usize {
        let half = 1 << leaves.ilog2();
        let wide = hash as usize & (2 * half - 1);
        if wide < leaves { wide } else { wide & (half - 1) }
    }

    /// Asks for the memory of the place in the list of leaves where a hash leads.
    pub(super) fn foresee_list(&self, hash: u32) {
        let leaves = self.leaves.len();
        if leaves > 0 {
            prefetch_head(&self.leaves[Self::leaf(hash, leaves)]);
        }
    }

    /// Asks for the memory of the leaf where a hash leads: the first half, where most peers are found.
    pub(super) fn foresee_leaf(&self, hash: u32) {
        let leaves = self.leaves.len();
        if leaves > 0 {
            let leaf = &self.leaves[Self::leaf(hash, leaves)];
            let peers_of_a_line = 64 / size_of::<R>();
            leaf.iter()
                .step_by(peers_of_a_line)
                .take(4)
                .for_each(prefetch_head);
        }
    }

    pub(super) fn contains(&self, hash: u32, record: &R) -> bool {
        let leaves = self.leaves.len();
        leaves > 0 && shelf::position(&self.leaves[Self::leaf(hash, leaves)], record).is_some()
    }

    fn find(&mut self, hash: u32) -> Option<&mut Box<[R]>> {
        let leaves = self.leaves.len();
        (leaves > 0).then(|| &mut self.leaves[Self::leaf(hash, leaves)])
    }

    /// Brings a peer that is there up to date, and says what it was.
    pub(super) fn renew(&mut self, hash: u32, record: &R) -> Option<Meta> {
        shelf::renew(self.find(hash)?, record)
    }

    /// Puts in a peer that is not there.
    pub(super) fn insert(&mut self, hash: u32, record: R, mixer: &Mixer) {
        if self.len() >= self.leaves.len() * FULL {
            self.split(mixer);
        }
        let leaf = Self::leaf(hash, self.leaves.len());
        shelf::insert(&mut self.leaves[leaf], record);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, hash: u32, record: &R) -> Option<R> {
        let leaf = self.find(hash)?;
        let at = shelf::position(leaf, record)?;
        let gone = shelf::take(leaf, at);
        shelf::trim(leaf);
        self.len -= 1;
        self.join();
        Some(gone)
    }

    /// How many peers of an address there are.
    pub(super) fn neighbours(&self, group: u64, mixer: &Mixer) -> usize {
        let leaves = self.leaves.len();
        if leaves == 0 {
            return 0;
        }
        let count = |(lane, hash)| {
            shelf::neighbours(&self.leaves[Self::leaf(hash, leaves)], group, Some((lane, mixer)))
        };
        mixer.places(group).map(count).sum()
    }

    /// The shelf of one leaf; `None` after the last one.
    pub(super) fn shelf(&self, leaf: usize) -> Option<&[R]> {
        self.leaves.get(leaf).map(|shelf| &**shelf)
    }

    /// Removes the peers of one leaf of which `keep` says no; how many were looked at, `None` after the last leaf.
    pub(super) fn retain_leaf(&mut self, leaf: usize, keep: &mut impl FnMut(&R) -> bool) -> Option<usize> {
        let shelf = self.leaves.get_mut(leaf)?;
        let mut gone = 0;
        let looked_at = shelf::retain(shelf, |record| {
            let stays = keep(record);
            gone += u32::from(!stays);
            stays
        });
        if gone > 0 {
            shelf::trim(shelf);
            self.len -= gone;
            self.join();
        }
        Some(looked_at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &R> {
        self.leaves
            .iter()
            .flat_map(|leaf| leaf[..shelf::taken(leaf)].iter())
    }

    /// Offers peers in random order, none twice, until `take` has said yes `count` times or all were offered. Leaves are
    /// visited at a random stride and give two fifths of their places at a time, so that each peer has about the same
    /// chance whatever the size of its leaf.
    pub(super) fn draw(&self, rng: &mut impl Rng, count: usize, mut take: impl FnMut(&R) -> Taken) {
        let leaves = self.leaves.len();
        if leaves == 0 || count == 0 {
            return;
        }
        let dice = rng.random();
        let mut left = count;
        for round in 0..3 {
            let mut walk = Walk::new(dice, round, leaves);
            let mut visited = 0;
            while visited < leaves {
                let most = (leaves - visited).min(GROUP);
                let mut visits = [Visit::default(); GROUP];
                let (mut group, mut places) = (0, 0);
                while group < most && places < left {
                    visits[group] = walk.next(&self.leaves);
                    places += visits[group].places;
                    group += 1;
                }
                // Asks for the memory of all leaves of the group at once, since each is a cache miss of its own.
                for visit in &visits[..group] {
                    let (before, after) = self.leaves[visit.leaf].split_at(visit.at);
                    let peers_of_a_line = 64 / size_of::<R>();
                    let turned = after.iter().chain(before).step_by(peers_of_a_line);
                    let lines = visit.places.div_ceil(peers_of_a_line) + 1;
                    turned.take(lines).for_each(prefetch_head);
                }
                for visit in &visits[..group] {
                    let shelf = &self.leaves[visit.leaf];
                    let (end, turned) = shelf.split_at(visit.at);
                    for record in turned
                        .iter()
                        .chain(end)
                        .take(visit.places)
                        .filter(|record| !record.is_free())
                    {
                        match take(record) {
                            Taken::Yes => left -= 1,
                            Taken::No => {}
                            Taken::Enough => return,
                        }
                        if left == 0 {
                            return;
                        }
                    }
                }
                visited += group;
            }
        }
    }

    /// Adds a leaf, and moves to it what now belongs there.
    fn split(&mut self, mixer: &Mixer) {
        let new = self.leaves.len();
        if new == self.leaves.capacity() {
            self.leaves.reserve_exact(new / 8 + 1);
        }
        let mut moved: Box<[R]> = Box::default();
        if new > 0 {
            let from = new & !(1 << new.ilog2());
            shelf::retain(&mut self.leaves[from], |record| {
                let stays = Self::leaf(record.hash(mixer), new + 1) == from;
                if !stays {
                    shelf::insert(&mut moved, *record);
                }
                stays
            });
            shelf::trim(&mut self.leaves[from]);
        }
        self.leaves.push(moved);
    }

    /// Empties the last leaf into the one it came from, if the leaves have become too many.
    fn join(&mut self) {
        if self.len() > self.leaves.len() * SPARSE {
            return;
        }
        let Some(last) = self.leaves.pop() else { return };
        if self.leaves.is_empty() {
            if self.len > 0 {
                self.leaves.push(last);
            }
            return;
        }
        let into = self.leaves.len() & !(1 << self.leaves.len().ilog2());
        for record in &last[..shelf::taken(&last)] {
            shelf::insert(&mut self.leaves[into], *record);
        }
    }
}

/// One way over all leaves, by dice.
struct Walk {
    dice: u64,
    round: usize,
    leaf: usize,
    stride: usize,
}

/// A leaf on the way, and which of its places are looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Visit {
    leaf: usize,
    at: usize,
    places: usize,
}

impl Walk {
    fn new(dice: u64, round: usize, leaves: usize) -> Self {
        let stride = STRIDES[dice as usize % STRIDES.len()];
        let stride = if leaves.is_multiple_of(stride) {
            1
        } else {
            stride % leaves
        };
        let leaf = (((dice >> 32) * leaves as u64) >> 32) as usize;
        Self {
            dice,
            round,
            leaf,
            stride,
        }
    }

    fn next<R>(&mut self, leaves: &[Box<[R]>]) -> Visit {
        let leaf = self.leaf;
        self.leaf += self.stride;
        if self.leaf >= leaves.len() {
            self.leaf -= leaves.len();
        }
        let all = leaves[leaf].len();
        // The places of a leaf are given in three parts, turned by chance.
        let part = |round: usize| (round * all * 2).div_ceil(5).min(all);
        let (first, end) = (part(self.round), part(self.round + 1));
        let turn = ((self.dice >> 3 & 0x1fff_ffff).wrapping_mul(leaf as u64 | 1) >> 8) as usize;
        let at = (turn + first).checked_rem(all).unwrap_or(0);
        Visit {
            leaf,
            at,
            places: end - first,
        }
    }
}

/// What became of a peer that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
    /// No more are to be offered.
    Enough,
}
