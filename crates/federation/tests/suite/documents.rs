//! Every document that we serve or send, as a snapshot: what stands there is what other servers have to read. Ids, keys
//! and signatures differ from run to run and are replaced by placeholders.

use crate::{
    foreign::{Foreign, Reply},
    world::{World, keys},
};
use serde_json::{Value, json};
use shoal_federation::{ObjectAnswer, keys::multibase_ed25519, proof, time};
use shoal_store::{AccountEdit, ActorKind, CollectionEdit, DatasetEdit, Id, Target, Threat, Upload};

/// Replaces what differs from run to run.
struct Scrub(Vec<String>);

impl Scrub {
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let each = |(name, value): (&String, &Value)| {
                    let kept = match name.as_str() {
                        "proofValue" => json!("[proof]"),
                        "publicKeyPem" => json!("[RSA key]"),
                        "publicKeyMultibase" => json!("[Ed25519 key]"),
                        _ => self.value(value),
                    };
                    (name.clone(), kept)
                };
                Value::Object(members.iter().map(each).collect())
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }

    /// Numbers the UUIDs in a text in the order in which they are first met.
    fn text(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest
            .char_indices()
            .map(|(at, _)| at)
            .find(|&at| is_uuid(&rest[at..]))
        {
            let uuid = &rest[at..at + 36];
            let number = self.0.iter().position(|known| known == uuid).unwrap_or_else(|| {
                self.0.push(uuid.to_owned());
                self.0.len() - 1
            });
            out.push_str(&format!("{}[id {number}]", &rest[..at]));
            rest = &rest[at + 36..];
        }
        out + rest
    }
}

fn is_uuid(text: &str) -> bool {
    text.get(..36).is_some_and(|head| head.parse::<Id>().is_ok())
}

struct Scene {
    world: World,
    foreign: Foreign,
    upload: Upload,
    keeper: Id,
    seen: usize,
    scrub: Scrub,
}

impl Scene {
    /// Ann follows a collection and the account behind it; then something is published there.
    async fn new() -> Self {
        let foreign = Foreign::start("m.example").await;
        let world = World::new(vec![foreign.known()]).await;
        let account = world.account("keeper");
        let edit = AccountEdit {
            followable: Some(true),
            ..AccountEdit::default()
        };
        world
            .store
            .edit_account(world.moment(), account.id, edit)
            .expect("edited");
        world.collection("tides", &account);
        world.dataset("tide-gauges", &account);
        world
            .store
            .put_dataset(world.moment(), "tides", "tide-gauges", account.id)
            .expect("put");
        world.deliver().await;
        foreign.house("ann", &keys());
        foreign.reply("/users/ann/inbox", Reply::status(202));
        for (number, object) in ["collections/tides", "accounts/keeper"].iter().enumerate() {
            let follow = json!({
                "id": foreign.url(&format!("/follows/{number}")), "type": "Follow",
                "actor": foreign.url("/users/ann"), "object": format!("http://shoal.test/{object}"),
            });
            let receipt = world
                .federation
                .receive(foreign.post("ann", &keys(), &follow, world.now()))
                .await;
            assert_eq!(receipt.status, 202, "{}", receipt.sentence);
        }
        world.wait(60_000);
        let upload = world.upload("tide-gauges", &account, 90_000);
        world.deliver().await;
        let keeper = account.id;
        Self {
            world,
            foreign,
            upload,
            keeper,
            seen: 0,
            scrub: Scrub(Vec::new()),
        }
    }

    /// The activities that came since the last look, with every proof checked.
    async fn told(&mut self) -> Vec<Value> {
        self.world.wait(60_000);
        self.world.deliver().await;
        let all = self.foreign.inbox(&keys(), self.world.now());
        let new = all[self.seen..].to_vec();
        self.seen = all.len();
        for activity in &new {
            check_proof(activity, &activity["actor"]);
            assert!(activity.to_string().len() < 64 * 1024);
        }
        new
    }

    /// The same, as it is kept in snapshots.
    async fn snapshot(&mut self) -> Value {
        let told = Value::Array(self.told().await);
        self.scrub.value(&told)
    }

    fn note_id(&self) -> Id {
        let posts = self
            .world
            .store
            .live_posts(self.upload.id)
            .expect("the store answers");
        posts[0]
            .uri
            .rsplit('/')
            .next()
            .expect("an id")
            .parse()
            .expect("an id")
    }
}

/// Checks the proof of a document, and of the object in it that has one, against the test's key.
fn check_proof(document: &Value, actor: &Value) {
    let key_id = format!("{}#ed25519-key", actor.as_str().expect("an actor"));
    let multibase = multibase_ed25519(&keys().ed25519_public);
    let made = document["proof"]["created"]
        .as_str()
        .and_then(time::parse_rfc3339);
    proof::verify(document, &key_id, &multibase, made.expect("a time")).expect("the proof holds");
    if document["object"].get("proof").is_some() {
        check_proof(&document["object"], actor);
    }
}

#[tokio::test]
async fn what_is_told_of_an_upload_from_its_publication_to_its_return() {
    let mut scene = Scene::new().await;
    insta::assert_json_snapshot!("published", scene.snapshot().await);
    let note = scene.note_id();
    let Ok(ObjectAnswer::Found(served)) = scene.world.federation.object(note) else {
        panic!("the post is served")
    };
    let served: Value = serde_json::from_str(&served).expect("JSON");
    check_proof(&served, &served["attributedTo"]);

    let edit = DatasetEdit {
        threat: Some(Threat::TakedownIssued),
        ..DatasetEdit::default()
    };
    scene
        .world
        .store
        .edit_dataset(scene.world.moment(), "tide-gauges", edit, scene.keeper)
        .expect("edited");
    insta::assert_json_snapshot!("edited", scene.snapshot().await);
    let same = DatasetEdit {
        homepage: Some("https://elsewhere.example/".to_owned()),
        ..DatasetEdit::default()
    };
    scene
        .world
        .store
        .edit_dataset(scene.world.moment(), "tide-gauges", same, scene.keeper)
        .expect("edited");
    assert!(
        scene.told().await.is_empty(),
        "an edit that no reader sees is not told"
    );

    let target = Target::Upload(scene.upload.id);
    scene
        .world
        .store
        .hide(scene.world.moment(), target, scene.keeper, "a complaint")
        .expect("hidden");
    insta::assert_json_snapshot!("hidden", scene.snapshot().await);
    let Ok(ObjectAnswer::Gone(stone)) = scene.world.federation.object(note) else {
        panic!("a Tombstone is served")
    };
    let stone: Value = serde_json::from_str(&stone).expect("JSON");
    insta::assert_json_snapshot!("tombstone", scene.scrub.value(&stone));

    scene
        .world
        .store
        .restore(scene.world.moment(), target, scene.keeper, "it was a mistake")
        .expect("restored");
    let again = scene.snapshot().await;
    insta::assert_json_snapshot!("restored", again);
    assert_ne!(scene.note_id(), note, "a deleted id is never used again");

    outbox_of_everything(&mut scene);
}

/// The log of all that: each activity once, bodies of what is gone replaced.
fn outbox_of_everything(scene: &mut Scene) {
    let actor = scene.world.actor(ActorKind::Collection, "tides");
    let outbox = scene
        .world
        .federation
        .outbox(&actor, None)
        .expect("the store answers");
    let page = scene
        .world
        .federation
        .outbox(&actor, Some("first"))
        .expect("the store answers");
    assert_eq!(
        outbox["totalItems"],
        json!(page["orderedItems"].as_array().expect("items").len())
    );
    insta::assert_json_snapshot!("outbox", scene.scrub.value(&json!([outbox, page])));
}

#[tokio::test]
async fn what_is_told_of_a_collection_that_is_edited_hidden_and_restored() {
    let mut scene = Scene::new().await;
    scene.told().await;
    let edit = CollectionEdit {
        title: Some("Tides".to_owned()),
        ..CollectionEdit::default()
    };
    scene
        .world
        .store
        .edit_collection(scene.world.moment(), "tides", edit, scene.keeper)
        .expect("edited");
    insta::assert_json_snapshot!("collection_edited", scene.snapshot().await);
    let collection = scene
        .world
        .store
        .collection("tides")
        .expect("the store answers")
        .expect("a collection");
    let target = Target::Collection(collection.id);
    let kinds = |told: Vec<Value>| -> Vec<String> {
        told.iter()
            .map(|activity| activity["type"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    scene
        .world
        .store
        .hide(scene.world.moment(), target, scene.keeper, "spam")
        .expect("hidden");
    assert_eq!(kinds(scene.told().await), ["Undo", "Delete"]);
    scene
        .world
        .store
        .restore(scene.world.moment(), target, scene.keeper, "not spam")
        .expect("restored");
    assert_eq!(kinds(scene.told().await), ["Update", "Create"]);
    scene
        .world
        .store
        .remove(scene.world.moment(), target, scene.keeper, "spam after all")
        .expect("removed");
    assert_eq!(kinds(scene.told().await), ["Delete", "Delete"]);
}

#[tokio::test]
async fn a_dataset_that_comes_into_a_collection_is_posted_there() {
    let mut scene = Scene::new().await;
    scene.told().await;
    let account = scene
        .world
        .store
        .account("keeper")
        .expect("the store answers")
        .expect("an account");
    scene.world.dataset("sea-ice", &account);
    scene.world.upload("sea-ice", &account, 70_000);
    let told = scene.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]["actor"], "http://shoal.test/accounts/keeper",
        "without a collection the account posts"
    );
    for _ in 0..2 {
        scene
            .world
            .store
            .put_dataset(scene.world.moment(), "tides", "sea-ice", account.id)
            .expect("put");
    }
    let told = scene.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0]["type"].as_str(), told[0]["actor"].as_str()),
        (Some("Create"), Some("http://shoal.test/collections/tides"))
    );
}

#[tokio::test]
async fn the_documents_of_actors_and_of_the_server() {
    let scene = Scene::new().await;
    let federation = &scene.world.federation;
    let mut scrub = Scrub(Vec::new());
    for (name, kind, actor) in [
        ("actor_collection", ActorKind::Collection, "tides"),
        ("actor_account", ActorKind::Account, "keeper"),
    ] {
        let document = federation
            .actor_document(&scene.world.actor(kind, actor))
            .expect("the store answers");
        insta::assert_json_snapshot!(name, scrub.value(&document));
    }
    let instance = scene.world.store.local_actor_by_id(federation.instance_actor());
    let instance = instance.expect("the store answers").expect("an actor");
    let document = federation.actor_document(&instance).expect("the store answers");
    insta::assert_json_snapshot!("actor_instance", scrub.value(&document));
    insta::assert_json_snapshot!("nodeinfo_links", federation.nodeinfo_links());
    insta::assert_json_snapshot!("nodeinfo", federation.nodeinfo("2.1").expect("the store answers"));
    assert_eq!(federation.nodeinfo("1.0").expect("the store answers"), None);
    let answer = federation
        .webfinger("acct:tides@shoal.test")
        .expect("the store answers");
    insta::assert_json_snapshot!("webfinger", answer);
}

#[tokio::test]
async fn handles_are_answered_in_every_spelling_and_only_ours() {
    let scene = Scene::new().await;
    let ask = |resource: &str| {
        scene
            .world
            .federation
            .webfinger(resource)
            .expect("the store answers")
    };
    for resource in [
        "acct:tides@shoal.test",
        "@tides@shoal.test",
        "tides@shoal.test",
        "acct:Tides@SHOAL.test",
        "http://shoal.test/collections/tides",
    ] {
        assert_eq!(ask(resource).expect(resource)["subject"], "acct:tides@shoal.test");
    }
    assert!(ask("acct:instance.actor@shoal.test").is_some());
    for resource in [
        "",
        "tides",
        "acct:tides@m.example",
        "acct:none@shoal.test",
        "http://shoal.test/collections/none",
        "http://shoal.test/",
        "acct:@shoal.test",
        "https://m.example/collections/tides",
        &"a".repeat(5_000),
    ] {
        assert!(ask(resource).is_none(), "{resource}");
    }
}

#[tokio::test]
async fn the_longest_post_stays_below_what_every_server_takes() {
    let mut scene = Scene::new().await;
    scene.told().await;
    let edit = DatasetEdit {
        title: Some("\"".repeat(200)),
        description: Some("& \u{1f30a}".repeat(6_000)),
        tags: Some(
            (0..30)
                .map(|number| format!("tag-{number}-{}", "x".repeat(20)))
                .collect(),
        ),
        ..DatasetEdit::default()
    };
    scene
        .world
        .store
        .edit_dataset(scene.world.moment(), "tide-gauges", edit, scene.keeper)
        .expect("edited");
    let told = scene.told().await;
    assert_eq!(told.len(), 1);
    assert!(
        told[0].to_string().len() < 40_000,
        "{}",
        told[0].to_string().len()
    );
}

#[tokio::test]
async fn what_is_published_while_the_courier_is_late_is_posted_in_its_order() {
    let mut scene = Scene::new().await;
    scene.told().await;
    let account = scene
        .world
        .store
        .account("keeper")
        .expect("the store answers")
        .expect("an account");
    scene.world.dataset("sea-ice", &account);
    let mut uploads = vec![scene.world.upload("sea-ice", &account, 70_000)];
    scene
        .world
        .store
        .put_dataset(scene.world.moment(), "tides", "sea-ice", account.id)
        .expect("put");
    for length in [75_000, 80_000] {
        uploads.push(scene.world.upload("sea-ice", &account, length));
    }
    let told = scene.told().await;
    let posted = told.iter().filter(|activity| {
        activity["type"] == "Create" && activity["actor"] == "http://shoal.test/collections/tides"
    });
    let posted: Vec<&str> = posted
        .filter_map(|activity| activity["object"]["url"].as_str())
        .collect();
    let order = uploads
        .iter()
        .map(|upload| format!("http://shoal.test/uploads/{}", upload.id));
    assert_eq!(posted, order.collect::<Vec<_>>());
}
