//! The post about an upload: what people read in their timelines. Everything is in `content`; every part has a limit, so
//! that the whole stays far below the 64 KiB that Misskey takes. Pure: same upload, same post.

use crate::{
    html::{cut, escape, size},
    markdown, records,
    time::rfc3339,
    urls::Urls,
    vocab::{
        self, PUBLIC,
        note::{Hashtag, Note},
    },
};
use serde_json::json;
use shoal_store::{Dataset, Millis, Threat, Upload};

/// How much of a title is shown, in characters.
const TITLE: usize = 300;
/// How much of a description is shown.
const DESCRIPTION: usize = 1_500;
/// How many tags are named.
const TAGS: usize = 20;

/// What a post is made of.
pub struct Post<'a> {
    /// Our addresses.
    pub urls: &'a Urls,
    /// The post's id.
    pub id: &'a str,
    /// The id of the actor that posts.
    pub author: &'a str,
    /// What is posted about.
    pub upload: &'a Upload,
    /// Its dataset.
    pub dataset: &'a Dataset,
    /// The id of the upload's record.
    pub record: &'a str,
    /// When the post was first made.
    pub published: Millis,
    /// When it was last edited.
    pub updated: Option<Millis>,
}

/// Writes the post.
pub fn note(post: &Post<'_>) -> Note {
    let Post {
        urls,
        upload,
        dataset,
        ..
    } = post;
    let tags = hashtags(urls, &dataset.tags);
    Note {
        context: vocab::note_context(),
        id: post.id.to_owned(),
        kind: "Note",
        attributed_to: post.author.to_owned(),
        published: rfc3339(post.published),
        updated: post.updated.map(rfc3339),
        to: [PUBLIC],
        cc: [format!("{}/followers", post.author)],
        url: urls.upload(upload.id),
        content: content(post, &tags),
        sensitive: false,
        tag: tags,
        attachment: [],
        interaction_policy: json!({ "canQuote": { "automaticApproval": [PUBLIC] } }),
        dataset: urls.dataset(&dataset.slug),
        upload: urls.upload(upload.id),
        record: post.record.to_owned(),
        info_hash_v1: upload.info_hash_v1.as_ref().map(ToString::to_string),
        info_hash_v2: upload.info_hash_v2.as_ref().map(ToString::to_string),
        byte_size: upload.total_size,
        threat: dataset.threat.to_string(),
    }
}

/// Title and facts, the page (its link comes first, for the preview card), what it is, how to get it, the tags.
fn content(post: &Post<'_>, tags: &[Hashtag]) -> String {
    let page = escape(&post.urls.upload(post.upload.id));
    let mut html = format!(
        "<p><strong>{}</strong><br>{}</p><p><a href=\"{page}\">{page}</a></p>",
        escape(&cut(&post.dataset.title, TITLE)),
        escape(&facts(post)),
    );
    html.push_str(&markdown::html(&post.dataset.description, DESCRIPTION));
    html.push_str(&markdown::html(&post.upload.description, DESCRIPTION));
    html.push_str(&how_to_get_it(post));
    if !tags.is_empty() {
        let anchors: Vec<String> = tags.iter().map(anchor).collect();
        html.push_str(&format!("<p>{}</p>", anchors.join(" ")));
    }
    html
}

/// `84.1 GiB in 12 files · threat: endangered · published by NOAA · CC0-1.0`.
fn facts(post: &Post<'_>) -> String {
    let Post { upload, dataset, .. } = post;
    let files = if upload.file_count == 1 {
        "1 file".to_owned()
    } else {
        format!("{} files", upload.file_count)
    };
    let mut facts = vec![
        format!("{} in {files}", size(upload.total_size)),
        threat(dataset.threat).to_owned(),
    ];
    if !dataset.publisher.trim().is_empty() {
        facts.push(format!("published by {}", cut(&dataset.publisher, 200)));
    }
    if !dataset.licence.trim().is_empty() {
        facts.push(cut(&dataset.licence, 100));
    }
    facts.join(" · ")
}

fn threat(threat: Threat) -> &'static str {
    match threat {
        Threat::Unknown => "threat: unknown",
        Threat::Indefinite => "threat: indefinite",
        Threat::Watchlist => "threat: on the watchlist",
        Threat::Endangered => "threat: endangered",
        Threat::TakedownIssued => "threat: takedown issued",
        Threat::Extinct => "threat: extinct at its source",
    }
}

/// The magnet link as an anchor (Mastodon keeps it, GoToSocial shows its text) and the hashes as text; of a private torrent,
/// which has no link, that its page says how.
fn how_to_get_it(post: &Post<'_>) -> String {
    let upload = post.upload;
    let mut html = match records::magnet(post.urls, upload) {
        Some(link) => format!("<p><a href=\"{}\">Magnet link</a>", escape(&link.to_string())),
        None => "<p>A private torrent: its page says how to get it.".to_owned(),
    };
    for (version, hash) in [
        ("v1", upload.info_hash_v1.as_ref().map(ToString::to_string)),
        ("v2", upload.info_hash_v2.as_ref().map(ToString::to_string)),
    ] {
        if let Some(hash) = hash {
            html.push_str(&format!("<br>BitTorrent {version}: <code>{hash}</code>"));
        }
    }
    html.push_str("</p>");
    html
}

/// `sea-ice` becomes `#SeaIce`: hashtags are letters, digits and underscores on every server.
fn hashtags(urls: &Urls, tags: &[String]) -> Vec<Hashtag> {
    let mut hashtags: Vec<Hashtag> = Vec::new();
    for tag in tags {
        let Some(name) = hashtag(tag) else { continue };
        if hashtags.len() < TAGS
            && !hashtags
                .iter()
                .any(|known| known.name.eq_ignore_ascii_case(&name))
        {
            hashtags.push(Hashtag {
                kind: "Hashtag",
                name,
                href: urls.tag(tag),
            });
        }
    }
    hashtags
}

fn hashtag(tag: &str) -> Option<String> {
    let words: Vec<&str> = tag
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let name = match words.as_slice() {
        [one] => (*one).to_owned(),
        several => several.iter().map(|word| capital(word)).collect(),
    };
    let usable =
        !name.is_empty() && name.chars().count() <= 64 && !name.chars().all(|c| c.is_numeric() || c == '_');
    usable.then(|| format!("#{name}"))
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

fn anchor(tag: &Hashtag) -> String {
    let text = escape(tag.name.trim_start_matches('#'));
    format!(
        "<a href=\"{}\" class=\"mention hashtag\" rel=\"tag\">#<span>{text}</span></a>",
        escape(&tag.href)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_hashtags_that_every_server_reads() {
        for (tag, name) in [
            ("climate", Some("#climate")),
            ("sea-ice", Some("#SeaIce")),
            ("noaa gov", Some("#NoaaGov")),
            ("海氷", Some("#海氷")),
            ("2024", None),
            ("-", None),
            ("", None),
            ("c++", Some("#c")),
            ("a_b", Some("#a_b")),
        ] {
            assert_eq!(hashtag(tag).as_deref(), name, "{tag}");
        }
        let urls = Urls::new(&url::Url::parse("https://a.example").expect("a URL"));
        let tags = hashtags(&urls, &["Ice".to_owned(), "ice".to_owned(), "sea ice".to_owned()]);
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[1].href, "https://a.example/tags/sea%20ice");
    }
}
