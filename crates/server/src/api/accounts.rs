//! `/accounts`, `/account` (one's own) and `/tokens`.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{AccountEdit, Id, NewToken, Scopes};
use utoipa::ToSchema;

use super::shapes::{AccountShape, TokenShape};
use crate::app::App;
use crate::auth::Caller;
use crate::error::Problem;
use crate::secrets;

type Answer = Result<HttpResponse, Problem>;

/// Most tokens of an account.
const MOST_TOKENS: usize = 100;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/account")
                .route(web::get().to(own))
                .route(web::patch().to(edit)),
        )
        .route("/accounts/{name}", web::get().to(show))
        .service(
            web::resource("/tokens")
                .route(web::get().to(tokens))
                .route(web::post().to(create_token)),
        )
        .route("/tokens/{id}", web::delete().to(revoke_token));
}

/// What changes of one's own account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountChange {
    title: Option<String>,
    summary: Option<String>,
    /// Whether people on other servers may follow it.
    followable: Option<bool>,
}

/// A token as it is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenInput {
    #[serde(default)]
    label: String,
    /// What it may do, never more than its account; all of that when not given.
    scopes: Option<String>,
}

/// A token with its secret, told once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshToken {
    /// To be sent as `Authorization: Bearer`.
    secret: String,
    #[serde(flatten)]
    token: TokenShape,
}

#[utoipa::path(get, path = "/api/v1/account", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = AccountShape)))]
pub(super) async fn own(caller: Caller, app: web::Data<App>) -> Answer {
    Ok(HttpResponse::Ok().json(AccountShape::of(&app, caller.0.account, true)))
}

#[utoipa::path(patch, path = "/api/v1/account", tag = "accounts", request_body = AccountChange, security(("token" = [])),
    responses((status = 200, body = AccountShape)))]
pub(super) async fn edit(caller: Caller, change: web::Json<AccountChange>, app: web::Data<App>) -> Answer {
    app.limits.change(caller.id())?;
    let (change, id) = (change.into_inner(), caller.id());
    let edit = AccountEdit {
        title: change.title,
        summary: change.summary,
        followable: change.followable,
    };
    let row = app
        .write(move |store, moment| store.edit_account(moment, id, edit))
        .await?;
    Ok(HttpResponse::Ok().json(AccountShape::of(&app, row, true)))
}

#[utoipa::path(get, path = "/api/v1/accounts/{name}", tag = "accounts", params(("name" = String, Path)),
    responses((status = 200, body = AccountShape), (status = 404)))]
pub(super) async fn show(name: web::Path<String>, app: web::Data<App>) -> Answer {
    let name = name.into_inner();
    let row = app.read(move |store| store.account(&name)).await?;
    let row = row
        .filter(|row| row.suspended.is_none())
        .ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(AccountShape::of(&app, row, false)))
}

#[utoipa::path(get, path = "/api/v1/tokens", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = Vec<TokenShape>)))]
pub(super) async fn tokens(caller: Caller, app: web::Data<App>) -> Answer {
    let id = caller.id();
    let rows = app.read(move |store| store.tokens(id)).await?;
    Ok(HttpResponse::Ok().json(rows.into_iter().map(TokenShape::from).collect::<Vec<_>>()))
}

#[utoipa::path(post, path = "/api/v1/tokens", tag = "accounts", request_body = TokenInput, security(("token" = [])),
    responses((status = 201, body = FreshToken)))]
pub(super) async fn create_token(
    caller: Caller,
    input: web::Json<TokenInput>,
    app: web::Data<App>,
) -> Answer {
    app.limits.change(caller.id())?;
    let input = input.into_inner();
    let scopes = match &input.scopes {
        Some(words) => words
            .parse::<Scopes>()
            .map_err(|e| Problem::invalid(e.to_string()))?,
        None => caller.scopes,
    };
    if !scopes.iter().all(|scope| caller.may(scope)) {
        return Err(Problem::scope(&scopes.to_string()));
    }
    let id = caller.id();
    if app.read(move |store| store.tokens(id)).await?.len() >= MOST_TOKENS {
        return Err(Problem::invalid(format!(
            "An account has at most {MOST_TOKENS} tokens; revoke one first."
        )));
    }
    let secret = secrets::fresh("shoal_");
    let new = NewToken {
        account: id,
        label: input.label,
        scopes,
        secret_hash: secrets::hash(&secret),
    };
    let row = app
        .write(move |store, moment| store.create_token(moment, new))
        .await?;
    Ok(HttpResponse::Created().json(FreshToken {
        secret,
        token: row.into(),
    }))
}

#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "accounts", params(("id" = String, Path)),
    security(("token" = [])), responses((status = 204)))]
pub(super) async fn revoke_token(caller: Caller, id: web::Path<String>, app: web::Data<App>) -> Answer {
    let id: Id = id.parse().map_err(|_| Problem::not_found())?;
    let account = caller.id();
    app.write(move |store, moment| store.revoke_token(moment, id, Some(account)))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
