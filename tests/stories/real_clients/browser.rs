//! A person in Chromium signs in by the first start's link, publishes with the form, sees the page and hides it. No page
//! may log an error or have a serious fault by axe-core; screenshots of all go to `target/screenshots`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use shoal_tests::instance::Setup;
use shoal_tests::peers::Peer;
use shoal_tests::scene::Scene;
use shoal_tests::skip;

use super::doors::plain;

#[tokio::test]
async fn a_person_signs_in_publishes_and_hides_in_chromium() -> Result<()> {
    let story = "a person in Chromium";
    let Some(chromium) = skip::helper(story, "SHOAL_TEST_CHROMIUM") else {
        return Ok(());
    };
    let scene = Scene::set(Setup::new().set("instance.title", "The Tide Archive")).await?;
    let published = scene.publish(1).await?;
    let torrent = scene.shoal.folder().join("form.torrent");
    std::fs::write(&torrent, scene.torrent(2)?)?;

    let task = json!({
        "chromium": chromium,
        "base": scene.shoal.url(),
        "link": scene.shoal.owners_link()?,
        "torrent": plain(&torrent)?,
        "published": published["url"],
        "profile": plain(&scene.shoal.folder().join("chromium"))?,
        "pictures": plain(&pictures()?)?,
    });
    let Some(mut browser) = Peer::node(story, "browser.mjs", &[&task.to_string()])? else {
        return Ok(());
    };
    // One bound for each stretch of the way, since the whole takes long on a loaded machine.
    for page in ["settings", "published", "collection", "moderation"] {
        browser
            .heard(page, |said| said["page"] == page || said.get("done").is_some())
            .await?;
    }
    let done = browser
        .heard("the end of the visit", |said| said.get("done").is_some())
        .await?;
    let faults: Vec<_> = browser
        .said()
        .into_iter()
        .filter(|said| said.get("fault").is_some())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let visited = done["done"]["pages"].as_u64().unwrap_or(0);
    assert!(visited >= 8, "only {visited} pages were looked at");
    Ok(())
}

/// `target/screenshots`, beside the build that runs.
fn pictures() -> Result<PathBuf> {
    let test = env::current_exe()?;
    let target: &Path = test
        .ancestors()
        .nth(3)
        .context("a test lies three folders below target/")?;
    let folder = target.join("screenshots");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
