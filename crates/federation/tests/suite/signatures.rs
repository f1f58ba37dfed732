//! Signed requests at the inbox, in both schemes and all the odd shapes that they come in: several signatures, keys of
//! either sort, handles as key ids. What the rules are is tested in `verify/`; here it is the whole door.

use crate::{
    foreign::{Foreign, Reply},
    world::{World, keys},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use serde_json::{Value, json};
use shoal_federation::{
    Incoming,
    keys::{Signer, generate, multibase_ed25519},
    sign::Scheme,
    verify::digest,
};
use shoal_store::ActorKind;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Something done to a request.
type Change = Box<dyn Fn(&mut Incoming)>;

async fn scene() -> (World, Foreign) {
    let foreign = Foreign::start("m.example").await;
    let world = World::new(vec![foreign.known()]).await;
    let account = world.account("keeper");
    world.collection("tides", &account);
    foreign.house("ann", &keys());
    (world, foreign)
}

/// A Follow by ann.
fn follow(foreign: &Foreign) -> Value {
    json!({
        "id": foreign.url(&format!("/follows/{:032x}", rand::random::<u128>())), "type": "Follow",
        "actor": foreign.url("/users/ann"), "object": "http://shoal.test/collections/tides",
    })
}

/// A Follow by ann in one of the schemes.
fn signed(world: &World, foreign: &Foreign, scheme: Scheme) -> Incoming {
    let key_id = foreign.url("/users/ann#main-key");
    Foreign::post_in(scheme, (&key_id, &keys()), &follow(foreign), world.now())
}

fn header(incoming: &Incoming, name: &str) -> String {
    incoming.headers[name].to_str().expect("text").to_owned()
}

fn set(incoming: &mut Incoming, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).expect("a header");
    incoming.headers.insert(name, value);
}

/// What the door says to it: the status, and whether ann follows now.
async fn verdict(world: &World, incoming: Incoming) -> (u16, bool) {
    let receipt = world.federation.receive(incoming).await;
    let actor = world.actor(ActorKind::Collection, "tides");
    let followers = world.store.follower_count(actor.id).expect("the store answers");
    (receipt.status, followers == 1)
}

#[tokio::test]
async fn both_schemes_are_believed() {
    for scheme in [Scheme::Cavage, Scheme::Rfc9421] {
        let (world, foreign) = scene().await;
        let incoming = signed(&world, &foreign, scheme);
        assert_eq!(verdict(&world, incoming).await, (202, true), "{scheme:?}");
    }
}

#[tokio::test]
async fn a_request_signed_twice_is_believed_for_the_signature_that_holds() {
    let (world, foreign) = scene().await;
    let mut both = signed(&world, &foreign, Scheme::Rfc9421);
    let key_id = foreign.url("/users/ann#main-key");
    let body: Value = serde_json::from_slice(&both.body).expect("JSON");
    let other = Foreign::post_in(Scheme::Cavage, (&key_id, &keys()), &body, world.now());
    for name in ["date", "digest", "signature"] {
        both.headers.append(name, other.headers[name].clone());
    }
    // The one by RFC 9421 alone would not do, and neither would the other after the next change.
    let input = header(&both, "signature-input").replace("content-digest", "content-type");
    set(&mut both, "signature-input", &input);
    assert_eq!(verdict(&world, both).await, (202, true));

    let (world, foreign) = scene().await;
    let mut labels = signed(&world, &foreign, Scheme::Rfc9421);
    let now = world.now() / 1000;
    let input = header(&labels, "signature-input");
    let signature = header(&labels, "signature");
    set(
        &mut labels,
        "signature-input",
        &format!("proxy=(\"@method\");created={now};keyid=\"https://proxy.example/k\", {input}"),
    );
    set(&mut labels, "signature", &format!("proxy=:AAAA:, {signature}"));
    assert_eq!(verdict(&world, labels).await, (202, true));
}

/// What makes a label worthless: what it is, and what is written into `Signature-Input` in place of what.
const WORTHLESS: [(&str, &str, &str); 13] = [
    ("no method", "\"@method\" ", ""),
    ("no target", " \"@target-uri\"", ""),
    ("no digest", " \"content-digest\"", ""),
    ("no key", "keyid", "tag"),
    ("no time", "created", "nonce"),
    ("another algorithm", "rsa-v1_5-sha256", "hmac-sha256"),
    ("an algorithm of another key", "rsa-v1_5-sha256", "ed25519"),
    ("an unknown component", "@method", "@status"),
    ("a component twice", "\"@method\"", "\"@method\" \"@method\""),
    ("a parameter", "\"@method\"", "\"@method\";req"),
    ("an end in the past", ";alg", ";expires=1;alg"),
    ("no structure", "(", ""),
    ("another label", "sig1", "sig2"),
];

#[tokio::test]
async fn a_label_counts_only_if_it_covers_what_it_must() {
    let (world, foreign) = scene().await;
    for (what, from, to) in WORTHLESS {
        let mut incoming = signed(&world, &foreign, Scheme::Rfc9421);
        let input = header(&incoming, "signature-input").replace(from, to);
        set(&mut incoming, "signature-input", &input);
        assert_eq!(verdict(&world, incoming).await, (401, false), "{what}");
    }
}

#[tokio::test]
async fn a_request_that_is_not_the_one_that_was_signed_is_not_believed() {
    let remove = |name: &'static str| -> Change { Box::new(move |it| drop(it.headers.remove(name))) };
    let changes: Vec<(&str, Change)> = vec![
        ("no input", remove("signature-input")),
        ("no signature", remove("signature")),
        ("no digest", remove("content-digest")),
        (
            "another path",
            Box::new(|it| it.path_and_query = "/inbox?x".to_owned()),
        ),
        ("another method", Box::new(|it| it.method = "PUT".to_owned())),
        (
            "another body",
            Box::new(|it| it.body = [&it.body[..], b" "].concat().into()),
        ),
        (
            "a long header",
            Box::new(|it| set(it, "signature", &"a".repeat(9_000))),
        ),
    ];
    let (world, foreign) = scene().await;
    for (what, change) in changes {
        let mut incoming = signed(&world, &foreign, Scheme::Rfc9421);
        change(&mut incoming);
        assert_eq!(verdict(&world, incoming).await, (401, false), "{what}");
    }
}

#[tokio::test]
async fn a_request_made_for_another_host_is_not_believed_here() {
    let (world, foreign) = scene().await;
    let mut relayed = signed(&world, &foreign, Scheme::Rfc9421);
    // Signed for https://shoal.test, which is not http://shoal.test; and as if for another name.
    for base in ["https://shoal.test", "http://good.example"] {
        let now = world.now() / 1000;
        let key_id = foreign.url("/users/ann#main-key");
        let input =
            format!("(\"@method\" \"@target-uri\" \"content-digest\");created={now};keyid=\"{key_id}\"");
        let digest = header(&relayed, "content-digest");
        let text = format!(
            "\"@method\": POST\n\"@target-uri\": {base}/inbox\n\"content-digest\": {digest}\n\"@signature-params\": {input}"
        );
        let signer = Signer::load(&keys()).expect("a key");
        let signature = STANDARD.encode(signer.rsa_sha256(text.as_bytes()).expect("signs"));
        set(&mut relayed, "signature-input", &format!("sig1={input}"));
        set(&mut relayed, "signature", &format!("sig1=:{signature}:"));
        let copy = Incoming {
            method: "POST".to_owned(),
            path_and_query: "/inbox".to_owned(),
            headers: relayed.headers.clone(),
            body: relayed.body.clone(),
            inbox_of: None,
        };
        assert_eq!(verdict(&world, copy).await, (401, false), "{base}");
    }
}

/// A Follow by ann signed with the Ed25519 half of `keys`.
fn by_ed25519(world: &World, foreign: &Foreign, keys: &shoal_store::ActorKeys) -> Incoming {
    let signer = Signer::load(keys).expect("a key");
    let mut incoming = signed(world, foreign, Scheme::Rfc9421);
    let now = world.now() / 1000;
    let key_id = foreign.url("/users/ann#ed25519-key");
    let input = format!(
        "(\"@method\" \"@authority\" \"@path\" \"content-digest\");created={now};keyid=\"{key_id}\";alg=\"ed25519\""
    );
    let digest = digest::content_digest_of(&incoming.body);
    let text = format!(
        "\"@method\": POST\n\"@authority\": shoal.test\n\"@path\": /inbox\n\"content-digest\": {digest}\n\
         \"@signature-params\": {input}"
    );
    let signature = STANDARD.encode(signer.ed25519(text.as_bytes()));
    set(&mut incoming, "signature-input", &format!("sig1={input}"));
    set(&mut incoming, "signature", &format!("sig1=:{signature}:"));
    incoming
}

#[tokio::test]
async fn the_ed25519_key_that_an_actor_lists_for_proofs_may_sign_requests() {
    let (world, foreign) = scene().await;
    let id = foreign.url("/users/ann");
    let mut actor = foreign.actor("ann", &keys());
    let key = |controller: &str| {
        json!([{
            "id": format!("{id}#ed25519-key"), "type": "Multikey", "controller": controller,
            "publicKeyMultibase": multibase_ed25519(&keys().ed25519_public),
        }])
    };
    actor["assertionMethod"] = key(&foreign.url("/users/bob"));
    foreign.reply("/users/ann", Reply::activity(&actor));
    let incoming = by_ed25519(&world, &foreign, &keys());
    assert_eq!(verdict(&world, incoming).await, (401, false), "the key is bob's");

    // A key that was not known is looked for once, at the actor's.
    world.wait(6 * 60_000);
    actor["assertionMethod"] = key(&id);
    foreign.reply("/users/ann", Reply::activity(&actor));
    let incoming = by_ed25519(&world, &foreign, &generate());
    assert_eq!(verdict(&world, incoming).await, (401, false), "another key");
    world.wait(6 * 60_000);
    let incoming = by_ed25519(&world, &foreign, &keys());
    assert_eq!(verdict(&world, incoming).await, (202, true));
}

#[tokio::test]
async fn the_actors_handle_stands_for_its_key_and_nobody_elses_does() {
    let (world, foreign) = scene().await;
    for (handle, verdict_wanted) in [
        ("acct:ann@n.example", (401, false)),
        ("acct:bob@m.example", (401, false)),
        ("acct:ann", (401, false)),
        ("acct:ann@m.example", (202, true)),
    ] {
        let incoming = Foreign::post_in(Scheme::Cavage, (handle, &keys()), &follow(&foreign), world.now());
        assert_eq!(verdict(&world, incoming).await, verdict_wanted, "{handle}");
    }
}

#[tokio::test]
async fn a_server_that_answers_nobody_is_not_asked_for_each_of_its_actors() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let hung_up = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hung_up);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let world = World::new(vec![("dead.example".to_owned(), address)]).await;
    let account = world.account("keeper");
    world.collection("tides", &account);
    let from = |number: u32| {
        let actor = format!("http://dead.example/users/{number}");
        let body = json!({
            "id": format!("{actor}/follow"), "type": "Follow", "actor": actor,
            "object": "http://shoal.test/collections/tides",
        });
        Foreign::post_in(
            Scheme::Cavage,
            (&format!("{actor}#main-key"), &keys()),
            &body,
            world.now(),
        )
    };
    for number in 0..6 {
        assert_eq!(verdict(&world, from(number)).await, (503, false));
    }
    assert_eq!(hung_up.load(Ordering::SeqCst), 3, "three of them were asked for");
    world.wait(61_000);
    assert_eq!(verdict(&world, from(6)).await, (503, false));
    assert_eq!(hung_up.load(Ordering::SeqCst), 4, "and one more a minute later");
}
