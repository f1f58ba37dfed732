//! Who sent it: requests to an inbox that are not signed as they must be, and some that look odd and are signed well.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use shoal_tests::letter::{Letter, seconds_from_now, sha256};
use shoal_tests::wait;

use super::stage::Stage;

/// Eve's Follow from evil.example, before it is signed.
fn letter(stage: &Stage) -> Result<Letter> {
    let follow = stage.follow("evil.example", "eve");
    stage
        .foreign
        .unsigned(&stage.shoal, &follow, "http://evil.example/users/eve#main-key")
}

fn signed(stage: &Stage, letter: Letter) -> Result<Letter> {
    letter.signed(stage.foreign.signer())
}

/// Sends it, and asks that it is refused with this status, with a sentence, and without any effect or fetch.
async fn refused(stage: &Stage, what: &str, letter: Letter, status: u16) -> Result<()> {
    let answer = letter.send(stage.here()?).await.context(what.to_owned())?;
    assert_eq!(answer.status, status, "{what}: {}{}", answer.head, answer.body);
    assert!(answer.body.contains("message"), "{what}: {}", answer.body);
    assert_eq!(stage.followers().await?, [""; 0], "{what}");
    assert_eq!(stage.foreign.connections(), 0, "{what}: nothing is fetched");
    Ok(())
}

#[tokio::test]
async fn what_is_not_signed_over_everything_that_matters_is_refused_unseen() -> Result<()> {
    let stage = Stage::set().await?;
    let plain = letter(&stage)?;
    refused(&stage, "unsigned", plain.clone(), 401).await?;

    let other_body = stage.follow("evil.example", "mallory").to_string().into_bytes();
    let mut changed = signed(&stage, plain.clone())?;
    changed.body.clone_from(&other_body);
    refused(&stage, "another body", changed.clone(), 401).await?;
    let changed = changed.with("Digest", &sha256(&other_body));
    // Only now its signature is looked at, for which the actor is fetched; that is the next test's.
    drop(changed);

    for (what, covered) in [
        ("the digest is not signed", "(request-target) host date"),
        ("the target is not signed", "host date digest"),
        ("the host is not signed", "(request-target) date digest"),
        ("no time is signed", "(request-target) host digest"),
        ("only the date is signed", "date"),
    ] {
        refused(
            &stage,
            what,
            signed(&stage, plain.clone().covering(covered))?,
            401,
        )
        .await?;
    }
    let bare = plain
        .clone()
        .without("Digest")
        .covering("(request-target) host date");
    refused(&stage, "no digest at all", signed(&stage, bare)?, 401).await?;
    let two = signed(&stage, plain.clone())?.and("Digest", &sha256(b"other"));
    refused(&stage, "two digests", two, 401).await?;
    let weak = plain.with("Digest", "MD5=1B2M2Y8AsgTpgAmY7PhCfg==");
    refused(&stage, "a digest by MD5", signed(&stage, weak)?, 401).await
}

#[tokio::test]
async fn what_was_made_for_another_server_or_another_path_is_refused() -> Result<()> {
    let stage = Stage::set().await?;
    let elsewhere = letter(&stage)?.with("Host", "good.example");
    let relayed = signed(&stage, elsewhere)?;
    refused(&stage, "relayed unchanged", relayed.clone(), 401).await?;
    let ours = stage.shoal.url().trim_start_matches("http://").to_owned();
    for name in ["X-Forwarded-Host", "Forwarded", "X-Host"] {
        let forwarded = relayed.clone().and(name, &ours);
        refused(&stage, name, forwarded, 401).await?;
    }
    let mut two = relayed;
    two.headers.push(("Host".to_owned(), ours));
    let answer = two.send(stage.here()?).await?;
    assert!(matches!(answer.status, 400 | 401), "two hosts: {}", answer.head);
    Ok(())
}

#[tokio::test]
async fn what_was_signed_too_long_ago_or_not_yet_is_refused() -> Result<()> {
    let stage = Stage::set().await?;
    let hours = |count: u64| Duration::from_secs(count * 3600 + 60);
    for (what, distance, past) in [
        ("thirteen hours old", hours(13), true),
        ("a year old", hours(8760), true),
        ("an hour and a minute ahead", hours(1), false),
    ] {
        refused(
            &stage,
            what,
            signed(&stage, letter(&stage)?.dated(distance, past))?,
            401,
        )
        .await?;
    }
    for date in ["yesterday", "", "0", "Fri, 31 Feb 2026 00:00:00 GMT"] {
        refused(
            &stage,
            date,
            signed(&stage, letter(&stage)?.with("Date", date))?,
            401,
        )
        .await?;
    }
    let new = |parameters: String| -> Result<Letter> {
        let mut letter = letter(&stage)?.covering("(request-target) host (created) (expires) digest");
        letter.algorithm = Some("hs2019".to_owned());
        letter.parameters = parameters;
        signed(&stage, letter)
    };
    let (past, now, future) = (
        seconds_from_now(-600),
        seconds_from_now(0),
        seconds_from_now(7200),
    );
    for (what, parameters) in [
        ("expired", format!("created={past},expires={past},")),
        (
            "made in the future",
            format!("created={future},expires={future},"),
        ),
        ("made before history", format!("created=0,expires={future},")),
        ("no number", format!("created=now,expires={future},")),
        (
            "beyond all numbers",
            format!("created=99999999999999999999,expires={now},"),
        ),
    ] {
        refused(&stage, what, new(parameters)?, 401).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_signature_header_that_is_no_such_thing_is_refused_and_breaks_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    let good = signed(&stage, letter(&stage)?)?.header("Signature").to_owned();
    let (id, rest) = good.split_once(',').context("a header has parts")?;
    let bad = [
        String::new(),
        "keyId".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.trim_end_matches('"').to_owned(),
        format!("{good},{good}"),
        format!("{id},{good}"),
        rest.to_owned(),
        format!("keyId=\"\",{rest}"),
        format!("keyId=\"not an address\",{rest}"),
        format!("keyId=\"javascript:alert(1)\",{rest}"),
        format!("keyId=\"http://\",{rest}"),
        good.replace("rsa-sha256", "none"),
        good.replace("rsa-sha256", "x-attacker-supplied"),
        good.replace("signature=\"", "signature=\"!"),
        good.replace("headers=\"", "headers=\"host "),
        format!("{good},x=\"{}\"", "y".repeat(7000)),
        "\"".repeat(4000),
        ",".repeat(4000),
        "=".repeat(4000),
    ];
    for header in bad {
        let spoiled = letter(&stage)?.with("Signature", &header);
        let answer = spoiled.send(stage.here()?).await?;
        assert!(
            matches!(answer.status, 400 | 401),
            "{header}: {} {}",
            answer.status,
            answer.body
        );
    }
    // Algorithms that cannot be right are not worth a look at the key; `hmac` with the public key as the secret is one.
    let mut confused = letter(&stage)?;
    confused.algorithm = Some("hmac-sha256".to_owned());
    let pem = stage.foreign.signer().pem()?;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, pem.as_bytes());
    let mac = aws_lc_rs::hmac::sign(&key, confused.signing_string().as_bytes());
    stage.foreign.house("evil.example", "eve")?;
    let answer = confused
        .bearing(&STANDARD.encode(mac))
        .send(stage.here()?)
        .await?;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(stage.followers().await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn of_several_signatures_only_one_that_covers_everything_counts() -> Result<()> {
    let stage = Stage::set().await?;
    let worthless = signed(&stage, letter(&stage)?.covering("date"))?;
    let twice = worthless.clone().and("Signature", worthless.header("Signature"));
    refused(&stage, "two that cover nothing", twice, 401).await?;
    // Somebody else's good signature does not carry one's own empty one.
    let structured = worthless.and(
        "Signature-Input",
        "a=();keyid=\"http://good.example/users/gil#main-key\"",
    );
    refused(&stage, "labels without components", structured, 401).await?;
    let garbled = signed(&stage, letter(&stage)?.covering("date"))?.and("Signature-Input", "a=(\"@method");
    refused(&stage, "labels that cannot be read", garbled, 401).await
}

#[tokio::test]
async fn what_looks_odd_and_is_signed_well_is_taken_once() -> Result<()> {
    let stage = Stage::set().await?;
    stage.foreign.house("evil.example", "eve")?;
    // hs2019 with its times in quotation marks over an RSA key, as one server sends it.
    let mut odd = letter(&stage)?.covering("(request-target) host (created) (expires) digest content-type");
    odd.algorithm = Some("hs2019".to_owned());
    odd.parameters = format!(
        "created=\"{}\",expires=\"{}\",",
        seconds_from_now(0),
        seconds_from_now(300)
    );
    let odd = signed(&stage, odd)?;
    let answer = odd.send(stage.here()?).await?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    wait::until("the Accept", async || {
        (stage.delivered("evil.example", "Accept") == 1).then_some(())
    })
    .await?;
    // The same again, and again: thanked for, and nothing more.
    for _ in 0..3 {
        assert_eq!(odd.send(stage.here()?).await?.status, 202);
    }
    let list = stage
        .call(reqwest::Method::GET, "/admin/deliveries", &Value::Null)
        .await?;
    let items = list.as_array().or(list["items"].as_array()).context("a list")?;
    assert_eq!(items.iter().filter(|one| one["kind"] == "Accept").count(), 1);
    assert_eq!(stage.followers().await?, ["http://evil.example/users/eve"]);
    let moved = {
        let mut moved = odd;
        moved.path = "/actor/inbox".to_owned();
        moved
    };
    assert_eq!(
        moved.send(stage.here()?).await?.status,
        401,
        "replayed to another path"
    );
    Ok(())
}
