//! Datagrams from the corpora beside the checkout, when they are there: what is expected of each is kept here by its name,
//! and a case that is not known here fails. Over sockets, doors are tested in `udp.rs`.

use std::net::SocketAddr;
use std::sync::Arc;

use shoal_tracker::udp::{ConnectionIds, Desk, When};
use shoal_tracker::{Mode, Seconds, Settings, SwarmKey, SwarmKeys, Tracker};

use super::cases;

const CONNECT: [u8; 16] = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4];
const NOW: u32 = 1000;

/// What becomes of a datagram: no answer, one of a length, or an error.
#[derive(Debug, PartialEq)]
enum Said {
    Nothing,
    Bytes(usize),
    Error,
}

/// A desk and its tracker, anew for each case.
struct Table {
    tracker: Arc<Tracker>,
    desk: Desk,
}

impl Table {
    fn new() -> Self {
        let tracker = Arc::new(Tracker::new(Settings {
            mode: Mode::Open,
            ..Settings::new(5)
        }));
        let ids = ConnectionIds::new(&[3; 16], 120, 1_790_000_000);
        let desk = Desk::new(Arc::clone(&tracker), ids, 1);
        Self { tracker, desk }
    }

    fn ask(&mut self, from: &str, now: u32, datagram: &[u8]) -> Vec<u8> {
        let from: SocketAddr = from.parse().expect("an address and a port");
        let at = When {
            now: Seconds(now),
            is_busy: false,
        };
        let mut out = Vec::new();
        self.desk.answer(from, datagram, at, &mut out);
        out
    }

    fn connection(&mut self, from: &str, now: u32) -> [u8; 8] {
        let answer = self.ask(from, now, &CONNECT);
        answer[8..].try_into().expect("an id has eight bytes")
    }
}

/// What is expected, and how many seeders, leechers and completed downloads there are then.
fn expected(name: &str) -> (Said, [u32; 3]) {
    use Said::{Bytes, Error, Nothing};
    match name {
        "connect" | "connect with 100 trailing bytes" => (Bytes(16), [0; 3]),
        "connect with wrong magic"
        | "connect, 15 bytes"
        | "empty datagram"
        | "announce with all-zero connection id"
        | "announce with connection id of another source address"
        | "action 3 from a client"
        | "65507 bytes of 0xff" => (Nothing, [0; 3]),
        "announce with connection id older than 2 minutes"
        | "announce 97 bytes (one short)"
        | "scrape 0 hashes"
        | "action 0xffffffff" => (Error, [0; 3]),
        "announce started"
        | "announce with ip field 8.8.8.8"
        | "announce numwant 0x7fffffff"
        | "announce numwant 0"
        | "announce left=-1"
        | "announce event 7"
        | "announce with BEP 41 URLData /announce?x=1"
        | "announce with BEP 41 URLData longer than the packet"
        | "announce with BEP 41 255 NOPs and no end" => (Bytes(20), [0, 1, 0]),
        "announce port 0" | "announce stopped" => (Bytes(20), [0; 3]),
        "announce left=0 completed" => (Bytes(20), [1, 0, 1]),
        "scrape one hash" => (Bytes(20), [0; 3]),
        "scrape 74 hashes" | "scrape 100 hashes" => (Bytes(8 + 12 * 74), [0; 3]),
        // What is more than whole hashes is passed over, and there is no whole one.
        "scrape not a multiple of 20" => (Error, [0; 3]),
        other => panic!("a case that is not known here: {other}"),
    }
}

#[test]
fn datagrams_of_the_corpora_are_answered_as_expected() {
    let Some(cases) = cases::of("udp_bep15") else {
        return;
    };
    for case in cases["cases"].as_array().expect("a list of cases") {
        let name = case["name"].as_str().expect("a case has a name");
        let hex = case["packet_hex"].as_str().expect("a case has bytes");
        let mut table = Table::new();
        let mut datagram: Vec<u8> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("digits"))
            .collect();
        let id = match case["connection"].as_str() {
            Some("valid") => table.connection("192.0.2.7:1000", NOW),
            Some("other-address") => table.connection("192.0.2.8:1000", NOW),
            Some("expired") => table.connection("192.0.2.7:1000", NOW - 121),
            _ => [0; 8],
        };
        if case["connection"].as_str().is_some_and(|kind| kind != "none") {
            datagram[..8].copy_from_slice(&id);
        }
        let answer = table.ask("192.0.2.7:1000", NOW, &datagram);
        let said = match answer.get(..4) {
            None => Said::Nothing,
            Some([0, 0, 0, 3]) => Said::Error,
            Some(_) => Said::Bytes(answer.len()),
        };
        let counts = table.tracker.totals();
        let key = datagram
            .get(16..36)
            .and_then(|key| key.try_into().ok())
            .unwrap_or([0; 20]);
        let swarm = table.tracker.counts(SwarmKeys::from(SwarmKey::new(key)));
        let left = [swarm.complete, swarm.incomplete, swarm.completed];
        assert_eq!((said, left), expected(name), "{name}");
        assert_eq!(counts.peers4, u64::from(left[0] + left[1]), "{name}");
        if !answer.is_empty() {
            assert_eq!(
                answer[4..8],
                datagram[12..16],
                "{name}: the transaction id is the client's"
            );
        }
    }
}

/// No socket sends from there, but whoever forges heads of datagrams can.
#[test]
fn nobody_is_answered_at_port_0() {
    let mut table = Table::new();
    let id = table.connection("127.0.0.1:6881", NOW);
    let announce = [
        &id[..],
        &[0, 0, 0, 1],
        b"tran",
        &[0x3b; 40],
        &[0; 40],
        &[0x1a, 0xe1],
    ]
    .concat();
    for datagram in [&CONNECT[..], &announce] {
        assert!(table.ask("127.0.0.1:0", NOW, datagram).is_empty());
    }
    assert_eq!(table.tracker.totals().peers4, 0);
    assert_eq!(table.ask("127.0.0.1:6881", NOW, &announce).len(), 20);
    assert_eq!(table.tracker.totals().peers4, 1);
}
