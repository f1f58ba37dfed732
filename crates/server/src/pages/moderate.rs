//! The moderators' sheet at the end of a page, and what it does: hide, restore, remove, each with a reason that the
//! person concerned and every visitor reads. The log of it all is `moderation.rs`.

use actix_web::web;
use serde::Deserialize;
use shoal_store::{Id, Moment, Scope, Store, StoreError, Target, Visibility};

use super::frame::{Answer, go_to};
use super::scarce::Scarcity;
use crate::app::App;
use crate::auth::{Moderator, Visitor};
use crate::error::Problem;
use crate::view::address::is_own_path;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

/// What the template `moderate.html` shows to moderators.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) what: &'static str,
    pub(crate) action: String,
    pub(crate) back: String,
    pub(crate) hint: &'static str,
    pub(crate) is_visible: bool,
    pub(crate) is_removed: bool,
}

impl Sheet {
    /// The sheet for something in this state, if the visitor is a moderator.
    pub(crate) fn of(
        visitor: &Visitor,
        kind: &'static str,
        id: Id,
        state: &Visibility,
        back: &str,
    ) -> Option<Self> {
        visitor.may(scope_for(kind)).then(|| Self {
            what: kind,
            action: format!("/moderation/{kind}s/{id}"),
            back: back.to_owned(),
            hint: "Written to the person concerned and shown to every visitor of this address. Say what is wrong, plainly.",
            is_visible: matches!(state, Visibility::Visible),
            is_removed: matches!(state, Visibility::Removed { .. }),
        })
    }
}

/// What it takes to act on a thing of this kind: accounts are for administrators, as at the API.
fn scope_for(kind: &str) -> Scope {
    if kind == "account" {
        Scope::Admin
    } else {
        Scope::Review
    }
}

/// Lets moderators see what is hidden or removed; everyone else reads that it is gone, and why.
///
/// # Errors
/// 410 with the reason.
pub(crate) fn open_to(visitor: &Visitor, state: &Visibility) -> Result<(), Problem> {
    match state {
        Visibility::Hidden { reason, .. } | Visibility::Removed { reason, .. }
            if !visitor.may(Scope::Review) =>
        {
            Err(Problem::gone(reason))
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
pub(crate) struct ActForm {
    csrf: String,
    act: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    sure: String,
    #[serde(default)]
    back: String,
}

/// What the store does for a moderator.
type Verb = fn(&Store, Moment, Target, Id, &str) -> Result<(), StoreError>;

/// A moderator's act on `/moderation/{kind}s/{id}`.
pub(crate) async fn act(
    app: web::Data<App>,
    scarcity: web::Data<Scarcity>,
    moderator: Moderator,
    path: web::Path<(String, Id)>,
    form: web::Form<ActForm>,
) -> Answer {
    moderator.confirm(&form.csrf)?;
    app.limits.change(moderator.id())?;
    let (kind, id) = path.into_inner();
    let ActForm {
        act,
        reason,
        sure,
        back,
        ..
    } = form.into_inner();
    let reason = reason.trim().to_owned();
    if reason.is_empty() && act != "restore" || reason.chars().count() > LONGEST_REASON {
        return Err(Problem::invalid(
            "This needs a reason of at most 1,000 characters, because others will read it.",
        ));
    }
    if act == "remove" && sure != "yes" {
        return Err(Problem::invalid(
            "Removing cannot be undone: confirm it in the field above the button.",
        ));
    }
    let (target, by) = (target(&kind, id)?, moderator.id());
    moderator.require(scope_for(target.kind()))?;
    let (done, verb): (&str, Verb) = match act.as_str() {
        "hide" => ("hidden", Store::hide),
        "restore" => ("restored", Store::restore),
        "remove" => ("removed", Store::remove),
        _ => return Err(Problem::invalid("That is not something a moderator does here.")),
    };
    app.write(move |store, moment| verb(store, moment, target, by, &reason))
        .await?;
    scarcity.forget();
    let back = if is_own_path(&back) {
        back
    } else {
        "/moderation".to_owned()
    };
    Ok(go_to(format!("{back}?done={done}")))
}

fn target(kind: &str, id: Id) -> Result<Target, Problem> {
    match kind {
        "uploads" => Ok(Target::Upload(id)),
        "datasets" => Ok(Target::Dataset(id)),
        "collections" => Ok(Target::Collection(id)),
        "accounts" => Ok(Target::Account(id)),
        _ => Err(Problem::not_found()),
    }
}
