//! The pages for people: that what they point at is there, and that the API description knows every route.
//!
//! Next in the flow: `example.rs`, the printed configuration.

use std::collections::BTreeSet;
use std::fs;

use super::{Faults, files, root};

/// What the root of the checkout must hold.
const WANTED: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "FEDERATION.md",
    "LICENSE",
    "deny.toml",
    "shoal.example.toml",
    "Dockerfile",
    "docker-compose.yml",
    "docs/ARCHITECTURE.md",
    "docs/adr",
    ".ci/run",
];

#[test]
fn the_papers_of_the_house_are_there() {
    let mut faults = Faults::default();
    for name in WANTED.iter().filter(|name| !root().join(name).exists()) {
        faults.add(format!("{name} is missing"));
    }
    faults.report();
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut faults = Faults::default();
    for text in files("", &[".md"]) {
        let folder = root().join(&text.path);
        let folder = folder.parent().expect("a file lies in a folder");
        for link in links(&text.body) {
            let (path, anchor) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let target = if path.is_empty() {
                root().join(&text.path)
            } else {
                folder.join(path)
            };
            if !target.exists() {
                faults.add(format!("{}: {link} leads nowhere", text.path));
            } else if !anchor.is_empty() && target.is_file() && !anchors(&target).contains(anchor) {
                faults.add(format!("{}: {link}: no such heading", text.path));
            }
        }
    }
    faults.report();
}

/// The targets of `[text](target)` and `![text](target)` that lie in the checkout.
fn links(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in body.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        // What stands between backticks is text, not a link.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for part in plain.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or("");
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn files_that_the_map_names_are_there() {
    let sources = files("", &[".rs"]);
    let mut faults = Faults::default();
    let mut maps = files("docs/adr", &[".md"]);
    maps.extend(files("docs", &["ARCHITECTURE.md"]));
    for text in &maps {
        let quoted = text
            .body
            .lines()
            .flat_map(|line| line.split('`').skip(1).step_by(2));
        for name in quoted.filter(|name| !name.contains(' ')) {
            let top = name.split_once('/').map_or("", |(top, _)| top);
            let is_path = ["crates", "docs", "fuzz", "migrations", "tests"].contains(&top);
            let ending = format!("/{name}");
            let is_there = if is_path {
                root().join(name).exists()
            } else {
                !name.ends_with(".rs") || sources.iter().any(|source| source.path.ends_with(&ending))
            };
            if !is_there {
                faults.add(format!("{}: there is no {name}", text.path));
            }
        }
    }
    faults.report();
}

/// The anchors that a forge makes of the headings of a page.
fn anchors(path: &std::path::Path) -> BTreeSet<String> {
    let body = fs::read_to_string(path).unwrap_or_default();
    let headings = body.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
            kept.map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}

#[test]
fn the_documents_speak_of_the_project_alone() {
    let mut faults = Faults::default();
    let elsewhere = concat!("../", "shared");
    for text in files("", &[".md", ".rs", ".toml", ".html", ".py", ".mjs", ".sql"]) {
        let reads_corpora = text.path.ends_with(".rs") && text.body.contains("SHOAL_CORPORA");
        if text.body.contains(elsewhere) && !reads_corpora {
            faults.add(format!("{}: names a folder outside the checkout", text.path));
        }
    }
    faults.report();
}
