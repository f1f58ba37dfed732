//! Who may read: signed requests for documents, authorised fetch, and what caches may keep.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use shoal_tests::foreign::{Foreign, Reply};
use shoal_tests::instance::Setup;
use shoal_tests::letter::Letter;
use shoal_tests::scene::{COLLECTION, Scene};
use shoal_tests::wait;
use shoal_tests::wire::Raw;

use super::stage::HOSTS;

const GIL: &str = "http://good.example/users/gil#main-key";
const EVE: &str = "http://evil.example/users/eve#main-key";

/// An archive with one upload posted, and foreign readers.
struct Library {
    scene: Scene,
    foreign: Foreign,
}

impl Library {
    async fn open(setup: Setup) -> Result<Self> {
        let foreign = Foreign::open(&HOSTS).await?;
        let scene = Scene::set(foreign.known_to(setup)).await?;
        scene.publish(1).await?;
        foreign.house("good.example", "gil")?;
        foreign.house("evil.example", "eve")?;
        Ok(Self { scene, foreign })
    }

    fn letter(&self, path: &str, key_id: &str) -> Result<Letter> {
        Letter::get(self.scene.shoal.url(), path, key_id)
    }

    async fn send(&self, letter: &Letter) -> Result<Raw> {
        let here = self.scene.shoal.url().trim_start_matches("http://").parse()?;
        letter.send(here).await
    }

    /// What is answered to a reader with this key, or to nobody in particular.
    async fn read(&self, path: &str, key_id: Option<&str>) -> Result<Raw> {
        let letter = self.letter(path, key_id.unwrap_or_default())?;
        let letter = match key_id {
            Some(_) => letter.signed(self.foreign.signer())?,
            None => letter,
        };
        self.send(&letter).await
    }

    /// The paths that are not for everyone, once the archive has posted.
    async fn shelves(&self) -> Result<Vec<String>> {
        let outbox = format!("/collections/{COLLECTION}/outbox");
        let first = format!("{outbox}?page=first");
        let page = wait::until("the first post", async || {
            let page = self.read(&first, Some(GIL)).await.ok()?;
            let page: Value = serde_json::from_str(&page.body).ok()?;
            let create = page["orderedItems"]
                .as_array()?
                .iter()
                .find(|one| one["type"] == "Create")?;
            Some(create.clone())
        })
        .await?;
        let local = |id: &Value| -> Result<String> {
            let id = id.as_str().or(id["id"].as_str()).context("an id")?;
            Ok(id.trim_start_matches(self.scene.shoal.url()).to_owned())
        };
        let (activity, object) = (local(&page["id"])?, local(&page["object"])?);
        let lists = [
            "followers",
            "followers?page=first",
            "following",
            "following?page=first",
        ];
        let lists = lists.map(|list| format!("/collections/{COLLECTION}/{list}"));
        Ok([outbox, first, activity, object, "/actor/outbox".to_owned()]
            .into_iter()
            .chain(lists)
            .collect())
    }

    async fn block(&self, domain: &str) -> Result<()> {
        let path = format!("/admin/instances/{domain}/block");
        let reason = json!({ "reason": "for a test" });
        let done = self
            .scene
            .web()
            .call(Method::POST, &path, &self.scene.moderator, &reason)
            .await?;
        done.expect(200).map(drop)
    }
}

/// What everyone may read, whoever they are.
const PUBLIC: [&str; 6] = [
    "/actor",
    "/collections/climate",
    "/accounts/ann",
    "/.well-known/nodeinfo",
    "/nodeinfo/2.1",
    "/ns",
];

#[tokio::test]
async fn whoever_signs_a_reading_request_signs_it_well_or_reads_nothing() -> Result<()> {
    let library = Library::open(Setup::new()).await?;
    let shelves = library.shelves().await?;
    for path in shelves.iter().map(String::as_str).chain(PUBLIC) {
        for reader in [None, Some(GIL)] {
            let answer = library.read(path, reader).await?;
            assert_eq!(answer.status, 200, "{path} {reader:?}: {}", answer.body);
        }
    }
    let other_key = shoal_tests::signer::Signer::generate()?;
    for path in &shelves {
        let plain = library.letter(path, GIL)?;
        for (what, letter) in [
            ("another's key", plain.clone().signed(&other_key)?),
            (
                "the path is not signed",
                plain
                    .clone()
                    .covering("host date")
                    .signed(library.foreign.signer())?,
            ),
            ("no signature at all", plain.clone().bearing("AAAA")),
            ("not a signature", plain.with("Signature", "x")),
        ] {
            let answer = library.send(&letter).await?;
            assert_eq!(answer.status, 401, "{path}, {what}: {}", answer.body);
            assert!(answer.body.contains("message") && !answer.header("www-authenticate").is_empty());
        }
    }
    // Signed for one path, sent to another.
    let mut moved = library
        .letter(&shelves[0], GIL)?
        .signed(library.foreign.signer())?;
    moved.path.clone_from(&shelves[2]);
    assert_eq!(library.send(&moved).await?.status, 401);

    library.block("evil.example").await?;
    let before = library.foreign.asked("evil.example").len();
    for path in shelves
        .iter()
        .map(String::as_str)
        .chain(["/actor", "/collections/climate"])
    {
        let answer = library.read(path, Some(EVE)).await?;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert!(
            answer.header("vary").contains("Signature"),
            "{path}: {}",
            answer.head
        );
    }
    assert_eq!(
        library.foreign.asked("evil.example").len(),
        before,
        "it is not asked for its key"
    );
    Ok(())
}

#[tokio::test]
async fn with_authorised_fetch_only_who_signs_and_is_not_blocked_reads() -> Result<()> {
    let library = Library::open(Setup::new().set("federation.authorized_fetch", "true")).await?;
    let shelves = library.shelves().await?;
    library.block("evil.example").await?;
    for path in &shelves {
        for (reader, status) in [
            (None, 401),
            (Some(GIL), 200),
            (Some(EVE), 403),
            (Some("http://sub.evil.example/x#k"), 403),
        ] {
            let answer = library.read(path, reader).await?;
            assert_eq!(answer.status, status, "{path} {reader:?}: {}", answer.body);
            // No cache that others share gives one reader's answer to another.
            assert!(
                answer.header("cache-control").starts_with("private"),
                "{path}: {}",
                answer.head
            );
            let vary = answer.header("vary");
            assert!(
                vary.contains("Signature") && vary.contains("Signature-Input"),
                "{path}: {vary}"
            );
        }
    }
    let finger = format!(
        "/.well-known/webfinger?resource={}/collections/{COLLECTION}",
        library.scene.shoal.url()
    );
    for path in PUBLIC.into_iter().chain([finger.as_str()]) {
        assert_eq!(library.read(path, None).await?.status, 200, "{path}");
    }
    for page in ["/", "/collections/climate", "/datasets/sea-ice", "/feeds/all.rss"] {
        library.scene.web().get(page).await?.expect(200)?;
    }
    // A key with an address of its own, behind which stands only a stub, as GoToSocial has it.
    let gus = "http://good.example/users/gus";
    let mut actor = library.foreign.actor("good.example", "gus")?;
    actor["publicKey"]["id"] = json!(format!("{gus}/main-key"));
    let stub = json!({ "@context": actor["@context"], "id": gus, "type": "Person", "publicKey": actor["publicKey"] });
    library
        .foreign
        .answer("good.example/users/gus", Reply::activity(&actor));
    library
        .foreign
        .answer("good.example/users/gus/main-key", Reply::activity(&stub));
    let answer = library
        .read(&shelves[0], Some(&format!("{gus}/main-key")))
        .await?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Ok(())
}

#[tokio::test]
async fn two_archives_that_both_ask_for_signatures_still_reach_each_other() -> Result<()> {
    let strict = || Setup::new().set("federation.authorized_fetch", "true");
    let there = Scene::set(strict()).await?;
    let here = strict().start().await?;
    let bob = here.token("bob", "submit")?;
    let collection = format!("{}/collections/{COLLECTION}", there.shoal.url());
    let asked = here
        .web()
        .call(Method::POST, "/following", &bob, &json!({ "actor": collection }))
        .await?;
    asked.expect(202)?;
    wait::until("the Accept", async || {
        let list = here
            .web()
            .call(Method::GET, "/following", &bob, &Value::Null)
            .await
            .ok()?;
        list.text().contains("accepted").then_some(())
    })
    .await
}
