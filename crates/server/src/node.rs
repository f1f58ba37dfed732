//! The name of this process among those that share a database: kept in the data folder and locked while the process runs,
//! so that a successor knows what its predecessor left behind. Used by the courier.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

use crate::config::Config;

/// A name that no other running process has.
pub(crate) struct Node {
    /// Hexadecimal.
    pub(crate) name: String,
    /// The lock; the system lets go of it when the process ends, however it ends.
    _held: Option<File>,
}

impl Node {
    /// The name in the data folder, made on the first start; one for this run only when another process has it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let path = config.data.join("node");
        let said = || format!("cannot use {}", path.display());
        std::fs::create_dir_all(&config.data).with_context(said)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.mode(0o600).open(&path).with_context(said)?;
        let fresh = format!("{:016x}", rand::random::<u64>());
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(Self {
                name: fresh,
                _held: None,
            });
        }
        let mut kept = String::new();
        file.read_to_string(&mut kept).with_context(said)?;
        let is_name = kept.len() == fresh.len() && kept.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_name {
            file.set_len(0).with_context(said)?;
            file.rewind().with_context(said)?;
            file.write_all(fresh.as_bytes()).with_context(said)?;
        }
        Ok(Self {
            name: if is_name { kept } else { fresh },
            _held: Some(file),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_and_had_by_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            data: folder.path().join("data"),
            ..Config::default()
        };
        let first = Node::of(&config).expect("a name");
        let beside = Node::of(&config).expect("another name");
        assert_ne!(first.name, beside.name);
        let name = first.name.clone();
        drop(first);
        assert_eq!(Node::of(&config).expect("the name again").name, name);
    }
}
