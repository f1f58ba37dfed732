//! A reader who trusts nobody: it knows only what is served, begins at the oldest page of an outbox, checks every proof
//! and every link between versions, and keeps what stands. `replay.rs` compares that with the catalogue.

use crate::world::World;
use serde_json::Value;
use shoal_federation::{proof, records::digest_multibase};
use shoal_store::LocalActor;
use std::collections::{BTreeMap, BTreeSet};

/// What was read so far.
#[derive(Default)]
pub(crate) struct Checker {
    /// The records that stand, by id.
    pub(crate) records: BTreeMap<String, Value>,
    /// The records that were seen last, also those that are gone.
    last: BTreeMap<String, Value>,
    /// The ids of all activities.
    seen: BTreeSet<String>,
}

/// An actor as its document shows it.
struct Author {
    id: String,
    key: String,
    multibase: String,
}

impl Author {
    fn of(world: &World, actor: &LocalActor) -> Self {
        let document = world.federation.actor_document(actor).expect("an actor");
        let key = &document["assertionMethod"][0];
        Self {
            id: text(&document, "id"),
            key: text(key, "id"),
            multibase: text(key, "publicKeyMultibase"),
        }
    }

    /// Fails unless the document is signed with the author's key.
    fn check(&self, document: &Value, now: i64) {
        let verdict = proof::verify(document, &self.key, &self.multibase, now);
        assert_eq!(verdict, Ok(()), "{document:#}");
    }
}

/// A member that has to be there.
fn text(document: &Value, member: &str) -> String {
    let found = document[member].as_str();
    found
        .unwrap_or_else(|| panic!("no {member} in {document:#}"))
        .to_owned()
}

/// The pages of an outbox, the oldest first.
pub(crate) fn pages(world: &World, actor: &LocalActor) -> Vec<Value> {
    let page = |url: &str| {
        let number = url.split_once("?page=").expect("a page").1.to_owned();
        world
            .federation
            .outbox(actor, Some(&number))
            .expect("the store answers")
    };
    let outbox = world.federation.outbox(actor, None).expect("the store answers");
    let mut pages = vec![page(&text(&outbox, "last"))];
    while let Some(newer) = pages.last().and_then(|last| last["prev"].as_str()) {
        let newer = page(newer);
        pages.push(newer);
    }
    let total: usize = pages.iter().map(|page| items(page).len()).sum();
    assert_eq!(outbox["totalItems"], total);
    pages
}

/// The activities of a page, the oldest first.
pub(crate) fn items(page: &Value) -> Vec<&Value> {
    page["orderedItems"]
        .as_array()
        .expect("items")
        .iter()
        .rev()
        .collect()
}

impl Checker {
    /// Reads an actor's outbox from the beginning.
    pub(crate) fn read(&mut self, world: &World, actor: &LocalActor) {
        let author = Author::of(world, actor);
        for page in pages(world, actor) {
            for activity in items(&page) {
                assert!(
                    self.seen.insert(text(activity, "id")),
                    "an activity stands there once"
                );
                assert_eq!(activity["actor"], author.id);
                if activity.get("proof").is_some() {
                    author.check(activity, world.now());
                    self.apply(&author, activity, world.now());
                } else {
                    assert_eq!(
                        activity["object"]["type"], "Tombstone",
                        "what is gone has no proof"
                    );
                }
            }
        }
    }

    fn apply(&mut self, author: &Author, activity: &Value, now: i64) {
        let object = &activity["object"];
        let kind = object["type"].as_str().unwrap_or_default();
        match (text(activity, "type").as_str(), kind) {
            ("Create", "Dataset" | "Upload") | ("Add", "Membership") => {
                assert_eq!(object.get("wasRevisionOf"), None);
                self.take(author, object, now);
            }
            ("Update", "Dataset" | "Upload" | "Membership") => {
                self.is_next(object);
                self.take(author, object, now);
            }
            ("Delete", "Tombstone") | ("Remove", "Tombstone") => {
                self.records.remove(&text(object, "id"));
            }
            ("Undo", "Delete") => author.check(object, now),
            // Posts, boosts and actors.
            _ => {}
        }
    }

    fn take(&mut self, author: &Author, record: &Value, now: i64) {
        assert_eq!(record["attributedTo"], author.id);
        author.check(record, now);
        let id = text(record, "id");
        self.last.insert(id.clone(), record.clone());
        self.records.insert(id, record.clone());
    }

    /// Fails unless a version names the one that was seen before it.
    fn is_next(&self, record: &Value) {
        let before = self.last.get(&text(record, "id")).expect("seen before");
        let version = before["version"].as_u64().unwrap_or(1);
        assert_eq!(record["version"], version + 1);
        let time = |record: &Value| {
            text(
                record,
                if record["updated"].is_null() {
                    "published"
                } else {
                    "updated"
                },
            )
        };
        assert!(time(record) > time(before), "{record:#}");
        let former = &record["wasRevisionOf"];
        assert_eq!(former["id"], format!("{}/versions/{version}", text(before, "id")));
        assert_eq!(
            former["digestMultibase"],
            digest_multibase(before.to_string().as_bytes())
        );
    }
}
