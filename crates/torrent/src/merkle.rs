//! Merkle trees of BEP 52: SHA-256 over blocks of 16 KiB, pairs hashed upwards, absent blocks counted as zeros. Knows
//! hashes only, no files. Next in the flow: `v2.rs` checks piece layers with it, `create/` makes them.

use sha2::{Digest, Sha256};

use crate::limits::BLOCK;

/// One node of a tree.
pub(crate) type Hash = [u8; 32];

/// Hash of a block of content, which may be shorter than 16 KiB at the end of a file.
pub(crate) fn block(content: &[u8]) -> Hash {
    Sha256::digest(content).into()
}

fn pair(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Root of a tree over `width` nodes, of which the first are given and the others are `absent`. `width` is a power of
/// two and not less than the number of nodes, of which there is at least one.
fn root(nodes: &mut Vec<Hash>, width: u64, mut absent: Hash) -> Hash {
    for _ in 0..width.trailing_zeros() {
        let above = nodes.len().div_ceil(2);
        for index in 0..above {
            let right = nodes.get(2 * index + 1).copied().unwrap_or(absent);
            nodes[index] = pair(&nodes[2 * index], &right);
        }
        nodes.truncate(above);
        absent = pair(&absent, &absent);
    }
    nodes[0]
}

/// Root of a subtree over a whole piece of which no block exists.
fn absent_piece(piece_length: u64) -> Hash {
    (0..(piece_length / BLOCK).trailing_zeros()).fold([0; 32], |hash, _| pair(&hash, &hash))
}

/// Hash of one piece of a file that is longer than a piece: `blocks` are the hashes of the blocks that exist, at least
/// one. Leaves `blocks` in pieces.
pub(crate) fn piece(blocks: &mut Vec<Hash>, piece_length: u64) -> Hash {
    root(blocks, piece_length / BLOCK, [0; 32])
}

/// Root of a file that is not longer than a piece: `blocks` are the hashes of all its blocks, at least one.
pub(crate) fn small_file(blocks: &mut Vec<Hash>) -> Hash {
    let width = (blocks.len() as u64).next_power_of_two();
    root(blocks, width, [0; 32])
}

/// Root of a file that is longer than a piece: `layer` holds the hashes of all its pieces, at least one. Leaves
/// `layer` in pieces.
pub(crate) fn large_file(layer: &mut Vec<Hash>, piece_length: u64) -> Hash {
    let width = (layer.len() as u64).next_power_of_two();
    root(layer, width, absent_piece(piece_length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_over_pieces_is_the_tree_over_blocks() {
        let blocks: Vec<Hash> = (0..11_u8).map(|n| block(&[n; 100])).collect();
        let whole = small_file(&mut blocks.clone());
        for blocks_per_piece in [1, 2, 4, 8] {
            let length = blocks_per_piece as u64 * BLOCK;
            let mut layer: Vec<Hash> = blocks
                .chunks(blocks_per_piece)
                .map(|c| piece(&mut c.to_vec(), length))
                .collect();
            assert_eq!(large_file(&mut layer, length), whole);
        }
    }

    #[test]
    fn one_block_is_its_own_root() {
        assert_eq!(small_file(&mut vec![block(b"x")]), block(b"x"));
        assert_eq!(
            small_file(&mut vec![block(b"x"), block(b"y")]),
            pair(&block(b"x"), &block(b"y"))
        );
    }
}
