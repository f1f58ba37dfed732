//! What is on its way to other servers, server by server, for administrators: how much waits and since when, why a server
//! does not answer, trying it again, holding it back, dropping what waits. Each delivery by itself is `deliveries.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use serde::Deserialize;
use shoal_store::{
    DeliveryCounts, DeliveryQuery, DeliveryState, HostOrder, HostQuery, QueuedHost, Shelved, StoreError,
};

use super::deliveries::{DeliveryCard, STATES, card, given, why};
use super::frame::{Answer, Frame, go_to, render};
use super::lists::{List, ListQuery};
use crate::api::deliveries::MOST_DROPPED;
use crate::app::App;
use crate::auth::{Admin, Visitor};
use crate::clock;
use crate::error::Problem;
use crate::view::address::{ListAddress, segment};
use crate::view::size::counted;
use crate::view::time::When;
use crate::view::words;

/// The states that the list of servers can be narrowed to, and their words.
const SHELVES: [(&str, &str); 4] = [
    ("", "All"),
    ("waiting", "Waiting"),
    ("failing", "Not answering"),
    ("paused", "Held back"),
];

/// A server in the list, and at the head of its page.
#[derive(Clone, Debug)]
pub(crate) struct HostCard {
    pub(crate) name: String,
    pub(crate) href: String,
    /// `delivered`, `waiting` or `refused`, as deliveries have it.
    pub(crate) state: &'static str,
    /// What can be said of it in two words.
    pub(crate) state_word: &'static str,
    /// How much waits, and since when.
    pub(crate) waiting: String,
    /// How it does.
    pub(crate) health: String,
    /// Why the last attempt failed.
    pub(crate) reason: String,
    /// Who holds it back and why.
    pub(crate) pause: String,
    pub(crate) is_paused: bool,
    pub(crate) may_retry: bool,
    pub(crate) may_drop: bool,
}

#[derive(Template)]
#[template(path = "queue.html")]
pub(crate) struct QueuePage {
    pub(crate) frame: Frame,
    pub(crate) figures: String,
    pub(crate) list: List,
    pub(crate) hosts: Vec<HostCard>,
}

/// The queue, server by server.
pub(crate) async fn queue(app: web::Data<App>, admin: Admin, query: web::Query<ListQuery>) -> Answer {
    let wanted = HostQuery {
        only: Shelved::from_word(&query.state),
        paging: query.paging(),
    };
    let found = app.read(move |store| Ok((store.hosts(&wanted)?, store.delivery_counts()?)));
    let (page, counts) = found.await?;
    let (now, path) = (clock::now(), "/moderation/deliveries");
    let address = ListAddress::new(path).with("state", &query.state);
    let visitor = Visitor(Some(admin.0.clone()));
    let view = QueuePage {
        frame: Frame::new(&app, &visitor, path, "Deliveries")
            .within("/moderation")
            .private()
            .noticing(query.done.as_deref()),
        figures: figures(&counts, now),
        list: List::of(&address, &query, &page, ("server", "servers"))
            .choosing(&address, "state", "Servers", &SHELVES)
            .filtered(!query.state.is_empty()),
        hosts: page.items.into_iter().map(|host| host_card(host, now)).collect(),
    };
    render(StatusCode::OK, &view)
}

#[derive(Template)]
#[template(path = "queue_host.html")]
pub(crate) struct HostPage {
    pub(crate) frame: Frame,
    pub(crate) host: HostCard,
    pub(crate) list: List,
    pub(crate) back: String,
    pub(crate) deliveries: Vec<DeliveryCard>,
}

/// One server, and what is on its way to it.
pub(crate) async fn host(
    app: web::Data<App>,
    admin: Admin,
    name: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Answer {
    let wanted = DeliveryQuery {
        host: Some(name.into_inner()),
        state: DeliveryState::from_word(&query.state),
        paging: query.paging(),
    };
    let found = app.read(move |store| {
        let host = store.queued_host(wanted.host.as_deref().unwrap_or_default())?;
        Ok((host, store.deliveries(&wanted)?))
    });
    let (host, page) = found.await?;
    let now = clock::now();
    let host = host_card(host.ok_or_else(Problem::not_found)?, now);
    let address = ListAddress::new(&host.href).with("state", &query.state);
    let visitor = Visitor(Some(admin.0.clone()));
    let view = HostPage {
        frame: Frame::new(
            &app,
            &visitor,
            &host.href,
            &format!("Deliveries to {}", host.name),
        )
        .within("/moderation")
        .private()
        .noticing(query.done.as_deref()),
        list: List::of(&address, &query, &page, ("delivery", "deliveries"))
            .choosing(&address, "state", "State", &STATES)
            .filtered(!query.state.is_empty()),
        back: host.href.clone(),
        deliveries: page.items.into_iter().map(|row| card(row, now)).collect(),
        host,
    };
    render(StatusCode::OK, &view)
}

fn figures(counts: &DeliveryCounts, now: i64) -> String {
    let waiting = match counts.waiting {
        0 => return "Nothing waits to be delivered.".to_owned(),
        n => counted(n.unsigned_abs(), "delivery waits", "deliveries wait"),
    };
    let hosts = counts.hosts_waiting + counts.hosts_paused;
    let hosts = counted(hosts.unsigned_abs(), "server", "servers");
    let oldest = counts.oldest_waiting_at.map(|at| When::new(at, now).relative());
    let oldest = oldest
        .map(|text| format!(", the oldest written {text}"))
        .unwrap_or_default();
    let mut troubles = Vec::new();
    if counts.hosts_failing > 0 {
        troubles.push(format!("{} did not answer lately", counts.hosts_failing));
    }
    if counts.hosts_paused > 0 {
        let verb = if counts.hosts_paused == 1 { "is" } else { "are" };
        troubles.push(format!("{} {verb} held back", counts.hosts_paused));
    }
    let troubles = match troubles.is_empty() {
        true => String::new(),
        false => format!(" Of these servers {}.", troubles.join(" and ")),
    };
    format!("{waiting} for {hosts}{oldest}.{troubles}")
}

fn host_card(row: QueuedHost, now: i64) -> HostCard {
    let (host, when) = (row.host, |at| When::new(at, now));
    let waiting = match (host.waiting, row.oldest_waiting_at) {
        (0, _) => "Nothing waits for it.".to_owned(),
        (n, oldest) => format!(
            "{}{}.",
            counted(n.unsigned_abs(), "delivery waits", "deliveries wait"),
            oldest
                .map(|at| format!(", the oldest written {}", when(at).relative()))
                .unwrap_or_default()
        ),
    };
    let pause = host.paused.as_ref().map(|pause| {
        let by = row.paused_by.as_deref().unwrap_or("an administrator");
        let since = when(pause.at).exact();
        let reason = words::line(&pause.reason);
        format!("Held back by {} since {since}: {reason}", words::line(by))
    });
    let (state, state_word) = match (&pause, host.failures) {
        (Some(_), _) => ("waiting", "is held back"),
        (None, 0) => ("delivered", "answers"),
        (None, _) => ("refused", "does not answer"),
    };
    HostCard {
        href: format!("/moderation/deliveries/to/{}", segment(&host.host)),
        state,
        state_word,
        waiting,
        health: health(&host, now),
        reason: match host.failures {
            0 => String::new(),
            _ => why(host.last_status, host.last_reason.as_deref()),
        },
        is_paused: pause.is_some(),
        pause: pause.unwrap_or_default(),
        may_retry: host.waiting > 0 && host.paused.is_none() && host.retry_at.is_some(),
        may_drop: host.waiting > 0,
        name: words::line(&host.host),
    }
}

/// How a server does, in a sentence or two.
fn health(host: &shoal_store::Host, now: i64) -> String {
    let when = |at| When::new(at, now);
    let mut words = Vec::new();
    if host.failures > 0 {
        let attempts = counted(u64::from(host.failures), "failed attempt", "failed attempts");
        let since = host
            .failing_since
            .map(|at| format!(" since {}", when(at).exact()));
        words.push(format!("{attempts}{}.", since.unwrap_or_default()));
        if let Some(at) = host.retry_at.filter(|_| host.paused.is_none()) {
            let asked = match host.asked_until {
                Some(_) => ", as it asked",
                None => "",
            };
            words.push(format!("Next attempt {}{asked}.", when(at).relative()));
        }
    }
    match host.last_success_at {
        Some(at) => words.push(format!("It last took something {}.", when(at).relative())),
        None if host.failures > 0 => words.push("It never took anything.".to_owned()),
        None => {}
    }
    words.join(" ")
}

#[derive(Deserialize)]
pub(crate) struct OrderForm {
    csrf: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    sure: String,
}

/// Tries a server now, holds it back, lets it go on, or drops what waits for it.
pub(crate) async fn order(
    app: web::Data<App>,
    admin: Admin,
    path: web::Path<(String, String)>,
    form: web::Form<OrderForm>,
) -> Answer {
    let OrderForm { csrf, reason, sure } = form.into_inner();
    admin.confirm(&csrf)?;
    let (host, act) = path.into_inner();
    let reason = match act.as_str() {
        "pause" | "drop" => given(&reason)?,
        _ => reason.trim().chars().take(500).collect(),
    };
    if act == "drop" && sure != "yes" {
        return Err(Problem::invalid(
            "What is dropped is never delivered: confirm it in the field above the button.",
        ));
    }
    let back = format!("/moderation/deliveries/to/{}", segment(&host));
    let order = HostOrder {
        host: host.clone(),
        by: admin.id(),
        reason,
    };
    let done = app.write(move |store, moment| match act.as_str() {
        "retry" => store.retry_now(moment, &host).map(|()| "retried"),
        "pause" => store.pause_host(moment, order).map(|()| "held-back"),
        "resume" => store.resume_host(moment, order).map(|()| "goes-on"),
        "drop" => {
            store.drop_deliveries_to(moment, order, MOST_DROPPED)?;
            let more = store.host(&host)?.is_some_and(|host| host.waiting > 0);
            Ok(if more { "emptied-in-part" } else { "emptied" })
        }
        _ => Err(StoreError::NotFound { what: "act" }),
    });
    Ok(go_to(format!("{back}?done={}", done.await?)))
}
