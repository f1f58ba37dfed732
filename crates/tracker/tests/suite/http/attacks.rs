//! What strangers try over HTTP, one after the other through a real socket: section G of `docs/attacks.md`. What the core
//! makes of it is tested more widely in `attacks.rs` above.

use shoal_tracker::http::{HttpSettings, MAX_HEAD};
use shoal_tracker::{Mode, Pass, Settings, SwarmKey, SwarmKeys, Tracker};

use super::{Client, Door};
use crate::cases::{self, HASHES, TOLERATED};

/// A door behind a proxy that tells where clients are.
fn behind_a_proxy(tracker: Tracker) -> Door {
    Door::of(
        tracker,
        HttpSettings {
            trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
            ..HttpSettings::new(1)
        },
    )
}

/// A tracker that takes any torrent, with the limits of the core.
fn open() -> Tracker {
    Tracker::new(Settings {
        mode: Mode::Open,
        ..Settings::new(1)
    })
}

/// A tracker that serves the torrents of the cases.
fn listed() -> Tracker {
    let tracker = Tracker::new(Settings::new(1));
    for hash in HASHES {
        tracker.list(SwarmKeys::from(hash.parse::<SwarmKey>().expect("a hash")));
    }
    tracker
}

/// What a client at an address is answered to an announce of the torrent `a…`, with these words at the end.
fn from(client: &mut Client, ip: &str, port: u16, words: &str) -> String {
    let answer = client.ask(format!(
        "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port={port}&numwant=200{words} HTTP/1.1\r\n\
        X-Forwarded-For: {ip}\r\n\r\n"
    ));
    assert_eq!(answer.status, 200);
    answer.text()
}

/// The torrent of `from`.
fn torrent() -> SwarmKeys {
    SwarmKey::new([b'a'; 20]).into()
}

#[test]
fn a_flood_of_hashes_leaves_nothing_behind_or_little() {
    let few = Settings {
        mode: Mode::Open,
        max_torrents: 100,
        ..Settings::new(1)
    };
    for (tracker, most, sentence) in [
        (listed(), 4, "is not listed"),
        (Tracker::new(few), 100, "is full"),
    ] {
        let door = Door::of(tracker, HttpSettings::new(1));
        let mut client = door.connect();
        for n in 0..2000 {
            let request = format!(
                "GET /announce?info_hash={n:020}&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left=1 HTTP/1.1\r\n\r\n"
            );
            let answer = client.ask(request);
            assert_eq!(answer.status, 200);
            if n >= 100 {
                assert!(answer.text().contains(sentence), "{}", answer.text());
            }
        }
        assert_eq!(door.tracker.totals().known, most);
    }
}

#[test]
fn addresses_in_the_query_are_never_believed() {
    let door = behind_a_proxy(open());
    let mut client = door.connect();
    let words = "&ip=9.9.9.9&ipv4=9.9.9.9%3A80&ipv6=%5B2606%3A%3A9%5D%3A80&peer_addr=9.9.9.9";
    from(&mut client, "8.0.0.1", 7, words);
    let told = from(&mut client, "8.0.0.2", 7, words);
    assert!(told.contains(r"5:peers6:\x08\x00\x00\x01\x00\x07e"), "{told}");
}

#[test]
fn addresses_that_are_not_public_are_kept_from_the_public() {
    let door = behind_a_proxy(open());
    let mut client = door.connect();
    for ip in [
        "127.0.0.1",
        "10.0.0.1",
        "224.0.0.1",
        "192.0.2.1",
        "fe80::1",
        "fd00::1",
        "2001:db8::1",
        "::",
    ] {
        from(&mut client, ip, 7, "");
    }
    let told = from(&mut client, "8.0.0.1", 7, "");
    assert!(told.contains("5:peers0:e"), "{told}");
    let told = from(&mut client, "10.0.0.2", 7, "");
    assert!(
        told.contains("6:peers6"),
        "the local network sees its own: {told}"
    );
}

#[test]
fn announces_of_the_corpora_are_served_refused_or_tolerated() {
    let Some(cases) = cases::cases() else { return };
    let mut count = 0;
    for (part, name, query) in ["accept", "refuse_or_tolerate"]
        .into_iter()
        .flat_map(|part| cases::all(&cases, part).map(move |(name, query)| (part, name, query)))
    {
        let door = Door::of(listed(), HttpSettings::new(1));
        let mut request = b"GET /announce?".to_vec();
        request.extend_from_slice(query);
        request.extend_from_slice(b" HTTP/1.1\r\nHost: t\r\n\r\n");
        let is_too_long = request.len() > MAX_HEAD;
        let answer = door.connect().ask(request);
        count += 1;
        if is_too_long {
            assert_eq!(answer.status, 431, "{name}");
            continue;
        }
        let is_served = part == "accept" || TOLERATED.contains(&name);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(
            answer.text().contains("5:peers"),
            is_served,
            "{name}: {}",
            answer.text()
        );
        assert_eq!(answer.text().contains("14:failure reason"), !is_served, "{name}");
    }
    assert_eq!(count, 40);
}

#[test]
fn scrapes_of_the_corpora_are_bounded() {
    let Some(cases) = cases::cases() else { return };
    let door = Door::of(listed(), HttpSettings::new(1));
    for (name, query) in cases::all(&cases, "scrape") {
        let mut request = b"GET /scrape?".to_vec();
        request.extend_from_slice(query);
        request.extend_from_slice(b" HTTP/1.1\r\n\r\n");
        let is_too_long = request.len() > MAX_HEAD;
        let answer = door.connect().ask(request);
        assert_eq!(answer.status, if is_too_long { 431 } else { 200 }, "{name}");
        assert!(answer.body.len() < 20_000, "{name}");
        if query.is_empty() {
            assert!(
                answer.text().contains("full scrapes are not offered"),
                "{name}: {}",
                answer.text()
            );
        }
    }
}

#[test]
fn forged_amounts_change_nothing_but_the_kind_of_peer() {
    let door = behind_a_proxy(open());
    let mut client = door.connect();
    for left in [
        "-1",
        "-9223372036854775809",
        "18446744073709551615",
        "99999999999999999999999999",
        "1",
        "",
    ] {
        let told = from(
            &mut client,
            "8.0.0.1",
            7,
            &format!("&left={left}&uploaded=-1&downloaded=1e99"),
        );
        assert!(
            told.contains("8:completei0e") && told.contains("10:incompletei1e"),
            "{left}: {told}"
        );
    }
}

#[test]
fn one_address_has_a_bounded_part_of_a_swarm() {
    let door = behind_a_proxy(open());
    let mut client = door.connect();
    let warned = (1..=10_000)
        .filter(|port| from(&mut client, "8.0.0.1", *port, "").contains("15:warning message"))
        .count();
    assert_eq!(
        (warned, door.tracker.counts(torrent()).incomplete),
        (10_000 - 64, 64)
    );
    let told = from(&mut client, "8.0.0.2", 7, "");
    assert!(
        !told.contains("15:warning message"),
        "others are not concerned: {told}"
    );
}

#[test]
fn announcing_all_the_time_is_answered_and_changes_nothing() {
    let door = behind_a_proxy(open());
    let mut client = door.connect();
    for _ in 0..500 {
        let told = from(&mut client, "8.0.0.1", 7, "&left=1");
        assert!(
            told.contains("12:min intervali300e") && told.contains("10:incompletei1e"),
            "{told}"
        );
    }
}

#[test]
fn who_asks_too_often_is_refused_and_others_are_not() {
    let door = behind_a_proxy(Tracker::new(Settings {
        mode: Mode::Open,
        requests_per_second_per_address: 5,
        ..Settings::new(1)
    }));
    let mut client = door.connect();
    // All in one second, by the clock of this test.
    let refused = (0..2000).filter(|_| from(&mut client, "8.0.0.1", 7, "").contains("too many requests"));
    assert!(refused.count() > 1000);
    let told = from(&mut client, "9.0.0.1", 7, "");
    assert!(
        told.contains("5:peers"),
        "over the same connection of the proxy: {told}"
    );
}

#[test]
fn nobody_stops_for_another_and_a_download_is_counted_once() {
    let door = behind_a_proxy(open());
    let mut client = door.connect();
    from(&mut client, "8.0.0.1", 7, "&left=1");
    from(&mut client, "8.0.0.2", 7, "&left=1&event=stopped");
    from(&mut client, "8.0.0.1", 8, "&left=1&event=stopped");
    assert_eq!(door.tracker.counts(torrent()).incomplete, 1);
    for _ in 0..10 {
        from(&mut client, "8.0.0.1", 7, "&left=0&event=completed");
        from(&mut client, "8.0.0.1", 7, "&left=0&event=stopped");
    }
    assert_eq!(door.tracker.counts(torrent()).completed, 1);
}

#[test]
fn private_torrents_are_for_valid_keys_and_no_answer_tells_a_key() {
    let tracker = Tracker::new(Settings::new(1));
    tracker.list_private(torrent());
    let (good, bad) = (Pass::new([7; 16]), Pass::new([8; 16]));
    tracker.admit_pass(good.hash());
    let door = Door::of(tracker, HttpSettings::new(1));
    let words = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left=1&compact=0";
    let mut client = door.connect();
    for (key, is_valid) in [
        (Some(good), true),
        (Some(good), true),
        (Some(bad), false),
        (None, false),
    ] {
        let key = key.map(|key| format!("/{}", key.reveal())).unwrap_or_default();
        let announced = client.ask(format!("GET /announce{key}?{words} HTTP/1.1\r\n\r\n"));
        assert_eq!(
            announced.text().contains("5:peers"),
            is_valid,
            "{}",
            announced.text()
        );
        let scraped = client.ask(format!("GET /scrape{key}?{words} HTTP/1.1\r\n\r\n"));
        assert_eq!(
            scraped.text().contains("10:incompletei1e"),
            is_valid,
            "{}",
            scraped.text()
        );
        for answer in [announced, scraped] {
            let all = format!("{}{}", answer.head, answer.text());
            assert!(
                answer.status == 200 && (key.is_empty() || !all.contains(&key[1..])),
                "{all}"
            );
        }
    }
    assert_eq!(door.tracker.counts(torrent()).incomplete, 1);
}
