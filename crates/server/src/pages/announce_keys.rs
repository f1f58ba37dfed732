//! The part of a member's settings that is about announce keys: what each is used for, making, naming and revoking them.
//! A key is shown once, on the page that answers the form. Next in the flow: `settings.rs`, which shows all of it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use shoal_store::{AnnounceKey, AnnounceKeyEdit, Id, NewAnnounceKey, Seeded, Store, StoreError};

use super::frame::{Answer, Link, go_to, render};
use super::settings::{SettingsPage, present};
use crate::announce_keys;
use crate::app::App;
use crate::auth::Member;
use crate::clock;
use crate::error::Problem;
use crate::view::size::counted;
use crate::view::time::When;
use crate::view::words;

/// A valid key in the list.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: Id,
    pub(crate) label: String,
    pub(crate) named: bool,
    pub(crate) made: When,
    /// `today`, a date, or nothing when it was never used.
    pub(crate) used: String,
    /// `3 uploads`, or nothing.
    pub(crate) seeds: String,
    /// Some of these.
    pub(crate) seeding: Vec<Link>,
    /// How many more there are, in words, or nothing.
    pub(crate) more: String,
}

/// A key that was revoked lately.
#[derive(Clone, Debug)]
pub(crate) struct RevokedRow {
    pub(crate) label: String,
    pub(crate) when: When,
}

/// All that the settings say of announce keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyList {
    pub(crate) valid: Vec<KeyRow>,
    pub(crate) revoked: Vec<RevokedRow>,
    /// The announce URL without a key, in whose place the personal one is put.
    pub(crate) usual: String,
}

/// What the store says of an account's keys, with what each seeds since a moment.
pub(crate) type Found = (Vec<AnnounceKey>, Vec<Seeded>);

pub(crate) fn find(store: &Store, account: Id, since: i64) -> Result<Found, StoreError> {
    Ok((store.announce_keys_of(account)?, store.seeded_by(account, since)?))
}

impl KeyList {
    pub(crate) fn of(app: &App, (keys, seeded): Found, now: i64) -> Self {
        let mut seeded: BTreeMap<Id, Seeded> = seeded.into_iter().map(|one| (one.key, one)).collect();
        let (mut valid, mut revoked) = (Vec::new(), Vec::new());
        for key in keys {
            let label = match words::line(&key.label) {
                label if label.is_empty() => "without a name".to_owned(),
                label => label,
            };
            match key.revoked_at {
                Some(at) => revoked.push(RevokedRow {
                    label,
                    when: When::new(at, now),
                }),
                None => valid.push(row(&key, label, seeded.remove(&key.id), now)),
            }
        }
        Self {
            valid,
            revoked,
            usual: app.link("announce"),
        }
    }
}

fn row(key: &AnnounceKey, label: String, seeded: Option<Seeded>, now: i64) -> KeyRow {
    let (count, some) = seeded.map_or((0, Vec::new()), |seeded| (seeded.count, seeded.some));
    let today = now.div_euclid(24 * 60 * 60 * 1000);
    let hidden = count.unsigned_abs().saturating_sub(some.len() as u64);
    let nothing_or = |count: u64, words: String| if count > 0 { words } else { String::new() };
    KeyRow {
        id: key.id,
        label,
        named: key.named,
        made: When::new(key.created_at, now),
        used: match key.used_day {
            Some(day) if day >= today => "today".to_owned(),
            Some(day) => clock::date(day),
            None => String::new(),
        },
        seeds: nothing_or(
            count.unsigned_abs(),
            counted(count.unsigned_abs(), "upload", "uploads"),
        ),
        seeding: (some.into_iter())
            .map(|(id, name, _)| Link::new(format!("/uploads/{id}"), words::excerpt(&name, 80)))
            .collect(),
        more: nothing_or(hidden, format!("and {hidden} more")),
    }
}

#[derive(Deserialize)]
pub(crate) struct MakeForm {
    csrf: String,
    key_label: String,
    #[serde(default)]
    named: String,
}

/// Makes a key and shows its announce URL this once.
pub(crate) async fn make(app: web::Data<App>, member: Member, form: web::Form<MakeForm>) -> Answer {
    member.confirm(&form.csrf)?;
    app.limits.change(member.id())?;
    let key = announce_keys::fresh();
    let new = NewAnnounceKey {
        account: member.id(),
        label: form.key_label.trim().to_owned(),
        named: form.named == "yes",
        key_hash: key.hash().0,
    };
    let made = app
        .write(move |store, moment| store.create_announce_key(moment, new))
        .await;
    let page = present(&app, &member).await?;
    match made {
        Ok(_) => {
            let fresh_key = Some(announce_keys::url(&app.url, &key));
            render(StatusCode::OK, &SettingsPage { fresh_key, ..page })
        }
        Err(error) => {
            let problem = Problem::from(error);
            let fault = problem.sentence;
            render(problem.status, &SettingsPage { fault, ..page })
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct KeyForm {
    csrf: String,
    #[serde(default)]
    named: String,
}

/// Says whether the member is named as host of what is seeded with one of their keys.
pub(crate) async fn name(
    app: web::Data<App>,
    member: Member,
    id: web::Path<Id>,
    form: web::Form<KeyForm>,
) -> Answer {
    member.confirm(&form.csrf)?;
    app.limits.change(member.id())?;
    let (id, account) = (id.into_inner(), member.id());
    let edit = AnnounceKeyEdit {
        label: None,
        named: Some(form.named == "yes"),
    };
    app.write(move |store, moment| store.edit_announce_key(moment, id, Some(account), edit))
        .await?;
    Ok(go_to("/settings?done=saved#announce-keys"))
}

/// Revokes one of the member's keys.
pub(crate) async fn revoke(
    app: web::Data<App>,
    member: Member,
    id: web::Path<Id>,
    form: web::Form<KeyForm>,
) -> Answer {
    member.confirm(&form.csrf)?;
    let (id, account) = (id.into_inner(), member.id());
    app.write(move |store, moment| store.revoke_announce_key(moment, id, Some(account)))
        .await?;
    Ok(go_to("/settings?done=revoked#announce-keys"))
}
