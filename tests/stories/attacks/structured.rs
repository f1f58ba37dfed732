//! Who sent it, once more, in the other scheme: signatures by RFC 9421 are held to the same rules.

use anyhow::{Context, Result};
use shoal_tests::letter::{Letter, content_digest, seconds_from_now};

use super::stage::Stage;

/// What a signature has to cover.
const ALL: &str = "@method @target-uri @authority content-digest";

/// Eve's Follow from evil.example, not signed yet.
fn plain(stage: &Stage) -> Result<Letter> {
    let follow = stage.follow("evil.example", "eve");
    let letter = stage.foreign.unsigned(&stage.shoal, &follow, "")?;
    let digest = content_digest(&letter.body);
    Ok(letter.without("Digest").with("Content-Digest", &digest))
}

/// Parameters by a key of hers, made so many seconds from now.
fn made(seconds: i64) -> String {
    let created = seconds_from_now(seconds);
    format!("created={created};keyid=\"http://evil.example/users/eve#main-key\"")
}

async fn refused(stage: &Stage, what: &str, letter: Letter) -> Result<()> {
    let answer = letter.send(stage.here()?).await.context(what.to_owned())?;
    assert_eq!(answer.status, 401, "{what}: {}", answer.body);
    assert_eq!(stage.foreign.connections(), 0, "{what}: nothing is fetched");
    Ok(())
}

#[tokio::test]
async fn a_structured_signature_covers_everything_that_matters_or_counts_for_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    let key = stage.foreign.signer();
    for (what, covered) in [
        ("the digest is not signed", "@method @target-uri @authority"),
        (
            "the method is not signed",
            "@target-uri @authority content-digest",
        ),
        ("the target is not signed", "@method @authority content-digest"),
        ("nothing is signed", ""),
    ] {
        refused(
            &stage,
            what,
            plain(&stage)?.labelled("sig1", covered, &made(0), key)?,
        )
        .await?;
    }
    for (what, parameters) in [
        ("thirteen hours old", made(-13 * 3600)),
        ("an hour and a minute ahead", made(3660)),
        (
            "expired",
            format!("{};expires={}", made(-900), seconds_from_now(-600)),
        ),
        (
            "without a time",
            "keyid=\"http://evil.example/users/eve#main-key\"".to_owned(),
        ),
        ("without a key", format!("created={}", seconds_from_now(0))),
        ("hmac", format!("{};alg=\"hmac-sha256\"", made(0))),
        ("an unknown algorithm", format!("{};alg=\"none\"", made(0))),
    ] {
        refused(
            &stage,
            what,
            plain(&stage)?.labelled("sig1", ALL, &parameters, key)?,
        )
        .await?;
    }
    let mut changed = plain(&stage)?.labelled("sig1", ALL, &made(0), key)?;
    changed.body = stage.follow("evil.example", "mallory").to_string().into_bytes();
    refused(&stage, "another body", changed).await?;
    assert_eq!(stage.followers().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_structured_signature_that_is_none_or_was_made_for_another_server_is_refused() -> Result<()> {
    let stage = Stage::set().await?;
    let key = stage.foreign.signer();
    for input in [
        "sig1=",
        "sig1=(",
        "sig1=(\"@method\"",
        "sig1=1",
        "sig1=(\"@method\" \"@method\");created=1",
        "=()",
        "sig1=();a",
        "\u{7f}",
    ] {
        let garbled = plain(&stage)?
            .with("Signature-Input", input)
            .with("Signature", "sig1=:AAAA:");
        let answer = garbled.send(stage.here()?).await?;
        assert!(
            matches!(answer.status, 400 | 401),
            "{input}: {} {}",
            answer.status,
            answer.body
        );
    }
    // Our own name is put where the signer had another, so only the key can tell: for that her actor is fetched.
    stage.foreign.house("evil.example", "eve")?;
    let elsewhere = plain(&stage)?.with("Host", "good.example");
    let relayed = elsewhere.labelled("sig1", ALL, &made(0), key)?;
    assert_eq!(relayed.send(stage.here()?).await?.status, 401);
    let mut renamed = relayed;
    renamed = renamed.with("Host", stage.shoal.url().trim_start_matches("http://"));
    assert_eq!(renamed.send(stage.here()?).await?.status, 401);
    assert_eq!(stage.followers().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn of_several_labels_only_one_that_covers_everything_counts() -> Result<()> {
    let stage = Stage::set().await?;
    let key = stage.foreign.signer();
    let two =
        plain(&stage)?
            .labelled("a", "@method", &made(0), key)?
            .labelled("b", "@authority", &made(0), key)?;
    refused(&stage, "two halves", two).await?;
    // A worthless one beside a good one does no harm.
    stage.foreign.house("evil.example", "eve")?;
    let good = plain(&stage)?
        .labelled("a", "@method", &made(0), key)?
        .labelled("b", ALL, &made(0), key)?;
    let answer = good.send(stage.here()?).await?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(stage.followers().await?, ["http://evil.example/users/eve"]);
    // Nor does it carry to another path.
    let mut moved = good;
    moved.path = "/actor/inbox".to_owned();
    assert_eq!(moved.send(stage.here()?).await?.status, 401);
    Ok(())
}
