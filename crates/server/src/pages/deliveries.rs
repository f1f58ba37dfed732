//! Deliveries to other servers, for administrators: each one's state and why it failed, servers that do not answer,
//! trying again and dropping. Sending is the federation's courier.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{DeliveryCounts, DeliveryQuery, DeliveryRow, DeliveryState, Host, Paging};

use super::frame::{Answer, Frame, go_to, render};
use super::lists::{List, ListQuery};
use crate::app::App;
use crate::auth::{Admin, Visitor};
use crate::clock;
use crate::error::Problem;
use crate::view::address::{ListAddress, segment};
use crate::view::size::counted;
use crate::view::time::When;
use crate::view::words;

/// Most servers looked at for the list of those that do not answer.
const MOST_HOSTS: u32 = 200;

/// A server that did not answer lately.
#[derive(Clone, Debug)]
pub(crate) struct HostCard {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) words: String,
    pub(crate) reason: String,
}

/// A delivery in the list.
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
    pub(crate) figures: String,
    pub(crate) hosts: Vec<HostCard>,
    pub(crate) heading: String,
    pub(crate) list: List,
    pub(crate) deliveries: Vec<DeliveryCard>,
}

pub(crate) async fn deliveries(app: web::Data<App>, admin: Admin, query: web::Query<ListQuery>) -> Answer {
    let wanted = DeliveryQuery {
        host: Some(query.host.clone()).filter(|host| !host.is_empty()),
        state: DeliveryState::from_word(&query.state),
        paging: query.paging(),
    };
    let found = app.read(move |store| {
        Ok((
            store.deliveries(&wanted)?,
            store.delivery_counts()?,
            store.hosts(&Paging::first(MOST_HOSTS))?.items,
        ))
    });
    let (page, counts, hosts) = found.await?;
    let now = clock::now();
    let path = "/moderation/deliveries";
    let address = ListAddress::new(path)
        .with("host", &query.host)
        .with("state", &query.state);
    let visitor = Visitor(Some(admin.0.clone()));
    let view = DeliveriesPage {
        frame: Frame::new(&app, &visitor, path, "Deliveries")
            .within("/moderation")
            .private()
            .noticing(query.done.as_deref()),
        figures: figures(&counts, now),
        hosts: hosts
            .into_iter()
            .filter(|host| host.failures > 0)
            .map(|host| host_card(host, now))
            .collect(),
        heading: match query.host.as_str() {
            "" => "All deliveries".to_owned(),
            host => format!("Deliveries to {}", words::line(host)),
        },
        list: List::of(&address, &query, &page, ("delivery", "deliveries"))
            .choosing(
                &address,
                "state",
                "State",
                &[
                    ("", "All"),
                    ("waiting", "Waiting"),
                    ("delivered", "Delivered"),
                    ("refused", "Refused"),
                ],
            )
            .filtered(!query.host.is_empty() || !query.state.is_empty()),
        deliveries: page.items.into_iter().map(|row| card(row, now)).collect(),
    };
    render(StatusCode::OK, &view)
}

fn figures(counts: &DeliveryCounts, now: i64) -> String {
    let waiting = match counts.waiting {
        0 => return "Nothing waits to be delivered.".to_owned(),
        n => counted(n.unsigned_abs(), "delivery waits", "deliveries wait"),
    };
    let hosts = counted(counts.hosts_waiting.unsigned_abs(), "server", "servers");
    let oldest = counts.oldest_waiting_at.map(|at| When::new(at, now).relative());
    format!(
        "{waiting} for {hosts}{}.",
        oldest
            .map(|text| format!(", the oldest written {text}"))
            .unwrap_or_default()
    )
}

fn host_card(host: Host, now: i64) -> HostCard {
    let mut words = counted(u64::from(host.failures), "failed attempt", "failed attempts");
    if let Some(at) = host.failing_since {
        words.push_str(&format!(" since {}", When::new(at, now).exact()));
    }
    words.push_str(&format!(
        ", {}",
        counted(
            host.waiting.unsigned_abs(),
            "delivery waiting",
            "deliveries waiting"
        )
    ));
    if let Some(at) = host.retry_at {
        words.push_str(&format!("; next attempt {}", When::new(at, now).relative()));
    }
    HostCard {
        href: format!("/moderation/deliveries?host={}", segment(&host.host)),
        reason: why(host.last_status, host.last_reason.as_deref()),
        name: host.host,
        words,
    }
}

fn card(row: DeliveryRow, now: i64) -> DeliveryCard {
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
fn why(status: Option<u16>, reason: Option<&str>) -> String {
    let reason = words::line(reason.unwrap_or_default());
    match status {
        Some(status) if reason.is_empty() => format!("Answered {status}."),
        Some(status) => format!("Answered {status}: {reason}"),
        None => reason,
    }
}

#[derive(Deserialize)]
pub(crate) struct RetryForm {
    csrf: String,
    host: String,
}

/// Tries a server again now.
pub(crate) async fn retry(app: web::Data<App>, admin: Admin, form: web::Form<RetryForm>) -> Answer {
    let RetryForm { csrf, host } = form.into_inner();
    admin.confirm(&csrf)?;
    app.write(move |store, moment| store.retry_now(moment, &host))
        .await?;
    Ok(go_to("/moderation/deliveries?done=retried"))
}

#[derive(Deserialize)]
pub(crate) struct DropForm {
    csrf: String,
    reason: String,
}

/// Drops a delivery that waits; the reason goes into the log.
pub(crate) async fn drop_one(
    app: web::Data<App>,
    admin: Admin,
    id: web::Path<i64>,
    form: web::Form<DropForm>,
) -> Answer {
    let DropForm { csrf, reason } = form.into_inner();
    admin.confirm(&csrf)?;
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Problem::invalid(
            "Dropping a delivery needs a reason of at most 500 characters.",
        ));
    }
    let (id, by) = (id.into_inner(), admin.id());
    app.write(move |store, moment| store.drop_delivery(moment, id, by, &reason))
        .await?;
    Ok(go_to("/moderation/deliveries?done=dropped"))
}
