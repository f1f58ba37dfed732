//! The file tree of an upload as a page walks it: folders opened and closed, files with their sizes, in one flat list
//! that a template can loop over. Bounded by what it is given. Next in the flow: `templates/file_tree.html`.

use std::collections::BTreeMap;

use super::size::{Size, counted};

/// Deepest folder shown as a folder of its own; what lies deeper shows its path.
const DEEPEST: usize = 24;

/// How much of a torrent a tree shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All files: folders tell their sums.
    Whole,
    /// The first files, as a taste.
    Beginning,
    /// One page of a long list, all folders unfolded.
    Page,
}

/// Most files in an only folder that is shown unfolded.
const MOST_UNFOLDED: u64 = 40;

/// A file to be placed in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Folders and name, safe for showing.
    pub(crate) path: Vec<String>,
    /// Bytes.
    pub(crate) size: Size,
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A folder begins.
    Open {
        name: String,
        /// How many files and bytes it holds; empty when only some of them are listed.
        files: String,
        /// Whether it is shown unfolded.
        open: bool,
    },
    /// A file.
    File { name: String, size: Size },
    /// The folder that began last ends.
    Close,
}

#[derive(Default)]
struct Folder {
    folders: BTreeMap<String, Folder>,
    files: Vec<(String, Size)>,
    size: u64,
    count: u64,
}

impl Folder {
    fn put(&mut self, path: &[String], size: Size, depth: usize) {
        self.size = self.size.saturating_add(size.0);
        self.count += 1;
        match path {
            [folder, rest @ ..] if !rest.is_empty() && depth < DEEPEST => {
                self.folders
                    .entry(folder.clone())
                    .or_default()
                    .put(rest, size, depth + 1);
            }
            names => self.files.push((names.join("/"), size)),
        }
    }

    fn write(self, lines: &mut Vec<Line>, extent: Extent) {
        let alone = self.files.is_empty() && self.folders.len() == 1;
        for (name, folder) in self.folders {
            let files = match extent {
                Extent::Whole => format!(
                    "{}, {}",
                    counted(folder.count, "file", "files"),
                    Size(folder.size).short()
                ),
                Extent::Beginning | Extent::Page => String::new(),
            };
            let open = extent == Extent::Page || folder.count <= if alone { MOST_UNFOLDED } else { 4 };
            lines.push(Line::Open { name, files, open });
            folder.write(lines, extent);
            lines.push(Line::Close);
        }
        lines.extend(
            self.files
                .into_iter()
                .map(|(name, size)| Line::File { name, size }),
        );
    }
}

/// The lines of a tree: folders before files, both in order. Folders tell their sums only when the tree is whole.
pub(crate) fn lines(leaves: impl IntoIterator<Item = Leaf>, extent: Extent) -> Vec<Line> {
    let mut root = Folder::default();
    for leaf in leaves {
        root.put(&leaf.path, leaf.size, 0);
    }
    let mut lines = Vec::new();
    root.write(&mut lines, extent);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(path: &str, size: u64) -> Leaf {
        Leaf {
            path: path.split('/').map(str::to_owned).collect(),
            size: Size(size),
        }
    }

    #[test]
    fn folders_carry_the_sum_of_their_files() {
        let lines = lines(
            [leaf("b.txt", 1), leaf("a/x", 2), leaf("a/y/z", 3)],
            Extent::Whole,
        );
        let Line::Open { name, files, .. } = &lines[0] else {
            panic!("{lines:?}")
        };
        assert_eq!((name.as_str(), files.as_str()), ("a", "2 files, 5 bytes"));
        assert_eq!(lines.iter().filter(|l| matches!(l, Line::Close)).count(), 2);
        assert_eq!(
            lines.last(),
            Some(&Line::File {
                name: "b.txt".into(),
                size: Size(1)
            })
        );
    }

    #[test]
    fn a_very_deep_path_ends_in_a_file_with_a_path() {
        let lines = lines([leaf(&"d/".repeat(90), 1)], Extent::Page);
        assert_eq!(
            lines
                .iter()
                .filter(|l| matches!(l, Line::Open { open: true, .. }))
                .count(),
            DEEPEST
        );
    }
}
