//! The moderators' log: what was hidden, restored, removed or blocked, by whom and why. The buttons themselves stand
//! on the pages concerned, `moderate.rs`; other servers are `instances.rs`, hashes
//! `blocked_hashes.rs`, deliveries `deliveries.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{Id, LogEntry, Scope, Store, StoreError};

use super::frame::{Answer, Frame, render};
use super::lists::{List, ListQuery};
use crate::app::App;
use crate::auth::{Moderator, Visitor};
use crate::clock;
use crate::view::address::{ListAddress, segment};
use crate::view::time::When;
use crate::view::words;

/// An act in the log.
#[derive(Clone, Debug)]
pub(crate) struct EntryRow {
    pub(crate) who: String,
    pub(crate) act: String,
    pub(crate) kind: String,
    pub(crate) label: String,
    pub(crate) href: String,
    pub(crate) reason: String,
    pub(crate) when: When,
}

#[derive(Template)]
#[template(path = "moderation.html")]
pub(crate) struct ModerationPage {
    pub(crate) frame: Frame,
    pub(crate) is_admin: bool,
    pub(crate) entries: Vec<EntryRow>,
    pub(crate) list: List,
}

pub(crate) async fn log(app: web::Data<App>, moderator: Moderator, query: web::Query<ListQuery>) -> Answer {
    let paging = query.paging();
    let found = app.read(move |store| {
        let page = store.moderation_log(&paging)?;
        let places = page
            .items
            .iter()
            .map(|entry| place(store, entry))
            .collect::<Result<Vec<_>, _>>()?;
        Ok::<_, StoreError>((page, places))
    });
    let (page, places) = found.await?;
    let now = clock::now();
    let visitor = Visitor(Some(moderator.0.clone()));
    let view = ModerationPage {
        frame: Frame::new(&app, &visitor, "/moderation", "Moderation")
            .within("/moderation")
            .private()
            .noticing(query.done.as_deref()),
        is_admin: moderator.may(Scope::Admin),
        list: List::of(&ListAddress::new("/moderation"), &query, &page, ("act", "acts")),
        entries: page
            .items
            .into_iter()
            .zip(places)
            .map(|(entry, place)| row(entry, place, now))
            .collect(),
    };
    render(StatusCode::OK, &view)
}

/// Where the thing of an entry is; empty when it has no page. Hidden things are found again from here only.
fn place(store: &Store, entry: &LogEntry) -> Result<String, StoreError> {
    if entry.target_kind == "instance" {
        return Ok("/moderation/servers".to_owned());
    }
    if entry.target_kind == "hash" {
        return Ok("/moderation/hashes".to_owned());
    }
    let Ok(id) = entry.target_id.parse::<Id>() else {
        return Ok(String::new());
    };
    Ok(match entry.target_kind.as_str() {
        "upload" => Some(format!("/uploads/{id}")),
        "dataset" => store
            .dataset_by_id(id)?
            .map(|dataset| format!("/datasets/{}", dataset.slug)),
        "collection" => store
            .collection_by_id(id)?
            .map(|collection| format!("/collections/{}", collection.name)),
        "account" => store
            .account_by_id(id)?
            .map(|account| format!("/accounts/{}", segment(&account.name))),
        _ => None,
    }
    .unwrap_or_default())
}

fn row(entry: LogEntry, href: String, now: i64) -> EntryRow {
    EntryRow {
        who: entry
            .by
            .map_or_else(|| "The command line".to_owned(), |name| words::line(&name)),
        act: past_tense(&entry.act),
        kind: entry.target_kind,
        label: words::line(&entry.target_label),
        reason: words::line(&entry.reason),
        when: When::new(entry.at, now),
        href,
    }
}

/// `hide` as `hid`; what is not known stays as it is.
fn past_tense(act: &str) -> String {
    match act {
        "hide" => "hid",
        "restore" => "restored",
        "remove" => "removed",
        "suspend" => "suspended",
        "pause" => "held back",
        "resume" => "let go on",
        "drop" => "dropped what waited for",
        "block" => "blocked",
        "unblock" => "took back the block of",
        "allow" => "allowed",
        "reset" => "took back what was decided about",
        other => other,
    }
    .to_owned()
}
