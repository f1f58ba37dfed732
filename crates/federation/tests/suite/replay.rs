//! Whoever reads the outboxes from the beginning holds the catalogue, after ten thousand edits of every sort in any order;
//! and what was read early reads the same later, but for what was removed since. `checker.rs` reads.

use crate::{
    checker::{Checker, items, pages},
    world::World,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::Value;
use shoal_federation::{ObjectAnswer, outbox};
use shoal_store::{
    Account, ActorKind, Collection, DatasetEdit, DatasetQuery, Event, LocalActor, Paging, PendingEvent,
    Target, Threat, Upload, UploadEdit, UploadQuery,
};
use std::collections::BTreeMap;

/// How much is done.
const EDITS: u32 = 10_000;
/// How many datasets stand or are hidden at any time.
const DATASETS: usize = 36;
/// The most uploads ever made.
const UPLOADS: usize = 60;

/// An archive under constant change.
struct Archive {
    world: World,
    chance: StdRng,
    people: Vec<Account>,
    collections: Vec<Collection>,
    slugs: Vec<String>,
    uploads: Vec<Upload>,
    made: u32,
}

impl World {
    /// Turns all events into activities, as the courier does.
    pub(crate) fn build_all(&self) {
        loop {
            let events = self.store.unbuilt_events(64).expect("the store answers");
            for event in &events {
                self.build(event.id, event);
            }
            if events.is_empty() {
                return;
            }
        }
    }

    /// Writes down what an event comes to, as that of another.
    fn build(&self, id: shoal_store::Id, event: &PendingEvent) {
        let built = outbox::build(&self.federation, event).expect("it can be built");
        assert!(
            self.store
                .record_built(self.moment(), id, built)
                .expect("it can be written")
        );
    }
}

impl Archive {
    async fn new(seed: u64) -> Self {
        let world = World::in_memory().await;
        let people: Vec<Account> = ["ann", "bob", "cem"].map(|name| world.account(name)).into();
        let collections = ["ice", "tides", "storms", "air"];
        let collections = collections.map(|name| world.collection(name, &people[0])).into();
        let mut archive = Self {
            world,
            chance: StdRng::seed_from_u64(seed),
            people,
            collections,
            slugs: Vec::new(),
            uploads: Vec::new(),
            made: 0,
        };
        for _ in 0..DATASETS {
            archive.describe();
        }
        archive
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.chance).expect("not empty").clone()
    }

    fn describe(&mut self) {
        self.made += 1;
        let (slug, person) = (format!("dataset-{}", self.made), self.one(&self.people.clone()));
        self.world.dataset(&slug, &person);
        self.slugs.push(slug);
    }

    /// One change of any sort. Some are refused, as by moderators' words before; then nothing happens.
    fn change(&mut self) {
        self.world.wait(self.chance.random_range(1..3_000));
        match self.chance.random_range(0..100) {
            0..40 => self.edit_dataset(),
            40..60 => self.edit_upload(),
            60..64 => self.publish(),
            64..84 => self.put_or_take(),
            _ => self.moderate(),
        }
    }

    fn edit_dataset(&mut self) {
        let slug = self.one(&self.slugs.clone());
        let edit = DatasetEdit {
            title: Some(format!("Title {}", self.chance.random_range(0..50))),
            threat: Some(self.one(&[Threat::Unknown, Threat::Endangered, Threat::Extinct])),
            ..DatasetEdit::default()
        };
        let (store, by) = (&self.world.store, self.people[0].id);
        store.edit_dataset(self.world.moment(), &slug, edit, by).ok();
    }

    fn edit_upload(&mut self) {
        if self.uploads.is_empty() {
            return;
        }
        let upload = self.one(&self.uploads.clone());
        let edit = UploadEdit {
            description: Some(format!("Copy {}", self.chance.random_range(0..50))),
            ..UploadEdit::default()
        };
        let (store, by) = (&self.world.store, self.people[0].id);
        store.edit_upload(self.world.moment(), upload.id, edit, by).ok();
    }

    fn publish(&mut self) {
        if self.uploads.len() == UPLOADS {
            return;
        }
        let (slug, person) = (self.one(&self.slugs.clone()), self.one(&self.people.clone()));
        let dataset = self
            .world
            .store
            .dataset(&slug)
            .expect("the store answers")
            .expect("there");
        if dataset.state.is_visible() {
            let size = u32::try_from(self.uploads.len()).expect("few") + 1;
            self.uploads.push(self.world.upload(&slug, &person, size));
        }
    }

    fn put_or_take(&mut self) {
        let (slug, collection) = (self.one(&self.slugs.clone()), self.one(&self.collections.clone()));
        let (store, moment, by) = (&self.world.store, self.world.moment(), self.people[0].id);
        if self.chance.random_bool(0.2) {
            store.put_dataset(moment, &collection.name, &slug, by).ok();
        } else {
            store.take_dataset(moment, &collection.name, &slug, by).ok();
        }
    }

    fn moderate(&mut self) {
        let slug = self.one(&self.slugs.clone());
        let dataset = self
            .world
            .store
            .dataset(&slug)
            .expect("the store answers")
            .expect("there");
        let target = match self.chance.random_range(0..100) {
            // Each touches everything in it.
            0..3 => Target::Collection(self.one(&self.collections.clone()).id),
            3..50 if !self.uploads.is_empty() => Target::Upload(self.one(&self.uploads.clone()).id),
            _ => Target::Dataset(dataset.id),
        };
        let (store, moment, by) = (&self.world.store, self.world.moment(), self.people[0].id);
        match (self.chance.random_range(0..100), target) {
            (0..35, _) => store.hide(moment, target, by, "under review").ok(),
            (35..98, _) => store.restore(moment, target, by, "").ok(),
            (_, Target::Collection(_)) => None,
            (_, Target::Dataset(_)) => {
                self.slugs.retain(|other| *other != slug);
                store.remove(moment, target, by, "asked for").ok();
                self.describe();
                None
            }
            _ => store.remove(moment, target, by, "asked for").ok(),
        };
    }

    /// All actors with an outbox.
    fn actors(&self) -> Vec<LocalActor> {
        let people = self.people.iter().map(|one| (ActorKind::Account, &one.name));
        let collections = self
            .collections
            .iter()
            .map(|one| (ActorKind::Collection, &one.name));
        people
            .chain(collections)
            .map(|(kind, name)| self.world.actor(kind, name))
            .collect()
    }

    fn replayed(&self) -> Checker {
        let mut checker = Checker::default();
        for actor in self.actors() {
            checker.read(&self.world, &actor);
        }
        checker
    }
}

/// The catalogue as the pages show it: what each record has to say, by its id; memberships by what they join.
fn catalogue(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    let mut query = DatasetQuery {
        paging: Paging::first(Paging::MOST),
        ..DatasetQuery::default()
    };
    loop {
        let page = world.store.datasets(&query).expect("the store answers");
        for dataset in page.items {
            let id = world.federation.urls().object(dataset.id);
            for collection in world
                .store
                .collections_of_dataset(dataset.id)
                .expect("the store answers")
            {
                let actor = world
                    .federation
                    .urls()
                    .actor(ActorKind::Collection, &collection.name);
                all.insert(format!("{id} in {actor}"), vec!["Membership".to_owned()]);
            }
            let uploads = UploadQuery {
                dataset: Some(dataset.slug.clone()),
                paging: Paging::first(Paging::MOST),
                ..UploadQuery::default()
            };
            for upload in world.store.uploads(&uploads).expect("the store answers").items {
                let hash = upload
                    .info_hash_v1
                    .map(|hash| hash.to_string())
                    .unwrap_or_default();
                let said = vec![
                    "Upload".to_owned(),
                    upload.name,
                    upload.description,
                    id.clone(),
                    hash,
                ];
                all.insert(world.federation.urls().object(upload.id), said);
            }
            let threat = dataset.threat.word().to_owned();
            all.insert(
                id,
                vec!["Dataset".to_owned(), dataset.title, dataset.slug, threat],
            );
        }
        query.paging.cursor = page.next;
        if query.paging.cursor.is_none() {
            return all;
        }
    }
}

/// The same of what a reader of the outboxes holds.
fn held(checker: &Checker) -> BTreeMap<String, Vec<String>> {
    let said = |(id, record): (&String, &Value)| {
        let pick = |members: &[&str]| -> Vec<String> {
            let text = |member: &&str| record[*member].as_str().unwrap_or_default().to_owned();
            members.iter().map(text).collect()
        };
        match record["type"].as_str().unwrap_or_default() {
            "Membership" => {
                let joined = pick(&["dataset", "collection"]).join(" in ");
                (joined, vec!["Membership".to_owned()])
            }
            "Upload" => {
                let mut said = pick(&["type", "name", "description", "dataset"]);
                said.push(
                    record["torrent"]["infohash_v1"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                );
                (id.clone(), said)
            }
            _ => (id.clone(), pick(&["type", "name", "identifier", "threat"])),
        }
    };
    let held: BTreeMap<_, _> = checker.records.iter().map(said).collect();
    assert_eq!(held.len(), checker.records.len(), "each is held once");
    held
}

/// Every record that is held is what is served at its id, and every version before it where that says.
fn served(world: &World, checker: &Checker) {
    for (id, record) in &checker.records {
        let uuid = id
            .rsplit('/')
            .next()
            .and_then(|uuid| uuid.parse().ok())
            .expect("an id");
        let found = world.federation.object(uuid).expect("the store answers");
        assert_eq!(found, ObjectAnswer::Found(record.to_string()));
        let version = record["version"].as_i64().unwrap_or(1);
        assert_eq!(
            world
                .federation
                .version(uuid, version)
                .expect("the store answers"),
            found
        );
        if version > 1 {
            let former = world
                .federation
                .version(uuid, version - 1)
                .expect("the store answers");
            let ObjectAnswer::Found(former) = former else {
                panic!("{id} has no version before")
            };
            let digest = shoal_federation::records::digest_multibase(former.as_bytes());
            assert_eq!(record["wasRevisionOf"]["digestMultibase"], digest);
        }
    }
}

/// What was read of a page before is what it says now, but for bodies that are gone.
fn unchanged(before: &Value, now: &Value) {
    let mut same = before.clone();
    let items = same["orderedItems"].as_array_mut().expect("items");
    for (item, newer) in items
        .iter_mut()
        .zip(now["orderedItems"].as_array().expect("items"))
    {
        let is_gone = |item: &Value| item.get("proof").is_none();
        if is_gone(item) || is_gone(newer) {
            assert_eq!(item["id"], newer["id"]);
            *item = newer.clone();
        }
    }
    assert_eq!(same.to_string(), now.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outboxes_replayed_are_the_catalogue() {
    let given = std::env::var("SHOAL_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    eprintln!("SHOAL_TEST_SEED={seed}");
    let mut archive = Archive::new(seed).await;
    let mut early = Vec::new();
    for edit in 1..=EDITS {
        archive.change();
        // Sometimes several things happen before anything is told.
        if archive.chance.random_bool(0.5) {
            archive.world.build_all();
        }
        if edit % 1_000 == 0 {
            archive.world.build_all();
            let actor = archive.one(&archive.actors());
            let full = pages(&archive.world, &actor)
                .into_iter()
                .filter(|page| items(page).len() == 50);
            early.extend(full.map(|page| (actor.clone(), page)));
        }
    }
    archive.world.build_all();
    let (checker, world) = (archive.replayed(), &archive.world);
    assert_eq!(held(&checker), catalogue(world));
    served(world, &checker);
    assert!(!early.is_empty());
    for (actor, page) in &early {
        let number = page["id"]
            .as_str()
            .and_then(|id| id.split_once("?page="))
            .expect("a page")
            .1;
        unchanged(
            page,
            &world
                .federation
                .outbox(actor, Some(number))
                .expect("the store answers"),
        );
    }
}

#[tokio::test]
async fn a_catalogue_from_before_gets_its_records() {
    let mut archive = Archive::new(7).await;
    for _ in 0..200 {
        archive.change();
    }
    // As if an older program had told of all that without any record.
    let world = &archive.world;
    let events = world.store.unbuilt_events(1_000).expect("the store answers");
    let (last, old) = events.split_last().expect("something happened");
    for event in old {
        let nothing = shoal_store::Built::default();
        world
            .store
            .record_built(world.moment(), event.id, nothing)
            .expect("written");
    }
    let left = PendingEvent {
        event: Event::DatasetsLeft { after: None },
        ..last.clone()
    };
    world.build(last.id, &left);
    world.build_all();
    let checker = archive.replayed();
    assert_eq!(held(&checker), catalogue(world));
    assert!(checker.records.len() > DATASETS / 2);
}
