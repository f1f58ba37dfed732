//! Two processes on one PostgreSQL: they share the deliveries without doubling or reordering any, and when one is killed
//! the other finishes its work long before the claims of the dead run out.

use std::collections::BTreeSet;

use anyhow::Result;
use shoal_store::{HostQuery, Paging, Store};
use shoal_tests::database::Postgres;
use shoal_tests::inbox::{Inboxes, in_order};
use shoal_tests::instance::{Setup, Shoal};
use shoal_tests::scene::{DATASET, Scene, text};
use shoal_tests::wait;

/// More than one process ever sends to at once, so that there is something left for the other, however slow it is.
const HOSTS: usize = 400;
const UPLOADS: usize = 3;

#[tokio::test]
async fn two_processes_share_the_work_and_one_takes_over_from_the_other() -> Result<()> {
    let Some(postgres) = Postgres::fresh("two processes on PostgreSQL")? else {
        return Ok(());
    };
    let setup = || {
        Setup::new()
            .set("database.url", &postgres.url())
            .set("instance.url", "http://archive.example")
    };
    let mut scene = Scene::set(setup()).await?;
    let inboxes = Inboxes::open(HOSTS)?;
    inboxes.let_through(HOSTS);
    scene.followed_by(&inboxes).await?;
    let mut other = setup().start().await?;
    wait::until("an Accept at every host", async || {
        (inboxes.count() >= HOSTS).then_some(())
    })
    .await?;

    let (store, mut published) = (scene.shoal.store()?, Vec::new());
    publish(&scene, &other, &mut published).await?;
    wait::until("both at work", async || {
        (owners(&store).ok()?.len() == 2).then_some(())
    })
    .await?;
    inboxes.let_through(HOSTS * UPLOADS);
    all_told(&inboxes, published.len()).await?;
    let doubled = inboxes.count() - HOSTS * (1 + UPLOADS);
    assert_eq!(doubled, 0, "nothing came twice");
    inboxes.assert_told(&published, "together");

    publish(&scene, &other, &mut published).await?;
    wait::until("both at work again", async || {
        (owners(&store).ok()?.len() == 2).then_some(())
    })
    .await?;
    other.kill()?;
    inboxes.let_all_through();
    // The dead one's claims would stand for ten minutes: a test does not wait that long.
    all_told(&inboxes, published.len()).await?;
    inboxes.assert_told(&published, "one after the other");
    scene.shoal.stop().await?;
    Ok(())
}

/// Publishes through both in turn, each once the other's is known to the courier.
async fn publish(scene: &Scene, other: &Shoal, published: &mut Vec<String>) -> Result<()> {
    for turn in 0..UPLOADS {
        let torrent = scene.torrent(published.len() as u64)?;
        let web = if turn % 2 == 0 { scene.web() } else { other.web() };
        let upload = web
            .upload(DATASET, &scene.archivist, torrent)
            .await?
            .expect(201)?;
        published.push(text(&upload.json()?, "id")?.to_owned());
    }
    Ok(())
}

async fn all_told(inboxes: &Inboxes, uploads: usize) -> Result<()> {
    wait::until("every activity at every host", async || {
        let got = inboxes.got();
        got.values()
            .all(|list| in_order(list).len() >= uploads)
            .then_some(())
    })
    .await
}

/// Who has claimed hosts.
fn owners(store: &Store) -> Result<BTreeSet<String>> {
    let (mut owners, mut cursor) = (BTreeSet::new(), None);
    loop {
        let paging = Paging {
            cursor,
            ..Paging::first(200)
        };
        let page = store.hosts(&HostQuery { only: None, paging })?;
        let claims = page.items.into_iter().filter_map(|host| host.host.claimed);
        owners.extend(claims.map(|(owner, _)| owner));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(owners);
        }
    }
}
