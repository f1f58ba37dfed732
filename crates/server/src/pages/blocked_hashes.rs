//! Torrents that moderators blocked by their hash although nobody has uploaded them: the list, and the form to decide. What a
//! decision does is the API's `api/blocked_hashes.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::BlockedHash;

use super::frame::{Answer, Frame, go_to, render};
use super::lists::{List, ListQuery};
use crate::api::blocked_hashes::{Act, decide as decide_about};
use crate::app::App;
use crate::auth::{Moderator, Visitor};
use crate::clock;
use crate::error::Problem;
use crate::view::address::ListAddress;
use crate::view::time::When;
use crate::view::words;

const PATH: &str = "/moderation/hashes";

/// A blocked hash in the list.
#[derive(Clone, Debug)]
pub(crate) struct HashRow {
    pub(crate) hash: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) when: When,
}

#[derive(Template)]
#[template(path = "hashes.html")]
pub(crate) struct HashesPage {
    pub(crate) frame: Frame,
    pub(crate) list: List,
    pub(crate) hashes: Vec<HashRow>,
}

pub(crate) async fn hashes(
    app: web::Data<App>,
    moderator: Moderator,
    query: web::Query<ListQuery>,
) -> Answer {
    let paging = query.paging();
    let page = app.read(move |store| store.blocked_hashes(&paging)).await?;
    let now = clock::now();
    let visitor = Visitor(Some(moderator.0.clone()));
    let view = HashesPage {
        frame: Frame::new(&app, &visitor, PATH, "Blocked torrents")
            .within("/moderation")
            .private()
            .noticing(query.done.as_deref()),
        list: List::of(&ListAddress::new(PATH), &query, &page, ("hash", "hashes")),
        hashes: page.items.into_iter().map(|one| row(one, now)).collect(),
    };
    render(StatusCode::OK, &view)
}

fn row(one: BlockedHash, now: i64) -> HashRow {
    HashRow {
        hash: one.hash,
        reason: words::line(&one.reason),
        by: one
            .by
            .map_or_else(|| "somebody".to_owned(), |name| words::line(&name)),
        when: When::new(one.at, now),
    }
}

#[derive(Deserialize)]
pub(crate) struct HashForm {
    csrf: String,
    hash: String,
    act: String,
    #[serde(default)]
    reason: String,
}

/// Blocks a hash, or takes that back.
pub(crate) async fn decide(app: web::Data<App>, moderator: Moderator, form: web::Form<HashForm>) -> Answer {
    let HashForm {
        csrf,
        hash,
        act,
        reason,
    } = form.into_inner();
    moderator.confirm(&csrf)?;
    let (act, word) = match act.as_str() {
        "block" => (Act::Block, "hash-blocked"),
        "unblock" => (Act::Unblock, "reset"),
        _ => return Err(Problem::invalid("Choose to block or to take back.")),
    };
    decide_about(&app, &moderator, hash, (act, reason)).await?;
    Ok(go_to(format!("{PATH}?done={word}")))
}
