//! What surrounds every page: its title, who is looking, where else the same thing is told (feeds, ActivityPub), the
//! files that browsers load. The layout itself is `templates/frame.html`. Next in the flow: any page.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;
use shoal_store::Scope;

use super::assets::Assets;
use crate::app::App;
use crate::auth::Visitor;
use crate::error::Problem;
use crate::view::words;

/// What a handler of a page answers; the fault becomes a page in `error.rs`.
pub(crate) type Answer = Result<HttpResponse, Problem>;

/// Someone signed in, as the header shows them.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) is_moderator: bool,
}

/// A feed of what the page shows; `.rss` and `.atom` follow its path.
#[derive(Clone, Debug)]
pub(crate) struct FeedLink {
    pub(crate) title: String,
    pub(crate) path: String,
}

/// A picture for previews of the page elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) url: String,
    pub(crate) alt: String,
}

/// Something named that may have an address; without one it is only text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

impl Link {
    pub(crate) fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            text: text.into(),
        }
    }

    /// A link that someone typed: an address on the web, else only text.
    pub(crate) fn typed(text: &str) -> Self {
        let is_web =
            url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let shown = text
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .trim_end_matches('/');
        Self::new(if is_web { text } else { "" }, if is_web { shown } else { text })
    }
}

/// The frame of one page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Name of the archive.
    pub(crate) site: String,
    /// Name of the page, without the archive's; empty on the front page.
    pub(crate) title: String,
    /// One or two sentences for search engines and previews.
    pub(crate) summary: String,
    /// The page's own absolute address.
    pub(crate) url: String,
    /// Which place of the navigation the page belongs to.
    pub(crate) here: &'static str,
    /// Who is looking.
    pub(crate) who: Option<Who>,
    /// The token that forms carry.
    pub(crate) csrf: String,
    /// A sentence about what was just done.
    pub(crate) notice: &'static str,
    /// Addresses of the same thing for servers of the fediverse; those that take only one take the first.
    pub(crate) activities: Vec<String>,
    /// A picture for previews.
    pub(crate) picture: Option<Picture>,
    /// Feeds of what the page shows.
    pub(crate) feeds: Vec<FeedLink>,
    /// Whether search engines are asked to stay away.
    pub(crate) is_private: bool,
    /// The stylesheet, script and mark.
    pub(crate) assets: Assets,
}

impl Frame {
    /// The frame of the page at `path` for this visitor.
    pub(crate) fn new(app: &App, visitor: &Visitor, path: &str, title: &str) -> Self {
        let who = visitor.0.as_ref();
        Self {
            site: words::line(&app.config.instance.title),
            title: words::excerpt(title, 120),
            url: app.link(path),
            who: who.map(|i| Who {
                name: i.account.name.clone(),
                is_moderator: i.may(Scope::Review),
            }),
            csrf: who.map(|i| i.csrf().to_owned()).unwrap_or_default(),
            assets: Assets::current(),
            ..Self::default()
        }
    }

    /// The same frame in a place of the navigation.
    pub(crate) fn within(self, here: &'static str) -> Self {
        Self { here, ..self }
    }

    /// The same frame with a summary for previews.
    pub(crate) fn about(self, summary: &str) -> Self {
        Self {
            summary: words::excerpt(summary, 240),
            ..self
        }
    }

    /// The same frame for pages that concern only who sees them.
    pub(crate) fn private(self) -> Self {
        Self {
            is_private: true,
            ..self
        }
    }

    /// The same frame with what `?done=` says was just done.
    pub(crate) fn noticing(self, done: Option<&str>) -> Self {
        Self {
            notice: done.map_or("", super::notices::sentence),
            ..self
        }
    }

    /// The same frame with a feed of the page.
    pub(crate) fn feeding(mut self, title: impl Into<String>, path: impl Into<String>) -> Self {
        self.feeds.push(FeedLink {
            title: title.into(),
            path: path.into(),
        });
        self
    }

    /// The title for previews elsewhere: the page's, or the archive's on the front page.
    pub(crate) fn shared_title(&self) -> &str {
        if self.title.is_empty() {
            &self.site
        } else {
            &self.title
        }
    }

    /// The main places, with their words.
    pub(crate) fn places(&self) -> [(&'static str, &'static str); 4] {
        [
            ("/needs-seeds", "Needs copies"),
            ("/datasets", "Datasets"),
            ("/collections", "Collections"),
            ("/search", "Search"),
        ]
    }
}

/// Answers with a page.
pub(crate) fn render(status: StatusCode, page: &impl Template) -> Answer {
    let body = page.render().map_err(|error| Problem::ours(&error))?;
    let mut answer = HttpResponse::build(status);
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Accept, Cookie"));
    Ok(answer.body(body))
}

/// Answers a form with the address to go on to.
pub(crate) fn go_to(address: impl AsRef<str>) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address.as_ref()))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_link_is_a_link_only_to_the_web() {
        assert_eq!(Link::typed("https://a.example/x/").href, "https://a.example/x/");
        assert_eq!(Link::typed("https://a.example/x/").text, "a.example/x");
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "a.example",
            "https://",
            "",
        ] {
            assert_eq!(Link::typed(text).href, "", "{text}");
        }
    }
}
