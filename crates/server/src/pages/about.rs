//! What this archive is, for people who have never seen one, and the list of its feeds.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::frame::{Answer, Frame, Link, render};
use super::home::{description, figures};
use crate::app::App;
use crate::auth::Visitor;
use crate::view::words;

#[derive(Template)]
#[template(path = "about.html")]
pub(crate) struct AboutPage {
    pub(crate) frame: Frame,
    pub(crate) description: String,
    pub(crate) figures: String,
    pub(crate) handle: String,
    pub(crate) announces: Vec<String>,
    pub(crate) contact: Option<Link>,
    pub(crate) version: &'static str,
}

/// A feed in the list of feeds.
#[derive(Clone, Debug)]
pub(crate) struct FeedRow {
    pub(crate) title: &'static str,
    pub(crate) words: &'static str,
    pub(crate) path: &'static str,
}

#[derive(Template)]
#[template(path = "feeds.html")]
pub(crate) struct FeedsPage {
    pub(crate) frame: Frame,
    pub(crate) feeds: [FeedRow; 4],
}

/// What this archive is.
pub(crate) async fn about(app: web::Data<App>, visitor: Visitor) -> Answer {
    let instance = app.federation.instance_actor();
    let found = app.read(move |store| Ok((store.stats()?, store.local_actor_by_id(instance)?)));
    let (stats, actor) = found.await?;
    let description = description(&app);
    let page = AboutPage {
        frame: Frame::new(&app, &visitor, "/about", "About").about(&description),
        figures: figures(&app, &stats),
        handle: actor
            .map(|actor| format!("@{}@{}", actor.name, app.authority()))
            .unwrap_or_default(),
        announces: app.federation.urls().announces().to_vec(),
        contact: contact(&app.config.instance.contact),
        version: env!("CARGO_PKG_VERSION"),
        description,
    };
    render(StatusCode::OK, &page)
}

/// An address on the web or a mail address as a link, anything else as text, nothing as nothing.
fn contact(text: &str) -> Option<Link> {
    let text = words::line(text);
    let is_mail = text.contains('@') && !text.contains(['/', ' ', '?']) && !text.starts_with('@');
    match text.as_str() {
        "" => None,
        mail if is_mail => Some(Link::new(
            format!("mailto:{}", mail.trim_start_matches("mailto:")),
            mail,
        )),
        other => Some(Link::typed(other)),
    }
}

/// The list of feeds.
pub(crate) async fn feeds(app: web::Data<App>, visitor: Visitor) -> Answer {
    let page = FeedsPage {
        frame: Frame::new(&app, &visitor, "/feeds", "Feeds")
            .feeding("Everything new", "/feeds/all")
            .feeding("What needs copies", "/feeds/needs-seeds"),
        feeds: main_feeds(),
    };
    render(StatusCode::OK, &page)
}

/// The feeds that are there from the first day.
pub(crate) fn main_feeds() -> [FeedRow; 4] {
    let row = |title, words, path| FeedRow { title, words, path };
    [
        row(
            "What needs copies",
            "The fewest complete copies first. For BitTorrent programs that should always keep what is needed most.",
            "/feeds/needs-seeds",
        ),
        row("Everything new", "Each upload as it is published.", "/feeds/all"),
        row(
            "Endangered",
            "Uploads of datasets whose source is likely to go.",
            "/feeds/threat/endangered",
        ),
        row(
            "Extinct",
            "Uploads of datasets whose source is gone.",
            "/feeds/threat/extinct",
        ),
    ]
}
