//! Where the files of a torrent lie on disk, without ever trusting a name in it: this is the only place where such a
//! name becomes part of a path. Next in the flow: `check.rs` hashes what was found.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::check::{CheckError, FileState};
use crate::metainfo::Metainfo;

/// Where to look.
pub(super) enum Base {
    /// This is the only file of the torrent, whatever its name.
    File(PathBuf),
    /// The files lie in this folder, whose links are resolved.
    Folder(PathBuf),
}

/// Where a file was found.
pub(super) enum Place {
    Found(PathBuf),
    Not(FileState),
}

impl Base {
    /// What `path` is: the torrent's file or folder, or the folder around it.
    pub(super) fn locate(metainfo: &Metainfo, path: &Path) -> Result<Self, CheckError> {
        let unreadable = |error| CheckError::Unreadable {
            path: path.to_owned(),
            error,
        };
        let folder = fs::metadata(path).map_err(unreadable)?.is_dir();
        let single = metainfo.is_single_file();
        if single && !folder {
            return Ok(Base::File(path.to_owned()));
        }
        if !folder {
            return Err(CheckError::NotAFolder(path.to_owned()));
        }
        let path = fs::canonicalize(path).map_err(unreadable)?;
        // The torrent's name is one safe component.
        let inside = path.join(metainfo.name());
        let named = path.file_name() == Some(OsStr::new(metainfo.name()));
        Ok(Base::Folder(if !single && !named && inside.is_dir() {
            inside
        } else {
            path
        }))
    }

    /// Finds file `index` of the torrent, if it is a file of the right size.
    pub(super) fn place(&self, metainfo: &Metainfo, index: usize) -> Place {
        let size = metainfo.files()[index].size;
        match self {
            Base::File(path) => sized(path, size),
            Base::Folder(folder) => {
                let mut best = Place::Not(FileState::Missing);
                for candidate in candidates(folder, metainfo, index) {
                    let Ok(resolved) = fs::canonicalize(&candidate) else {
                        continue;
                    };
                    let place = match resolved.starts_with(folder) {
                        true => sized(&resolved, size),
                        false => Place::Not(FileState::NotAFile),
                    };
                    if matches!(place, Place::Found(_)) {
                        return place;
                    }
                    best = place;
                }
                best
            }
        }
    }
}

/// A file is only ever opened after this: opening a pipe would wait for ever.
fn sized(path: &Path, size: u64) -> Place {
    match fs::metadata(path) {
        Err(error) => Place::Not(FileState::Unreadable(error.to_string())),
        Ok(metadata) if !metadata.is_file() => Place::Not(FileState::NotAFile),
        Ok(metadata) if metadata.len() != size => Place::Not(FileState::WrongSize {
            found: metadata.len(),
        }),
        Ok(_) => Place::Found(path.to_owned()),
    }
}

/// Where clients put the file: under the name they give it if another has its own, under the name as it stands in the
/// torrent, or under its safe form.
fn candidates(folder: &Path, metainfo: &Metainfo, index: usize) -> impl Iterator<Item = PathBuf> {
    let file = &metainfo.files()[index];
    let outer = usize::from(!metainfo.is_single_file());
    let renamed = metainfo
        .renamed()
        .binary_search_by_key(&index, |(index, _)| *index)
        .ok();
    let renamed = renamed.map(|found| {
        metainfo.renamed()[found]
            .1
            .components()
            .skip(outer)
            .map(OsStr::new)
            .collect()
    });
    let raw = file.raw_path();
    let raw = raw
        .iter()
        .map(|component| plain(component))
        .collect::<Option<PathBuf>>();
    let safe = file.path.components().skip(outer).map(OsStr::new).collect();
    let folder = folder.to_owned();
    [renamed, raw, Some(safe)]
        .into_iter()
        .flatten()
        .map(move |below: PathBuf| folder.join(below))
}

/// The name as one component of a path, if it is nothing else.
fn plain(component: &[u8]) -> Option<&Path> {
    let path = Path::new(os_str(component)?);
    let mut components = path.components();
    let only = matches!(components.next(), Some(Component::Normal(name)) if name == path.as_os_str());
    (only && components.next().is_none() && !component.contains(&0)).then_some(path)
}

#[cfg(unix)]
fn os_str(component: &[u8]) -> Option<&OsStr> {
    Some(std::os::unix::ffi::OsStrExt::from_bytes(component))
}

#[cfg(not(unix))]
fn os_str(component: &[u8]) -> Option<&OsStr> {
    str::from_utf8(component).ok().map(OsStr::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_components_are_plain() {
        let hostile: [&[u8]; 9] = [b"", b".", b"..", b"/", b"/etc", b"a/b", b"a/", b"../x", b"a\0b"];
        assert!(hostile.iter().all(|component| plain(component).is_none()));
        assert!(plain(b"a b").is_some() && plain(b"...").is_some());
    }
}
