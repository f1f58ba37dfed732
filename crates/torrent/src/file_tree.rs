//! Paths arranged as folders within folders, with what each folder holds in all. Knows paths and sizes only, so that
//! it serves a torrent and a list out of the database alike. Next in the flow: the upload's page and the command line.

use std::collections::HashMap;

/// Folders and files in the order in which they were first named. No recursion, neither here nor needed to show it.
#[derive(Clone, Debug)]
pub struct FileTree {
    folders: Vec<FolderNode>,
}

#[derive(Clone, Debug, Default)]
struct FolderNode {
    name: String,
    parent: usize,
    size: u64,
    file_count: u64,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    Folder(usize),
    File(Leaf),
}

/// A file in a [`FileTree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Last component of its path.
    pub name: String,
    /// Content in bytes.
    pub size: u64,
    /// Its place in what the tree was made from.
    pub index: usize,
}

/// A folder in a [`FileTree`]. The outermost has no name.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'t> {
    tree: &'t FileTree,
    index: usize,
}

/// One line of a tree that is shown from top to bottom.
#[derive(Clone, Copy, Debug)]
pub enum Row<'t> {
    /// A folder; what is in it follows, one deeper.
    Folder {
        /// Folders around it.
        depth: usize,
        /// The folder.
        folder: Folder<'t>,
    },
    /// A file.
    File {
        /// Folders around it.
        depth: usize,
        /// The file.
        file: &'t Leaf,
    },
}

impl FileTree {
    /// Arranges `files`, each a path of components, outermost first, and its size in bytes.
    pub fn from_files<P, C>(files: impl IntoIterator<Item = (P, u64)>) -> Self
    where
        P: IntoIterator<Item = C>,
        C: AsRef<str>,
    {
        let mut folders = vec![FolderNode::default()];
        let mut known: HashMap<(usize, String), usize> = HashMap::new();
        for (index, (path, size)) in files.into_iter().enumerate() {
            let mut inside = 0;
            let mut path = path.into_iter();
            let Some(mut name) = path.next() else { continue };
            for next in path {
                let folder = *known
                    .entry((inside, name.as_ref().to_owned()))
                    .or_insert(folders.len());
                if folder == folders.len() {
                    folders.push(FolderNode {
                        name: name.as_ref().to_owned(),
                        parent: inside,
                        ..FolderNode::default()
                    });
                    folders[inside].entries.push(Entry::Folder(folder));
                }
                inside = folder;
                name = next;
            }
            folders[inside].entries.push(Entry::File(Leaf {
                name: name.as_ref().to_owned(),
                size,
                index,
            }));
            folders[inside].size = folders[inside].size.saturating_add(size);
            folders[inside].file_count += 1;
        }
        // A folder always stands behind the one around it, so one pass from the end sums all up.
        for index in (1..folders.len()).rev() {
            let (parent, size, count) = (
                folders[index].parent,
                folders[index].size,
                folders[index].file_count,
            );
            folders[parent].size = folders[parent].size.saturating_add(size);
            folders[parent].file_count += count;
        }
        FileTree { folders }
    }

    /// The outermost folder, which has no name and holds all.
    pub fn root(&self) -> Folder<'_> {
        Folder { tree: self, index: 0 }
    }

    /// Everything from top to bottom: a folder, then what is in it.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut stack = vec![self.folders[0].entries.iter()];
        std::iter::from_fn(move || {
            loop {
                let depth = stack.len().checked_sub(1)?;
                match stack.last_mut()?.next() {
                    None => drop(stack.pop()),
                    Some(Entry::File(file)) => return Some(Row::File { depth, file }),
                    Some(Entry::Folder(index)) => {
                        stack.push(self.folders[*index].entries.iter());
                        return Some(Row::Folder {
                            depth,
                            folder: Folder {
                                tree: self,
                                index: *index,
                            },
                        });
                    }
                }
            }
        })
    }
}

impl<'t> Folder<'t> {
    fn node(self) -> &'t FolderNode {
        &self.tree.folders[self.index]
    }

    /// Its name.
    pub fn name(self) -> &'t str {
        &self.node().name
    }

    /// Bytes of all files in it, at any depth.
    pub fn size(self) -> u64 {
        self.node().size
    }

    /// Files in it, at any depth.
    pub fn file_count(self) -> u64 {
        self.node().file_count
    }

    /// The folders directly in it.
    pub fn folders(self) -> impl Iterator<Item = Folder<'t>> {
        let tree = self.tree;
        self.node().entries.iter().filter_map(move |entry| match entry {
            Entry::Folder(index) => Some(Folder { tree, index: *index }),
            Entry::File(_) => None,
        })
    }

    /// The files directly in it.
    pub fn files(self) -> impl Iterator<Item = &'t Leaf> {
        self.node().entries.iter().filter_map(|entry| match entry {
            Entry::File(leaf) => Some(leaf),
            Entry::Folder(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_know_what_is_in_them() {
        let tree = FileTree::from_files([
            (vec!["set", "a", "x"], 1),
            (vec!["set", "readme"], 2),
            (vec!["set", "b", "c", "y"], 4),
            (vec!["set", "a", "z"], 8),
        ]);
        let set = tree.root().folders().next().expect("one folder");
        assert_eq!((set.name(), set.size(), set.file_count()), ("set", 15, 4));
        let inside: Vec<_> = set
            .folders()
            .map(|f| (f.name(), f.size(), f.file_count()))
            .collect();
        assert_eq!(inside, [("a", 9, 2), ("b", 4, 1)]);
        assert_eq!(
            set.files()
                .map(|f| (f.name.as_str(), f.index))
                .collect::<Vec<_>>(),
            [("readme", 1)]
        );

        let rows: Vec<String> = tree
            .rows()
            .map(|row| match row {
                Row::Folder { depth, folder } => format!("{depth}{}/", folder.name()),
                Row::File { depth, file } => format!("{depth}{}", file.name),
            })
            .collect();
        assert_eq!(rows, ["0set/", "1a/", "2x", "2z", "1readme", "1b/", "2c/", "3y"]);
    }

    #[test]
    fn a_single_file_and_nothing_are_trees_too() {
        let tree = FileTree::from_files([(["a.iso"], 7)]);
        assert_eq!(
            (tree.root().size(), tree.root().file_count(), tree.rows().count()),
            (7, 1, 1)
        );
        assert_eq!(FileTree::from_files([(["a"; 0], 7)]).rows().count(), 0);
    }
}
