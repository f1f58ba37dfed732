//! Following someone on another server as a member of this archive, and stopping. Asking is the core's `api/following.rs`, the same for the
//! API; who is followed is shown on the account's own page, `account.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use shoal_store::{Id, Scope};

use super::account;
use super::frame::{Answer, go_to};
use super::lists::ListQuery;
use crate::api::following;
use crate::app::App;
use crate::auth::{Member, Visitor};
use crate::error::Problem;
use crate::view::address::segment;

#[derive(Deserialize)]
pub(crate) struct FollowForm {
    csrf: String,
    who: String,
}

#[derive(Deserialize)]
pub(crate) struct EndForm {
    csrf: String,
}

/// Asks a remote actor, named by handle or address, to be followed.
pub(crate) async fn follow(app: web::Data<App>, member: Member, form: web::Form<FollowForm>) -> Answer {
    let FollowForm { csrf, who } = form.into_inner();
    member.confirm(&csrf)?;
    member.require(Scope::Submit)?;
    let who = who.trim().to_owned();
    match following::begin(&app, &member, who.clone()).await {
        Ok(_) => Ok(go_to(format!(
            "/accounts/{}?done=followed#following",
            segment(&member.account.name)
        ))),
        Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => Err(problem),
        Err(problem) => {
            let sentence = problem.sentence.trim_end_matches('.');
            let fault = format!("{sentence}. Check the handle, or try again later.");
            let visitor = Visitor(Some(member.0.clone()));
            account::show(
                &app,
                &visitor,
                &member.account.name,
                &ListQuery::default(),
                (&who, &fault),
            )
            .await
        }
    }
}

/// Stops following.
pub(crate) async fn end(
    app: web::Data<App>,
    member: Member,
    id: web::Path<Id>,
    form: web::Form<EndForm>,
) -> Answer {
    member.confirm(&form.csrf)?;
    let (id, actor) = (id.into_inner(), member.account.actor_id);
    let row = app.read(move |store| store.following_by_id(id)).await?;
    if row.actor != actor {
        return Err(Problem::not_found());
    }
    app.write(move |store, moment| store.withdraw_follow(moment, id))
        .await?;
    Ok(go_to(format!(
        "/accounts/{}?done=unfollowed#following",
        segment(&member.account.name)
    )))
}
