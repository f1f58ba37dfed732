//! Checking records from files: what holds, and each way in which it does not. The keys are fresh, the clock is given.

use crate::records::urls;
use serde_json::{Value, json};
use shoal_federation::{
    keys::{self, Signer},
    proof,
    records::{
        self, Edition,
        evidence::{self, Refused},
    },
    time::parse_rfc3339,
    vocab,
};
use shoal_store::ActorKeys;

const ALICE: &str = "https://a.example/accounts/alice";

fn now() -> i64 {
    parse_rfc3339("2026-11-20T08:00:00Z").expect("a time")
}

/// Somebody with a key.
struct Author {
    id: &'static str,
    keys: ActorKeys,
}

impl Author {
    fn new(id: &'static str) -> Self {
        Self {
            id,
            keys: keys::generate(),
        }
    }

    fn key(&self) -> String {
        format!("{}#ed25519-key", self.id)
    }

    /// The part of an actor document that matters.
    fn document(&self) -> Value {
        json!({ "id": self.id, "type": "Person", "assertionMethod": [{ "id": self.key(), "type": "Multikey",
            "controller": self.id, "publicKeyMultibase": keys::multibase_ed25519(&self.keys.ed25519_public) }] })
    }

    fn sign(&self, document: Value) -> Value {
        let signer = Signer::load(&self.keys).expect("a fresh key loads");
        proof::sign(document, &self.key(), &signer, now()).expect("an object")
    }

    fn dataset(&self, title: &str) -> Value {
        json!({ "@context": vocab::record_context("https://a.example", false), "type": "Dataset",
            "id": "https://a.example/objects/1", "attributedTo": self.id, "published": "2026-11-20T07:00:00Z",
            "version": 1, "name": title })
    }

    fn create(&self, object: Value) -> Value {
        self.sign(
            json!({ "@context": vocab::plain_context(), "type": "Create", "actor": self.id,
            "id": "https://a.example/activities/1", "object": object }),
        )
    }
}

/// Something done to a document and to its author's.
type Change<'a> = &'a dyn Fn(&mut Value, &mut Value);

fn check(document: &Value, actor: &Value) -> Result<usize, Refused> {
    let parts = evidence::parts(document.to_string().as_bytes())?;
    parts.iter().try_for_each(|part| part.verify(actor, now()))?;
    Ok(parts.len())
}

#[test]
fn a_record_holds_until_anything_is_changed() {
    let alice = Author::new(ALICE);
    let actor = alice.document();
    let signed = alice.sign(alice.dataset("Tides"));
    assert_eq!(check(&signed, &actor), Ok(1));

    let refused = |change: Change<'_>| {
        let (mut document, mut actor) = (signed.clone(), actor.clone());
        change(&mut document, &mut actor);
        check(&document, &actor).expect_err("refused").to_string()
    };
    let cases: [(&str, Change<'_>); 14] = [
        ("does not verify", &|document, _| document["name"] = json!("Ebb")),
        ("does not verify", &|document, _| {
            document["proof"]["created"] = json!("2026-11-20T07:59:59Z")
        }),
        ("made in the future", &|document, _| {
            document["proof"]["created"] = json!("2026-11-20T09:00:01Z")
        }),
        ("has expired", &|document, _| {
            document["proof"]["expires"] = json!("2026-11-20T08:00:00Z")
        }),
        ("not an eddsa-jcs-2022 assertion", &|document, _| {
            document["proof"]["proofPurpose"] = json!("authentication")
        }),
        ("carries no proof", &|document, _| {
            drop(document.as_object_mut().map(|all| all.remove("proof")))
        }),
        ("on another server than https://b.example/bob", &|document, _| {
            document["attributedTo"] = json!("https://b.example/bob");
        }),
        ("signed with the key https://b.example/bob#key", &|document, _| {
            document["proof"]["verificationMethod"] = json!("https://b.example/bob#key");
        }),
        ("not of https://a.example/accounts/bob", &|document, _| {
            document["attributedTo"] = json!("https://a.example/accounts/bob");
        }),
        ("does not list the key", &|document, _| {
            document["proof"]["verificationMethod"] = json!("https://a.example/accounts/bob#ed25519-key");
        }),
        ("does not list the key", &|_, actor| {
            actor["assertionMethod"][0]["controller"] = json!("https://b.example/bob")
        }),
        ("does not list the key", &|_, actor| {
            actor["assertionMethod"][0]["revoked"] = json!("2026-11-20T08:00:00Z")
        }),
        ("has no usable “id”", &|document, _| {
            document["id"] = json!("urn:x")
        }),
        ("its version is not a number from 1", &|document, _| {
            document["version"] = json!(0)
        }),
    ];
    for (said, change) in cases {
        let refused = refused(change);
        assert!(refused.contains(said), "{refused:?} says {said:?}");
    }
}

#[test]
fn a_set_of_proofs_is_refused_even_if_one_of_them_holds() {
    let alice = Author::new(ALICE);
    let mut signed = alice.sign(alice.dataset("Tides"));
    signed["proof"] = json!([signed["proof"]]);
    assert!(check(&signed, &alice.document()).is_err());
    let key = alice.document()["assertionMethod"][0]["publicKeyMultibase"].clone();
    let verdict = proof::verify(&signed, &alice.key(), key.as_str().expect("text"), now());
    assert_eq!(verdict, Err(proof::ProofError::Several));
}

#[test]
fn an_activity_is_checked_with_what_is_in_it() {
    let alice = Author::new(ALICE);
    let actor = alice.document();
    let record = alice.sign(alice.dataset("Tides"));
    assert_eq!(check(&alice.create(record.clone()), &actor), Ok(2));

    // The activity's proof covers a record that was changed before: the record's own does not.
    let mut changed = record;
    changed["name"] = json!("Ebb");
    let refused = check(&alice.create(changed), &actor).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "the Dataset in it is not believed: the proof does not verify"
    );

    // Somebody else's words without their signature.
    let mut other = alice.dataset("Tides");
    other["attributedTo"] = json!("https://a.example/accounts/bob");
    let refused = check(&alice.create(other), &actor).expect_err("refused");
    assert!(matches!(refused, Refused::Unsigned(..)), "{refused}");

    // A Tombstone goes unsigned inside a Delete, and nowhere else.
    let stone = json!(records::tombstone(
        "https://a.example/objects/1",
        "Dataset",
        now(),
        None
    ));
    let delete =
        json!({ "type": "Delete", "id": "https://a.example/activities/2", "actor": ALICE, "object": stone });
    assert_eq!(check(&alice.sign(delete.clone()), &actor), Ok(2));
    assert!(matches!(check(&stone, &actor), Err(Refused::Tombstone(_))));
    let mut far = delete;
    far["object"]["id"] = json!("https://b.example/objects/1");
    assert!(matches!(
        check(&alice.sign(far), &actor),
        Err(Refused::OtherHost(..))
    ));
}

#[test]
fn editions_hang_together_by_their_exact_bytes() {
    let alice = Author::new(ALICE);
    let urls = urls();
    let first = alice.sign(alice.dataset("Tides")).to_string();
    let next = |former: &str, title: &str| {
        let edition =
            Edition::after(&urls, "https://a.example/objects/1", ALICE, former, now()).expect("a record");
        let revision = edition.revision.expect("it is no first");
        let mut document = alice.dataset(title);
        document["version"] = json!(revision.version);
        document["updated"] = json!(shoal_federation::time::rfc3339(revision.updated));
        document["wasRevisionOf"] = json!({ "id": records::version_id("https://a.example/objects/1", 1),
            "digestMultibase": revision.former_digest });
        alice.sign(document)
    };
    let second = next(&first, "Tide gauges");
    let parts = evidence::parts(second.to_string().as_bytes()).expect("a record");
    assert_eq!(parts[0].follows(first.as_bytes()), Ok(()));
    let spaced = format!("{first}\n");
    for other in [spaced.as_str(), "{}", second.to_string().as_str()] {
        assert!(
            matches!(parts[0].follows(other.as_bytes()), Err(Refused::Edition(..))),
            "{other}"
        );
    }
    let whole = evidence::parts(first.as_bytes()).expect("a record");
    assert!(
        whole[0].follows(first.as_bytes()).is_err(),
        "the first has none before it"
    );

    for (change, said) in [
        (json!({ "version": 1 }), "does not fit"),
        (json!({ "updated": "2026-11-20T07:00:00Z" }), "not later"),
        (json!({ "wasRevisionOf": null }), "names no former edition"),
        (
            json!({ "wasRevisionOf": { "id": "https://b.example/x", "digestMultibase": records::digest_multibase(b"") } }),
            "names no former edition",
        ),
        (
            json!({ "wasRevisionOf": { "id": "https://a.example/x", "digestMultibase": "z1" } }),
            "names no former edition",
        ),
    ] {
        let mut document = second.clone();
        for (name, value) in change.as_object().expect("an object") {
            document[name] = value.clone();
        }
        let refused = evidence::parts(document.to_string().as_bytes())
            .expect_err("refused")
            .to_string();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn a_torrent_that_contradicts_itself_is_not_believed_however_well_signed() {
    let alice = Author::new(ALICE);
    let document = json!({ "type": "Torrent", "id": "https://a.example/objects/2", "attributedTo": ALICE,
        "infohash_v1": "00".repeat(20), "info": { "length": 5, "name": "x", "piece length": 16384,
        "pieces": "YWFhYWFhYWFhYWFhYWFhYWFhYWE=" } });
    let refused = check(&alice.sign(document), &alice.document()).expect_err("refused");
    assert!(
        refused
            .to_string()
            .contains("its info-hash is not that of its metainfo"),
        "{refused}"
    );
}

#[test]
fn the_author_is_named_once_and_without_contradiction() {
    let alice = Author::new(ALICE);
    let two = json!({ "type": "Create", "id": "https://a.example/1", "actor": ALICE,
        "attributedTo": "https://a.example/accounts/bob", "object": "https://a.example/2" });
    let refused = check(&alice.sign(two), &alice.document()).expect_err("refused");
    assert_eq!(refused, Refused::Member("the Create".to_owned(), "actor"));
    let text = r#"{"type":"Dataset","id":"https://a.example/1","type":"Note"}"#;
    assert!(matches!(
        evidence::parts(text.as_bytes()),
        Err(Refused::Unreadable(_))
    ));
}
