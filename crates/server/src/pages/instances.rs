//! Other servers that moderators blocked, or allowed under a blocked domain: the list, and the form to decide. What a
//! decision does is the API's `api/instances.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{Instance, Standing};

use super::frame::{Answer, Frame, go_to, render};
use super::lists::{List, ListQuery};
use crate::api::instances::{Act, decide as decide_about};
use crate::app::App;
use crate::auth::{Moderator, Visitor};
use crate::clock;
use crate::error::Problem;
use crate::view::address::ListAddress;
use crate::view::time::When;
use crate::view::words;

const PATH: &str = "/moderation/servers";

/// A decision in the list.
#[derive(Clone, Debug)]
pub(crate) struct DecisionRow {
    pub(crate) domain: String,
    pub(crate) standing: &'static str,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) when: When,
}

#[derive(Template)]
#[template(path = "servers.html")]
pub(crate) struct ServersPage {
    pub(crate) frame: Frame,
    pub(crate) list: List,
    pub(crate) decisions: Vec<DecisionRow>,
}

pub(crate) async fn servers(
    app: web::Data<App>,
    moderator: Moderator,
    query: web::Query<ListQuery>,
) -> Answer {
    let paging = query.paging();
    let page = app.read(move |store| store.instances(&paging)).await?;
    let now = clock::now();
    let visitor = Visitor(Some(moderator.0.clone()));
    let view = ServersPage {
        frame: Frame::new(&app, &visitor, PATH, "Other servers")
            .within("/moderation")
            .private()
            .noticing(query.done.as_deref()),
        list: List::of(&ListAddress::new(PATH), &query, &page, ("server", "servers")),
        decisions: page.items.into_iter().map(|one| row(one, now)).collect(),
    };
    render(StatusCode::OK, &view)
}

fn row(one: Instance, now: i64) -> DecisionRow {
    DecisionRow {
        domain: words::line(&one.domain),
        standing: match one.standing {
            Standing::Blocked => "Blocked",
            Standing::Allowed => "Allowed",
        },
        reason: words::line(&one.reason),
        by: one
            .by
            .map_or_else(|| "somebody".to_owned(), |name| words::line(&name)),
        when: When::new(one.at, now),
    }
}

#[derive(Deserialize)]
pub(crate) struct DecisionForm {
    csrf: String,
    domain: String,
    act: String,
    #[serde(default)]
    reason: String,
}

/// Blocks or allows a server, or takes that back.
pub(crate) async fn decide(
    app: web::Data<App>,
    moderator: Moderator,
    form: web::Form<DecisionForm>,
) -> Answer {
    let DecisionForm {
        csrf,
        domain,
        act,
        reason,
    } = form.into_inner();
    moderator.confirm(&csrf)?;
    let (act, word) = match act.as_str() {
        "block" => (Act::Block, "blocked"),
        "allow" => (Act::Allow, "allowed"),
        "reset" => (Act::Reset, "reset"),
        _ => return Err(Problem::invalid("Choose to block, to allow or to take back.")),
    };
    decide_about(&app, &moderator, &domain, (act, reason)).await?;
    Ok(go_to(format!("{PATH}?done={word}")))
}
