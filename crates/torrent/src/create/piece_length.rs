//! How long the pieces of a new torrent are. Next in the flow: `create.rs` lays the files out.

/// Smallest piece, as BEP 52 demands.
const MIN: u64 = 16 << 10;
/// Largest piece that is chosen for being few pieces alone; larger ones make slow starts.
const COMFORTABLE: u64 = 16 << 20;
/// Largest piece that libtorrent takes.
const MAX: u64 = 256 << 20;
/// Pieces that a torrent should not exceed while pieces are comfortable.
const FEW: u64 = 2_000;
/// Pieces that a torrent should never exceed, so that its file stays below 10 MB.
const MANY: u64 = 100_000;

/// A piece length that was given, if every client takes it.
pub(super) fn check(bytes: u32) -> Option<u64> {
    let bytes = u64::from(bytes);
    (bytes.is_power_of_two() && (MIN..=MAX).contains(&bytes)).then_some(bytes)
}

/// A piece length for files of these sizes: some 1,000 to 2,000 pieces up to 32 GB, then pieces of 16 MiB, and longer
/// ones from 1.6 TB on. Where every file begins a piece, pieces are not longer than the average file, because what is
/// left of its last piece is padding.
pub(super) fn choose(sizes: &[u64], aligned: bool) -> u64 {
    let total: u64 = sizes.iter().sum();
    let at_most = |pieces: u64| total.div_ceil(pieces).next_power_of_two();
    let average = total
        .div_ceil(sizes.iter().filter(|size| **size > 0).count().max(1) as u64)
        .next_power_of_two();
    let wanted = at_most(FEW).min(COMFORTABLE);
    let wanted = if aligned { wanted.min(average) } else { wanted };
    wanted.max(at_most(MANY)).clamp(MIN, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_with_the_content() {
        assert_eq!(choose(&[1], true), 16 << 10);
        assert_eq!(choose(&[30 << 20], true), 16 << 10);
        assert_eq!(choose(&[700 << 20], false), 512 << 10);
        assert_eq!(choose(&[4 << 30], true), 4 << 20);
        assert_eq!(choose(&[100 << 30], true), 16 << 20);
        assert_eq!(choose(&[10 << 40], true), 128 << 20);
        assert_eq!(choose(&[1 << 44; 100], true), 256 << 20);
    }

    #[test]
    fn small_files_get_small_pieces_where_they_are_padded() {
        assert_eq!(choose(&[1_000; 100_000], true), 16 << 10);
        assert_eq!(choose(&[1_000; 100_000], false), 64 << 10);
        assert_eq!(choose(&[3 << 20; 10_000], true), 4 << 20);
    }

    #[test]
    fn given_lengths_are_checked() {
        assert_eq!(check(16 << 10), Some(16 << 10));
        assert_eq!(check(256 << 20), Some(256 << 20));
        assert!(
            [0, 1, 8 << 10, 48 << 10, 512 << 20]
                .into_iter()
                .all(|bytes| check(bytes).is_none())
        );
    }
}
