//! Signed requests, exchanged with programs that others wrote, in both schemes and both directions: a Fedify server and a
//! server made of apsig. That posts arrive and read well is `fediverse.rs`.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shoal_tests::instance::{self, Setup};
use shoal_tests::peers::Peer;
use shoal_tests::scene::{COLLECTION, Scene};

/// Where a peer listens: an address of its own.
fn place() -> Result<(String, String)> {
    let place = instance::free(instance::own_address())?;
    Ok((place.ip().to_string(), place.port().to_string()))
}

/// What a peer said that has this member, in order.
fn said(peer: &Peer, member: &str) -> Vec<Value> {
    let said = peer.said().into_iter();
    said.filter(|value| value.get(member).is_some()).collect()
}

#[tokio::test]
async fn a_fedify_server_is_believed_when_it_signs_by_the_draft_and_told_by_rfc_9421_when_it_asks()
-> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let (host, port) = place()?;
    let arguments = [host.as_str(), &port, "cavage", "rfc9421"];
    let Some(mut peer) = Peer::node("a Fedify server of one scheme", "fedify.mjs", &arguments)? else {
        return Ok(());
    };
    peer.heard("a Fedify server that listens", |said| said.get("ready").is_some())
        .await?;
    let collection = format!("{}/collections/{COLLECTION}", scene.shoal.url());
    peer.tell(&json!({ "follow": collection }))?;
    peer.heard("an Accept that Fedify verified", |said| {
        said["received"] == "Accept"
    })
    .await?;
    scene.publish(1).await?;
    peer.heard("a Create that Fedify verified", |said| {
        said["received"] == "Create"
    })
    .await?;
    assert_eq!(
        said(&peer, "knocked"),
        [json!({ "knocked": "cavage", "status": 202 })]
    );
    peer.heard("an answer to the Create", |said| {
        said["arrived"] == "rfc9421" && said["status"].as_u64().is_some()
    })
    .await?;
    let arrived: Vec<_> = said(&peer, "arrived")
        .into_iter()
        .map(|said| said["arrived"].clone())
        .collect();
    assert_eq!(
        arrived[..2],
        [json!("cavage"), json!("rfc9421")],
        "the Accept is told in the other scheme at once"
    );
    assert!(
        !arrived[2..].contains(&json!("cavage")),
        "which is remembered: {arrived:?}"
    );
    Ok(())
}

/// A server made of apsig, its base URL, and the scene that it plays in.
struct Correspondence {
    peer: Peer,
    base: String,
    scene: Scene,
}

impl Correspondence {
    async fn begin() -> Result<Option<Self>> {
        let scene = Scene::set(Setup::new()).await?;
        let (host, port) = place()?;
        let Some(mut peer) = Peer::python("a server made of apsig", "signatures.py", &[&host, &port])? else {
            return Ok(None);
        };
        let ready = peer
            .heard("a server that listens", |said| said.get("ready").is_some())
            .await?;
        let base = ready["ready"].as_str().context("a base URL")?.to_owned();
        Ok(Some(Self { peer, base, scene }))
    }

    /// Somebody there follows the collection, signed in that way; the status of the answer.
    async fn follow(&mut self, by: &str, scheme: &str) -> Result<Value> {
        let url = self.scene.shoal.url();
        let activity = json!({
            "@context": "https://www.w3.org/ns/activitystreams", "type": "Follow",
            "id": format!("{}/follows/{by}-{scheme}", self.base), "actor": format!("{}/users/{by}", self.base),
            "object": format!("{url}/collections/{COLLECTION}"),
        });
        self.peer.tell(
            &json!({ "post": format!("{url}/inbox"), "by": by, "scheme": scheme, "activity": activity }),
        )?;
        let posted = self
            .peer
            .heard("an answer", |said| said["posted"] == scheme)
            .await?;
        Ok(posted["status"].clone())
    }

    /// A request of that method to that path which apsig verified; in which scheme, and by whose key.
    async fn verified(&mut self, method: &str, path: &str) -> Result<(Value, Value)> {
        let came = self
            .peer
            .heard("a request that apsig verifies", |said| {
                said["came"] == method && said["path"] == path && answered(said)
            })
            .await?;
        assert_eq!(came["why"], "verified", "{came}");
        Ok((came["scheme"].clone(), came["signed_by"].clone()))
    }
}

/// Whether the peer believes this request: the strict one believes only the newer scheme.
fn answered(said: &Value) -> bool {
    let strict = said["path"].as_str().is_some_and(|path| path.contains("strict"));
    !strict || said["scheme"] == "rfc9421"
}

#[tokio::test]
async fn what_apsig_signs_is_believed_and_what_is_signed_here_apsig_verifies_in_both_schemes() -> Result<()> {
    let Some(mut both) = Correspondence::begin().await? else {
        return Ok(());
    };
    let url = both.scene.shoal.url();
    let instance = json!(format!("{url}/actor#main-key"));
    let collection = json!(format!("{url}/collections/{COLLECTION}#main-key"));
    // A signature that leaves the body out is one for any body.
    assert_eq!(both.follow("reader", "bare").await?, 401);
    assert_eq!(both.follow("reader", "cavage").await?, 202);
    let fetched = both.verified("GET", "/users/reader").await?;
    assert_eq!(fetched, (json!("cavage"), instance.clone()));
    let accepted = both.verified("POST", "/users/reader/inbox").await?;
    assert_eq!(accepted, (json!("cavage"), collection.clone()));

    assert_eq!(both.follow("strict", "rfc9421").await?, 202);
    let fetched = both.verified("GET", "/users/strict").await?;
    assert_eq!(fetched, (json!("rfc9421"), instance));
    let accepted = both.verified("POST", "/users/strict/inbox").await?;
    assert_eq!(accepted, (json!("rfc9421"), collection));
    let unverified: Vec<_> = said(&both.peer, "came")
        .into_iter()
        .filter(|said| said["signed_by"].is_null())
        .collect();
    assert!(unverified.is_empty(), "{unverified:#?}");
    Ok(())
}
