//! Large pages for the memory that swarms stand in. A processor finds its way to memory by a table of pages, of which it keeps
//! some at hand; a million peers stand on thousands of pages of the usual size, and on a few large ones. The sweep comes by
//! all swarms every few minutes and notes here on which pages they stand; then the kernel is asked to make one large page of
//! those that are mostly swarms, one in each step. Changes nothing that anybody can see. For Linux.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a large page.
const PAGE: usize = 2 << 20;

/// A large page is worth it when so much of it is swarms.
const WORTH: usize = PAGE / 2;

/// Where swarms stand. Pages are known by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    /// Bytes of swarms on each page, as far as this round has come.
    seen: BTreeMap<usize, usize>,
    /// The page that was seen last, and what was seen of it since.
    last: (usize, usize),
    wanted: Vec<usize>,
    /// Pages for which the kernel was asked.
    asked: BTreeSet<usize>,
}

impl Ground {
    /// Notes what stands in some memory.
    pub(crate) fn note<T>(&mut self, what: &[T]) {
        let (page, bytes) = (what.as_ptr().addr() / PAGE, size_of_val(what));
        if page != self.last.0 {
            self.put_down();
            self.last.0 = page;
        }
        self.last.1 += bytes;
    }

    fn put_down(&mut self) {
        let (page, bytes) = std::mem::take(&mut self.last);
        if bytes > 0 {
            *self.seen.entry(page).or_default() += bytes;
        }
    }

    /// Ends a round: all swarms were seen.
    pub(crate) fn end_round(&mut self) {
        self.put_down();
        self.seen.retain(|_, bytes| *bytes >= WORTH);
        self.asked.retain(|page| self.seen.contains_key(page));
        self.wanted = self
            .seen
            .keys()
            .copied()
            .filter(|page| !self.asked.contains(page))
            .collect();
        self.seen.clear();
    }

    /// Asks the kernel for one large page, if one is wanted.
    pub(crate) fn join_one(&mut self) {
        if let Some(page) = self.wanted.pop()
            && join(page * PAGE)
        {
            self.asked.insert(page);
        }
    }
}

/// Whether there is no need to ask again.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has no word for large pages")]
fn join(start: usize) -> bool {
    // SAFETY: the kernel moves what is there to another place in memory, at the same address, and changes none of it; of an
    // address that is not in use it says so.
    let joined = unsafe { libc::madvise(std::ptr::without_provenance_mut(start), PAGE, libc::MADV_COLLAPSE) };
    // There may be a free large page later.
    joined == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EAGAIN)
}

/// Elsewhere the system finds out by itself.
#[cfg(not(target_os = "linux"))]
fn join(_: usize) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_joined_once_when_it_is_mostly_swarms() {
        let swarms = vec![7_u8; 4 * PAGE];
        let mut ground = Ground::default();
        let mut round = |worth: usize| {
            swarms
                .chunks(4096)
                .take(worth / 4096)
                .for_each(|shelf| ground.note(shelf));
            ground.end_round();
            let wanted = ground.wanted.len();
            while !ground.wanted.is_empty() {
                ground.join_one();
            }
            wanted
        };
        assert!((4..=5).contains(&round(4 * PAGE)));
        assert_eq!(round(WORTH / 4), 0);
        // It has forgotten those that are swarms no more.
        assert!((4..=5).contains(&round(4 * PAGE)));
        assert!(swarms.iter().all(|byte| *byte == 7));
    }
}
