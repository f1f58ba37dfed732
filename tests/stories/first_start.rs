//! The first start needs nothing: no configuration, no database, no account. It prints where it is and how to get in.

use anyhow::Result;
use reqwest::Method;
use reqwest::header::COOKIE;
use shoal_tests::instance::Shoal;
use shoal_tests::web::{Session, answer, form_post};

#[tokio::test]
async fn a_first_start_makes_everything_and_lets_the_owner_in_once() -> Result<()> {
    let mut shoal = Shoal::start().await?;
    let link = shoal.owners_link()?;
    assert!(link.starts_with(shoal.url()), "{link} leads here");
    assert_eq!(shoal.web().get("/").await?.status, 200);

    let page = shoal.web().get(&link).await?.expect(200)?;
    assert!(
        page.text().contains("method=\"post\""),
        "looking at the link does not use it up"
    );
    let entered = answer(form_post(shoal.web(), &link, &[])?).await?.expect(303)?;
    let session = Session::begun(shoal.web(), entered.header("set-cookie")).await?;
    assert_eq!(session.get(shoal.web(), "/settings").await?.status, 200);

    let again = answer(form_post(shoal.web(), &link, &[])?).await?;
    assert!(
        (400..500).contains(&again.status),
        "the link works once, not twice: {}",
        again.status
    );

    assert!(shoal.stop().await?.success());
    shoal.start_again().await?;
    assert_eq!(
        shoal.log().matches("/sign-in/").count(),
        1,
        "only the first start makes an owner"
    );
    assert_eq!(
        session.get(shoal.web(), "/settings").await?.status,
        200,
        "a session outlives a restart"
    );
    Ok(())
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() -> Result<()> {
    let shoal = Shoal::start().await?;
    let entered = answer(form_post(shoal.web(), &shoal.owners_link()?, &[])?)
        .await?
        .expect(303)?;
    let session = Session::begun(shoal.web(), entered.header("set-cookie")).await?;
    let fields = [("name", "stolen"), ("title", "Stolen"), ("summary", "")];

    let forged = Session {
        csrf: "guessed".to_owned(),
        ..session.clone()
    };
    let refused = forged
        .post(shoal.web(), "/collections/new", &fields)
        .await?
        .expect(403)?;
    assert!(
        refused.text().contains("form"),
        "a sentence says what to do: {}",
        refused.text()
    );

    let bare = shoal
        .web()
        .request(Method::POST, "/api/v1/collections")
        .header(COOKIE, &session.cookie);
    let body = serde_json::json!({ "name": "stolen", "title": "Stolen" });
    assert_eq!(
        answer(bare.json(&body)).await?.status,
        403,
        "the API takes no cookie without its token"
    );
    assert_eq!(shoal.web().get("/collections/stolen").await?.status, 404);

    let made = session.post(shoal.web(), "/collections/new", &fields).await?;
    assert_eq!(made.status, 303, "{}", made.text());
    assert_eq!(shoal.web().get("/collections/stolen").await?.status, 200);
    Ok(())
}
