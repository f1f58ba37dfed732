//! What must not come in is refused with a sentence that its uploader can act on, and leaves nothing behind.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;
use shoal_tests::instance::Setup;
use shoal_tests::scene::{DATASET, Scene};

/// A single-file v1 torrent with these parts of an info dictionary before and after `name`.
fn v1(before: &str, name: &str, after: &str) -> Vec<u8> {
    let mut bytes = format!("d4:infod{before}4:name{}:{name}{after}6:pieces20:", name.len()).into_bytes();
    bytes.extend([7; 20]);
    bytes.extend(b"ee");
    bytes
}

const LENGTH: &str = "6:lengthi5e";
const PIECE: &str = "12:piece lengthi16384e";

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("no torrent at all", b"<html>not found</html>".to_vec()),
        ("an empty file", Vec::new()),
        ("a torrent cut short", b"d4:infod6:lengthi5e".to_vec()),
        ("no info dictionary", b"d8:announce3:urle".to_vec()),
        ("a negative length", v1("6:lengthi-5e", "a", PIECE)),
        (
            "a length beyond all disks",
            v1("6:lengthi99999999999999999999e", "a", PIECE),
        ),
        ("no piece length", v1(LENGTH, "a", "")),
        ("a piece length of zero", v1(LENGTH, "a", "12:piece lengthi0e")),
        (
            "pieces that do not fit the length",
            v1("6:lengthi999999e", "a", PIECE),
        ),
        ("keys out of order", v1(PIECE, "a", LENGTH)),
        (
            "ten thousand brackets",
            [vec![b'l'; 10_000], vec![b'e'; 10_000]].concat(),
        ),
        ("a string longer than the file", b"d4:info99999999999:ae".to_vec()),
    ]
}

#[tokio::test]
async fn what_is_no_good_torrent_is_refused_with_a_sentence() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    for (what, bytes) in hostile() {
        let refused = scene
            .web()
            .upload(DATASET, &scene.archivist, bytes)
            .await?
            .expect(400)?;
        assert_eq!(
            refused.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        let problem = refused.json()?;
        let sentence = problem["detail"].as_str().unwrap_or_default();
        assert!(
            sentence.len() > 15 && sentence.ends_with('.'),
            "{what}: {sentence:?} is a sentence"
        );
        assert!(
            !sentence.contains("panicked") && !sentence.contains("Error {"),
            "{what}: {sentence}"
        );
    }
    let stats = scene
        .web()
        .call(Method::GET, "/stats", "", &Value::Null)
        .await?
        .expect(200)?
        .json()?;
    assert_eq!(stats["uploads"], 0, "nothing was left behind");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_before_it_is_read_whole() -> Result<()> {
    let scene = Scene::set(Setup::new().set("http.max_torrent_bytes", "50000")).await?;
    let refused = scene
        .web()
        .upload(DATASET, &scene.archivist, vec![b'd'; 3_000_000])
        .await?;
    assert!(
        matches!(refused.status, 400 | 413),
        "{}: {}",
        refused.status,
        refused.text()
    );
    assert_eq!(scene.web().get("/readyz").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn the_same_torrent_twice_is_a_conflict_that_names_the_first() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let first = scene.publish(1).await?;
    let second = scene
        .web()
        .upload(DATASET, &scene.archivist, scene.torrent(1)?)
        .await?
        .expect(409)?
        .json()?;
    assert_eq!(second["code"], "taken");
    let id = first["id"].as_str().unwrap_or("none");
    assert!(
        second["existing"].as_str().is_some_and(|path| path.contains(id)),
        "{second}"
    );
    Ok(())
}

#[tokio::test]
async fn names_that_climb_out_of_their_folder_are_harmless() -> Result<()> {
    let scene = Scene::set(Setup::new()).await?;
    let torrent = v1(LENGTH, "../../../etc/<script>alert(1)</script>", PIECE);
    let answer = scene.web().upload(DATASET, &scene.archivist, torrent).await?;
    if answer.status == 201 {
        let upload = answer.json()?;
        let page = scene
            .web()
            .get(upload["url"].as_str().unwrap_or("none"))
            .await?
            .expect(200)?
            .text();
        assert!(!page.contains("<script>alert"), "a name is text, never markup");
        let id = upload["id"].as_str().unwrap_or("none");
        let path = format!("/api/v1/uploads/{id}/files");
        let files = scene.web().get(&path).await?.expect(200)?.json()?;
        for part in files["items"][0]["path"].as_array().into_iter().flatten() {
            let part = part.as_str().unwrap_or("..");
            assert!(
                part != ".." && !part.contains('/'),
                "a path that is shown leads nowhere else: {files}"
            );
        }
    } else {
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    Ok(())
}
