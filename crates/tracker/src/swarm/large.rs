//! A swarm of many peers: for each family one table of those that download and one of those that only give, so that
//! counts are kept and a leecher is never looked for among seeders. Shares of an answer come from `share.rs`.

use rand::Rng;

use super::share::share;
use super::table::{Table, Taken};
use super::{Ahead, Members, Visit, Wish};
use crate::mix::Mixer;
use crate::peer::{Kind, Meta, Peer, Peer4, Peer6, Record};
use crate::reply::AnnounceReply;

#[derive(Debug, Default)]
pub(crate) struct Large {
    four: Family<Peer4>,
    six: Family<Peer6>,
}

impl Large {
    pub(super) fn members(&self) -> Members {
        let (four, six) = (&self.four, &self.six);
        let partial_seeds = four.partial_seeds + six.partial_seeds;
        Members {
            seeders: (four.sources.len() + six.sources.len()) as u32 - partial_seeds,
            partial_seeds,
            leechers: (four.active.len() + six.active.len()) as u32,
            six: six.len() as u32,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.four.len() + self.six.len()
    }

    pub(super) fn contains(&self, peer: &Peer, mixer: &Mixer) -> bool {
        match &peer.four {
            Some(four) => self.four.contains(four, mixer),
            None => self.six.contains(&peer.six, mixer),
        }
    }

    pub(super) fn renew(&mut self, peer: &Peer, mixer: &Mixer) -> Option<Meta> {
        match &peer.four {
            Some(four) => self.four.renew(four, mixer),
            None => self.six.renew(&peer.six, mixer),
        }
    }

    pub(super) fn insert(&mut self, peer: &Peer, mixer: &Mixer) {
        match peer.four {
            Some(four) => self.four.insert(four, mixer),
            None => self.six.insert(peer.six, mixer),
        }
    }

    pub(super) fn remove(&mut self, peer: &Peer, mixer: &Mixer) -> Option<Meta> {
        match &peer.four {
            Some(four) => self.four.remove(four, mixer),
            None => self.six.remove(&peer.six, mixer),
        }
    }

    /// Asks for the memory of the place that leads to a peer.
    pub(super) fn foresee_list(&self, ahead: Ahead) {
        if ahead.is_four {
            self.four.home(ahead).foresee_list(ahead.hash);
        } else {
            self.six.home(ahead).foresee_list(ahead.hash);
        }
    }

    /// Asks for the memory of the leaf where a peer would be.
    pub(super) fn foresee_leaf(&self, ahead: Ahead) {
        if ahead.is_four {
            self.four.home(ahead).foresee_leaf(ahead.hash);
        } else {
            self.six.home(ahead).foresee_leaf(ahead.hash);
        }
    }

    pub(super) fn neighbours(&self, peer: &Peer, mixer: &Mixer) -> usize {
        match &peer.four {
            Some(four) => self.four.neighbours(four, mixer),
            None => self.six.neighbours(&peer.six, mixer),
        }
    }

    pub(super) fn draw(&self, wish: &Wish<'_>, rng: &mut impl Rng, reply: &mut AnnounceReply) {
        let is_four = wish.peer.is_four();
        let four = if wish.four {
            self.four.eligible(wish, is_four)
        } else {
            (0, 0)
        };
        let six = if wish.six {
            self.six.eligible(wish, !is_four)
        } else {
            (0, 0)
        };
        let (of_four, of_six) = share(wish.count, four.0 + four.1, six.0 + six.1);
        let (of_four, of_six) = (share(of_four, four.0, four.1), share(of_six, six.0, six.1));
        self.four.draw(of_four, wish, rng, reply);
        self.six.draw(of_six, wish, rng, reply);
    }

    /// Shows one leaf to `visit`. The position is moved on; `None` when all parts are done.
    pub(super) fn walk(&mut self, at: &mut Position, visit: &mut impl Visit) -> Option<usize> {
        loop {
            let shown = match at.part {
                0 => self.four.walk(false, at.leaf, visit),
                1 => self.four.walk(true, at.leaf, visit),
                2 => self.six.walk(false, at.leaf, visit),
                3 => self.six.walk(true, at.leaf, visit),
                _ => return None,
            };
            if shown.is_some() {
                at.leaf += 1;
                return shown;
            }
            *at = Position {
                part: at.part + 1,
                leaf: 0,
            };
        }
    }

    /// Hands over all peers and leaves none.
    pub(super) fn drain_into(&mut self, put: &mut impl FnMut(Peer)) {
        let four = std::mem::take(&mut self.four);
        let six = std::mem::take(&mut self.six);
        four.active
            .iter()
            .chain(four.sources.iter())
            .for_each(|peer| put(Peer::from(*peer)));
        six.active
            .iter()
            .chain(six.sources.iter())
            .for_each(|peer| put(Peer::from(*peer)));
    }
}

/// How far a large swarm was walked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    part: u8,
    leaf: usize,
}

impl Position {
    /// After the last peer.
    pub(super) const END: Self = Self {
        part: u8::MAX,
        leaf: 0,
    };
}

#[derive(Debug)]
struct Family<R> {
    active: Table<R>,
    sources: Table<R>,
    partial_seeds: u32,
}

impl<R> Default for Family<R> {
    fn default() -> Self {
        Self {
            active: Table::default(),
            sources: Table::default(),
            partial_seeds: 0,
        }
    }
}

impl<R: Record> Family<R> {
    fn len(&self) -> usize {
        self.active.len() + self.sources.len()
    }

    /// How many of those that download and of those that give may be told of, without the client itself.
    fn eligible(&self, wish: &Wish<'_>, own: bool) -> (usize, usize) {
        let itself = usize::from(own && wish.stored && wish.sources);
        (
            self.active.len().saturating_sub(itself),
            if wish.sources { self.sources.len() } else { 0 },
        )
    }

    /// The table in which a peer is, unless it was of the other sort until now.
    fn home(&self, ahead: Ahead) -> &Table<R> {
        if ahead.is_source {
            &self.sources
        } else {
            &self.active
        }
    }

    fn tables(&mut self, meta: Meta) -> (&mut Table<R>, &mut Table<R>) {
        if meta.is_source() {
            (&mut self.sources, &mut self.active)
        } else {
            (&mut self.active, &mut self.sources)
        }
    }

    fn contains(&self, record: &R, mixer: &Mixer) -> bool {
        let hash = record.hash(mixer);
        self.active.contains(hash, record) || self.sources.contains(hash, record)
    }

    fn renew(&mut self, record: &R, mixer: &Mixer) -> Option<Meta> {
        let hash = record.hash(mixer);
        let (home, other) = self.tables(record.meta());
        let old = match home.renew(hash, record) {
            Some(old) => old,
            None => {
                let old = other.remove(hash, record)?.meta();
                let mut record = *record;
                record.set_meta(record.meta().succeeding(old));
                home.insert(hash, record, mixer);
                old
            }
        };
        self.partial_seeds += is_partial(record.meta());
        self.partial_seeds -= is_partial(old);
        Some(old)
    }

    fn insert(&mut self, record: R, mixer: &Mixer) {
        self.partial_seeds += is_partial(record.meta());
        self.tables(record.meta())
            .0
            .insert(record.hash(mixer), record, mixer);
    }

    fn remove(&mut self, record: &R, mixer: &Mixer) -> Option<Meta> {
        let hash = record.hash(mixer);
        let (home, other) = self.tables(record.meta());
        let old = home
            .remove(hash, record)
            .or_else(|| other.remove(hash, record))?
            .meta();
        self.partial_seeds -= is_partial(old);
        Some(old)
    }

    fn neighbours(&self, record: &R, mixer: &Mixer) -> usize {
        let group = record.group();
        self.active.neighbours(group, mixer) + self.sources.neighbours(group, mixer)
    }

    fn draw(&self, count: (usize, usize), wish: &Wish<'_>, rng: &mut impl Rng, reply: &mut AnnounceReply) {
        // Peers that may not be told of must not make one announce walk through a whole swarm.
        let mut looks = 8 * (count.0 + count.1) + 256;
        for (table, count) in [(&self.active, count.0), (&self.sources, count.1)] {
            table.draw(rng, count, |record| {
                if looks == 0 {
                    return Taken::Enough;
                }
                looks -= 1;
                if wish.tell(record, reply) {
                    Taken::Yes
                } else {
                    Taken::No
                }
            });
        }
    }

    fn walk(&mut self, sources: bool, leaf: usize, visit: &mut impl Visit) -> Option<usize> {
        let table = if sources {
            &mut self.sources
        } else {
            &mut self.active
        };
        let mut gone = 0;
        if let Some(shelf) = table.shelf(leaf) {
            visit.comes_by(shelf);
        }
        let shown = table.retain_leaf(leaf, &mut |record| {
            let stays = visit.keeps(record);
            gone += if stays { 0 } else { is_partial(record.meta()) };
            stays
        });
        self.partial_seeds -= gone;
        shown
    }
}

fn is_partial(meta: Meta) -> u32 {
    u32::from(meta.kind() == Kind::PartialSeed)
}
