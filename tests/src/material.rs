//! Things to publish: folders of made-up files, the same for the same seed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// A folder of some dozens of files, about 30 MB: sizes from one byte to two MiB, subfolders, a Japanese name, names
/// with spaces, an empty file.
///
/// # Errors
/// When the disk refuses.
pub fn folder(parent: &Path, name: &str, seed: u64) -> Result<PathBuf> {
    let root = parent.join(name);
    let mut rng = StdRng::seed_from_u64(seed);
    for number in 0..40 {
        let path = root.join(format!("series {}/part {number:02}.bin", number % 4));
        let length = if number < 28 {
            rng.random_range(700_000..1_400_000)
        } else {
            rng.random_range(1..40_000)
        };
        fill(&path, length, &mut rng)?;
    }
    fill(&root.join("資料/気象観測.csv"), 123_456, &mut rng)?;
    fill(&root.join("one byte"), 1, &mut rng)?;
    fill(&root.join("empty"), 0, &mut rng)?;
    Ok(root)
}

/// One file of this many bytes.
///
/// # Errors
/// When the disk refuses.
pub fn file(parent: &Path, name: &str, length: usize, seed: u64) -> Result<PathBuf> {
    let path = parent.join(name);
    fill(&path, length, &mut StdRng::seed_from_u64(seed))?;
    Ok(path)
}

fn fill(path: &Path, length: usize, rng: &mut StdRng) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    fs::write(path, bytes)?;
    Ok(())
}

/// Every file below a folder with its bytes, by its path from there, in order.
///
/// # Errors
/// When a file cannot be read.
pub fn contents(root: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let (mut folders, mut found) = (vec![root.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(root)?.to_path_buf(), fs::read(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}
