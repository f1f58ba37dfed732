//! Finding what is to be shared: every file below a path, in the order of a BEP 52 file tree, with names that clients
//! will not change. Reads folders, no content. Next in the flow: `piece_length.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::create::{CreateError, Links};
use crate::limits::MAX_FILE_SIZE;

/// Folders inside each other; readers allow 100 levels of everything, and some are taken by what is around the tree.
pub(super) const MAX_DEPTH: usize = 90;

/// Longest name in bytes; libtorrent cuts longer ones.
const MAX_NAME: usize = 240;

/// What lies at a path.
pub(super) struct Found {
    /// Name of the file or folder.
    pub(super) name: String,
    /// Whether it is one file and no folder.
    pub(super) single: bool,
    /// Sorted by component.
    pub(super) files: Vec<FoundFile>,
}

/// A file to be shared.
pub(super) struct FoundFile {
    /// Components below the folder; of a single file, its name.
    pub(super) path: Vec<String>,
    /// Bytes.
    pub(super) size: u64,
    /// Where it lies.
    pub(super) on_disk: PathBuf,
}

/// Finds every file at or below `path`. The path itself may be a link; it was named by the person who publishes.
pub(super) fn walk(path: &Path, links: Links) -> Result<Found, CreateError> {
    let unreadable = |error| CreateError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    // Paths such as `.` have no name of their own.
    let named = match path.file_name() {
        Some(_) => path.to_owned(),
        None => fs::canonicalize(path).map_err(unreadable)?,
    };
    let name = named
        .file_name()
        .ok_or_else(|| CreateError::NoName(path.to_owned()))?;
    let name = sound_name(name, path)?;
    if metadata.is_file() {
        let files = vec![file(vec![name.clone()], metadata.len(), path.to_owned())?];
        return Ok(Found {
            name,
            single: true,
            files,
        });
    }
    if !metadata.is_dir() {
        return Err(CreateError::SpecialFile(path.to_owned()));
    }
    let mut files = Vec::new();
    let mut folders = vec![(path.to_owned(), Vec::new())];
    while let Some((folder, components)) = folders.pop() {
        read_folder(&folder, &components, links, &mut folders, &mut files)?;
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Found {
        name,
        single: false,
        files,
    })
}

fn read_folder(
    folder: &Path,
    components: &[String],
    links: Links,
    folders: &mut Vec<(PathBuf, Vec<String>)>,
    files: &mut Vec<FoundFile>,
) -> Result<(), CreateError> {
    if components.len() > MAX_DEPTH {
        return Err(CreateError::TooDeep(folder.to_owned()));
    }
    let unreadable = |path: &Path, error| CreateError::Unreadable {
        path: path.to_owned(),
        error,
    };
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let on_disk = entry.path();
        // Of a link this is the link itself.
        let metadata = entry.metadata().map_err(|error| unreadable(&on_disk, error))?;
        if metadata.is_symlink() {
            match links {
                Links::Skip => continue,
                Links::Refuse => return Err(CreateError::Link(on_disk)),
            }
        }
        let mut path = components.to_vec();
        path.push(sound_name(&entry.file_name(), &on_disk)?);
        if metadata.is_dir() {
            folders.push((on_disk, path));
        } else if metadata.is_file() {
            files.push(file(path, metadata.len(), on_disk)?);
        } else {
            return Err(CreateError::SpecialFile(on_disk));
        }
    }
    Ok(())
}

fn file(path: Vec<String>, size: u64, on_disk: PathBuf) -> Result<FoundFile, CreateError> {
    if size > MAX_FILE_SIZE {
        return Err(CreateError::TooLarge(on_disk));
    }
    Ok(FoundFile { path, size, on_disk })
}

/// The name as text, if clients store it as it is.
fn sound_name(name: &std::ffi::OsStr, path: &Path) -> Result<String, CreateError> {
    let bad = |problem| CreateError::BadName {
        path: path.to_owned(),
        problem,
    };
    let name = name.to_str().ok_or_else(|| bad("is not UTF-8"))?;
    if name.len() > MAX_NAME {
        return Err(bad("has more than 240 bytes"));
    }
    if name.contains(['/', '\\']) {
        return Err(bad("has a backslash in it"));
    }
    if name.chars().any(char::is_control) {
        return Err(bad("has a control character in it"));
    }
    Ok(name.to_owned())
}
