//! Full-text search over titles, descriptions, tags and file names: FTS5 on SQLite, `tsvector` on PostgreSQL, both over
//! the same words, which `words.rs` makes. Next: the pages and feeds of the server.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use crate::collections::Collection;
use crate::connection::{Db, each};
use crate::datasets::Dataset;
use crate::paging::{cursor, whole};
use crate::schema::search_texts;
use crate::uploads::Upload;
use crate::{Id, Page, Paging, Store, StoreError, collections, datasets, uploads, words};

/// Words of a query at most; further ones are not looked at.
const MOST_WORDS: usize = 16;
/// How deep a list of hits goes.
const DEEPEST: i64 = 1000;
/// Characters of a snippet.
const SNIPPET: usize = 200;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HitKind {
    /// A dataset; its name is the slug.
    Dataset,
    /// An upload; its name is the id.
    Upload,
    /// A collection; its name is the name.
    Collection,
}

impl HitKind {
    /// The word for it in addresses and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Upload => "upload",
            Self::Collection => "collection",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Dataset, Self::Upload, Self::Collection]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    /// As people type it: every word must be there, the beginning of a word is enough, words joined by a mark must
    /// follow each other. An info-hash finds its upload.
    pub q: String,
    /// Only this kind.
    pub kind: Option<HitKind>,
    /// Which part of the hits; at most 1,000 can be seen.
    pub paging: Paging,
}

/// A thing that was found, and is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// Its id.
    pub id: Id,
    /// Its part of the address.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Some of its description, around the first word found in it.
    pub snippet: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    subject_id: Id,
    #[diesel(sql_type = Text)]
    kind: String,
}

impl Store {
    /// Searches. A query without any word finds nothing.
    ///
    /// # Errors
    /// `Invalid` for a foreign cursor.
    pub fn search(&self, query: &SearchQuery) -> Result<Page<Hit>, StoreError> {
        let phrases = phrases(&query.q);
        if phrases.is_empty() {
            return Ok(Page {
                items: Vec::new(),
                next: None,
            });
        }
        let offset = match query.paging.after::<1>()? {
            Some([offset]) => whole(&offset)?.clamp(0, DEEPEST),
            None => 0,
        };
        let limit = query.paging.bounded();
        self.read(|db| {
            let mut found = find(db, &phrases, query.kind, (limit + 1, offset))?;
            let more =
                i64::try_from(found.len()).is_ok_and(|count| count > limit) && offset + limit < DEEPEST;
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let items = found
                .into_iter()
                .map(|found| hit(db, &found, &phrases))
                .collect::<Result<_, _>>()?;
            let next = more.then(|| cursor(&[(offset + limit).to_string()]));
            Ok(Page { items, next })
        })
    }
}

/// The words that belong together, for each part between spaces.
fn phrases(query: &str) -> Vec<Vec<String>> {
    let mut left = MOST_WORDS;
    let mut phrases = Vec::new();
    for part in query.chars().take(1000).collect::<String>().split_whitespace() {
        let mut phrase = words::words(part);
        phrase.truncate(left);
        left -= phrase.len();
        if !phrase.is_empty() {
            phrases.push(phrase);
        }
    }
    phrases
}

/// The query as FTS5 reads it: words in quotes, so that nothing in them is an operator.
fn for_sqlite(phrases: &[Vec<String>]) -> String {
    let parts = phrases.iter().map(|phrase| format!("\"{}\"*", phrase.join(" ")));
    parts.collect::<Vec<_>>().join(" AND ")
}

/// The query as `to_tsquery` reads it; a word has only letters and digits, so quotes need no escaping.
fn for_postgres(phrases: &[Vec<String>]) -> String {
    let parts = phrases.iter().map(|phrase| {
        let words = phrase.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>();
        format!("({}:*)", words.join(" <-> "))
    });
    parts.collect::<Vec<_>>().join(" & ")
}

fn find(
    db: &mut Db,
    phrases: &[Vec<String>],
    kind: Option<HitKind>,
    (limit, offset): (i64, i64),
) -> Result<Vec<Found>, StoreError> {
    let kind = kind.map_or("%", HitKind::word);
    let found = match db {
        Db::Sqlite(conn) => sql_query(
            "SELECT t.subject_id, t.kind FROM search_words JOIN search_texts t ON t.seq = search_words.rowid \
             WHERE search_words MATCH ? AND t.shown AND t.kind LIKE ? \
             ORDER BY bm25(search_words, 10.0, 3.0, 1.0), t.seq DESC LIMIT ? OFFSET ?",
        )
        .bind::<Text, _>(for_sqlite(phrases))
        .bind::<Text, _>(kind)
        .bind::<BigInt, _>(limit)
        .bind::<BigInt, _>(offset)
        .load(conn)?,
        Db::Postgres(conn) => sql_query(
            "SELECT subject_id, kind FROM search_texts, to_tsquery('simple', $1) query \
             WHERE words @@ query AND shown AND kind LIKE $2 \
             ORDER BY ts_rank('{0.1, 0.1, 0.3, 1.0}', words, query) DESC, seq DESC LIMIT $3 OFFSET $4",
        )
        .bind::<Text, _>(for_postgres(phrases))
        .bind::<Text, _>(kind)
        .bind::<BigInt, _>(limit)
        .bind::<BigInt, _>(offset)
        .load(conn)?,
    };
    Ok(found)
}

fn hit(db: &mut Db, found: &Found, phrases: &[Vec<String>]) -> Result<Hit, StoreError> {
    let id = found.subject_id;
    let (kind, name, title, text) = match found.kind.as_str() {
        "dataset" => {
            let dataset = datasets::by_id(db, id)?;
            (HitKind::Dataset, dataset.slug, dataset.title, dataset.description)
        }
        "collection" => {
            let collection = collections::by_id(db, id)?;
            (
                HitKind::Collection,
                collection.name,
                collection.title,
                collection.summary,
            )
        }
        _ => {
            let upload = uploads::by_id(db, id)?;
            let text = if upload.description.is_empty() {
                upload.dataset.title
            } else {
                upload.description
            };
            (HitKind::Upload, id.to_string(), upload.name, text)
        }
    };
    Ok(Hit {
        kind,
        id,
        name,
        title,
        snippet: snippet(&text, phrases),
    })
}

/// Some of a text on one line, from a little before the first line that has a word that was searched for.
fn snippet(text: &str, phrases: &[Vec<String>]) -> String {
    let has = |part: &&str| {
        let words = words::words(part);
        phrases
            .iter()
            .flatten()
            .any(|wanted| words.iter().any(|word| word.starts_with(wanted.as_str())))
    };
    let parts: Vec<&str> = text.split_whitespace().collect();
    let first = parts.iter().position(has).unwrap_or(0).saturating_sub(5);
    let mut snippet = String::from(if first > 0 { "…" } else { "" });
    let whole = parts[first..].join(" ");
    snippet.extend(whole.chars().take(SNIPPET));
    if whole.chars().nth(SNIPPET).is_some() {
        snippet.push('…');
    }
    snippet
}

/// The words of an upload's file names.
pub(crate) fn file_words<'a>(paths: impl IntoIterator<Item = &'a str>) -> String {
    words::joined(paths)
}

/// Makes a dataset searchable by its words as they are now.
pub(crate) fn index_dataset(db: &mut Db, dataset: &Dataset) -> Result<(), StoreError> {
    let tags = dataset.tags.join(" ");
    let body = [
        &dataset.slug,
        &tags,
        &dataset.publisher,
        &dataset.homepage,
        &dataset.description,
    ];
    let body = words::joined(body.map(String::as_str));
    index(
        db,
        dataset.id,
        HitKind::Dataset,
        [&words::joined([dataset.title.as_str()]), &body],
        Some(""),
    )
}

/// Makes an upload searchable; `files` are the words of its file names, `None` to leave them.
pub(crate) fn index_upload(db: &mut Db, upload: &Upload, files: Option<&str>) -> Result<(), StoreError> {
    let hashes = [
        upload.info_hash_v1.map(|hash| hash.to_string()),
        upload.info_hash_v2.map(|hash| hash.to_string()),
    ];
    let body = hashes
        .iter()
        .flatten()
        .chain([&upload.method, &upload.description])
        .map(String::as_str);
    let body = words::joined(body);
    index(
        db,
        upload.id,
        HitKind::Upload,
        [&words::joined([upload.name.as_str()]), &body],
        files,
    )
}

/// Makes a collection searchable.
pub(crate) fn index_collection(db: &mut Db, collection: &Collection) -> Result<(), StoreError> {
    let title = words::joined([collection.title.as_str(), collection.name.as_str()]);
    let body = words::joined([collection.summary.as_str()]);
    index(db, collection.id, HitKind::Collection, [&title, &body], Some(""))
}

/// Shows things in the search or keeps them out of it.
pub(crate) fn show(db: &mut Db, subjects: &[Id], shown: bool) -> Result<(), StoreError> {
    let rows = search_texts::table.filter(search_texts::subject_id.eq_any(subjects));
    diesel::update(rows)
        .set(search_texts::shown.eq(shown))
        .execute(db)?;
    Ok(())
}

fn index(
    db: &mut Db,
    subject: Id,
    kind: HitKind,
    [title, body]: [&str; 2],
    files: Option<&str>,
) -> Result<(), StoreError> {
    let row = (
        search_texts::subject_id.eq(subject),
        search_texts::kind.eq(kind.word()),
        search_texts::shown.eq(true),
        search_texts::title.eq(title),
        search_texts::body.eq(body),
        search_texts::files.eq(files.unwrap_or_default()),
    );
    each!(&mut *db, conn => diesel::insert_into(search_texts::table)
        .values(row)
        .on_conflict(search_texts::subject_id)
        .do_update()
        .set((search_texts::title.eq(title), search_texts::body.eq(body)))
        .execute(conn))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_words_and_never_operators() {
        let query = phrases("foo-bar: * OR \"NEAR(x)\" 気候");
        assert_eq!(
            for_sqlite(&query),
            "\"foo bar\"* AND \"or\"* AND \"near x\"* AND \"気 候\"*"
        );
        assert_eq!(
            for_postgres(&query),
            "('foo' <-> 'bar':*) & ('or':*) & ('near' <-> 'x':*) & ('気' <-> '候':*)"
        );
        assert!(phrases(" *:- ").is_empty());
        assert!(phrases(&"a-b ".repeat(500)).iter().map(Vec::len).sum::<usize>() <= MOST_WORDS);
    }

    #[test]
    fn a_snippet_begins_near_the_word_found() {
        let text = format!(
            "{}the sea level rises {}",
            "filler ".repeat(50),
            "and on ".repeat(50)
        );
        let snippet = snippet(&text, &phrases("LEV"));
        assert!(
            snippet.starts_with("…filler") && snippet.contains("sea level rises"),
            "{snippet}"
        );
        assert!(snippet.ends_with('…') && snippet.chars().count() <= SNIPPET + 2);
    }
}
