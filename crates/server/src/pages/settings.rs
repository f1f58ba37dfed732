//! A member's own settings: profile, password, API tokens. Announce keys are in `announce_keys.rs`; whom they follow is on
//! `account.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{Account, AccountEdit, Id, NewToken, Scope, Scopes, Token};

use super::announce_keys::{self, KeyList};
use super::frame::{Answer, Frame, go_to, render};
use super::lists::ListQuery;
use crate::app::App;
use crate::auth::{self, Member, Visitor};
use crate::error::Problem;
use crate::view::time::When;
use crate::view::words;
use crate::{clock, secrets};

/// A token in the list.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: Id,
    pub(crate) label: String,
    pub(crate) scopes: String,
    pub(crate) when: When,
}

#[derive(Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) handle: String,
    pub(crate) scopes: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) followable: bool,
    pub(crate) has_password: bool,
    pub(crate) least: usize,
    pub(crate) tokens: Vec<TokenRow>,
    /// Key, words, and whether it is chosen at first.
    pub(crate) grantable: Vec<(&'static str, &'static str, bool)>,
    /// A token just made, shown once.
    pub(crate) fresh_token: Option<String>,
    pub(crate) keys: KeyList,
    /// The announce URL of a key just made, shown once.
    pub(crate) fresh_key: Option<String>,
    pub(crate) fault: String,
}

/// What a scope lets someone do, in words.
fn scope_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Submit => "describe datasets and keep collections",
        Scope::Upload => "publish torrents",
        Scope::Review => "moderate: hide, restore, remove",
        Scope::Admin => "manage accounts and deliveries",
        Scope::Owner => "everything, as the owner",
    }
}

fn page(
    app: &App,
    member: &Member,
    account: &Account,
    tokens: Vec<Token>,
    keys: announce_keys::Found,
) -> SettingsPage {
    let now = clock::now();
    let visitor = Visitor(Some(member.0.clone()));
    let may: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|scope| member.may(*scope))
        .collect();
    let row = |token: Token| TokenRow {
        id: token.id,
        label: words::line(&token.label),
        scopes: token.scopes.to_string(),
        when: When::new(token.created_at, now),
    };
    SettingsPage {
        frame: Frame::new(app, &visitor, "/settings", "Settings")
            .within("/settings")
            .private(),
        name: account.name.clone(),
        handle: format!("@{}@{}", account.name, app.authority()),
        scopes: match may.as_slice() {
            [] => "read".to_owned(),
            scopes => scopes
                .iter()
                .map(|scope| scope_words(*scope))
                .collect::<Vec<_>>()
                .join("; "),
        },
        title: account.title.clone(),
        summary: account.summary.clone(),
        followable: account.followable,
        has_password: account.has_password,
        least: secrets::PASSWORD_LENGTH.0,
        tokens: tokens.into_iter().map(row).collect(),
        grantable: may
            .into_iter()
            .map(|scope| {
                (
                    scope.word(),
                    scope_words(scope),
                    matches!(scope, Scope::Submit | Scope::Upload),
                )
            })
            .collect(),
        fresh_token: None,
        keys: KeyList::of(app, keys, now),
        fresh_key: None,
        fault: String::new(),
    }
}

/// The page as it is without anything just done.
pub(crate) async fn present(app: &App, member: &Member) -> Result<SettingsPage, Problem> {
    let (id, since) = (member.id(), crate::announce_keys::there_since(app));
    let found = app.read(move |store| {
        let keys = announce_keys::find(store, id, since)?;
        Ok((store.account_by_id(id)?, store.tokens(id)?, keys))
    });
    let (account, tokens, keys) = found.await?;
    let account = account.ok_or_else(Problem::not_found)?;
    Ok(page(app, member, &account, tokens, keys))
}

/// The settings.
pub(crate) async fn settings(app: web::Data<App>, member: Member, query: web::Query<ListQuery>) -> Answer {
    let page = present(&app, &member).await?;
    let frame = page.frame.clone().noticing(query.done.as_deref());
    render(StatusCode::OK, &SettingsPage { frame, ..page })
}

#[derive(Deserialize)]
pub(crate) struct ProfileForm {
    csrf: String,
    title: String,
    summary: String,
    #[serde(default)]
    followable: String,
}

/// Saves the profile.
pub(crate) async fn profile(app: web::Data<App>, member: Member, form: web::Form<ProfileForm>) -> Answer {
    let ProfileForm {
        csrf,
        title,
        summary,
        followable,
    } = form.into_inner();
    member.confirm(&csrf)?;
    app.limits.change(member.id())?;
    let edit = AccountEdit {
        title: Some(title.trim().to_owned()),
        summary: Some(summary.clone()),
        followable: Some(followable == "yes"),
    };
    let id = member.id();
    match app
        .write(move |store, moment| store.edit_account(moment, id, edit))
        .await
    {
        Ok(_) => Ok(go_to("/settings?done=saved")),
        Err(error) => {
            let problem = Problem::from(error);
            let followable = followable == "yes";
            let page = SettingsPage {
                title,
                summary,
                followable,
                ..present(&app, &member).await?
            };
            render(
                problem.status,
                &SettingsPage {
                    fault: problem.sentence,
                    ..page
                },
            )
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    csrf: String,
    #[serde(default)]
    old: String,
    new: String,
}

/// Sets the password. All sessions and tokens end; the present browser gets a new session.
pub(crate) async fn password(app: web::Data<App>, member: Member, form: web::Form<PasswordForm>) -> Answer {
    let PasswordForm { csrf, old, new } = form.into_inner();
    member.confirm(&csrf)?;
    app.limits.change(member.id())?;
    let (id, name, base) = (member.id(), member.account.name.clone(), app.url.clone());
    let set = app.write(move |store, moment| {
        let stored = store.credentials(&name)?.and_then(|(_, hash)| hash);
        if stored.is_some() && !secrets::check_password(&old, stored.as_deref()) {
            return Ok(Err(
                "The present password is not right. Nothing was changed.".to_owned()
            ));
        }
        let hash = match secrets::hash_password(&new) {
            Ok(hash) => hash,
            Err(sentence) => return Ok(Err(sentence)),
        };
        store.set_password(moment, id, &hash)?;
        auth::begin_session(store, id, &base).map(Ok)
    });
    match set.await? {
        Ok(cookie) => {
            let mut answer = go_to("/settings?done=password");
            answer
                .add_cookie(&cookie)
                .map_err(|error| Problem::ours(&error))?;
            Ok(answer)
        }
        Err(fault) => render(
            StatusCode::BAD_REQUEST,
            &SettingsPage {
                fault,
                ..present(&app, &member).await?
            },
        ),
    }
}

/// Makes a token and shows it this once. The form repeats `scope` for each scope that is chosen.
pub(crate) async fn make_token(
    app: web::Data<App>,
    member: Member,
    form: web::Form<Vec<(String, String)>>,
) -> Answer {
    let fields = form.into_inner();
    let first = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    member.confirm(first("csrf"))?;
    app.limits.change(member.id())?;
    let chosen: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|scope| member.may(*scope))
        .filter(|scope| {
            fields
                .iter()
                .any(|(key, value)| key == "scope" && value == scope.word())
        })
        .collect();
    let label = first("label").trim().to_owned();
    let secret = secrets::fresh("shoal_");
    let new = NewToken {
        account: member.id(),
        label,
        scopes: Scopes::of(&chosen),
        secret_hash: secrets::hash(&secret),
    };
    match app
        .write(move |store, moment| store.create_token(moment, new))
        .await
    {
        Ok(_) => {
            let page = SettingsPage {
                fresh_token: Some(secret),
                ..present(&app, &member).await?
            };
            render(StatusCode::OK, &page)
        }
        Err(error) => {
            let problem = Problem::from(error);
            render(
                problem.status,
                &SettingsPage {
                    fault: problem.sentence,
                    ..present(&app, &member).await?
                },
            )
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct EndForm {
    csrf: String,
}

/// Ends one of the member's tokens.
pub(crate) async fn end_token(
    app: web::Data<App>,
    member: Member,
    id: web::Path<Id>,
    form: web::Form<EndForm>,
) -> Answer {
    member.confirm(&form.csrf)?;
    let (id, account) = (id.into_inner(), member.id());
    app.write(move |store, moment| store.revoke_token(moment, id, Some(account)))
        .await?;
    Ok(go_to("/settings?done=ended#tokens"))
}
