//! What operators and onlookers are told of the tracker: the figures at `/metrics`, the dashboard that draws them, `/stats`
//! and the full scrape. Each number is that of requests made here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::instance::{Setup, free, own_address};
use shoal_tests::scene::{Scene, text};
use shoal_tests::web::Web;

/// A hash that nobody published.
const UNKNOWN: &str = "0101010101010101010101010101010101010101";

/// A scene with a listener for the figures.
async fn watched() -> Result<(Scene, Web)> {
    let address = own_address();
    let metrics = free(address)?;
    let setup = Setup::new()
        .at(address)
        .set("metrics.listen", &metrics.to_string());
    let scene = Scene::set(setup).await?;
    Ok((scene, Web::new(format!("http://{metrics}"))?))
}

/// Two seeders, a leecher that completes, one that goes; then what is refused: one announce of each sort. Gives the hash.
async fn make_noise(scene: &Scene) -> Result<String> {
    let upload = scene.publish(1).await?;
    let hash = text(&upload, "info_hash_v1")?.to_owned();
    for (port, left, event) in [
        (7001, 0, "started"),
        (7002, 500, "started"),
        (7002, 0, "completed"),
        (7003, 500, "started"),
        (7004, 500, "started"),
        (7004, 500, "stopped"),
    ] {
        scene
            .web()
            .announce(&hash, port, left, event)
            .await?
            .expect(200)?;
    }
    scene
        .web()
        .announce(UNKNOWN, 7001, 0, "started")
        .await?
        .expect(200)?;
    scene.web().get("/announce?info_hash=short").await?.expect(200)?;
    scene.web().get("/scrape").await?.expect(200)?;
    scene
        .web()
        .get(&format!("/scrape?info_hash={}", "%01".repeat(20)))
        .await?
        .expect(200)?;
    Ok(hash)
}

/// The samples of a page of figures: name with labels, and value.
fn samples(page: &str) -> Result<BTreeMap<String, f64>> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
            Ok((name.to_owned(), value.replace("+Inf", "inf").parse()?))
        })
        .collect()
}

fn requests(outcome: &str) -> String {
    format!("shoal_tracker_requests_total{{protocol=\"http\",family=\"ipv4\",outcome=\"{outcome}\"}}")
}

#[tokio::test]
async fn the_figures_are_those_of_the_requests_that_were_made() -> Result<()> {
    let (scene, metrics) = watched().await?;
    make_noise(&scene).await?;
    let page = metrics.get("/metrics").await?.expect(200)?.text();
    let samples = samples(&page)?;
    let mut wanted = BTreeMap::from([
        (requests("announce"), 6.0),
        (requests("scrape"), 1.0),
        (requests("not_listed"), 1.0),
        (requests("malformed"), 2.0),
        (requests("connect"), 0.0),
    ]);
    for (name, value) in [
        ("shoal_tracker_request_seconds_count{protocol=\"http\"}", 10.0),
        (
            "shoal_tracker_request_seconds_bucket{protocol=\"http\",le=\"+Inf\"}",
            10.0,
        ),
        ("shoal_tracker_torrents", 1.0),
        ("shoal_tracker_peers{family=\"ipv4\"}", 3.0),
        ("shoal_tracker_peers{family=\"ipv6\"}", 0.0),
        ("shoal_tracker_seeders", 2.0),
        ("shoal_tracker_leechers", 1.0),
        ("shoal_tracker_completions_total", 1.0),
        ("shoal_tracker_limit{of=\"peers\"}", 10_000_000.0),
        ("shoal_catalogue{kind=\"uploads\"}", 1.0),
        ("shoal_database_up", 1.0),
    ] {
        wanted.insert(name.to_owned(), value);
    }
    for (name, value) in wanted {
        assert_eq!(samples.get(&name), Some(&value), "{name} in\n{page}");
    }
    let took = samples["shoal_tracker_request_seconds_sum{protocol=\"http\"}"];
    assert!((1e-6..60.0).contains(&took), "{took}");
    assert!(samples["process_resident_memory_bytes"] > 1e6);
    let buckets: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("shoal_tracker_request_seconds_bucket{protocol=\"http\",le="))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .collect();
    assert!(buckets.len() > 10 && buckets.is_sorted(), "{buckets:?}");
    assert!(
        !page.contains("127.") && !page.contains(UNKNOWN),
        "no client and no hash: {page}"
    );
    Ok(())
}

#[tokio::test]
async fn every_figure_that_is_drawn_or_written_about_is_there() -> Result<()> {
    let (_scene, metrics) = watched().await?;
    let page = metrics.get("/metrics").await?.expect(200)?.text();
    let there: BTreeSet<&str> = page
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .flat_map(|name| {
            [
                name,
                name.trim_end_matches("_bucket"),
                name.trim_end_matches("_count"),
            ]
        })
        .collect();
    let folder = shoal_tests::checkout().join("docs/admin");
    let drawn = fs::read_to_string(folder.join("grafana-dashboard.json"))?;
    let dashboard: Value = serde_json::from_str(&drawn)?;
    assert!(
        dashboard["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() > 10)
    );
    let written = fs::read_to_string(folder.join("watching.md"))?;
    let table: String = written.lines().filter(|line| line.starts_with("| `")).collect();
    let named: BTreeSet<&str> = [drawn.as_str(), table.as_str()]
        .into_iter()
        .flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with("shoal_") || word.starts_with("process_"))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "{missing:?} is not in\n{page}");

    let tracker = fs::read_to_string(shoal_tests::checkout().join("docs/tracker.md"))?;
    let untold: BTreeSet<&str> = page
        .split("outcome=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|outcome| !tracker.contains(&format!("`{outcome}`")))
        .collect();
    assert!(untold.is_empty(), "{untold:?} is not in docs/tracker.md");
    Ok(())
}

#[tokio::test]
async fn anyone_may_read_what_the_tracker_counts_in_all() -> Result<()> {
    let (scene, _metrics) = watched().await?;
    let hash = make_noise(&scene).await?;
    let answer = scene.web().get("/stats").await?.expect(200)?;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=5");
    let stats = answer.json()?;
    let peers = json!({ "ipv4": 3, "ipv6": 0, "webrtc": 0, "seeders": 2, "leechers": 1, "partial_seeds": 0 });
    assert_eq!(
        (&stats["torrents"], &stats["peers"], &stats["completed"]),
        (&json!(1), &peers, &json!(1))
    );
    let requests = json!({ "connect": 0, "announce": 6, "scrape": 1, "refused": 3 });
    assert_eq!(stats["requests"]["http"], requests);
    assert!(stats["uptime"].is_u64() && !answer.text().contains(&hash));

    scene
        .web()
        .announce(&hash, 7009, 0, "started")
        .await?
        .expect(200)?;
    let again = scene.web().get("/stats").await?.expect(200)?.json()?;
    assert!([6, 7].contains(&again["requests"]["http"]["announce"].as_i64().unwrap_or(0)));
    Ok(())
}

#[tokio::test]
async fn a_full_scrape_is_for_administrators_only() -> Result<()> {
    let (scene, metrics) = watched().await?;
    let hash = make_noise(&scene).await?;
    let ask = async |token: &str| {
        scene
            .web()
            .call(Method::GET, "/admin/scrape", token, &Value::Null)
            .await
    };
    ask("").await?.expect(401)?;
    ask(&scene.archivist).await?.expect(403)?;
    let all = ask(&scene.moderator).await?.expect(200)?;
    assert_eq!(
        all.text(),
        format!("{hash} 2 1 1\n"),
        "one line for the two hashes of a hybrid"
    );
    assert!(all.header("content-type").starts_with("text/plain"));

    let refused = scene.web().get("/scrape").await?.expect(200)?.text();
    assert!(refused.contains("full scrapes are not offered"), "{refused}");
    metrics.get("/scrape").await?.expect(404)?;
    Ok(())
}
