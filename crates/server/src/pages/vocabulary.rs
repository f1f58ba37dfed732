//! The words that records are written in, explained to people. The words themselves are the federation's
//! (`vocab/terms.rs`); programs that ask the same address get them as a JSON-LD context from `activitypub.rs`.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use shoal_federation::vocab::terms::{Part, TORRENT_NS, Term};

use super::frame::{Answer, Frame, render};
use crate::app::App;
use crate::auth::Visitor;

#[derive(Template)]
#[template(path = "vocabulary.html")]
pub(crate) struct VocabularyPage {
    pub(crate) frame: Frame,
    pub(crate) parts: Vec<Words>,
    pub(crate) borrowed: [Borrowed; 4],
}

/// The words about one thing.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) terms: Vec<&'static Term>,
}

/// A vocabulary of others that records use as it is.
#[derive(Clone, Debug)]
pub(crate) struct Borrowed {
    pub(crate) name: &'static str,
    pub(crate) href: &'static str,
    pub(crate) words: &'static str,
}

/// What each word means.
pub(crate) async fn vocabulary(app: web::Data<App>, visitor: Visitor) -> Answer {
    let frame = Frame::new(&app, &visitor, "/ns", "The words of our records")
        .about("What each word in the signed records of this archive means, and the identifier behind it.");
    let page = VocabularyPage {
        frame,
        parts: parts(),
        borrowed: borrowed(),
    };
    render(StatusCode::OK, &page)
}

/// Every word, by what it is about.
pub(crate) fn parts() -> Vec<Words> {
    let words = |part: Part| {
        let (id, title) = match part {
            Part::Kinds => ("kinds", "What a record can be"),
            Part::Datasets => ("about-datasets", "About a dataset"),
            Part::Uploads => ("about-uploads", "About an upload"),
            Part::Memberships => ("about-memberships", "About a dataset in a collection"),
            Part::Editions => ("editions", "About editions"),
            Part::Posts => ("posts", "In posts"),
        };
        Words {
            id,
            title,
            terms: part.terms().collect(),
        }
    };
    Part::ALL.into_iter().map(words).collect()
}

/// What records say in the words of others.
pub(crate) fn borrowed() -> [Borrowed; 4] {
    let from = |name, href, words| Borrowed { name, href, words };
    [
        from(
            "ActivityStreams",
            "https://www.w3.org/TR/activitystreams-vocabulary/",
            "name, url, attributedTo, to, published and updated. A removed record becomes a Tombstone, which says what it was (formerType) and when it went (deleted).",
        ),
        from(
            "Data Integrity",
            "https://www.w3.org/TR/vc-data-integrity/",
            "proof, the signature of whom a record is attributed to, and digestMultibase, the digest of a former edition.",
        ),
        from(
            "FEP-d8c8",
            TORRENT_NS,
            "Torrent, infohash_v1, infohash_v2, magnet and bencoded. What stands beside them in a Torrent is its metainfo, in the words of BitTorrent.",
        ),
        from(
            "FEP-844e",
            "https://codeberg.org/fediverse/fep/src/branch/main/fep/844e/fep-844e.md",
            "implements, by which servers say that they understand records; they name urn:shoal:records.",
        ),
    ]
}
