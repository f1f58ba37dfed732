//! The v1 half of an info dictionary (BEP 3, BEP 47): its files in order and its piece hashes, every number checked.
//! Does not compare with a v2 half (`hybrid.rs`) and does not ask the second reader (`second_reader.rs`). Next in the
//! flow: `v2.rs`.

use crate::bencode::Node;
use crate::error::MetainfoError;
use crate::file::{File, FilePath};
use crate::limits::{Limits, MAX_FILE_SIZE};

/// What the v1 keys of an info dictionary say.
pub(crate) struct V1<'t> {
    /// In the order of the torrent, padding included.
    pub(crate) files: Vec<File>,
    /// SHA-1 of every piece, 20 bytes each; as many as the files need.
    pub(crate) pieces: &'t [u8],
}

/// Reads the v1 keys of `info`; `root` is the torrent's safe name, none if it is a single file.
pub(crate) fn read<'t>(
    info: Node<'t>,
    root: Option<&str>,
    piece_length: u64,
    limits: &Limits,
) -> Result<V1<'t>, MetainfoError> {
    let files = match info.get("files") {
        Some(_) if info.get("length").is_some() => return Err(MetainfoError::LengthAndFiles),
        Some(list) => {
            let list = list.list().ok_or(MetainfoError::Missing("files"))?;
            let mut files = Vec::with_capacity(list.clone().count());
            for (index, file) in list.enumerate() {
                files.push(read_file(file, index, root, limits)?);
            }
            files
        }
        None => vec![read_single(info)?],
    };
    if files.is_empty() {
        return Err(MetainfoError::NoFiles);
    }
    let total = files
        .iter()
        .try_fold(0_u64, |sum, file: &File| sum.checked_add(file.size));
    let total = total
        .filter(|total| *total <= i64::MAX as u64)
        .ok_or(MetainfoError::TooBig)?;
    let count = total.div_ceil(piece_length);
    if count > limits.pieces {
        return Err(MetainfoError::TooManyPieces {
            pieces: count,
            limit: limits.pieces,
        });
    }
    let pieces = info
        .get("pieces")
        .and_then(|p| p.bytes())
        .ok_or(MetainfoError::Missing("pieces"))?;
    if pieces.len() as u64 != count * 20 {
        return Err(MetainfoError::PiecesMismatch {
            expected: count * 20,
            found: pieces.len() as u64,
        });
    }
    Ok(V1 { files, pieces })
}

/// The raw name of a torrent: `name.utf-8`, which is the better one where both are, or `name`.
pub(crate) fn raw_name(info: Node<'_>) -> Option<&[u8]> {
    ["name.utf-8", "name"]
        .iter()
        .find_map(|key| info.get(key)?.bytes())
}

fn read_single(info: Node<'_>) -> Result<File, MetainfoError> {
    let name = raw_name(info).ok_or(MetainfoError::MissingName)?;
    crate::names::usable(name).ok_or(MetainfoError::MissingName)?;
    let attributes = attributes(info);
    // A link has no content, and a torrent of one link nothing to share.
    let size = if attributes.contains(&b'l') {
        0
    } else {
        length(info, 0)?
    };
    let mut file = File::new(None, [name].into_iter(), size);
    file.set_attributes(attributes);
    Ok(file)
}

fn read_file(
    file: Node<'_>,
    index: usize,
    root: Option<&str>,
    limits: &Limits,
) -> Result<File, MetainfoError> {
    let attributes = attributes(file);
    let link = attributes.contains(&b'l');
    // A link takes no room among the pieces, whatever length it claims.
    let size = if link { 0 } else { length(file, index)? };
    let pad_name = size.to_string();
    let path = match ["path.utf-8", "path"]
        .iter()
        .find_map(|key| file.get(key)?.list())
    {
        Some(path) => components(path, index, limits)?,
        None => Vec::new(),
    };
    let path = match path.as_slice() {
        [] if attributes.contains(&b'p') => vec![&b".pad"[..], pad_name.as_bytes()],
        [] => return Err(MetainfoError::BadPath(index)),
        _ => path,
    };
    let mut read = File::new(root, path.into_iter(), size);
    read.set_attributes(attributes);
    // BitComet marked its padding by name before there was an attribute for it.
    read.pad |= read.path.as_str().contains("_____padding_file_");
    if link {
        read.symlink = link_target(file, index, root, limits)?;
    }
    Ok(read)
}

/// Where the link `file` says it points, made safe but not yet known to exist; none if it does not say.
pub(crate) fn link_target(
    file: Node<'_>,
    index: usize,
    root: Option<&str>,
    limits: &Limits,
) -> Result<Option<FilePath>, MetainfoError> {
    let Some(target) = file.get("symlink path").and_then(|target| target.list()) else {
        return Ok(None);
    };
    Ok(FilePath::of_link(
        root,
        components(target, index, limits)?.into_iter(),
    ))
}

/// The letters of BEP 47.
pub(crate) fn attributes(file: Node<'_>) -> &[u8] {
    file.get("attr").and_then(|attr| attr.bytes()).unwrap_or_default()
}

/// The length of a file, in bytes.
pub(crate) fn length(file: Node<'_>, index: usize) -> Result<u64, MetainfoError> {
    let length = file
        .get("length")
        .and_then(|length| length.int())
        .and_then(|length| u64::try_from(length).ok());
    length
        .filter(|length| *length <= MAX_FILE_SIZE)
        .ok_or(MetainfoError::BadLength(index))
}

fn components<'t>(
    path: impl Iterator<Item = Node<'t>>,
    index: usize,
    limits: &Limits,
) -> Result<Vec<&'t [u8]>, MetainfoError> {
    let mut components = Vec::new();
    for component in path {
        if components.len() == limits.path_depth {
            return Err(MetainfoError::PathTooDeep {
                file: index,
                limit: limits.path_depth,
            });
        }
        components.push(component.bytes().ok_or(MetainfoError::BadPath(index))?);
    }
    Ok(components)
}
