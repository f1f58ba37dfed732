//! Whether the two halves of a hybrid torrent (BEP 52, “upgrade path”) describe the same content: the same files in the
//! same order, and padding that lets every file begin a piece. Next in the flow: `metainfo.rs` goes on with the merged
//! list.

use crate::error::MetainfoError;
use crate::file::File;

/// One list from both: the v1 order with its padding, the v2 roots and attributes.
pub(crate) fn merge(mut v1: Vec<File>, v2: Vec<File>, piece_length: u64) -> Result<Vec<File>, MetainfoError> {
    let disagree = |what| Err(MetainfoError::HalvesDisagree(what));
    let mut v2 = v2.into_iter();
    // Where the next byte of the v1 half lies, and where the next file of the v2 half begins.
    let (mut offset, mut aligned) = (0_u64, 0_u64);
    for file in &mut v1 {
        let size = file.size;
        if !file.pad {
            let Some(twin) = v2.next() else {
                return disagree("v1 has more files");
            };
            if !file.same_raw_path(&twin) {
                return disagree("a file has another name or another place");
            }
            if size != twin.size || file.symlink != twin.symlink {
                return disagree("a file has another size");
            }
            if size > 0 && offset != aligned {
                return disagree("the padding does not let every file begin a piece");
            }
            *file = twin;
            aligned += size.next_multiple_of(piece_length);
        }
        offset += size;
        if file.pad && offset != aligned {
            return disagree("the padding does not reach exactly to the next piece");
        }
    }
    if v2.next().is_some() {
        return disagree("v2 has more files");
    }
    Ok(v1)
}
