//! One feed and its entries, well-formed for any stored text: characters that XML refuses never reach the templates,
//! `templates/feed.rss.xml` and `templates/feed.atom.xml`, which escape the rest.

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;
use shoal_store::{Dataset, Millis, Upload};

use crate::app::App;
use crate::error::Problem;
use crate::pages::{swarm, torrent_path};
use crate::publishing;
use crate::view::markdown::Prose;
use crate::view::size::{Size, counted};
use crate::view::swarm::Swarm;
use crate::view::threat::Danger;
use crate::view::time::When;
use crate::view::words;

/// How a feed is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Rss,
    Atom,
}

impl Format {
    /// The name in an address without its ending, and what the ending says.
    pub(crate) fn split(name: &str) -> Option<(&str, Self)> {
        let rss = name.strip_suffix(".rss").map(|stem| (stem, Self::Rss));
        rss.or_else(|| name.strip_suffix(".atom").map(|stem| (stem, Self::Atom)))
    }
}

/// An upload in a feed.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) title: String,
    pub(crate) page: String,
    pub(crate) words: String,
    /// The info-hash: v1 if there is one, because most programs compare that.
    pub(crate) hash: String,
    pub(crate) author: String,
    pub(crate) published: When,
    pub(crate) updated: When,
    pub(crate) tags: Vec<String>,
    pub(crate) torrent: String,
    pub(crate) torrent_bytes: i64,
    pub(crate) bytes: i64,
    pub(crate) magnet: Option<String>,
    pub(crate) swarm: Swarm,
}

impl Entry {
    /// The entry of an upload, with what its dataset adds.
    pub(crate) fn of(app: &App, upload: &Upload, dataset: Option<&Dataset>, now: Millis) -> Self {
        let swarm = swarm(app, upload);
        let hash = upload
            .info_hash_v1
            .map(|h| h.to_string())
            .or(upload.info_hash_v2.map(|h| h.to_string()));
        Self {
            title: title(upload),
            page: app.link(&format!("uploads/{}", upload.id)),
            words: entry_words(upload, dataset, &swarm),
            hash: hash.unwrap_or_default(),
            author: words::line(&upload.account.name),
            published: When::new(upload.created_at, now),
            updated: When::new(upload.updated_at.max(upload.created_at), now),
            tags: dataset
                .map(|d| d.tags.iter().map(|tag| words::line(tag)).collect())
                .unwrap_or_default(),
            torrent: app.link(&torrent_path(upload)),
            torrent_bytes: upload.torrent_size,
            bytes: upload.total_size,
            magnet: publishing::magnet(app, upload).map(|link| link.to_string()),
            swarm,
        }
    }
}

/// The dataset's title, and the torrent's name when it says more.
fn title(upload: &Upload) -> String {
    let (dataset, name) = (words::line(&upload.dataset.title), words::line(&upload.name));
    if dataset.is_empty() || dataset.eq_ignore_ascii_case(&name) {
        name
    } else {
        format!("{dataset}: {name}")
    }
}

/// Plain text, as BEP 36 wants it: copies first, then danger, size and what the dataset is.
fn entry_words(upload: &Upload, dataset: Option<&Dataset>, swarm: &Swarm) -> String {
    let mut parts = vec![format!("{}.", swarm.sentence())];
    if let Some(danger) = dataset
        .map(|d| Danger(d.threat))
        .filter(|danger| danger.is_known())
    {
        parts.push(format!("{}: {}", danger.word(), danger.sentence()));
    }
    let files = counted(upload.file_count.unsigned_abs(), "file", "files");
    parts.push(format!("{} in {files}.", Size::stored(upload.total_size).short()));
    if let Some(dataset) = dataset {
        parts.push(words::excerpt(&Prose::plain(&dataset.description), 400));
    }
    parts.join(" ")
}

/// A feed ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) site: String,
    pub(crate) title: String,
    pub(crate) words: String,
    /// The page that shows the same.
    pub(crate) page: String,
    /// The feed's own address without its ending, and what follows it.
    pub(crate) here: String,
    pub(crate) query: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Millis,
}

#[derive(Template)]
#[template(path = "feed.rss.xml")]
struct Rss<'a> {
    feed: &'a Feed,
    built: When,
}

#[derive(Template)]
#[template(path = "feed.atom.xml")]
struct Atom<'a> {
    feed: &'a Feed,
    updated: When,
}

impl Feed {
    /// The feed as text.
    pub(crate) fn write(&self, format: Format) -> Result<String, askama::Error> {
        let newest = self
            .entries
            .iter()
            .map(|entry| entry.updated)
            .max_by_key(When::millis);
        let newest = newest.unwrap_or_else(|| When::new(0, self.now));
        match format {
            Format::Rss => Rss {
                feed: self,
                built: newest,
            }
            .render(),
            Format::Atom => Atom {
                feed: self,
                updated: newest,
            }
            .render(),
        }
    }

    /// The feed as an answer that readers may keep for five minutes.
    pub(crate) fn answer(&self, format: Format) -> Result<HttpResponse, Problem> {
        let media = match format {
            Format::Rss => "application/rss+xml; charset=utf-8",
            Format::Atom => "application/atom+xml; charset=utf-8",
        };
        let body = self.write(format).map_err(|error| Problem::ours(&error))?;
        Ok(HttpResponse::Ok()
            .content_type(media)
            .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
            .body(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "]]> <script>\u{0}\u{8}\u{b}\u{1f}\u{7f}\u{202e}\u{fffe}\u{ffff} & \"quoted\" 'x' &#0; 潮位 \u{1f41f}";

    fn hostile() -> Feed {
        let when = When::new(1_795_166_040_000, 1_795_166_040_000);
        let text = words::line(HOSTILE);
        let entry = Entry {
            title: text.clone(),
            page: "https://archive.example/uploads/0193".into(),
            words: words::excerpt(HOSTILE, 10_000),
            hash: "0123456789abcdef0123456789abcdef01234567".into(),
            author: text.clone(),
            published: when,
            updated: when,
            tags: vec![text.clone()],
            torrent: "https://archive.example/api/v1/uploads/0193/torrent?a=1&b=2".into(),
            torrent_bytes: 148_222,
            bytes: 13_314_398_610,
            magnet: Some("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=a%26b".into()),
            swarm: Swarm::default(),
        };
        Feed {
            site: text.clone(),
            title: text.clone(),
            words: text,
            page: "https://archive.example/search?q=a%20b&kind=upload".into(),
            here: "https://archive.example/feeds/search".into(),
            query: "?q=a&x=%3C".into(),
            entries: vec![entry],
            now: 0,
        }
    }

    /// What keeps a text from being a well-formed document, seen with no more than a stack of open elements.
    fn fault(xml: &str) -> Option<String> {
        let (_, mut rest) = xml.split_once("?>")?;
        let mut open: Vec<&str> = Vec::new();
        while let Some((text, tail)) = rest.split_once('<') {
            let (tag, after) = tail.split_once('>')?;
            let is_plain =
                |c: char| c >= ' ' && !('\u{7f}'..='\u{9f}').contains(&c) || matches!(c, '\n' | '\t');
            if text.contains("]]>") || !text.chars().chain(tag.chars()).all(is_plain) {
                return Some(format!("{text:?} before <{tag}>"));
            }
            if text
                .split('&')
                .skip(1)
                .any(|entity| !entity.starts_with('#') || !entity.contains(';'))
            {
                return Some(format!("an entity in {text:?}"));
            }
            match tag.strip_prefix('/') {
                Some(name) if open.pop() != Some(name) => return Some(format!("</{name}>")),
                None if !tag.ends_with('/') => open.push(tag.split_whitespace().next().unwrap_or_default()),
                _ => {}
            }
            rest = after;
        }
        (!open.is_empty() || !rest.trim().is_empty()).then(|| format!("{open:?} stay open"))
    }

    #[test]
    fn feeds_are_well_formed_for_any_text() {
        for format in [Format::Rss, Format::Atom] {
            let written = hostile().write(format).expect("feeds are written");
            assert_eq!(fault(&written), None, "{written}");
            assert!(
                !written.contains("<script>") && written.contains("潮位 \u{1f41f}"),
                "{written}"
            );
        }
    }

    #[test]
    fn an_entry_carries_its_torrent() {
        let written = hostile().write(Format::Rss).expect("feeds are written");
        assert!(
            written.contains("type=\"application/x-bittorrent\"") && written.contains("length=\"148222\"")
        );
        assert!(
            written.contains("<guid isPermaLink=\"false\">0123456789abcdef0123456789abcdef01234567</guid>")
        );
    }
}
