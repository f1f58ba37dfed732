//! A shelf: a short slice of peers, the taken places first and the free ones after them. A small swarm is one shelf, a
//! leaf of a large one is another. Holds no counts: a shelf is short enough to be read. Next in the flow: `table.rs`.

use crate::mix::Mixer;
use crate::peer::{Meta, Record};

/// The most places of a small swarm.
pub(crate) const SMALL: usize = 31;

/// Places that a shelf for so many peers has. One less than a multiple of four, so that with the eight bytes of the
/// allocator nothing is lost to rounding.
fn places(peers: usize) -> usize {
    peers / 4 * 4 + 3
}

/// How many places are taken. Looks from the end, where few are free.
pub(crate) fn taken<R: Record>(shelf: &[R]) -> usize {
    shelf
        .iter()
        .rposition(|record| !record.is_free())
        .map_or(0, |last| last + 1)
}

pub(crate) fn position<R: Record>(shelf: &[R], record: &R) -> Option<usize> {
    shelf.iter().position(|other| other.is_same_peer(record))
}

/// Takes a peer out; the last one moves to its place.
pub(crate) fn take<R: Record>(shelf: &mut [R], at: usize) -> R {
    let last = taken(shelf) - 1;
    shelf.swap(at, last);
    std::mem::take(&mut shelf[last])
}

/// Puts a peer that is not there into the first free place, if there is one.
pub(crate) fn put<R: Record>(shelf: &mut [R], record: R) -> bool {
    let at = taken(shelf);
    let place = shelf.get_mut(at);
    place.map(|place| *place = record).is_some()
}

/// Brings a peer that is there up to date, and says what it was.
pub(crate) fn renew<R: Record>(shelf: &mut [R], record: &R) -> Option<Meta> {
    let at = position(shelf, record)?;
    let old = shelf[at].meta();
    shelf[at].set_meta(record.meta().succeeding(old));
    Some(old)
}

/// How many peers of an address stand here, of those whose low part leads to `lane`; all lanes if none is named.
pub(crate) fn neighbours<R: Record>(shelf: &[R], group: u64, lane: Option<(u64, &Mixer)>) -> usize {
    let in_lane = |record: &R| lane.is_none_or(|(lane, mixer)| mixer.lane(record.low()) == lane);
    shelf
        .iter()
        .filter(|record| !record.is_free() && record.group() == group && in_lane(record))
        .count()
}

/// Removes each peer of which `keep` says no, and says how many were looked at.
pub(crate) fn retain<R: Record>(shelf: &mut [R], mut keep: impl FnMut(&R) -> bool) -> usize {
    let (mut at, mut end) = (0, taken(shelf));
    let all = end;
    while at < end {
        if keep(&shelf[at]) {
            at += 1;
        } else {
            end -= 1;
            shelf.swap(at, end);
            shelf[end] = R::default();
        }
    }
    all
}

/// Puts a peer that is not there into a shelf that may grow.
pub(crate) fn insert<R: Record>(shelf: &mut Box<[R]>, record: R) {
    if !put(shelf, record) {
        resize(shelf, places(shelf.len() + 1));
        put(shelf, record);
    }
}

/// Gives room back when eight places or more are free.
pub(crate) fn trim<R: Record>(shelf: &mut Box<[R]>) {
    let taken = taken(shelf);
    if taken + 8 <= shelf.len() {
        resize(shelf, if taken == 0 { 0 } else { places(taken) });
    }
}

fn resize<R: Record>(shelf: &mut Box<[R]>, places: usize) {
    let mut all = std::mem::take(shelf).into_vec();
    all.truncate(places);
    all.reserve_exact(places - all.len());
    all.resize(places, R::default());
    all.shrink_to_fit();
    *shelf = all.into_boxed_slice();
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::peer::{Kind, Peer4};
    use crate::time::Tick;

    fn peer(port: u16) -> Peer4 {
        Peer4::new(
            Ipv4Addr::LOCALHOST,
            port,
            Meta::new(Kind::Leecher, Tick::default()),
        )
    }

    #[test]
    fn a_shelf_grows_and_shrinks_by_small_steps() {
        let mut shelf: Box<[Peer4]> = Box::default();
        for port in 1..=100 {
            insert(&mut shelf, peer(port));
            assert!(shelf.len() - taken(&shelf) < 4);
        }
        assert_eq!(retain(&mut shelf, |record| record.port() % 10 == 0), 100);
        assert_eq!(taken(&shelf), 10);
        trim(&mut shelf);
        assert_eq!(shelf.len(), 11);
        assert!((1..=100).all(|port| position(&shelf, &peer(port)).is_some() == (port % 10 == 0)));
        for left in (0..10).rev() {
            take(&mut shelf, 0);
            assert_eq!(taken(&shelf), left);
        }
        trim(&mut shelf);
        assert!(shelf.is_empty());
    }

    #[test]
    fn peers_of_one_address_are_counted_by_lane() {
        let mixer = Mixer::new(1, 64);
        let shelf: Vec<Peer4> = (1..=20).map(peer).collect();
        let group = peer(1).group();
        assert_eq!(neighbours(&shelf, group, None), 20);
        let lanes = mixer
            .places(group)
            .map(|(lane, _)| neighbours(&shelf, group, Some((lane, &mixer))));
        assert_eq!(lanes.sum::<usize>(), 20);
        assert_eq!(neighbours(&shelf, group + 1, None), 0);
    }
}
