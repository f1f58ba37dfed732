//! The rules of the house that a machine can check, read from the files as they lie in the checkout.
//!
//! Each test collects every fault it finds and then fails once with the whole list, so that one run tells all there
//! is to mend. Nothing is compiled or started here, except that `example.rs` asks the program for its own defaults.
//! Next in the flow: `tidy/manifests.rs`, who may know whom.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/example.rs"]
mod example;
#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/migrations.rs"]
mod migrations;
#[path = "tidy/sources.rs"]
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout.
fn root() -> PathBuf {
    shoal_tests::checkout()
}

/// What a rule found wrong, one sentence each.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, fault: impl Into<String>) {
        self.0.push(fault.into());
    }

    /// Fails the test with every fault found.
    fn report(self) {
        assert!(
            self.0.is_empty(),
            "{} faults:\n  {}\n",
            self.0.len(),
            self.0.join("\n  ")
        );
    }
}

/// One file of the checkout: its path from the root, with forward slashes, and its text.
struct Text {
    path: String,
    body: String,
}

/// Every text file with one of these endings below `folder`, in order of path. Build products, hidden folders and
/// what `.gitignore` names are passed over.
fn files(folder: &str, endings: &[&str]) -> Vec<Text> {
    let root = root();
    let mut found = Vec::new();
    walk(&root.join(folder), &mut |path| {
        if endings
            .iter()
            .any(|ending| path.to_string_lossy().ends_with(ending))
        {
            found.push(path.to_path_buf());
        }
    });
    found.sort();
    found
        .into_iter()
        .map(|path| Text {
            path: path
                .strip_prefix(&root)
                .expect("it lies below the root")
                .to_string_lossy()
                .into_owned(),
            body: fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        })
        .collect()
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let passed_over = ["target", "node_modules", "shoal-data", "corpus", "artifacts"];
        if name.starts_with('.') || passed_over.contains(&name.as_str()) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            walk(&path, visit)
        } else {
            visit(&path)
        }
    }
}
