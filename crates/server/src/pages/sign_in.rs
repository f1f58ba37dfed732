//! Signing in with a password or a one-time link, and signing out. Sessions and their cookies are the core's `auth.rs`,
//! secrets its `secrets.rs`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::frame::{Answer, Frame, go_to, render};
use crate::app::App;
use crate::auth::{self, Member, Visitor, same_origin};
use crate::error::Problem;
use crate::view::address::is_own_path;
use crate::{announce, secrets};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) next: String,
    pub(crate) fault: String,
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
pub(crate) struct LinkPage {
    pub(crate) frame: Frame,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct SignInQuery {
    next: String,
    done: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct SignOutForm {
    csrf: String,
}

fn page(app: &App, next: &str) -> SignInPage {
    SignInPage {
        frame: Frame::new(app, &Visitor(None), "/sign-in", "Sign in")
            .within("/sign-in")
            .private(),
        name: String::new(),
        next: own(next).to_owned(),
        fault: String::new(),
    }
}

/// Counts a try to sign in.
fn limit(request: &HttpRequest, app: &App, name: &str) -> Result<(), Problem> {
    match announce::address(request, app) {
        Some(address) => app.limits.sign_in(address, name),
        None => Ok(()),
    }
}

/// Where to go afterwards: a path of ours, else the front page.
fn own(next: &str) -> &str {
    if is_own_path(next) && !next.starts_with("/sign-in") {
        next
    } else {
        "/"
    }
}

/// The form; those who are signed in go on at once.
pub(crate) async fn form(app: web::Data<App>, visitor: Visitor, query: web::Query<SignInQuery>) -> Answer {
    if visitor.0.is_some() {
        return Ok(go_to(own(&query.next)));
    }
    let page = page(&app, &query.next);
    let frame = page.frame.clone().noticing(query.done.as_deref());
    render(StatusCode::OK, &SignInPage { frame, ..page })
}

/// Signs in by name and password, at most a few tries a minute.
pub(crate) async fn sign_in(
    request: HttpRequest,
    app: web::Data<App>,
    form: web::Form<SignInForm>,
) -> Answer {
    same_origin(&request, &app.url)?;
    let SignInForm { name, password, next } = form.into_inner();
    let name = name.trim().trim_start_matches('@').to_owned();
    limit(&request, &app, &name)?;
    let (asked, base) = (name.clone(), app.url.clone());
    let cookie = app.read(move |store| {
        let found = store.credentials(&asked)?;
        let stored = found.as_ref().and_then(|(_, hash)| hash.as_deref());
        let is_right = secrets::check_password(&password, stored);
        match found {
            Some((account, _)) if is_right && account.suspended.is_none() => {
                auth::begin_session(store, account.id, &base).map(Some)
            }
            _ => Ok(None),
        }
    });
    match cookie.await? {
        Some(cookie) => {
            let mut answer = go_to(own(&next));
            answer
                .add_cookie(&cookie)
                .map_err(|error| Problem::ours(&error))?;
            Ok(answer)
        }
        None => {
            let fault = "Name and password do not belong together, or the account is suspended. Check both and try again.";
            render(
                StatusCode::FORBIDDEN,
                &SignInPage {
                    name,
                    fault: fault.to_owned(),
                    ..page(&app, &next)
                },
            )
        }
    }
}

/// What a one-time link shows: a button, so that programs that only look at links do not use it up.
pub(crate) async fn link(app: web::Data<App>) -> Answer {
    let frame = Frame::new(&app, &Visitor(None), "/sign-in", "Sign in")
        .within("/sign-in")
        .private();
    render(StatusCode::OK, &LinkPage { frame })
}

/// Uses a one-time link up.
pub(crate) async fn use_link(request: HttpRequest, app: web::Data<App>, secret: web::Path<String>) -> Answer {
    same_origin(&request, &app.url)?;
    limit(&request, &app, "")?;
    let (hash, base) = (secrets::hash(&secret), app.url.clone());
    let cookie = app.write(move |store, moment| {
        let account = store.use_sign_in_link(moment, hash)?;
        auth::begin_session(store, account.id, &base)
    });
    let cookie = cookie.await.map_err(|error| match Problem::from(error) {
        problem if problem.status.is_client_error() => Problem::new(
            StatusCode::GONE,
            "link-used",
            "This link was used already, or is too old. Ask whoever runs this archive for a new one.",
        ),
        problem => problem,
    })?;
    let mut answer = go_to("/settings?done=welcome");
    answer
        .add_cookie(&cookie)
        .map_err(|error| Problem::ours(&error))?;
    Ok(answer)
}

/// Ends the session.
pub(crate) async fn sign_out(
    request: HttpRequest,
    app: web::Data<App>,
    member: Member,
    form: web::Form<SignOutForm>,
) -> Answer {
    member.confirm(&form.csrf)?;
    if let Some(cookie) = request.cookie(auth::SESSION_COOKIE) {
        let hash = secrets::hash(cookie.value());
        app.write(move |store, moment| store.end_session(moment, hash))
            .await?;
    }
    let mut answer = go_to("/sign-in?done=signed-out");
    answer
        .add_cookie(&auth::no_session(&app.url))
        .map_err(|error| Problem::ours(&error))?;
    Ok(answer)
}
