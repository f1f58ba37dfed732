//! Documents that other servers really send: nothing in them may panic, and what they mean here is what is written down
//! here. Read from beside the project; skipped where it is not there.

use serde_json::Value;
use shoal_federation::vocab::{
    incoming::{self, Incoming},
    remote_actor::Document,
};
use std::path::PathBuf;

/// A file or folder of the corpora; `None`, with a reason printed, when they are not there.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let path = PathBuf::from(std::env::var("SHOAL_CORPORA").unwrap_or_else(|_| beside.to_owned())).join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// A JSON file of the corpora.
pub(crate) fn json(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(path(name)?).expect("a readable file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The documents of one kind, with the file's name.
fn documents(kind: &str) -> Vec<(String, Value)> {
    let (Some(index), Some(folder)) = (json("activities/index.json"), path("activities")) else {
        return Vec::new();
    };
    let entries = index.as_array().expect("a list").iter();
    let of_kind = entries.filter(|entry| entry["kind"] == kind);
    let read = |entry: &Value| {
        let file = entry["file"].as_str().expect("a name").to_owned();
        let text = std::fs::read_to_string(folder.join(&file)).expect("a readable file");
        serde_json::from_str(&text).ok().map(|document| (file, document))
    };
    of_kind.filter_map(read).collect()
}

#[test]
fn the_envelope_of_every_activity_is_read() {
    let activities = documents("activity");
    let mut unread = Vec::new();
    for (file, document) in &activities {
        let body = document.to_string();
        assert!(incoming::depth(body.as_bytes()) <= incoming::MAX_DEPTH, "{file}");
        match Incoming::parse(body.as_bytes()) {
            Ok(read) => assert_eq!(Value::from(read.kind), first(&document["type"]), "{file}"),
            Err(error) => unread.push(format!("{file}: {error}")),
        }
    }
    // Those without an id or actor of their own cannot be answered for by anyone.
    let nameless = |file: &str| {
        activities.iter().any(|(name, document)| {
            file.starts_with(name.as_str())
                && (!is_web(&document["id"]) || !is_web(&first(&document["actor"])))
        })
    };
    unread.retain(|line| !nameless(line));
    assert!(unread.is_empty(), "{unread:#?}");
}

fn first(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.first().cloned().unwrap_or_default(),
        Value::Object(members) if members.contains_key("id") => members["id"].clone(),
        other => other.clone(),
    }
}

fn is_web(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("http"))
}

#[test]
fn every_real_servers_actors_are_taken_or_refused_for_a_reason() {
    let mut refused = Vec::new();
    let mut taken = 0;
    for (file, document) in documents("actor") {
        let document: Document = serde_json::from_value(document).expect("an object");
        match document.check() {
            Ok(_) => taken += 1,
            Err(reason) => refused.push(format!("{file}: {reason}")),
        }
    }
    if taken == 0 && refused.is_empty() {
        return;
    }
    refused.sort();
    insta::assert_snapshot!("refused_actors", refused.join("\n"));
}

#[test]
fn no_document_of_any_kind_makes_a_reader_panic() {
    for kind in ["activity", "actor", "object", "collection", "webfinger", "other"] {
        for (_, document) in documents(kind) {
            let _ = Incoming::parse(document.to_string().as_bytes());
            if let Ok(document) = serde_json::from_value::<Document>(document) {
                let _ = document.check();
            }
        }
    }
}
