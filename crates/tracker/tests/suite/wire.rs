//! The bytes of HTTP answers, whole, and what queries are read as.

use shoal_tracker::wire::http::{parse_announce, parse_scrape, write_announce, write_failure, write_scrape};
use shoal_tracker::{AnnounceReply, Event, Mode, Refusal, Settings, SwarmKey, Warning};

use super::{MUCH, Sea, hybrid, key};

/// Bytes as text: what cannot be printed is escaped.
fn shown(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    out.escape_ascii().to_string()
}

/// A tracker whose intervals have no jitter.
fn still_sea() -> Sea {
    Sea::new(Settings {
        mode: Mode::Open,
        interval: 7,
        min_interval: 5,
        ..Settings::new(1)
    })
}

#[test]
fn a_compact_answer_has_peers_and_peers6() {
    let mut sea = still_sea();
    sea.leech(key(1), "8.7.6.5:4660");
    sea.seed(key(1), "[2606::1]:80");
    sea.leech(key(1), "9.9.9.9:9");
    insta::assert_snapshot!(shown(|out| write_announce(&sea.reply, out)), @r"d8:completei1e10:downloadedi0e11:external ip4:\t\t\t\t10:incompletei2e8:intervali7e12:min intervali5e5:peers6:\x08\x07\x06\x05\x1246:peers618:&\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00Pe");
}

#[test]
fn an_answer_always_has_peers() {
    let mut sea = still_sea();
    sea.leech(key(1), "[2606::1]:80");
    insta::assert_snapshot!(shown(|out| write_announce(&sea.reply, out)), @r"d8:completei0e10:downloadedi0e11:external ip16:&\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0110:incompletei1e8:intervali7e12:min intervali5e5:peers0:e");
}

#[test]
fn dictionaries_carry_both_families_and_no_peer_ids() {
    let mut sea = still_sea();
    sea.leech(key(1), "8.7.6.5:4660");
    sea.leech(key(1), "[2606::1]:80");
    sea.leech(key(1), "9.9.9.9:9");
    let reply = AnnounceReply {
        compact: false,
        warning: Some(Warning::Full),
        ..sea.reply
    };
    insta::assert_snapshot!(shown(|out| write_announce(&reply, out)), @"d8:completei0e10:downloadedi0e11:external ip4:\\t\\t\\t\\t10:incompletei3e8:intervali7e12:min intervali5e5:peersld2:ip7:8.7.6.54:porti4660eed2:ip7:2606::14:porti80eee15:warning message70:this swarm is full: other peers are not told of you for the time beinge");
}

#[test]
fn a_scrape_is_sorted_and_names_each_served_torrent_once() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(hybrid(5, 3));
    sea.tracker.list(key(7).into());
    sea.tracker.forbid(key(8).into());
    sea.leech(key(3), "8.0.0.1:1");
    sea.announce(key(5), "8.0.0.2:1", MUCH, Event::Paused);
    let mut scraped = sea.scrape(&[5, 9, 8, 3, 7, 5].map(key)).expect("it is served");
    insta::assert_snapshot!(shown(|out| write_scrape(&mut scraped, out)), @r"d5:filesd20:\x00\x00\x00\x03\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5d8:completei0e10:downloadedi0e11:downloadersi1e10:incompletei2ee20:\x00\x00\x00\x05\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5d8:completei0e10:downloadedi0e11:downloadersi1e10:incompletei2ee20:\x00\x00\x00\x07\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5d8:completei0e10:downloadedi0e11:downloadersi0e10:incompletei0eeee");
}

#[test]
fn a_refusal_says_why_and_when_to_come_again() {
    let all = [
        Refusal::NotListed,
        Refusal::Forbidden,
        Refusal::Closed,
        Refusal::Full,
        Refusal::TooFast,
        Refusal::ClientDenied,
        Refusal::FullScrape,
        Refusal::Malformed("info_hash is missing"),
    ];
    insta::assert_snapshot!(all.map(|refusal| shown(|out| write_failure(&refusal, out))).join("\n"), @"
    d14:failure reason42:this torrent is not listed on this tracker8:retry ini15ee
    d14:failure reason57:this torrent was taken off this tracker by its moderators8:retry ini60ee
    d14:failure reason22:this tracker is closed8:retry ini60ee
    d14:failure reason58:this tracker is full: it takes no more torrents at present8:retry ini30ee
    d14:failure reason78:too many requests from this address or its network: try again in a few minutes8:retry ini5ee
    d14:failure reason67:this tracker does not serve this client program; others are welcome8:retry in5:nevere
    d14:failure reason71:a scrape must name at least one info_hash: full scrapes are not offered8:retry in5:nevere
    d14:failure reason20:info_hash is missing8:retry in5:nevere
    ");
}

#[test]
fn an_announce_is_read_with_all_its_words() {
    let query = b"info_hash=%00;+~%ff%FFabcdefghijklmn&peer_id=-qB5000-abcdefghijkl&port=6881&uploaded=-7&downloaded=x\
        &left=99&event=paused&numwant=31&compact=0&key=ABCD&trackerid=t&ip=10.0.0.1&ipv6=%3A%3A1&peer_addr=1.2.3.4";
    let request = parse_announce(query).expect("it is well formed");
    assert_eq!(request.key, SwarmKey::new(*b"\0; ~\xff\xffabcdefghijklmn"));
    assert_eq!(
        (request.port, request.left, request.numwant),
        (6881, Some(99), Some(31))
    );
    assert_eq!((request.event, request.compact), (Event::Paused, false));
}

#[test]
fn what_is_wrong_with_an_announce_is_said() {
    let good = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=1";
    assert!(parse_announce(good.as_bytes()).is_ok());
    let wrong = [
        good.replace("info_hash", "hash"),
        good.replace("aaaaaaaaaaaaaaaaaaaa", &"a1".repeat(20)),
        good.replace("aaaaaaaaaaaaaaaaaaaa", &"%aa".repeat(32)),
        good.replace("aaaaaaaaaaaaaaaaaaaa", "abc"),
        good.replace("aaaaaaaaaaaaaaaaaaaa", "%xx"),
        format!("{good}&info_hash=cccccccccccccccccccc"),
        good.replace("peer_id", "id"),
        good.replace("bbbb", "bbb"),
        good.replace("&port=1", ""),
        good.replace("port=1", "port=65536"),
        format!("{good}&left=a"),
        format!("{good}&x={}", "x".repeat(9000)),
    ];
    let said = wrong.map(|query| {
        parse_announce(query.as_bytes())
            .expect_err("it is wrong")
            .to_string()
    });
    insta::assert_snapshot!(said.join("\n"), @"
    info_hash is missing
    info_hash must be 20 bytes, percent-encoded, not 40 hexadecimal digits
    info_hash must be 20 bytes: of a v2 hash, the first 20 (BEP 52)
    info_hash must be 20 bytes, percent-encoded
    info_hash has a percent sign without two hexadecimal digits
    info_hash is there twice: an announce is for one torrent
    peer_id is missing
    peer_id must be 20 bytes, percent-encoded
    port is missing
    port must be a number from 1 to 65535
    left must be a number of bytes
    the query of an announce must not be longer than 8192 bytes
    ");
}

#[test]
fn a_scrape_reads_a_bounded_number_of_hashes() {
    let many = "info_hash=aaaaaaaaaaaaaaaaaaaa&".repeat(5000);
    assert_eq!(
        parse_scrape(many.as_bytes()).expect("it is well formed").len(),
        1000
    );
    assert_eq!(
        parse_scrape(b"foo=bar&info_hash"),
        Err(Refusal::Malformed("info_hash must be 20 bytes, percent-encoded"))
    );
    assert_eq!(parse_scrape(b"foo=bar"), Err(Refusal::FullScrape));
}
