//! One file of a torrent, its path made safe and its path as it stands in the torrent. Does not read torrents; `v1.rs`
//! and `v2.rs` make these. Next in the flow: `v1.rs`.

use std::fmt;

use crate::names;

/// A path inside a torrent that is safe to show and to compare: components joined by `/`, none of them empty, `.` or
/// `..`, none with a separator or a control character. The first component is the name of the torrent, except in
/// torrents of one single file, where the only component is the name of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Box<str>);

impl FilePath {
    /// Makes each raw component safe and joins them.
    pub(crate) fn from_raw<'r>(root: Option<&str>, raw: impl Iterator<Item = &'r [u8]>) -> Self {
        let mut joined = root.unwrap_or_default().to_owned();
        for component in raw {
            if !joined.is_empty() {
                joined.push('/');
            }
            joined.push_str(&names::component(component));
        }
        Self(joined.into())
    }

    /// Where a link leads, from its raw components: `..` and others of which nothing is left are left out. None if
    /// nothing remains.
    pub(crate) fn of_link<'r>(root: Option<&str>, raw: impl Iterator<Item = &'r [u8]>) -> Option<Self> {
        let usable = |raw: &[u8]| {
            if raw.is_empty() {
                Some(names::component(raw))
            } else {
                names::usable(raw)
            }
        };
        let below: Vec<String> = raw.filter_map(usable).collect();
        let all: Vec<&str> = root.into_iter().chain(below.iter().map(String::as_str)).collect();
        (!below.is_empty()).then(|| Self(all.join("/").into()))
    }

    /// Joins components that were made safe before.
    pub(crate) fn from_safe(joined: impl Into<Box<str>>) -> Self {
        Self(joined.into())
    }

    /// The path as one text with `/` between components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components, outermost first; at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Its components as owned texts.
    pub fn to_vec(&self) -> Vec<String> {
        self.components().map(str::to_owned).collect()
    }

    /// The last component.
    pub fn name(&self) -> &str {
        self.components().next_back().unwrap_or_default()
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One file of a torrent, or one stretch of padding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// Safe path; see [`FilePath`] for its first component.
    pub path: FilePath,
    /// Content in bytes; 0 for a symbolic link.
    pub size: u64,
    /// Root of the file's Merkle tree over blocks of 16 KiB (BEP 52); none in v1 torrents, for empty files, links and
    /// padding.
    pub pieces_root: Option<[u8; 32]>,
    /// Padding (BEP 47): zeros between files, not content, never written to disk.
    pub pad: bool,
    /// The executable bit (BEP 47).
    pub executable: bool,
    /// A hidden file (BEP 47).
    pub hidden: bool,
    /// Where a symbolic link points (BEP 47), as a safe path inside the torrent; a link that points nowhere inside the
    /// torrent points to itself.
    pub symlink: Option<FilePath>,
    /// Whether the first component of the path is the torrent's name.
    below_root: bool,
    /// The components below the torrent's name as they stand in the torrent, kept only where they differ. Each has its
    /// length in four bytes in front, so that a million of them take little.
    raw: Option<Box<[u8]>>,
}

impl File {
    /// A file below `root` (the torrent's safe name, none for a torrent of a single file) with the raw components `raw`.
    pub(crate) fn new<'r>(
        root: Option<&str>,
        raw: impl Iterator<Item = &'r [u8]> + Clone,
        size: u64,
    ) -> Self {
        let path = FilePath::from_raw(root, raw.clone());
        let below = path
            .components()
            .skip(usize::from(root.is_some()))
            .map(str::as_bytes);
        let differ = !below.eq(raw.clone());
        let flat = |component: &'r [u8]| {
            let length = u32::try_from(component.len()).expect("files are far smaller than 4 GiB");
            length.to_le_bytes().into_iter().chain(component.iter().copied())
        };
        let kept = differ.then(|| raw.flat_map(flat).collect());
        Self {
            path,
            size,
            pieces_root: None,
            pad: false,
            executable: false,
            hidden: false,
            symlink: None,
            below_root: root.is_some(),
            raw: kept,
        }
    }

    /// The components below the torrent's name (of a single-file torrent: the name) as they stand in the torrent:
    /// any bytes, any length, `..` and separators included. Never to be used as a path.
    pub fn raw_path(&self) -> Vec<Vec<u8>> {
        let same = self
            .path
            .components()
            .skip(usize::from(self.below_root))
            .map(|c| c.as_bytes().to_vec());
        let Some(mut rest) = self.raw.as_deref() else {
            return same.collect();
        };
        let mut raw = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (component, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
            raw.push(component.to_vec());
            rest = behind;
        }
        raw
    }

    /// Whether the first component of its path is the torrent's name.
    pub(crate) fn is_below_root(&self) -> bool {
        self.below_root
    }

    /// Whether both have the same raw components; both must lie below the same root.
    pub(crate) fn same_raw_path(&self, other: &File) -> bool {
        self.path == other.path && self.raw == other.raw
    }

    /// Sets what the letters of a BEP 47 `attr` say; whether it is a link is for the caller.
    pub(crate) fn set_attributes(&mut self, attributes: &[u8]) {
        self.pad = attributes.contains(&b'p');
        self.executable = attributes.contains(&b'x');
        self.hidden = attributes.contains(&b'h');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_names_are_kept_beside_the_safe_ones() {
        let raw: [&[u8]; 3] = [b"..", b"a/b", b"c"];
        let file = File::new(Some("set"), raw.into_iter(), 5);
        assert_eq!(file.path.as_str(), "set/_/ab/c");
        assert_eq!(file.path.name(), "c");
        assert_eq!(file.path.to_vec(), ["set", "_", "ab", "c"]);
        assert_eq!(file.raw_path(), [b"..".to_vec(), b"a/b".to_vec(), b"c".to_vec()]);

        let plain: [&[u8]; 2] = [b"a", b"b"];
        let file = File::new(Some("set"), plain.into_iter(), 5);
        assert_eq!(file.raw_path(), [b"a".to_vec(), b"b".to_vec()]);
        let single: [&[u8]; 1] = [b"a"];
        assert_eq!(File::new(None, single.into_iter(), 5).raw_path(), [b"a".to_vec()]);
    }
}
