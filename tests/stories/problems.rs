//! Every refusal of the API is a problem document with a stable code and a sentence; every page refuses in words.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::Setup;
use shoal_tests::scene::Scene;
use shoal_tests::web::answer;

#[tokio::test]
async fn refusals_of_the_api_are_problem_documents() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let (token, null) = (scene.archivist.as_str(), Value::Null);
    let short = json!({ "title": "" });
    let unknown = json!({ "title": "Tide gauges", "colour": "blue" });
    let taken = json!({ "name": "climate", "title": "Again" });
    let cases = [
        (Method::GET, "/datasets/none", "", &null, 404, "not-found"),
        (Method::GET, "/uploads/none", "", &null, 404, "not-found"),
        (Method::GET, "/collections/none", "", &null, 404, "not-found"),
        (Method::GET, "/no/such/call", "", &null, 404, "not-found"),
        (Method::POST, "/datasets", "", &unknown, 401, "sign-in-needed"),
        (Method::POST, "/datasets", token, &short, 400, "invalid"),
        (Method::POST, "/datasets", token, &unknown, 400, "invalid"),
        (Method::POST, "/collections", token, &taken, 409, "taken"),
        (Method::GET, "/datasets?limit=many", "", &null, 400, "invalid"),
        (Method::GET, "/datasets?sort=chance", "", &null, 400, "invalid"),
        (Method::GET, "/datasets?cursor=madeup", "", &null, 400, "invalid"),
    ];
    for (method, path, token, body, status, code) in cases {
        let what = format!("{method} {path}");
        let refused = scene.web().call(method, path, token, body).await?;
        assert_eq!(refused.status, status, "{what}: {}", refused.text());
        assert_eq!(
            refused.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        let problem = refused.json()?;
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!(code), &json!(status)),
            "{what}"
        );
        assert!(
            problem["detail"].as_str().is_some_and(|text| text.ends_with('.')),
            "{what}: {problem}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn pages_refuse_in_words_and_share_the_same_headers() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    for path in ["/datasets/none", "/nowhere", "/uploads/none"] {
        let page = scene.web().get(path).await?.expect(404)?;
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(page.text().contains("<h1"), "{path} is a page");
    }
    for path in ["/", "/datasets/none", "/api/v1/stats"] {
        let answer = scene.web().get(path).await?;
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn lists_go_on_where_they_ended() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    for number in 0..5 {
        let dataset = json!({ "slug": format!("gauge-{number}"), "title": format!("Tide gauge {number}") });
        scene
            .change(Method::POST, "/datasets", &dataset)
            .await?
            .expect(201)?;
    }
    let (mut seen, mut next) = (Vec::new(), Some("/api/v1/datasets?limit=2".to_owned()));
    while let Some(path) = next {
        let page = scene.web().get(&path).await?.expect(200)?;
        let list = page.json()?;
        let items = list
            .as_array()
            .or_else(|| list["items"].as_array())
            .cloned()
            .unwrap_or_default();
        assert!(items.len() <= 2 && !items.is_empty());
        seen.extend(
            items
                .iter()
                .filter_map(|item| item["slug"].as_str().map(str::to_owned)),
        );
        let link = page.header("link");
        next = link
            .contains("rel=\"next\"")
            .then(|| link.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
    }
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!(
        (seen.len(), distinct.len()),
        (6, 6),
        "each dataset once: {seen:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let request = scene
        .web()
        .request(Method::POST, "/api/v1/datasets")
        .bearer_auth(&scene.archivist);
    let large = json!({ "title": "Tide gauges", "description": "x".repeat(2_000_000) });
    let refused = answer(request.json(&large)).await?;
    assert!(matches!(refused.status, 400 | 413), "{}", refused.status);
    let inbox = scene
        .web()
        .request(Method::POST, "/inbox")
        .body(vec![b' '; 3_000_000]);
    let refused = answer(inbox.header("Content-Type", "application/activity+json")).await?;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    Ok(())
}
