//! Writing the torrent file of what was found and hashed: file list and padding for v1 (BEP 3, BEP 47), file tree and
//! piece layers for v2 (BEP 52), the rest around them. Every dictionary comes out sorted. Next in the flow: the bytes
//! are read once more by `metainfo.rs`, then given to the caller.

use std::collections::BTreeMap;

use crate::create::Options;
use crate::create::walk::{Found, FoundFile};
use crate::encode;
use crate::format::Format;
use crate::hashing::{Job, PieceHashes};
use crate::merkle::{self, Hash};

/// The torrent file. `hashes` are those of all pieces of `job`, whose sources are the files of `found` that are not
/// empty, in the same order.
pub(super) fn write(found: &Found, job: &Job, hashes: &[PieceHashes], options: &Options) -> Vec<u8> {
    let roots = if job.v2 { roots(job, hashes) } else { Vec::new() };
    let info = info(found, job, hashes, &roots, options);
    let mut pairs = encode::announce(&options.trackers);
    for (key, text) in [("comment", &options.comment), ("created by", &options.created_by)] {
        pairs.extend(text.as_ref().map(|text| (key, encode::of_bytes(text.as_bytes()))));
    }
    pairs.extend(options.creation_date.map(|date| {
        let mut value = Vec::new();
        encode::int(&mut value, date);
        ("creation date", value)
    }));
    if job.v2 {
        pairs.push(("piece layers", piece_layers(&roots)));
    }
    if !options.web_seeds.is_empty() {
        let mut value = Vec::new();
        encode::list(&mut value, &options.web_seeds);
        pairs.push(("url-list", value));
    }
    pairs.push(("info", info));
    dictionary(&pairs)
}

/// The root of a file and, if it is longer than a piece, the hashes of its pieces.
struct Root {
    root: Hash,
    layer: Vec<Hash>,
}

/// One root for each source of `job`.
fn roots(job: &Job, hashes: &[PieceHashes]) -> Vec<Root> {
    let root = |source: &crate::hashing::Source| {
        let first = (source.offset / job.piece_length) as usize;
        let count = source.size.div_ceil(job.piece_length) as usize;
        let layer: Vec<Hash> = hashes[first..first + count]
            .iter()
            .map(|hashes| hashes.v2)
            .collect();
        match layer.as_slice() {
            [root] => Root {
                root: *root,
                layer: Vec::new(),
            },
            _ => Root {
                root: merkle::large_file(&mut layer.clone(), job.piece_length),
                layer,
            },
        }
    };
    job.sources.iter().map(root).collect()
}

fn info(found: &Found, job: &Job, hashes: &[PieceHashes], roots: &[Root], options: &Options) -> Vec<u8> {
    let mut pairs = Vec::new();
    let number = |value: u64| {
        let mut out = Vec::new();
        encode::size(&mut out, value);
        out
    };
    if job.v2 {
        pairs.push(("file tree", file_tree(&found.files, roots)));
        pairs.push(("meta version", number(2)));
    }
    if job.v1 {
        let pieces: Vec<u8> = hashes.iter().flat_map(|hashes| hashes.v1).collect();
        pairs.push(("pieces", encode::of_bytes(&pieces)));
        match found.single {
            true => pairs.push(("length", number(found.files[0].size))),
            false => pairs.push(("files", file_list(&found.files, job.piece_length, options.format))),
        }
    }
    pairs.push(("name", encode::of_bytes(found.name.as_bytes())));
    pairs.push(("piece length", number(job.piece_length)));
    if options.private {
        pairs.push(("private", number(1)));
    }
    dictionary(&pairs)
}

/// The v1 list of files. In a hybrid of more than one file, padding follows each file that does not fill its last
/// piece, the last file too: so libtorrent lays it, and both come to the same info-hash.
fn file_list(files: &[FoundFile], piece_length: u64, format: Format) -> Vec<u8> {
    let padded = format == Format::Hybrid && files.len() > 1;
    let mut out = vec![b'l'];
    for file in files {
        out.extend_from_slice(b"d6:length");
        encode::size(&mut out, file.size);
        encode::bytes(&mut out, b"path");
        encode::list(&mut out, &file.path);
        out.push(b'e');
        let gap = file.size.next_multiple_of(piece_length) - file.size;
        if padded && gap > 0 {
            out.extend_from_slice(b"d4:attr1:p6:length");
            encode::size(&mut out, gap);
            encode::bytes(&mut out, b"path");
            encode::list(&mut out, [".pad", &gap.to_string()]);
            out.push(b'e');
        }
    }
    out.push(b'e');
    out
}

/// The v2 tree. The files are sorted by component, so folders open and close in the order of their keys.
fn file_tree(files: &[FoundFile], roots: &[Root]) -> Vec<u8> {
    let mut roots = roots.iter();
    let mut out = vec![b'd'];
    let mut open: &[String] = &[];
    for file in files {
        let (name, folders) = file.path.split_last().expect("a file has a name");
        let common = open.iter().zip(folders).take_while(|(a, b)| a == b).count();
        out.extend(open[common..].iter().map(|_| b'e'));
        for folder in &folders[common..] {
            encode::bytes(&mut out, folder.as_bytes());
            out.push(b'd');
        }
        open = folders;
        encode::bytes(&mut out, name.as_bytes());
        out.extend_from_slice(b"d0:d6:length");
        encode::size(&mut out, file.size);
        if let Some(root) = (file.size > 0).then(|| roots.next()).flatten() {
            encode::bytes(&mut out, b"pieces root");
            encode::bytes(&mut out, &root.root);
        }
        out.extend_from_slice(b"ee");
    }
    out.extend(open.iter().map(|_| b'e'));
    out.push(b'e');
    out
}

/// The hashes of the pieces of each file that is longer than one; files of the same content share them.
fn piece_layers(roots: &[Root]) -> Vec<u8> {
    let long = roots.iter().filter(|root| !root.layer.is_empty());
    let layers: BTreeMap<&[u8], Vec<u8>> = long
        .map(|root| (root.root.as_slice(), encode::of_bytes(root.layer.as_flattened())))
        .collect();
    encode::dictionary(
        layers
            .iter()
            .map(|(root, layer)| (*root, layer.as_slice()))
            .collect(),
    )
}

fn dictionary(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    encode::dictionary(
        pairs
            .iter()
            .map(|(key, value)| (key.as_bytes(), value.as_slice()))
            .collect(),
    )
}
