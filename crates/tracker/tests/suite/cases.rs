//! Queries of real clients and malformed ones from the corpora beside the checkout, when they are there: what is
//! expected of each is kept here by its name, and a case that is not known here fails.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use shoal_tracker::wire::http::{parse_announce, parse_scrape, write_announce, write_failure, write_scrape};
use shoal_tracker::{Settings, SwarmKeys};

use super::{Sea, told};

/// The hashes that the cases name, two of them with many spellings.
pub(super) const HASHES: [&str; 4] = [
    "3b245504cf5f11bbdbe1201cea6a6bf45aee1bc0",
    "040b6b563f5c7214a6b798ad43c3c92e402400b9",
    "95e04d0c4bad94ab206efa884666fd89777dbe4f",
    "9c38422213e30bff212b30c360d26f9a02136422",
];

/// Malformed queries that are answered as if the fault were not there.
pub(super) const TOLERATED: [&str; 9] = [
    "port 0",
    "uploaded -1",
    "downloaded 1.1",
    "event unknown",
    "compact=-1",
    "numwant=-1",
    "numwant=1e9",
    "param a=b=c",
    "null byte",
];

pub(super) fn cases() -> Option<Value> {
    of("http_announce")
}

/// The cases of a name, if the corpora are there.
pub(super) fn of(name: &str) -> Option<Value> {
    let folder = std::env::var("SHOAL_CORPORA").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let text = fs::read_to_string(folder.join(format!("vectors/tracker/{name}.json")));
    if text.is_err() {
        eprintln!("skipped: no corpora at {}", folder.display());
    }
    Some(serde_json::from_str(&text.ok()?).expect("the cases are JSON"))
}

fn sea() -> Sea {
    let sea = Sea::new(Settings::new(1));
    for hash in HASHES {
        sea.tracker.list(SwarmKeys::from(
            hash.parse::<shoal_tracker::SwarmKey>().expect("a hash"),
        ));
    }
    sea
}

pub(super) fn all<'a>(cases: &'a Value, part: &str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    let text = |case: &'a Value, field: &str| case[field].as_str().expect("a case has a name and a query");
    let cases = cases[part].as_array().expect("the part is there").iter();
    cases.map(move |case| (text(case, "name"), text(case, "query").as_bytes()))
}

/// The whole answer to an announce.
fn answer(sea: &mut Sea, query: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let asked =
        parse_announce(query).and_then(|request| sea.ask("8.8.4.4".parse().expect("an address"), &request));
    match asked {
        Ok(()) => write_announce(&sea.reply, &mut out),
        Err(refusal) => write_failure(&refusal, &mut out),
    }
    out
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn announces_of_real_clients_are_served() {
    let Some(cases) = cases() else { return };
    let mut count = 0;
    for (name, query) in all(&cases, "accept") {
        let mut sea = sea();
        let answer = answer(&mut sea, query);
        assert!(
            contains(&answer, "8:interval") && contains(&answer, "5:peers"),
            "{name}: {}",
            answer.escape_ascii()
        );
        assert!(!contains(&answer, "failure reason"), "{name}");
        let is_seeder = contains(query, "left=0") && !contains(query, "event=stopped");
        assert_eq!(sea.reply.counts.complete, u32::from(is_seeder), "{name}");
        let request = parse_announce(query).expect("it was read before");
        sea.ask("8.8.8.8".parse().expect("an address"), &request)
            .expect("it was served before");
        assert!(
            told(&sea.reply)
                .iter()
                .all(|peer| peer.ip().to_string() == "8.8.4.4"),
            "{name}"
        );
        count += 1;
    }
    assert_eq!(count, 15);
}

#[test]
fn malformed_announces_are_refused_with_a_reason_or_tolerated() {
    let Some(cases) = cases() else { return };
    let mut count = 0;
    for (name, query) in all(&cases, "refuse_or_tolerate") {
        let mut sea = sea();
        let answer = answer(&mut sea, query);
        let is_tolerated = TOLERATED.contains(&name);
        assert_eq!(
            contains(&answer, "5:peers"),
            is_tolerated,
            "{name}: {}",
            answer.escape_ascii()
        );
        assert_eq!(contains(&answer, "14:failure reason"), !is_tolerated, "{name}");
        let stored = u64::from(is_tolerated && name != "port 0");
        assert_eq!(sea.tracker.totals().peers4, stored, "{name}");
        count += 1;
    }
    assert_eq!(count, 25);
}

#[test]
fn scrapes_are_bounded_and_name_what_is_served() {
    let Some(cases) = cases() else { return };
    let sea = sea();
    let mut found = Vec::new();
    for (name, query) in all(&cases, "scrape") {
        let (mut out, mut scraped) = (Vec::new(), Vec::new());
        match parse_scrape(query).and_then(|keys| sea.scrape(&keys)) {
            Ok(found) => {
                scraped = found;
                write_scrape(&mut scraped, &mut out);
            }
            Err(refusal) => write_failure(&refusal, &mut out),
        }
        assert!(out.len() < 20_000 && scraped.len() <= 100, "{name}");
        let torrents = scraped.iter().filter(|torrent| torrent.counts.is_some()).count();
        found.push((name, contains(&out, "14:failure reason"), torrents));
    }
    let expected = [
        ("no info_hash (full scrape)", true, 0),
        ("one", false, 1),
        ("two", false, 2),
        ("unknown torrent", false, 0),
        ("one good one bad", true, 0),
        ("1000 hashes", false, 0),
    ];
    assert_eq!(found, expected);
}
