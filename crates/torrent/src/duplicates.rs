//! Names that clients give to files that share one: `a.txt`, `a.1.txt`, `a.2.txt`. The list that is shown keeps the
//! names of the torrent; only `check` looks on disk for the other names. Next in the flow: `metainfo.rs`.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::error::MetainfoError;
use crate::file::{File, FilePath};

/// The files that have to be renamed, by their index, and their new paths. Upper and lower case ASCII letters count as
/// equal, as some disks take them; a file may not take the name of a folder either.
pub(crate) fn resolve(files: &[File], limit: u32) -> Result<Vec<(usize, FilePath)>, MetainfoError> {
    // Paths are compared by 64-bit hashes under a key that a stranger cannot know; what comes out does not depend on it.
    let hashing = RandomState::new();
    let mut taken = HashSet::with_capacity(files.len());
    folders(files, &hashing, &mut taken);
    let mut renamed = Vec::new();
    let mut attempts = 0;
    for (index, file) in files.iter().enumerate().filter(|(_, file)| !file.pad) {
        if taken.insert(hash(&hashing, file.path.as_str())) {
            continue;
        }
        let path = file.path.as_str();
        let dot = path
            .rfind('.')
            .filter(|dot| !path[*dot..].contains('/'))
            .unwrap_or(path.len());
        let (base, extension) = path.split_at(dot);
        let mut number = 1;
        let free = loop {
            let candidate = format!("{base}.{number}{extension}");
            if taken.insert(hash(&hashing, &candidate)) {
                break candidate;
            }
            number += 1;
            attempts += 1;
            if attempts > limit {
                return Err(MetainfoError::TooManyDuplicates);
            }
        };
        renamed.push((index, FilePath::from_safe(free)));
    }
    Ok(renamed)
}

/// Notes every folder that a file lies in.
fn folders(files: &[File], hashing: &RandomState, taken: &mut HashSet<u64>) {
    let mut last = "";
    for file in files.iter().filter(|file| !file.pad) {
        let path = file.path.as_str();
        let folder = path.rfind('/').map_or("", |slash| &path[..slash]);
        // Neighbours mostly lie in one folder, which need not be noted again.
        if folder != last && !folder.is_empty() {
            let mut hasher = hashing.build_hasher();
            for component in folder.split('/') {
                lower(component, &mut hasher);
                taken.insert(hasher.finish());
            }
            last = folder;
        }
    }
}

fn hash(hashing: &RandomState, path: &str) -> u64 {
    let mut hasher = hashing.build_hasher();
    path.split('/')
        .for_each(|component| lower(component, &mut hasher));
    hasher.finish()
}

fn lower(component: &str, hasher: &mut impl Hasher) {
    if component.bytes().any(|byte| byte.is_ascii_uppercase()) {
        hasher.write(component.to_ascii_lowercase().as_bytes());
    } else {
        hasher.write(component.as_bytes());
    }
    hasher.write(b"/");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(paths: &[&str]) -> Result<Vec<(usize, String)>, MetainfoError> {
        let file = |path: &&str| File::new(None, path.split('/').map(str::as_bytes), 1);
        let files: Vec<File> = paths.iter().map(file).collect();
        Ok(resolve(&files, 500)?
            .into_iter()
            .map(|(index, path)| (index, path.to_string()))
            .collect())
    }

    #[test]
    fn files_of_one_name_get_numbers() {
        assert_eq!(renamed(&["t/a", "t/b", "u/a"]), Ok(vec![]));
        assert_eq!(
            renamed(&["t/a", "t/A", "t/a"]),
            Ok(vec![(1, "t/A.1".into()), (2, "t/a.2".into())])
        );
        assert_eq!(
            renamed(&["t/x.y/a", "t/x.y/a"]),
            Ok(vec![(1, "t/x.y/a.1".into())])
        );
        assert_eq!(
            renamed(&["t/a.txt", "t/a.txt"]),
            Ok(vec![(1, "t/a.1.txt".into())])
        );
        assert_eq!(renamed(&["t/a", "t/a/b"]), Ok(vec![(0, "t/a.1".into())]));
    }

    #[test]
    fn too_many_are_refused() {
        assert!(renamed(&["t/a.txt"; 33]).is_ok());
        assert_eq!(renamed(&["t/a.txt"; 34]), Err(MetainfoError::TooManyDuplicates));
    }
}
