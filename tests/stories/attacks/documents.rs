//! What stands inside the body proves nothing: signatures of Linked Data, proofs, objects of other people.

use anyhow::Result;
use serde_json::{Value, json};
use shoal_tests::letter::Letter;

use super::stage::Stage;

#[tokio::test]
async fn signatures_inside_a_document_let_nobody_in() -> Result<()> {
    let stage = Stage::set().await?;
    stage.followed_by("good.example", "gil").await?;
    let gil = "http://good.example/users/gil";
    let linked = json!({ "type": "RsaSignature2017", "creator": format!("{gil}#main-key"),
        "created": "2026-11-20T08:00:00Z", "signatureValue": "AAAA" });
    let proof = json!({ "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofPurpose": "assertionMethod",
        "verificationMethod": format!("{gil}#ed25519-key"), "created": "2026-11-20T08:00:00Z",
        "expires": "2026-11-20T08:00:01Z", "proofValue": "z3L1" });
    for (member, value) in [("signature", linked), ("proof", proof)] {
        let mut leave = stage
            .foreign
            .activity("good.example", "gil", "Delete", json!(gil));
        leave[member] = value;
        // Without a signature on the request, and with one of somebody else.
        let bare = Letter::post(stage.shoal.url(), "/inbox", "", &leave)?;
        assert_eq!(bare.send(stage.here()?).await?.status, 401, "{member}");
        let eve = "http://evil.example/users/eve#main-key";
        let others = stage.foreign.unsigned(&stage.shoal, &leave, eve)?;
        let answer = others.signed(stage.foreign.signer())?.send(stage.here()?).await?;
        assert_eq!(answer.status, 401, "{member}: {}", answer.body);
    }
    assert_eq!(stage.followers().await?, [gil]);
    Ok(())
}

#[tokio::test]
async fn a_document_that_is_dressed_up_as_another_is_read_as_it_stands() -> Result<()> {
    let stage = Stage::set().await?;
    stage.followed_by("good.example", "gil").await?;
    stage.foreign.house("evil.example", "eve")?;
    let gil = "http://good.example/users/gil";
    let leave = json!({ "id": "http://good.example/activities/leave", "type": "Delete", "actor": gil, "object": gil });
    let dress = |more: Value| {
        let mut activity =
            stage
                .foreign
                .activity("evil.example", "eve", "Like", json!("http://evil.example/1"));
        let members = more.as_object().cloned().unwrap_or_default();
        if let Some(activity) = activity.as_object_mut() {
            activity.extend(members);
        }
        activity
    };
    let remapped =
        json!({ "type": "https://www.w3.org/ns/activitystreams#Like", "kind": "@type", "who": "as:actor" });
    for (what, activity) in [
        ("a graph", dress(json!({ "@graph": [leave] }))),
        ("included", dress(json!({ "@included": [leave] }))),
        ("reversed", dress(json!({ "@reverse": { "object": leave } }))),
        (
            "other words for actor and type",
            dress(json!({ "@context": remapped, "kind": "Delete", "who": gil })),
        ),
        (
            "keywords",
            dress(json!({ "@id": leave["id"], "@type": "Delete" })),
        ),
    ] {
        let answer = stage.tell(&activity).await?;
        assert!(matches!(answer.status, 202 | 400), "{what}: {}", answer.body);
        assert_eq!(stage.followers().await?, [gil], "{what}");
    }
    // Twice the same member: one of them counts, and it is held against the key.
    let twice = format!(
        "{{\"id\":\"http://evil.example/activities/twice\",\"type\":\"Delete\",\"actor\":\"http://evil.example/users/eve\",\
         \"actor\":\"{gil}\",\"object\":\"{gil}\"}}"
    );
    let mut letter =
        stage
            .foreign
            .unsigned(&stage.shoal, &json!({}), "http://evil.example/users/eve#main-key")?;
    letter.body = twice.into_bytes();
    let letter = letter
        .clone()
        .with("Digest", &shoal_tests::letter::sha256(&letter.body));
    let answer = letter.signed(stage.foreign.signer())?.send(stage.here()?).await?;
    assert!((400..500).contains(&answer.status), "{}", answer.body);
    assert_eq!(stage.followers().await?, [gil]);
    Ok(())
}

#[tokio::test]
async fn somebody_elses_object_inside_an_activity_is_not_believed() -> Result<()> {
    let stage = Stage::set().await?;
    stage.followed_by("good.example", "gil").await?;
    stage.foreign.house("evil.example", "eve")?;
    let gil = "http://good.example/users/gil";
    let follow = json!({ "id": "http://good.example/activities/9", "type": "Follow", "actor": gil, "object": stage.collection() });
    let note = json!({ "id": "http://good.example/notes/1", "type": "Note", "attributedTo": gil, "content": "forged",
        "proof": { "type": "DataIntegrityProof", "proofValue": "z3L1" } });
    for (kind, object) in [
        ("Undo", follow.clone()),
        ("Announce", follow.clone()),
        ("Announce", note.clone()),
        ("Create", note.clone()),
        (
            "Announce",
            json!({ "type": "Delete", "id": "http://good.example/activities/8", "actor": gil, "object": gil }),
        ),
    ] {
        let before = stage.foreign.asked("good.example").len();
        let answer = stage
            .tell(&stage.foreign.activity("evil.example", "eve", kind, object))
            .await?;
        assert!(matches!(answer.status, 202 | 403), "{kind}: {}", answer.body);
        assert_eq!(stage.followers().await?, [gil], "{kind}");
        assert_eq!(
            stage.foreign.asked("good.example").len(),
            before,
            "{kind}: nothing is fetched"
        );
        assert!(
            !stage.shoal.web().get("/").await?.text().contains("forged"),
            "{kind}"
        );
    }
    Ok(())
}
