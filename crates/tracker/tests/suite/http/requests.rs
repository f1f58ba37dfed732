//! What the listener says to requests of all sorts, and whom it takes for the client.

use shoal_tracker::http::{HttpSettings, MAX_HEAD};
use shoal_tracker::{Family, Outcome, Protocol, Settings, SwarmKey, Tracker};

use super::{Door, announce};

#[test]
fn announces_and_scrapes_are_answered_as_clients_expect() {
    let door = Door::usual();
    let mut client = door.connect();
    let first = client.ask(announce(7));
    assert_eq!(first.status, 200);
    assert!(
        first
            .text()
            .starts_with("d8:completei0e10:downloadedi0e11:external ip4:"),
        "{}",
        first.text()
    );
    assert!(
        first.has_header("Content-Type: text/plain") && !first.head.contains("gzip"),
        "{}",
        first.head
    );
    assert!(
        !first.head.contains("Connection"),
        "HTTP/1.1 goes on without a word: {}",
        first.head
    );
    let second = client.ask(announce(8));
    assert!(
        second.text().contains(r"5:peers6:\x7f\x00\x00\x01\x00\x07"),
        "{}",
        second.text()
    );
    let scrape = client.ask("GET /scrape?info_hash=aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n");
    assert!(
        scrape
            .text()
            .contains("20:aaaaaaaaaaaaaaaaaaaad8:completei0e10:downloadedi0e11:downloadersi2e")
    );
    let refused = client.ask("GET /scrape HTTP/1.1\r\n\r\n");
    assert!(
        refused.status == 200 && refused.text().contains("full scrapes are not offered"),
        "{}",
        refused.text()
    );
    // Times are counted when answers are on their way.
    door.turn();
    let figures = door.tracker.figures();
    let count = |outcome| figures.count(Protocol::Http, Family::Four, outcome);
    assert_eq!(
        (
            count(Outcome::Announced),
            count(Outcome::Scraped),
            count(Outcome::Malformed)
        ),
        (2, 1, 1)
    );
    assert_eq!(figures.times(Protocol::Http).count(), 4);
}

#[test]
fn a_hash_may_come_as_raw_bytes() {
    let door = Door::usual();
    let mut request = b"GET /announce?info_hash=".to_vec();
    request.extend((0..20).map(|n| 0xf0 ^ n));
    request.extend_from_slice(b"&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7 HTTP/1.1\r\n\r\n");
    assert_eq!(door.connect().ask(request).status, 200);
    let key: [u8; 20] = std::array::from_fn(|n| 0xf0 ^ n as u8);
    assert_eq!(door.tracker.counts(SwarmKey::new(key).into()).incomplete, 1);
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let door = Door::usual();
    let mut client = door.connect();
    client.send(announce(7).replace("GET", "HEAD"));
    let head = client.answer_with(false);
    assert!(
        head.status == 200 && !head.has_header("Content-Length: 0"),
        "{}",
        head.head
    );
    assert_eq!(
        client.ask("GET / HTTP/1.1\r\n\r\n").status,
        404,
        "no body came between"
    );
}

#[test]
fn everything_else_is_told_where_to_go() {
    let door = Door::usual();
    let cases = [
        (
            "GET / HTTP/1.1\r\n\r\n",
            404,
            "nothing here but /announce and /scrape; pages",
        ),
        ("GET /announcement HTTP/1.1\r\n\r\n", 404, "nothing here"),
        (
            "GET /announce/nokey?info_hash=a HTTP/1.1\r\n\r\n",
            200,
            "14:failure reason",
        ),
        ("OPTIONS * HTTP/1.1\r\n\r\n", 405, "with GET"),
        ("POST /announce HTTP/1.1\r\n\r\n", 405, "with GET"),
        (
            "GET /announce HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            400,
            "WebSockets are not taken on this port; pages and WebSockets are on",
        ),
    ];
    let mut client = door.connect();
    for (request, status, sentence) in cases {
        let answer = client.ask(request);
        assert_eq!(answer.status, status, "{request}");
        assert!(answer.text().contains(sentence), "{request}: {}", answer.text());
        assert_eq!(
            answer.head.contains("Allow: GET, HEAD"),
            status == 405,
            "{request}"
        );
    }
}

#[test]
fn what_is_no_request_is_told_so_and_the_connection_ends() {
    let door = Door::usual();
    let long = format!("GET /announce?{} HTTP/1.1\r\n\r\n", "a".repeat(MAX_HEAD));
    let cases = [
        ("GET / HTTP/1.1\n\n", 400, "a line must end with CR and LF"),
        ("\x16\x03\x01\x02\n\r\n", 400, "CR and LF"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "HTTP/1.1"),
        (
            "POST /announce HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde",
            413,
            "no body",
        ),
        (
            "GET /announce HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            413,
            "no body",
        ),
        (&long, 431, "16384 bytes"),
    ];
    for (request, status, sentence) in cases {
        let mut client = door.connect();
        let answer = client.ask(format!("{request}GET / HTTP/1.1\r\n\r\n"));
        assert_eq!(answer.status, status, "{request:.40}");
        assert!(
            answer.text().contains(sentence),
            "{request:.40}: {}",
            answer.text()
        );
        assert!(answer.has_header("Connection: close"), "{request:.40}");
        client.expect_end();
    }
}

#[test]
fn a_query_may_have_8192_bytes_and_no_more() {
    let door = Door::usual();
    let mut client = door.connect();
    let start = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&x=";
    for (length, is_served) in [(8192, true), (8193, false)] {
        let query = format!("{start}{}", "x".repeat(length - start.len()));
        let answer = client.ask(format!("GET /announce?{query} HTTP/1.1\r\nHost: t\r\n\r\n"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text().contains("5:peers"), is_served, "{}", answer.text());
    }
}

/// The address by which a client at 127.0.0.1 is known when it sends these header fields.
fn known_as(door: &Door, fields: &str) -> String {
    let request = announce(7).replace("Host: t\r\n", &format!("Host: t\r\n{fields}"));
    let answer = door.connect().ask(request);
    let at = answer
        .body
        .windows(14)
        .position(|part| part == b"11:external ip")
        .expect("it is told")
        + 14;
    match &answer.body[at..] {
        [b'4', b':', a, b, c, d, ..] => format!("{a}.{b}.{c}.{d}"),
        other => panic!("{}", other.escape_ascii()),
    }
}

#[test]
fn forwarded_addresses_are_believed_from_configured_proxies_only() {
    let door = Door::usual();
    assert_eq!(known_as(&door, "X-Forwarded-For: 9.9.9.9\r\n"), "127.0.0.1");
    drop(door);
    let behind = HttpSettings {
        trusted_proxies: vec![
            "127.0.0.0/8".parse().expect("a network"),
            "10.0.0.0/8".parse().expect("a network"),
        ],
        ..HttpSettings::new(1)
    };
    let door = Door::open(behind);
    for (fields, expected) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"),
        ("x-forwarded-for: 6.6.6.6, 9.9.9.9 , 10.0.0.2\r\n", "9.9.9.9"),
        (
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 9.9.9.9\r\n",
            "9.9.9.9",
        ),
        ("X-Forwarded-For: 9.9.9.9, unknown\r\n", "127.0.0.1"),
        ("X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n", "127.0.0.1"),
    ] {
        assert_eq!(known_as(&door, fields), expected, "{fields}");
    }
}

#[test]
fn a_closed_tracker_says_so_over_http_too() {
    let tracker = Tracker::new(Settings {
        mode: shoal_tracker::Mode::Closed,
        ..Settings::new(1)
    });
    let door = Door::of(tracker, HttpSettings::new(1));
    let answer = door.connect().ask(announce(7));
    assert!(
        answer.status == 200 && answer.text().contains("this tracker is closed"),
        "{}",
        answer.text()
    );
}
