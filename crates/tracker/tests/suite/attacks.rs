//! What strangers try on an HTTP tracker, as far as the core has to do with it. Malformed queries are in `cases.rs`.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use shoal_tracker::wire::http::{parse_announce, parse_scrape, write_announce};
use shoal_tracker::{AnnounceRequest, Event, Mode, Refusal, Settings, Warning};

use super::{MUCH, NOTHING, Sea, key, peers, told};

#[test]
fn a_flood_of_unknown_hashes_leaves_nothing_behind() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(key(0).into());
    for n in 1..=50_000 {
        let request = AnnounceRequest::new(key(n), [0; 20], 1);
        assert_eq!(
            sea.ask("8.0.0.1".parse().expect("an address"), &request),
            Err(Refusal::NotListed)
        );
    }
    let totals = sea.tracker.totals();
    assert_eq!((totals.known, totals.peers4), (1, 0));
}

#[test]
fn a_flood_of_unknown_hashes_is_bounded_where_they_are_taken_and_ages_away() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        max_torrents: 1000,
        ..Settings::new(1)
    });
    let mut refused = 0;
    for n in 1..=20_000 {
        let request = AnnounceRequest::new(key(n), [0; 20], 1);
        refused += u32::from(sea.ask("8.0.0.1".parse().expect("an address"), &request) == Err(Refusal::Full));
    }
    assert_eq!((sea.tracker.totals().known, refused), (1000, 19_000));
    sea.now += 3000;
    sea.sweep();
    assert_eq!(sea.tracker.totals().known, 0);
    sea.leech(key(77_777), "8.0.0.2:2");
}

#[test]
fn an_address_in_the_query_is_not_believed() {
    let query = b"info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left=1&ip=9.9.9.9&ipv4=9.9.9.9%3A80\
        &ipv6=%5B2606%3A%3A9%5D%3A80&peer_addr=9.9.9.9";
    let request = parse_announce(query).expect("it is well formed");
    let mut sea = Sea::open();
    sea.ask("8.0.0.1".parse().expect("an address"), &request)
        .expect("it is open");
    sea.ask("8.0.0.2".parse().expect("an address"), &request)
        .expect("it is open");
    assert_eq!(told(&sea.reply), peers(&["8.0.0.1:7"]));
}

/// Addresses of the local network, and five that belong to nobody.
const HIDDEN: [&str; 14] = [
    "127.0.0.1:1",
    "10.0.0.1:1",
    "192.168.1.1:1",
    "172.16.0.1:1",
    "169.254.0.1:1",
    "100.64.0.1:1",
    "[::1]:1",
    "[fe80::1]:1",
    "[fd00::1]:1",
    "192.0.2.1:1",
    "203.0.113.1:1",
    "198.18.0.1:1",
    "[2001:db8::1]:1",
    "240.0.0.1:1",
];

/// How many peers a client at an address is told of when it asks for all.
fn told_of_all(sea: &mut Sea, ip: &str) -> BTreeSet<SocketAddr> {
    let request = AnnounceRequest {
        numwant: Some(200),
        ..AnnounceRequest::new(key(1), [0; 20], 0)
    };
    sea.ask(ip.parse().expect("an address"), &request)
        .expect("it is open");
    told(&sea.reply)
}

#[test]
fn addresses_that_are_not_public_are_kept_from_the_public() {
    for crowd in [0, 100] {
        let mut sea = Sea::open();
        HIDDEN.iter().for_each(|at| drop(sea.leech(key(1), at)));
        let public: Vec<String> = (0..crowd).map(|n| format!("8.0.0.{n}:1")).collect();
        let public = public.iter().map(String::as_str).collect::<Vec<_>>();
        public.iter().for_each(|at| drop(sea.leech(key(1), at)));
        for at in [
            "224.0.0.1:1",
            "0.0.0.0:1",
            "255.255.255.255:1",
            "[ff02::1]:1",
            "[::]:1",
        ] {
            sea.leech(key(1), at);
        }
        assert_eq!(
            sea.counts(key(1)).1 as usize,
            HIDDEN.len() + crowd,
            "multicast addresses are nobody's"
        );
        assert_eq!(told_of_all(&mut sea, "9.9.9.9"), peers(&public));
        assert_eq!(told_of_all(&mut sea, "2606::9"), peers(&public));
        assert_eq!(told_of_all(&mut sea, "10.9.9.9").len(), HIDDEN.len() + crowd);
        let like = told_of_all(&mut sea, "192.0.2.9");
        assert_eq!(
            like.len(),
            5 + crowd,
            "a documentation address sees its like, not the local network"
        );
    }
}

#[test]
fn a_full_scrape_is_refused_and_a_long_one_cut() {
    let sea = Sea::new(Settings {
        mode: Mode::Open,
        max_scrape: 10,
        ..Settings::new(1)
    });
    assert_eq!(sea.scrape(&[]), Err(Refusal::FullScrape));
    assert_eq!(parse_scrape(b""), Err(Refusal::FullScrape));
    let many: Vec<_> = (0..1000).map(key).collect();
    assert_eq!(sea.scrape(&many).expect("it names torrents").len(), 10);
    assert_eq!(sea.tracker.totals().known, 0, "a scrape leaves nothing behind");
}

#[test]
fn forged_amounts_change_nothing_but_the_kind_of_peer() {
    let mut sea = Sea::open();
    for left in [
        "-1",
        "-9223372036854775809",
        "18446744073709551615",
        "99999999999999999999999999",
        "1",
        "",
    ] {
        let query = format!(
            "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left={left}&uploaded=-1&downloaded=1e99"
        );
        let request = parse_announce(query.as_bytes()).expect("it is tolerated");
        sea.ask("8.0.0.1".parse().expect("an address"), &request)
            .expect("it is open");
        assert_eq!(
            (sea.reply.counts.complete, sea.reply.counts.incomplete),
            (0, 1),
            "left={left}"
        );
    }
}

#[test]
fn one_address_has_a_bounded_part_of_a_swarm() {
    for honest in [0_u32, 20, 1000] {
        let mut sea = Sea::open();
        for n in 0..honest {
            sea.leech(key(1), &format!("8.1.{}.{}:1", n / 250, n % 250));
        }
        let mut warned = 0;
        for port in 1..=10_000 {
            sea.leech(key(1), &format!("8.0.0.1:{port}"));
            warned += u32::from(sea.reply.warning == Some(Warning::TooManyFromAddress));
        }
        assert_eq!(
            (sea.counts(key(1)).1, warned),
            (honest + 64, 10_000 - 64),
            "{honest} others"
        );
        for host in 1..=10_000 {
            sea.leech(key(2), &format!("[2606:0:0:1::{host:x}]:{host}"));
        }
        assert_eq!(sea.counts(key(2)).1, 64, "a network of 64 bits is one address");
        sea.leech(key(1), "8.0.0.2:1");
        assert_eq!(sea.reply.warning, None, "others are not concerned");
        sea.announce(key(1), "8.0.0.1:1", MUCH, Event::Stopped);
        sea.leech(key(1), "8.0.0.1:20000");
        assert_eq!(sea.reply.warning, None, "a place that becomes free is free");
    }
}

#[test]
fn a_client_that_announces_every_second_is_one_peer_with_valid_answers() {
    let mut sea = Sea::open();
    sea.seed(key(1), "8.0.0.1:1");
    for _ in 0..5000 {
        sea.now += 1;
        assert_eq!(sea.leech(key(1), "8.0.0.2:2"), peers(&["8.0.0.1:1"]));
        assert!(sea.reply.interval >= 1800 && sea.reply.min_interval == 300);
    }
    assert_eq!(sea.counts(key(1)), (1, 1, 0));
}

#[test]
fn nobody_stops_or_completes_for_another() {
    let mut sea = Sea::open();
    sea.leech(key(1), "8.0.0.1:1");
    sea.announce(key(1), "8.0.0.2:1", MUCH, Event::Stopped);
    sea.announce(key(1), "8.0.0.1:2", MUCH, Event::Stopped);
    assert_eq!(sea.counts(key(1)), (0, 1, 0));
}

#[test]
fn a_completed_download_is_counted_once_for_each_peer() {
    let mut sea = Sea::open();
    for _ in 0..10 {
        sea.announce(key(1), "8.0.0.1:1", NOTHING, Event::Completed);
    }
    assert_eq!(sea.counts(key(1)).2, 1);
    for _ in 0..10 {
        sea.announce(key(1), "8.0.0.1:1", NOTHING, Event::Stopped);
        sea.leech(key(1), "8.0.0.1:1");
        sea.announce(key(1), "8.0.0.1:1", NOTHING, Event::Completed);
    }
    assert_eq!(
        sea.counts(key(1)).2,
        1,
        "leaving and coming back is no new download"
    );
    sea.leech(key(1), "8.0.0.1:1");
    sea.announce(key(1), "8.0.0.1:1", NOTHING, Event::Completed);
    assert_eq!(sea.counts(key(1)).2, 1, "nor is beginning again");
    sea.seed(key(1), "8.0.0.2:1");
    sea.announce(key(1), "8.0.0.2:1", NOTHING, Event::Completed);
    assert_eq!(
        sea.counts(key(1)).2,
        1,
        "who had everything before has completed nothing"
    );
    sea.announce(key(1), "8.0.0.3:1", None, Event::Completed);
    sea.announce(key(1), "8.0.0.4:1", Some(u64::MAX), Event::Completed);
    assert_eq!(
        sea.counts(key(1)),
        (4, 0, 3),
        "who does not say what it lacks, but says that it is complete, is"
    );
    sea.announce(key(1), "8.0.0.5:1", MUCH, Event::Completed);
    sea.announce(key(1), "8.0.0.6:0", NOTHING, Event::Completed);
    assert_eq!(
        sea.counts(key(1)),
        (4, 1, 3),
        "who lacks something has not completed, who is not stored is not counted"
    );
}

#[test]
fn nothing_of_the_query_comes_back_in_an_answer() {
    let query = b"info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&passkey=SECRETSECRET&key=SECRETSECRET&compact=0";
    let request = parse_announce(query).expect("it is well formed");
    let (mut sea, mut out) = (Sea::open(), Vec::new());
    for ip in ["8.0.0.1", "8.0.0.2"] {
        sea.ask(ip.parse().expect("an address"), &request)
            .expect("it is open");
        write_announce(&sea.reply, &mut out);
    }
    let text = out.escape_ascii().to_string();
    assert!(
        text.contains("8.0.0.1") && !text.contains("SECRET") && !text.contains("bbbb"),
        "{text}"
    );
}
