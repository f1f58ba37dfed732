//! The API describes itself: every route that the sources register is in the served OpenAPI document, and the other
//! way round.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use shoal_tests::instance::Shoal;

#[tokio::test]
async fn the_description_names_every_route_and_no_other() -> Result<()> {
    let registered = registered()?;
    assert!(
        registered.len() > 20,
        "this test no longer reads the sources: {registered:?}"
    );
    let shoal = Shoal::start().await?;
    let description = shoal
        .web()
        .get("/api/v1/openapi.json")
        .await?
        .expect(200)?
        .json()?;
    assert!(
        description["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );

    let mut described = BTreeSet::new();
    for (path, item) in description["paths"]
        .as_object()
        .context("the description has paths")?
    {
        let methods = ["get", "post", "put", "patch", "delete"]
            .into_iter()
            .filter(|method| item.get(method).is_some());
        described.extend(methods.map(|method| format!("{method} {path}")));
    }
    let missing: Vec<_> = registered.difference(&described).collect();
    let invented: Vec<_> = described.difference(&registered).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "missing: {missing:#?}\ninvented: {invented:#?}"
    );
    Ok(())
}

/// Every method and path below `/api/v1` that the sources register, but for the description itself.
fn registered() -> Result<BTreeSet<String>> {
    let mut routes = BTreeSet::new();
    for entry in fs::read_dir(shoal_tests::checkout().join("crates/server/src/api"))? {
        let text = fs::read_to_string(entry?.path())?;
        // The path in force: `web::resource("…")` sets it for the routes after it, `.route("…", …)` for itself.
        let mut path = String::new();
        for piece in text.split("web::").skip(1).zip(text.split("web::")) {
            let (after, before) = piece;
            if let Some(set) = before
                .trim_end()
                .strip_suffix(',')
                .and_then(|before| before.rsplit_once(".route(\""))
            {
                path = set.1.trim_end_matches('"').to_owned();
            }
            if let Some(set) = after.strip_prefix("resource(\"") {
                path = set.split('"').next().unwrap_or_default().to_owned();
            }
            let method = after.split("().to(").next().unwrap_or_default();
            if ["get", "post", "put", "patch", "delete"].contains(&method) {
                routes.insert(format!("{method} /api/v1{path}"));
            }
        }
    }
    routes.remove("get /api/v1/openapi.json");
    Ok(routes)
}
