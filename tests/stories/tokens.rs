//! Tokens and scopes: what a token may do is what its account may do, narrowed, until it is revoked.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::Shoal;
use shoal_tests::web::Answer;

async fn make(shoal: &Shoal, token: &str, slug: &str) -> Result<Answer> {
    let dataset = json!({ "slug": slug, "title": "Tide gauges" });
    shoal.web().call(Method::POST, "/datasets", token, &dataset).await
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() -> Result<()> {
    let shoal = Shoal::start().await?;
    let reader = shoal.token("reader", "")?;
    let archivist = shoal.token("ann", "submit,upload")?;
    let refused = make(&shoal, &reader, "tides").await?.expect(403)?.json()?;
    assert_eq!(refused["code"], "scope-missing");
    make(&shoal, "", "tides").await?.expect(401)?;
    make(&shoal, "shoal_madeup", "tides").await?.expect(401)?;
    make(&shoal, &archivist, "tides").await?.expect(201)?;

    let hide = json!({ "reason": "no right to" });
    shoal
        .web()
        .call(Method::POST, "/admin/datasets/tides/hide", &archivist, &hide)
        .await?
        .expect(403)?;
    shoal
        .web()
        .call(Method::GET, "/admin/log", &archivist, &Value::Null)
        .await?
        .expect(403)?;
    Ok(())
}

#[tokio::test]
async fn a_token_never_has_more_than_its_account() -> Result<()> {
    let shoal = Shoal::start().await?;
    shoal
        .run(&["account", "create", "ann", "--scope", "submit"])?
        .good()?;
    let wide = shoal.run(&["token", "create", "ann", "--scope", "owner"])?;
    if wide.status.success() {
        let log = shoal
            .web()
            .call(Method::GET, "/admin/log", wide.text.trim(), &Value::Null)
            .await?;
        assert_eq!(
            log.status, 403,
            "a token asked for with more scopes than its account has them not"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_revoked_token_and_a_suspended_account_are_out_at_once() -> Result<()> {
    let shoal = Shoal::start().await?;
    let token = shoal.token("ann", "submit")?;
    let list = shoal.run(&["token", "list", "ann"])?.good()?;
    assert!(!list.contains(&token), "a list shows no secret");
    make(&shoal, &token, "one").await?.expect(201)?;
    let id = list
        .split_whitespace()
        .next()
        .context("the list names the token")?;
    shoal.run(&["token", "revoke", id])?.good()?;
    make(&shoal, &token, "two").await?.expect(401)?;

    let second = shoal.run(&["token", "create", "ann"])?.good()?;
    shoal
        .run(&["account", "suspend", "ann", "--reason", "spam"])?
        .good()?;
    make(&shoal, second.trim(), "three").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn secrets_stay_out_of_log_and_database() -> Result<()> {
    let mut shoal = Shoal::start().await?;
    let token = shoal.token("ann", "submit")?;
    make(&shoal, &token, "tides").await?.expect(201)?;
    shoal.stop().await?;
    assert!(!shoal.log().contains(&token));
    let rows = std::fs::read(shoal.data().join("shoal.db"))?;
    assert!(
        !rows.windows(token.len()).any(|window| window == token.as_bytes()),
        "only its hash is kept"
    );
    Ok(())
}
