//! Symbolic links (BEP 47) are confined to their torrent: a link that leads nowhere inside it is made to point to
//! itself, as libtorrent does. Nothing is looked up on a disk. Next in the flow: `metainfo.rs`.

use std::collections::HashMap;

use crate::file::{File, FilePath};

/// Bytes of paths that are looked up for all links of one torrent together; links beyond that point to themselves.
const LOOKED_UP: usize = 4 << 20;

/// Links that one link may lead through, as on Linux.
const HOPS: usize = 40;

/// Makes every link of `files` point to a file or folder of `files`, or to itself.
pub(crate) fn confine(files: &mut [File]) {
    let links: Vec<usize> = (0..files.len())
        .filter(|index| files[*index].symlink.is_some())
        .collect();
    if links.is_empty() {
        return;
    }
    let lost: Vec<usize> = {
        let mut map = Map::new(files);
        links
            .into_iter()
            .filter(|index| !map.leads_somewhere(&files[*index]))
            .collect()
    };
    for index in lost {
        files[index].symlink = Some(files[index].path.clone());
    }
}

struct Map<'f> {
    /// All paths, sorted.
    paths: Vec<&'f str>,
    links: HashMap<&'f str, &'f str>,
    /// Bytes that may still be looked up.
    room: usize,
}

impl<'f> Map<'f> {
    fn new(files: &'f [File]) -> Self {
        let mut paths: Vec<&str> = files
            .iter()
            .filter(|file| !file.pad)
            .map(|file| file.path.as_str())
            .collect();
        paths.sort_unstable();
        let link = |file: &'f File| Some((file.path.as_str(), file.symlink.as_ref()?.as_str()));
        Map {
            paths,
            links: files.iter().filter_map(link).collect(),
            room: LOOKED_UP,
        }
    }

    fn leads_somewhere(&mut self, link: &File) -> bool {
        let Some(mut target) = link.symlink.as_ref().map(FilePath::to_string) else {
            return false;
        };
        for _ in 0..HOPS {
            match self.room.checked_sub(target.len() + 1) {
                Some(room) => self.room = room,
                None => return false,
            }
            if self.exists(&target) {
                return true;
            }
            match self.through_a_link(&target) {
                Some(next) => target = next,
                None => return false,
            }
        }
        false
    }

    /// Whether this is a file and no link, or a folder.
    fn exists(&self, path: &str) -> bool {
        let first = |from: &str| {
            self.paths
                .get(self.paths.partition_point(|other| *other < from))
                .copied()
        };
        let below = format!("{path}/");
        let file = first(path) == Some(path) && !self.links.contains_key(path);
        file || first(&below).is_some_and(|other| other.starts_with(&below))
    }

    /// The path with its outermost link followed.
    fn through_a_link(&self, path: &str) -> Option<String> {
        let mut ends = path
            .match_indices('/')
            .map(|(slash, _)| slash)
            .chain([path.len()]);
        ends.find_map(|end| {
            let target = self.links.get(&path[..end])?;
            Some(format!("{target}{}", &path[end..]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confined(links: &[(&str, &str)]) -> Vec<String> {
        let file = |path: &str| File::new(None, path.split('/').map(str::as_bytes), 1);
        let mut files = vec![file("t/d/f"), file("t/e")];
        for (path, target) in links {
            let mut link = file(path);
            link.symlink = Some(FilePath::from_safe(*target));
            files.push(link);
        }
        confine(&mut files);
        files
            .iter()
            .filter_map(|file| Some(file.symlink.as_ref()?.to_string()))
            .collect()
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(confined(&[("t/l", "t/d/f"), ("t/m", "t/d")]), ["t/d/f", "t/d"]);
        assert_eq!(confined(&[("t/l", "t/nope"), ("t/m", "t/_/etc")]), ["t/l", "t/m"]);
        assert_eq!(
            confined(&[("t/l", "t/d"), ("t/m", "t/l/f"), ("t/n", "t/l/g")]),
            ["t/d", "t/l/f", "t/n"]
        );
    }

    #[test]
    fn links_that_go_round_point_to_themselves() {
        assert_eq!(confined(&[("t/l", "t/m"), ("t/m", "t/l")]), ["t/l", "t/m"]);
        assert_eq!(confined(&[("t/l", "t/l/x")]), ["t/l"]);
        let chain: Vec<_> = (0..200)
            .map(|n| (format!("t/l{n}"), format!("t/l{}", n + 1)))
            .collect();
        let chain: Vec<_> = chain.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(confined(&chain).len(), 200);
    }
}
