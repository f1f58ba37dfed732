//! An account's page: what a person describes and uploads here, how to follow them; for themselves also whom they
//! follow on other servers. Next in the flow: `following.rs` and `settings.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_store::{
    Account, DatasetQuery, FollowState, Following, Id, Paging, Scope, Store, StoreError, Threat, Upload,
    UploadQuery, Visibility,
};

use super::cards::{self, Counted, DatasetCard, UploadCard};
use super::frame::{Answer, Frame, render};
use super::lists::ListQuery;
use super::moderate::Sheet;
use super::remote_follow::leading_out;
use crate::app::App;
use crate::auth::Visitor;
use crate::clock;
use crate::error::Problem;
use crate::view::address::segment;
use crate::view::markdown::Prose;
use crate::view::size::counted;
use crate::view::threat::Danger;
use crate::view::time::When;
use crate::view::words;

/// Most datasets and uploads on the page.
const MOST: u32 = 10;

/// Someone whom the account follows.
#[derive(Clone, Debug)]
pub(crate) struct FollowingRow {
    pub(crate) id: Id,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) handle: String,
    pub(crate) state: &'static str,
    pub(crate) when: When,
}

#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) frame: Frame,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) handle: String,
    pub(crate) prose: Prose,
    pub(crate) created: When,
    pub(crate) is_self: bool,
    pub(crate) is_followable: bool,
    pub(crate) followers: String,
    pub(crate) feed: String,
    pub(crate) datasets: Vec<DatasetCard>,
    pub(crate) more_datasets: String,
    pub(crate) uploads: Vec<UploadCard>,
    pub(crate) more_uploads: String,
    pub(crate) following: Vec<FollowingRow>,
    pub(crate) typed: String,
    pub(crate) follow_fault: String,
    pub(crate) withheld: String,
    pub(crate) moderation: Option<Sheet>,
}

struct Found {
    account: Account,
    followers: i64,
    datasets: Vec<Counted>,
    has_more_datasets: bool,
    uploads: Vec<Upload>,
    has_more_uploads: bool,
    following: Vec<Following>,
}

fn find(store: &Store, name: &str, viewer: Option<Id>) -> Result<Option<Found>, StoreError> {
    let Some(account) = store.account(name)? else {
        return Ok(None);
    };
    let (by, paging) = (Some(account.name.clone()), Paging::first(MOST));
    let datasets = store.datasets(&DatasetQuery {
        paging: paging.clone(),
        account: by.clone(),
        ..DatasetQuery::default()
    })?;
    let uploads = store.uploads(&UploadQuery {
        paging,
        account: by,
        ..UploadQuery::default()
    })?;
    let following = match viewer == Some(account.id) {
        true => {
            store
                .following(account.actor_id, &Paging::first(Paging::MOST))?
                .items
        }
        false => Vec::new(),
    };
    Ok(Some(Found {
        followers: store.follower_count(account.actor_id)?,
        has_more_datasets: datasets.next.is_some(),
        datasets: Counted::all(store, datasets.items)?,
        has_more_uploads: uploads.next.is_some(),
        uploads: uploads.items,
        following,
        account,
    }))
}

pub(crate) async fn account(
    app: web::Data<App>,
    visitor: Visitor,
    name: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Answer {
    show(&app, &visitor, &name, &query, ("", "")).await
}

/// The page; `refused` is what was typed to follow and why that did not work.
pub(crate) async fn show(
    app: &App,
    visitor: &Visitor,
    name: &str,
    query: &ListQuery,
    refused: (&str, &str),
) -> Answer {
    let (name, viewer) = (name.to_owned(), visitor.0.as_ref().map(|identity| identity.id()));
    let found = app
        .read(move |store| find(store, &name, viewer))
        .await?
        .ok_or_else(Problem::not_found)?;
    if let Some((_, reason)) = found
        .account
        .suspended
        .as_ref()
        .filter(|_| !visitor.may(Scope::Review))
    {
        return Err(Problem::gone(reason));
    }
    let page = AccountPage {
        typed: refused.0.to_owned(),
        follow_fault: refused.1.to_owned(),
        ..page(app, visitor, query, found)
    };
    let status = if refused.1.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    Ok(leading_out(app, render(status, &page)?))
}

fn page(app: &App, visitor: &Visitor, query: &ListQuery, found: Found) -> AccountPage {
    let now = clock::now();
    let account = found.account;
    let name = segment(&account.name);
    let href = format!("/accounts/{name}");
    let title = words::line(cards::title_or(&account.title, &account.name));
    let is_self = visitor
        .0
        .as_ref()
        .is_some_and(|identity| identity.id() == account.id);
    let feed = format!("/feeds/accounts/{name}");
    let mut frame = Frame::new(app, visitor, &href, &title)
        .within(if is_self { "/account" } else { "" })
        .about(&Prose::plain(&account.summary))
        .noticing(query.done.as_deref())
        .feeding(format!("What {title} publishes"), feed.clone());
    frame.activities = vec![app.link(&href)];
    let card = |one: &Upload| UploadCard::of(app, one, Danger(Threat::Unknown), now);
    AccountPage {
        moderation: sheet(visitor, &account, &href).filter(|_| !is_self),
        handle: format!("@{}@{}", account.name, app.authority()),
        prose: Prose::render(&account.summary),
        created: When::new(account.created_at, now),
        is_followable: account.followable,
        followers: counted(found.followers.unsigned_abs(), "follower", "followers"),
        datasets: found
            .datasets
            .iter()
            .map(|one| DatasetCard::of(app, one, now))
            .collect(),
        more_datasets: if found.has_more_datasets {
            format!("/datasets?account={name}")
        } else {
            String::new()
        },
        uploads: found.uploads.iter().map(card).collect(),
        more_uploads: if found.has_more_uploads {
            format!("/uploads?account={name}")
        } else {
            String::new()
        },
        following: found
            .following
            .iter()
            .map(|row| following_row(row, now))
            .collect(),
        typed: String::new(),
        follow_fault: String::new(),
        withheld: account
            .suspended
            .as_ref()
            .map(|(_, reason)| format!("Suspended: {reason}"))
            .unwrap_or_default(),
        is_self,
        title,
        feed,
        href,
        frame,
    }
}

fn following_row(row: &Following, now: i64) -> FollowingRow {
    let target = &row.target;
    FollowingRow {
        id: row.id,
        href: super::frame::Link::typed(&target.uri).href,
        title: words::excerpt(cards::title_or(&target.title, &target.name), 100),
        handle: words::line(&format!("@{}@{}", target.name, target.domain)),
        state: match row.state {
            FollowState::Requested => "asked",
            FollowState::Accepted => "following",
            FollowState::Rejected => "refused by them",
            FollowState::Withdrawn => "ending",
        },
        when: When::new(row.created_at, now),
    }
}

/// The moderators' sheet for an account: suspending and restoring, never removing.
fn sheet(visitor: &Visitor, account: &Account, back: &str) -> Option<Sheet> {
    let state = match &account.suspended {
        None => Visibility::Visible,
        Some((at, reason)) => Visibility::Hidden {
            at: *at,
            reason: reason.clone(),
        },
    };
    Sheet::of(visitor, "account", account.id, &state, back)
}
