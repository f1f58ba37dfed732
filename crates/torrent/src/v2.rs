//! The v2 half of a torrent (BEP 52): the file tree of the info dictionary and the piece layers beside it, whose Merkle
//! roots are checked. Does not compare with a v1 half. Next in the flow: `hybrid.rs`.

use std::collections::HashMap;

use crate::bencode::Node;
use crate::error::MetainfoError;
use crate::file::File;
use crate::limits::Limits;
use crate::merkle::{self, Hash};
use crate::names;
use crate::v1;

/// What the file tree of an info dictionary says.
pub(crate) struct V2 {
    /// In the order of the tree, without padding.
    pub(crate) files: Vec<File>,
    /// Pieces of all files; each file begins a new one.
    pub(crate) pieces: u64,
}

/// The hashes of the pieces of each file that is longer than a piece, under the file's root.
pub(crate) type Layers = HashMap<Hash, Box<[u8]>>;

/// Whether the tree of `info` is one single file, which then lies under its own name and not below the torrent's.
pub(crate) fn is_single(info: Node<'_>) -> bool {
    let Some(mut entries) = info.get("file tree").and_then(|tree| tree.dict()) else {
        return false;
    };
    let leaf = entries.next().is_some_and(|(_, entry)| leaf(entry).is_some());
    leaf && entries.next().is_none() && info.get("files").is_none()
}

/// Reads the file tree of `info`; `root` is the torrent's safe name, none if it is a single file.
pub(crate) fn read(
    info: Node<'_>,
    root: Option<&str>,
    piece_length: u64,
    limits: &Limits,
) -> Result<V2, MetainfoError> {
    let tree = info.get("file tree").ok_or(MetainfoError::Missing("file tree"))?;
    let mut walk = Walk {
        root,
        limits,
        files: Vec::new(),
        path: Vec::new(),
    };
    walk.folder(tree)?;
    let files = walk.files;
    if files.is_empty() {
        return Err(MetainfoError::NoFiles);
    }
    let pieces = files.iter().try_fold(0_u64, |sum, file| {
        sum.checked_add(file.size.div_ceil(piece_length))
    });
    let pieces = pieces.ok_or(MetainfoError::TooBig)?;
    if pieces > limits.pieces {
        return Err(MetainfoError::TooManyPieces {
            pieces,
            limit: limits.pieces,
        });
    }
    Ok(V2 { files, pieces })
}

/// Refuses piece hashes of v1 that stand without v1 files and do not fit the tree either.
pub(crate) fn no_stray_pieces(info: Node<'_>, v2: &V2) -> Result<(), MetainfoError> {
    let expected = v2.pieces * 20;
    match info.get("pieces").and_then(|pieces| pieces.bytes()) {
        Some(stray) if stray.len() as u64 != expected => Err(MetainfoError::PiecesMismatch {
            expected,
            found: stray.len() as u64,
        }),
        _ => Ok(()),
    }
}

struct Walk<'a, 't> {
    root: Option<&'a str>,
    limits: &'a Limits,
    files: Vec<File>,
    path: Vec<&'t [u8]>,
}

impl<'t> Walk<'_, 't> {
    /// Adds all files below `folder`. The depth of the bencoded bytes bounds the recursion.
    fn folder(&mut self, folder: Node<'t>) -> Result<(), MetainfoError> {
        let entries = folder.dict().ok_or_else(|| self.broken())?;
        for (name, entry) in entries {
            if name.is_empty() {
                return Err(self.broken());
            }
            self.path.push(name);
            if self.path.len() > self.limits.path_depth {
                return Err(MetainfoError::PathTooDeep {
                    file: self.files.len(),
                    limit: self.limits.path_depth,
                });
            }
            match leaf(entry) {
                Some(leaf) => self.file(leaf)?,
                None => self.folder(entry)?,
            }
            self.path.pop();
        }
        Ok(())
    }

    fn file(&mut self, leaf: Node<'t>) -> Result<(), MetainfoError> {
        if leaf.dict().is_none() {
            return Err(self.broken());
        }
        let index = self.files.len();
        let attributes = v1::attributes(leaf);
        let link = attributes.contains(&b'l');
        let size = if link { 0 } else { v1::length(leaf, index)? };
        let mut file = File::new(self.root, self.path.iter().copied(), size);
        file.set_attributes(attributes);
        if file.pad {
            return Err(MetainfoError::PadInTree(file.path.to_string()));
        }
        if link {
            file.symlink = v1::link_target(leaf, index, self.root, self.limits)?;
        }
        if size > 0 {
            let root = leaf
                .get("pieces root")
                .and_then(|root| Hash::try_from(root.bytes()?).ok());
            let root = root.filter(|root| *root != [0; 32]);
            file.pieces_root = Some(root.ok_or_else(|| MetainfoError::MissingRoot(file.path.to_string()))?);
        }
        self.files.push(file);
        Ok(())
    }

    fn broken(&self) -> MetainfoError {
        let near: Vec<String> = self.path.iter().map(|name| names::component(name)).collect();
        MetainfoError::BadFileTree(near.join("/"))
    }
}

/// What is under the empty name, if `entry` has nothing else: then it is a file and not a folder.
fn leaf(entry: Node<'_>) -> Option<Node<'_>> {
    let mut entries = entry.dict()?;
    let (name, leaf) = entries.next()?;
    (name.is_empty() && entries.next().is_none()).then_some(leaf)
}

/// Checks each piece layer against the root of its file. Returns the layers and whether no file lacks its own; a
/// torrent may leave layers out, because peers can send them.
pub(crate) fn read_layers(
    layers: Option<Node<'_>>,
    files: &[File],
    piece_length: u64,
) -> Result<(Layers, bool), MetainfoError> {
    let wrong = |problem| Err(MetainfoError::BadPieceLayer(problem));
    let mut expected: HashMap<Hash, u64> = HashMap::new();
    for file in files.iter().filter(|file| file.size > piece_length) {
        let Some(root) = file.pieces_root else { continue };
        if expected
            .insert(root, file.size)
            .is_some_and(|size| size != file.size)
        {
            return wrong("files of different size have the same root");
        }
    }
    let mut found = Layers::new();
    let Some(layers) = layers else {
        return Ok((found, expected.is_empty()));
    };
    let Some(entries) = layers.dict() else {
        return wrong("“piece layers” is not a dictionary");
    };
    for (root, layer) in entries {
        let Ok(root) = Hash::try_from(root) else {
            return wrong("a key is not a hash");
        };
        let Some(size) = expected.remove(&root) else {
            return wrong("it belongs to no file");
        };
        let layer = layer.bytes().unwrap_or_default();
        if layer.len() as u64 != size.div_ceil(piece_length) * 32 {
            return wrong("it has not one hash for each piece of its file");
        }
        let mut hashes: Vec<Hash> = layer.as_chunks::<32>().0.to_vec();
        if merkle::large_file(&mut hashes, piece_length) != root {
            return wrong("it does not hash to the root of its file");
        }
        found.insert(root, layer.into());
    }
    Ok((found, expected.is_empty()))
}
