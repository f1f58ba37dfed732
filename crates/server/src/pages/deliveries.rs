//! Each delivery to other servers, for administrators: its state, why it failed, and dropping it. The queue server by
//! server is `queue.rs`. Sending is the federation's courier.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{DeliveryQuery, DeliveryRow, DeliveryState};

use super::frame::{Answer, Frame, go_to, render};
use super::lists::{List, ListQuery};
use crate::app::App;
use crate::auth::{Admin, Visitor};
use crate::clock;
use crate::error::Problem;
use crate::view::address::{ListAddress, is_own_path};
use crate::view::size::counted;
use crate::view::time::When;
use crate::view::words;

/// The states that a list of deliveries can be narrowed to, and their words.
pub(super) const STATES: [(&str, &str); 4] = [
    ("", "All"),
    ("waiting", "Waiting"),
    ("delivered", "Delivered"),
    ("refused", "Refused"),
];

/// A delivery in a list.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryCard {
    pub(crate) id: i64,
    pub(crate) state: &'static str,
    pub(crate) state_word: &'static str,
    pub(crate) kind: String,
    pub(crate) inbox: String,
    pub(crate) attempts: String,
    pub(crate) reason: String,
    pub(crate) when: When,
    pub(crate) changed: Option<When>,
    pub(crate) may_drop: bool,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
pub(crate) struct DeliveriesPage {
    pub(crate) frame: Frame,
    pub(crate) list: List,
    /// Where a form leads back to.
    pub(crate) back: String,
    pub(crate) deliveries: Vec<DeliveryCard>,
}

pub(crate) async fn deliveries(app: web::Data<App>, admin: Admin, query: web::Query<ListQuery>) -> Answer {
    let wanted = DeliveryQuery {
        host: None,
        state: DeliveryState::from_word(&query.state),
        paging: query.paging(),
    };
    let page = app.read(move |store| store.deliveries(&wanted)).await?;
    let (now, path) = (clock::now(), "/moderation/deliveries/all");
    let address = ListAddress::new(path).with("state", &query.state);
    let visitor = Visitor(Some(admin.0.clone()));
    let view = DeliveriesPage {
        frame: Frame::new(&app, &visitor, path, "All deliveries")
            .within("/moderation")
            .private()
            .noticing(query.done.as_deref()),
        list: List::of(&address, &query, &page, ("delivery", "deliveries"))
            .choosing(&address, "state", "State", &STATES)
            .filtered(!query.state.is_empty()),
        back: path.to_owned(),
        deliveries: page.items.into_iter().map(|row| card(row, now)).collect(),
    };
    render(StatusCode::OK, &view)
}

/// A delivery as a list shows it.
pub(super) fn card(row: DeliveryRow, now: i64) -> DeliveryCard {
    let (state, state_word) = match row.state {
        DeliveryState::Waiting => ("waiting", "Waiting"),
        DeliveryState::Delivered => ("delivered", "Delivered"),
        DeliveryState::Refused => ("refused", "Refused"),
    };
    DeliveryCard {
        id: row.id,
        state,
        state_word,
        kind: words::line(&row.kind),
        inbox: words::line(&row.inbox),
        attempts: match row.attempts {
            0 => "not tried yet".to_owned(),
            n => counted(u64::from(n), "attempt", "attempts"),
        },
        reason: match row.state {
            DeliveryState::Delivered => String::new(),
            _ => why(row.status, row.reason.as_deref()),
        },
        when: When::new(row.created_at, now),
        changed: row.done_at.or(row.tried_at).map(|at| When::new(at, now)),
        may_drop: row.state == DeliveryState::Waiting,
    }
}

/// The status and the words of a failure.
pub(super) fn why(status: Option<u16>, reason: Option<&str>) -> String {
    let reason = words::line(reason.unwrap_or_default());
    match (status, reason.chars().next()) {
        (Some(status), None) => format!("Answered {status}."),
        (None, None) => String::new(),
        // The courier's own words begin with the status, if there is one.
        (_, Some(first)) => first.to_uppercase().to_string() + &reason[first.len_utf8()..],
    }
}

#[derive(Deserialize)]
pub(crate) struct DropForm {
    csrf: String,
    reason: String,
    #[serde(default)]
    back: String,
}

/// Drops a delivery that waits; the reason goes into the log.
pub(crate) async fn drop_one(
    app: web::Data<App>,
    admin: Admin,
    id: web::Path<i64>,
    form: web::Form<DropForm>,
) -> Answer {
    let DropForm { csrf, reason, back } = form.into_inner();
    admin.confirm(&csrf)?;
    let reason = given(&reason)?;
    let (id, by) = (id.into_inner(), admin.id());
    app.write(move |store, moment| store.drop_delivery(moment, id, by, &reason))
        .await?;
    let back = if is_own_path(&back) {
        back
    } else {
        "/moderation/deliveries/all".to_owned()
    };
    Ok(go_to(format!("{back}?done=dropped")))
}

/// The reason that a form gives; it is kept in the log.
pub(super) fn given(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Problem::invalid(
            "This needs a reason of at most 500 characters; it is kept in the log.",
        ));
    }
    Ok(reason)
}
