//! Who may know whom: the crate graph and the fences around third-party crates, read from the manifests.
//!
//! Next in the flow: `sources.rs`, how each file reads.

use std::fs;

use toml::Table;

use super::{Faults, root};

/// Each package, its folder, and which of ours it may name.
const GRAPH: &[(&str, &str, &[&str])] = &[
    ("shoal-torrent", "crates/torrent", &[]),
    ("shoal-tracker", "crates/tracker", &["shoal-torrent"]),
    ("shoal-store", "crates/store", &["shoal-torrent"]),
    (
        "shoal-federation",
        "crates/federation",
        &["shoal-store", "shoal-torrent"],
    ),
    (
        "shoal",
        "crates/server",
        &[
            "shoal-federation",
            "shoal-store",
            "shoal-torrent",
            "shoal-tracker",
        ],
    ),
    ("shoal-tests", "tests", &["shoal", "shoal-store", "shoal-torrent"]),
    ("xtask", "crates/xtask", &[]),
];

/// Each fenced third-party crate and the only packages that may name it.
const FENCES: &[(&str, &[&str])] = &[
    ("bip_bencode", &["shoal-torrent"]),
    ("bip_metainfo", &["shoal-torrent"]),
    ("diesel", &["shoal-store"]),
    ("diesel_migrations", &["shoal-store"]),
    ("libsqlite3-sys", &["shoal-store"]),
    ("pq-sys", &["shoal-store"]),
    ("activitypub_federation", &["shoal-federation"]),
    ("http-signature-normalization", &["shoal-federation"]),
    ("sfv", &["shoal-federation"]),
    ("aws-lc-rs", &["shoal-federation", "shoal-tests"]),
    ("reqwest-middleware", &["shoal-federation"]),
    ("reqwest", &["shoal-federation", "shoal", "shoal-tests"]),
    ("actix-web", &["shoal", "shoal-tests"]),
    ("actix-http", &["shoal"]),
    ("actix-multipart", &["shoal"]),
    ("askama", &["shoal"]),
    ("tokio", &["shoal-federation", "shoal", "shoal-tests"]),
    ("anyhow", &["shoal", "shoal-tests", "xtask"]),
];

/// The sections of a manifest that name dependencies.
const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

fn manifest(folder: &str) -> Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names(manifest: &Table) -> Vec<String> {
    let sections = SECTIONS
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table());
    sections.flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn each_crate_knows_only_its_neighbours() {
    let mut faults = Faults::default();
    let ours: Vec<&str> = GRAPH.iter().map(|(name, ..)| *name).collect();
    for (package, folder, allowed) in GRAPH {
        for name in names(&manifest(folder)) {
            let forbidden = ours.contains(&name.as_str()) && !allowed.contains(&name.as_str());
            if forbidden {
                faults.add(format!("{folder}/Cargo.toml: {package} must not know {name}"));
            }
        }
    }
    faults.report();
}

#[test]
fn third_party_crates_stay_behind_their_fences() {
    let mut faults = Faults::default();
    for (package, folder, _) in GRAPH {
        for name in names(&manifest(folder)) {
            let fence = FENCES.iter().find(|(fenced, _)| *fenced == name);
            if let Some((_, allowed)) = fence
                && !allowed.contains(package)
            {
                faults.add(format!(
                    "{folder}/Cargo.toml: {name} belongs to {} alone",
                    allowed.join(", ")
                ));
            }
        }
    }
    faults.report();
}

#[test]
fn the_graph_names_every_crate_there_is() {
    let mut faults = Faults::default();
    let crates = fs::read_dir(root().join("crates")).expect("the checkout has crates/");
    for entry in crates.flatten() {
        let folder = format!("crates/{}", entry.file_name().to_string_lossy());
        if !GRAPH.iter().any(|(_, known, _)| *known == folder) {
            faults.add(format!(
                "{folder}: a new crate needs its place in the graph, and a record in docs/adr/"
            ));
        }
    }
    faults.report();
}

#[test]
fn versions_are_named_once_and_lints_are_shared() {
    let mut faults = Faults::default();
    for (_, folder, _) in GRAPH {
        let manifest = manifest(folder);
        if manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace")?.as_bool())
            != Some(true)
        {
            faults.add(format!(
                "{folder}/Cargo.toml: the workspace's lints are not switched on"
            ));
        }
        for section in SECTIONS {
            let Some(table) = manifest.get(*section).and_then(|value| value.as_table()) else {
                continue;
            };
            for (name, value) in table {
                if value.get("workspace").and_then(|value| value.as_bool()) != Some(true) {
                    faults.add(format!(
                        "{folder}/Cargo.toml: {name} takes its version not from the workspace"
                    ));
                }
            }
        }
    }
    faults.report();
}

#[test]
fn the_federation_library_is_pinned_to_one_version() {
    let workspace = manifest("");
    let version = workspace["workspace"]["dependencies"]["activitypub_federation"]["version"].as_str();
    assert!(
        version.is_some_and(|version| version.starts_with('=')),
        "a beta is pinned exactly: {version:?}"
    );
}
