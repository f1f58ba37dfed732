//! `/announce-keys`: one's own personal announce keys, by which the tracker knows one's clients. What a key is used for is
//! shown to its owner alone; who is named by one stands in `hosts` of `uploads.rs`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use shoal_store::{AnnounceKey, AnnounceKeyEdit, Id, NewAnnounceKey, Seeded};
use utoipa::ToSchema;

use crate::announce_keys;
use crate::app::App;
use crate::auth::Caller;
use crate::clock::{date, rfc3339};
use crate::error::Problem;

type Answer = Result<HttpResponse, Problem>;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/announce-keys")
                .route(web::get().to(list))
                .route(web::post().to(create)),
        )
        .service(
            web::resource("/announce-keys/{id}")
                .route(web::patch().to(edit))
                .route(web::delete().to(revoke)),
        );
}

/// A key as it is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnnounceKeyInput {
    /// Which clients will have it.
    #[serde(default)]
    label: String,
    /// Whether the account is named as host of what is seeded with it; not when not given.
    #[serde(default)]
    named: bool,
}

/// What changes of a key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnnounceKeyChange {
    label: Option<String>,
    named: Option<bool>,
}

/// A personal announce key, without the key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnnounceKeyShape {
    id: String,
    label: String,
    /// Whether the account is named as host of what is seeded with it.
    named: bool,
    created_at: String,
    revoked_at: Option<String>,
    /// The day of the last announce with it (UTC), as 2026-11-20.
    last_used: Option<String>,
    /// How many uploads are seeded with it now.
    seeds: i64,
    /// Up to ten of them, the longest seeded first.
    seeding: Vec<SeededShape>,
}

/// An upload that is seeded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeededShape {
    upload: String,
    name: String,
    /// Seconds for which it was seeded altogether.
    seconds: i64,
}

/// A key with its secret, told once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshAnnounceKey {
    /// The secret: 32 hexadecimal digits.
    key: String,
    /// The personal announce URL, to be put into a client as a tracker.
    announce_url: String,
    #[serde(flatten)]
    about: AnnounceKeyShape,
}

impl AnnounceKeyShape {
    fn of(row: AnnounceKey, seeded: Option<Seeded>) -> Self {
        let (count, some) = seeded.map_or((0, Vec::new()), |seeded| (seeded.count, seeded.some));
        let shape = |(upload, name, seconds): (Id, String, i64)| SeededShape {
            upload: upload.to_string(),
            name,
            seconds,
        };
        Self {
            id: row.id.to_string(),
            label: row.label,
            named: row.named,
            created_at: rfc3339(row.created_at),
            revoked_at: row.revoked_at.map(rfc3339),
            last_used: row.used_day.map(date),
            seeds: count,
            seeding: some.into_iter().map(shape).collect(),
        }
    }
}

#[utoipa::path(get, path = "/api/v1/announce-keys", tag = "accounts", security(("token" = [])),
    responses((status = 200, body = Vec<AnnounceKeyShape>, description = "The valid ones, then those revoked lately")))]
pub(super) async fn list(caller: Caller, app: web::Data<App>) -> Answer {
    let (id, since) = (caller.id(), announce_keys::there_since(&app));
    let read = app.read(move |store| Ok((store.announce_keys_of(id)?, store.seeded_by(id, since)?)));
    let (rows, seeded) = read.await?;
    let mut seeded: BTreeMap<Id, Seeded> = seeded.into_iter().map(|one| (one.key, one)).collect();
    let shapes = rows.into_iter().map(|row| {
        let seeded = seeded.remove(&row.id);
        AnnounceKeyShape::of(row, seeded)
    });
    Ok(HttpResponse::Ok().json(shapes.collect::<Vec<_>>()))
}

#[utoipa::path(post, path = "/api/v1/announce-keys", tag = "accounts", request_body = AnnounceKeyInput,
    security(("token" = [])), responses((status = 201, body = FreshAnnounceKey)))]
pub(super) async fn create(
    caller: Caller,
    input: web::Json<AnnounceKeyInput>,
    app: web::Data<App>,
) -> Answer {
    app.limits.change(caller.id())?;
    let (input, key) = (input.into_inner(), announce_keys::fresh());
    let new = NewAnnounceKey {
        account: caller.id(),
        label: input.label,
        named: input.named,
        key_hash: key.hash().0,
    };
    let row = app
        .write(move |store, moment| store.create_announce_key(moment, new))
        .await?;
    Ok(HttpResponse::Created().json(FreshAnnounceKey {
        key: key.reveal(),
        announce_url: announce_keys::url(&app.url, &key),
        about: AnnounceKeyShape::of(row, None),
    }))
}

#[utoipa::path(patch, path = "/api/v1/announce-keys/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = AnnounceKeyChange, security(("token" = [])), responses((status = 200, body = AnnounceKeyShape)))]
pub(super) async fn edit(
    caller: Caller,
    id: web::Path<String>,
    change: web::Json<AnnounceKeyChange>,
    app: web::Data<App>,
) -> Answer {
    let id: Id = id.parse().map_err(|_| Problem::not_found())?;
    app.limits.change(caller.id())?;
    let (change, account) = (change.into_inner(), caller.id());
    let edit = AnnounceKeyEdit {
        label: change.label,
        named: change.named,
    };
    let since = announce_keys::there_since(&app);
    let write = app.write(move |store, moment| {
        let row = store.edit_announce_key(moment, id, Some(account), edit)?;
        Ok((row, store.seeded_by(account, since)?))
    });
    let (row, seeded) = write.await?;
    let seeded = seeded.into_iter().find(|one| one.key == row.id);
    Ok(HttpResponse::Ok().json(AnnounceKeyShape::of(row, seeded)))
}

#[utoipa::path(delete, path = "/api/v1/announce-keys/{id}", tag = "accounts", params(("id" = String, Path)),
    security(("token" = [])),
    responses((status = 204, description = "From now on the tracker refuses clients that have it")))]
pub(super) async fn revoke(caller: Caller, id: web::Path<String>, app: web::Data<App>) -> Answer {
    let id: Id = id.parse().map_err(|_| Problem::not_found())?;
    let account = caller.id();
    app.write(move |store, moment| store.revoke_announce_key(moment, id, Some(account)))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
