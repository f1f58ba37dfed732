//! Our vocabulary, as one table: what each word means to people, and which identifier stands for it. The context at
//! `{server}/ns`, the page at the same address and the context of posts are all made of it, so they cannot disagree. The
//! identifiers do not depend on the server: the same word is the same thing everywhere. Which documents use the words:
//! `record.rs` and `note.rs`.

use serde_json::{Map, Value, json};

/// Where the words live that nobody else has; each is this and its name.
pub const OWN: &str = "urn:shoal:ns:";
/// The context of FEP-d8c8, as its examples name it; never fetched, [`torrent_context`] is what it says.
pub const TORRENT_CONTEXT: &str = "https://w3id.org/fep/d8c8";
/// The namespace of the words of FEP-d8c8.
pub const TORRENT_NS: &str = "https://w3id.org/fep/d8c8#";

/// What stands under a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It is a type, not a member.
    Type,
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// The address of something.
    Link,
    /// Any number of texts.
    Texts,
}

impl Holds {
    /// The same for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Type => "a type",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Link => "an address",
            Self::Texts => "a list of texts",
        }
    }
}

/// What a word is about; the page explains them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The types.
    Kinds,
    /// Datasets.
    Datasets,
    /// Uploads.
    Uploads,
    /// Datasets in collections.
    Memberships,
    /// Editions of a record.
    Editions,
    /// What posts say for programs.
    Posts,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Kinds,
        Self::Datasets,
        Self::Uploads,
        Self::Memberships,
        Self::Editions,
        Self::Posts,
    ];

    /// Its words, in order.
    pub fn terms(self) -> impl Iterator<Item = &'static Term> {
        TERMS.iter().filter(move |term| term.part == self)
    }
}

/// One word of the vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    /// What it is about.
    pub part: Part,
    /// As documents write it.
    pub name: &'static str,
    /// What it stands for.
    pub iri: &'static str,
    /// What stands under it.
    pub holds: Holds,
    /// Whether posts use it too, not only records.
    pub in_posts: bool,
    /// What it says, for people.
    pub meaning: &'static str,
}

const fn term(
    part: Part,
    name: &'static str,
    iri: &'static str,
    holds: Holds,
    meaning: &'static str,
) -> Term {
    Term {
        part,
        name,
        iri,
        holds,
        in_posts: matches!(part, Part::Posts),
        meaning,
    }
}

/// The same, for a word that posts use too.
const fn in_posts(term: Term) -> Term {
    Term {
        in_posts: true,
        ..term
    }
}

/// Every word.
pub const TERMS: [Term; 24] = [
    term(
        Part::Kinds,
        "Dataset",
        "http://www.w3.org/ns/dcat#Dataset",
        Holds::Type,
        "A body of public information: its title, where it comes from, who published it, how much in danger it is. Described over time, edited under the same address.",
    ),
    term(
        Part::Kinds,
        "Upload",
        "http://www.w3.org/ns/dcat#Distribution",
        Holds::Type,
        "One concrete copy of a dataset, which is exactly one torrent.",
    ),
    term(
        Part::Kinds,
        "Membership",
        "urn:shoal:ns:Membership",
        Holds::Type,
        "Says that a collection holds a dataset. Signed by the collection itself, it vouches for what an account put in.",
    ),
    term(
        Part::Datasets,
        "identifier",
        "http://purl.org/dc/terms/identifier",
        Holds::Text,
        "The dataset’s name in addresses on its server.",
    ),
    term(
        Part::Datasets,
        "description",
        "http://purl.org/dc/terms/description",
        Holds::Text,
        "What it is and why it matters, as it was written: Markdown, not HTML.",
    ),
    term(
        Part::Datasets,
        "publisher",
        "http://schema.org/publisher",
        Holds::Text,
        "Who published the data first, as text.",
    ),
    term(
        Part::Datasets,
        "landingPage",
        "http://www.w3.org/ns/dcat#landingPage",
        Holds::Link,
        "Where the dataset is, or was, on the web.",
    ),
    term(
        Part::Datasets,
        "license",
        "http://schema.org/license",
        Holds::Text,
        "Under which terms the data may be used, as text.",
    ),
    term(
        Part::Datasets,
        "keyword",
        "http://www.w3.org/ns/dcat#keyword",
        Holds::Texts,
        "Words to find it by.",
    ),
    in_posts(term(
        Part::Datasets,
        "threat",
        "urn:shoal:ns:threat",
        Holds::Text,
        "How much in danger the source is. One word of six: unknown (nobody looked yet), indefinite (in danger at some time, as everything is), watchlist (signs of danger), endangered (likely to go soon), takedown-issued (ordered to be taken down), extinct (gone from its source).",
    )),
    in_posts(term(
        Part::Uploads,
        "dataset",
        "urn:shoal:ns:dataset",
        Holds::Link,
        "The dataset that this is about: its record in a record, its page in a post.",
    )),
    term(
        Part::Uploads,
        "method",
        "urn:shoal:ns:method",
        Holds::Text,
        "How the copy was made.",
    ),
    in_posts(term(
        Part::Uploads,
        "byteSize",
        "http://www.w3.org/ns/dcat#byteSize",
        Holds::Number,
        "Bytes of content, without padding.",
    )),
    term(
        Part::Uploads,
        "fileCount",
        "urn:shoal:ns:fileCount",
        Holds::Number,
        "How many files there are, without padding.",
    ),
    term(
        Part::Uploads,
        "torrent",
        "urn:shoal:ns:torrent",
        Holds::Link,
        "The torrent of an upload, in the short form of FEP-d8c8: its address and its info-hashes.",
    ),
    term(
        Part::Memberships,
        "collection",
        "urn:shoal:ns:collection",
        Holds::Link,
        "The collection that holds the dataset.",
    ),
    term(
        Part::Memberships,
        "author",
        "urn:shoal:ns:author",
        Holds::Link,
        "The account that described the dataset.",
    ),
    term(
        Part::Memberships,
        "addedBy",
        "urn:shoal:ns:addedBy",
        Holds::Link,
        "The account that put the dataset into the collection.",
    ),
    term(
        Part::Editions,
        "version",
        "http://schema.org/version",
        Holds::Number,
        "Which edition of the record this is. The first is 1; each edit adds one.",
    ),
    term(
        Part::Editions,
        "wasRevisionOf",
        "http://www.w3.org/ns/prov#wasRevisionOf",
        Holds::Link,
        "The edition before this one: the address where it is kept, and with digestMultibase the SHA-256 of its exact bytes.",
    ),
    term(
        Part::Posts,
        "record",
        "urn:shoal:ns:record",
        Holds::Link,
        "The signed record of the upload that a post is about.",
    ),
    term(
        Part::Posts,
        "upload",
        "urn:shoal:ns:upload",
        Holds::Link,
        "The page of the upload that a post is about.",
    ),
    term(
        Part::Posts,
        "infoHashV1",
        "https://w3id.org/fep/d8c8#infohash_v1",
        Holds::Text,
        "The BitTorrent v1 info-hash of the upload that a post is about: 40 hexadecimal digits.",
    ),
    term(
        Part::Posts,
        "infoHashV2",
        "https://w3id.org/fep/d8c8#infohash_v2",
        Holds::Text,
        "The BitTorrent v2 info-hash of the upload that a post is about: 64 hexadecimal digits.",
    ),
];

/// The context that records name, `{server}/ns`.
#[must_use]
pub fn context() -> Value {
    let terms: Map<String, Value> = TERMS.iter().map(definition).collect();
    json!({ "@context": terms })
}

/// The members of a post's context that are ours.
#[must_use]
pub fn post_terms() -> Map<String, Value> {
    TERMS
        .iter()
        .filter(|term| term.in_posts)
        .map(definition)
        .collect()
}

/// What FEP-d8c8 means its context to say; the one that is published is not JSON (a quote is missing, a comma too many).
#[must_use]
pub fn torrent_context() -> Value {
    let names = ["Torrent", "infohash_v1", "infohash_v2", "magnet", "bencoded"];
    let terms: Map<String, Value> = names
        .into_iter()
        .map(|name| (name.to_owned(), Value::from(format!("{TORRENT_NS}{name}"))))
        .collect();
    json!({ "@context": terms })
}

/// A word as JSON-LD 1.0 defines it.
fn definition(term: &Term) -> (String, Value) {
    let value = match term.holds {
        Holds::Type | Holds::Text | Holds::Number => Value::from(term.iri),
        Holds::Link => json!({ "@id": term.iri, "@type": "@id" }),
        Holds::Texts => json!({ "@id": term.iri, "@container": "@set" }),
    };
    (term.name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_there_once_and_ours_is_named_as_it_is_written() {
        for (index, term) in TERMS.iter().enumerate() {
            assert!(
                TERMS[index + 1..].iter().all(|other| other.name != term.name),
                "{}",
                term.name
            );
            if let Some(own) = term.iri.strip_prefix(OWN) {
                assert_eq!(own, term.name);
            }
            assert!(term.meaning.ends_with('.'), "{}", term.name);
        }
    }

    #[test]
    fn words_of_contexts_that_records_name_before_ours_are_left_alone() {
        // ActivityStreams has `name`, `url` and the like; data-integrity/v2 protects its own against being said again.
        for taken in [
            "id",
            "type",
            "proof",
            "digestMultibase",
            "name",
            "url",
            "to",
            "published",
            "updated",
            "attributedTo",
            "Torrent",
            "magnet",
            "bencoded",
        ] {
            assert!(TERMS.iter().all(|term| term.name != taken), "{taken}");
        }
    }
}
