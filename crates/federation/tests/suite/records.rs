//! How records read: each kind as a snapshot, and what editions say of each other. Pure: rows in, documents out.

use serde_json::{Value, json};
use shoal_federation::{
    records::{self, Edition, Member},
    time::parse_rfc3339,
    urls::Urls,
    vocab,
};
use shoal_store::{AccountRef, Dataset, DatasetRef, Id, Threat, Upload, Visibility};
use shoal_torrent::Format;
use url::Url;

const ALICE: &str = "https://a.example/accounts/alice";
const TIDES: &str = "https://a.example/collections/tides";

pub(crate) fn urls() -> Urls {
    Urls::new(&Url::parse("https://a.example").expect("a URL"))
}

fn at(time: &str) -> i64 {
    parse_rfc3339(time).expect("a time")
}

/// `https://a.example/objects/{uuid}`, by a digit.
fn object(digit: char) -> String {
    urls().object(id(digit))
}

fn id(digit: char) -> Id {
    let uuid = format!("01900000-0000-7000-8000-00000000000{digit}");
    uuid.parse().expect("an id")
}

fn account() -> AccountRef {
    AccountRef {
        id: id('a'),
        name: "alice".to_owned(),
    }
}

fn dataset() -> Dataset {
    Dataset {
        id: id('d'),
        slug: "tide-gauges".to_owned(),
        title: "Tide gauges <1900–2025>".to_owned(),
        publisher: "Office of Tides".to_owned(),
        homepage: "https://tides.example/data".to_owned(),
        licence: "CC0-1.0".to_owned(),
        description: "Hourly *water levels*.".to_owned(),
        threat: Threat::Endangered,
        tags: vec!["ocean".to_owned(), "sea-level".to_owned()],
        account: account(),
        created_at: 0,
        updated_at: 0,
        state: Visibility::Visible,
        upload_count: 1,
        total_size: 90_000,
    }
}

pub(crate) fn upload() -> Upload {
    Upload {
        id: id('e'),
        dataset: DatasetRef {
            id: id('d'),
            slug: "tide-gauges".to_owned(),
            title: "Tide gauges".to_owned(),
        },
        account: account(),
        info_hash_v1: Some(
            "3c43fb9ab878c158e9d2789202aea27cc7f15772"
                .parse()
                .expect("a hash"),
        ),
        info_hash_v2: Some("ab".repeat(32).parse().expect("a hash")),
        format: Format::Hybrid,
        name: "tides.csv".to_owned(),
        piece_length: 16_384,
        total_size: 90_000,
        file_count: 1,
        private: false,
        torrent_size: 300,
        method: "wget".to_owned(),
        description: "Complete.".to_owned(),
        trackers: vec![
            "udp://tracker.example:6969".to_owned(),
            "wss://tracker.example/".to_owned(),
        ],
        web_seeds: vec!["https://seed.example/".to_owned()],
        created_at: 0,
        updated_at: 0,
        state: Visibility::Visible,
        completed: 0,
    }
}

fn first<'a>(urls: &'a Urls, id: &'a str, author: &'a str) -> Edition<'a> {
    Edition::first(urls, id, author, at("2026-11-20T08:00:00Z"))
}

#[test]
fn each_kind_reads_as_written_down() {
    let urls = urls();
    let ids = ['1', '2', '3', '4'].map(object);
    let edition = |index: usize| first(&urls, &ids[index], ALICE);
    let member = Member {
        dataset: &ids[0],
        author: ALICE,
        added_by: "https://a.example/accounts/bob",
    };
    let tombstone = records::tombstone(
        &ids[0],
        "Dataset",
        at("2026-11-21T08:00:00Z"),
        Some(Value::from(vocab::CONTEXT)),
    );
    let kinds = json!({
        "dataset": records::dataset(&edition(0), &dataset()),
        "upload": records::upload(&edition(1), &upload(), &ids[0], &ids[2]),
        "torrent": records::torrent(&edition(2), &upload(), b"not a torrent"),
        "membership": records::membership(&first(&urls, &ids[3], TIDES), &member),
        "tombstone": tombstone,
    });
    insta::assert_json_snapshot!("records", kinds);
}

#[test]
fn an_edition_names_the_one_before_by_its_exact_bytes() {
    let urls = urls();
    let id = object('1');
    let former = records::dataset(&first(&urls, &id, ALICE), &dataset()).to_string();
    let next = Edition::after(&urls, &id, ALICE, &former, at("2026-11-20T09:00:00Z")).expect("a record");
    let second = records::dataset(&next, &dataset());
    assert_eq!(second["version"], 2);
    assert_eq!(second["published"], "2026-11-20T08:00:00Z");
    assert_eq!(second["updated"], "2026-11-20T09:00:00Z");
    assert_eq!(
        second["wasRevisionOf"],
        json!({ "id": format!("{id}/versions/1"), "digestMultibase": records::digest_multibase(former.as_bytes()) })
    );

    // A third within the same second is still later.
    let text = second.to_string();
    let next = Edition::after(&urls, &id, ALICE, &text, at("2026-11-20T09:00:00Z")).expect("a record");
    let third = records::dataset(&next, &dataset());
    assert_eq!(
        (&third["version"], &third["updated"]),
        (&json!(3), &json!("2026-11-20T09:00:01Z"))
    );
    assert!(records::says_the_same(&second, &third));
    let mut other = dataset();
    other.threat = Threat::Extinct;
    assert!(!records::says_the_same(&second, &records::dataset(&next, &other)));
    assert!(Edition::after(&urls, &id, ALICE, "{}", 0).is_none());
}

#[test]
fn a_digest_is_a_multihash_in_base58btc() {
    // SHA-256 of nothing.
    assert_eq!(
        records::digest_multibase(b""),
        "zQmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
    );
}

#[test]
fn what_is_empty_is_left_out_and_private_torrents_have_no_magnet_links() {
    let urls = urls();
    let id = object('1');
    let mut bare = dataset();
    for text in [
        &mut bare.publisher,
        &mut bare.homepage,
        &mut bare.licence,
        &mut bare.description,
    ] {
        text.clear();
    }
    bare.tags.clear();
    let record = records::dataset(&first(&urls, &id, ALICE), &bare);
    for member in [
        "publisher",
        "landingPage",
        "license",
        "description",
        "keyword",
        "updated",
        "wasRevisionOf",
    ] {
        assert!(record.get(member).is_none(), "{member}");
    }
    let mut private = upload();
    private.private = true;
    assert_eq!(records::magnet(&urls, &private), None);
    let record = records::torrent(&first(&urls, &id, ALICE), &private, b"de").to_string();
    assert!(
        !record.contains("magnet:") && !record.contains("a.example/announce"),
        "{record}"
    );
    assert!(record.contains(&private.trackers[0]), "{record}");
}
