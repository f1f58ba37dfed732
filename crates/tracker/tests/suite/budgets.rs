//! How often one may ask, and which clients are served: nobody pays for another, and memory stays as it is.

use std::net::IpAddr;

use shoal_tracker::{AnnounceRequest, Clients, Event, Mode, Refusal, Retry, Seconds, Settings};

use super::{MUCH, Sea, key, peers};

/// An open tracker on which an address may ask five times in a second, and a network twenty times.
fn strict() -> Sea {
    Sea::new(Settings {
        mode: Mode::Open,
        requests_per_second_per_address: 5,
        requests_per_second_per_network: 20,
        max_torrents: 0,
        ..Settings::new(77)
    })
}

/// How many of so many announces are served.
fn served(sea: &mut Sea, ip: &str, tries: u32) -> u32 {
    let source = ip.parse().expect("an address");
    let request = AnnounceRequest {
        left: MUCH,
        ..AnnounceRequest::new(key(1), [7; 20], 7)
    };
    (0..tries)
        .map(|_| match sea.ask(source, &request) {
            Ok(()) => 1,
            Err(refusal) => {
                assert_eq!(refusal, Refusal::TooFast);
                0
            }
        })
        .sum()
}

#[test]
fn an_address_has_a_burst_and_then_its_rate() {
    let mut sea = strict();
    assert_eq!(served(&mut sea, "8.0.0.1", 1000), 300, "a minute's worth at once");
    sea.now += 1;
    assert_eq!(served(&mut sea, "8.0.0.1", 1000), 5);
    assert_eq!(
        served(&mut sea, "::ffff:8.0.0.1", 1000),
        0,
        "it is the same address"
    );
    assert_eq!(
        served(&mut sea, "8.0.0.2", 10),
        10,
        "its neighbour has its own budget"
    );
    assert_eq!(served(&mut sea, "8.0.1.1", 10), 10);
    sea.now += 3600;
    assert_eq!(served(&mut sea, "8.0.0.1", 1000), 300);
}

#[test]
fn a_network_has_a_budget_of_which_each_address_has_a_part() {
    let mut sea = strict();
    let all: u32 = (0..=255)
        .map(|n| served(&mut sea, &format!("8.0.0.{n}"), 1000))
        .sum();
    assert_eq!(all, 400, "twenty seconds' worth of the network");
    assert_eq!(
        served(&mut sea, "8.0.1.1", 10),
        10,
        "other networks are not concerned"
    );
    let one: u32 = (0..1000)
        .map(|n| served(&mut sea, &format!("2606:0:0:1::{n:x}"), 10))
        .sum();
    assert_eq!(one, 300, "64 bits are one address");
    let all: u32 = (2..1000)
        .map(|n| served(&mut sea, &format!("2606:0:0:{n:x}::1"), 10))
        .sum();
    assert_eq!(all, 100, "48 bits are one network");
    assert_eq!(served(&mut sea, "2606:0:1::1", 10), 10);
}

#[test]
fn a_refused_request_uses_up_nothing() {
    let mut sea = strict();
    served(&mut sea, "8.0.0.1", 100_000);
    assert_eq!(
        served(&mut sea, "8.0.0.2", 100),
        100,
        "the network paid for 300 only"
    );
    sea.now += 60;
    assert_eq!(served(&mut sea, "8.0.0.1", 1000), 300, "and so did the address");
}

#[test]
fn a_flood_from_everywhere_refuses_nobody_who_asks_little() {
    let mut sea = strict();
    let honest: Vec<String> = (0..100).map(|n| format!("9.{n}.0.1")).collect();
    for second in 0..30 {
        sea.now += 1;
        for n in 0..20_000_u32 {
            let source = IpAddr::from((0x1000_0000 + (second * 20_000 + n) * 256).to_be_bytes());
            let _ = sea.ask(source, &AnnounceRequest::new(key(n), [7; 20], 0));
        }
        served(&mut sea, "8.0.0.1", 5000);
        for ip in &honest {
            assert_eq!(served(&mut sea, ip, 5), 5, "{ip} in second {second}");
        }
    }
}

#[test]
fn a_scrape_counts_by_what_it_names() {
    let mut sea = strict();
    let keys: Vec<_> = (0..74).map(key).collect();
    let scrapes = |sea: &Sea| (0..100).filter(|_| sea.scrape(&keys).is_ok()).count();
    assert_eq!(scrapes(&sea), 30, "ten requests each");
    assert_eq!(sea.scrape(&keys), Err(Refusal::TooFast));
    assert_eq!(
        served(&mut sea, "8.0.0.1", 10),
        0,
        "announces and scrapes are one budget"
    );
    sea.now += 10;
    assert_eq!(scrapes(&sea), 5);
    assert_eq!(
        sea.scrape(&[]),
        Err(Refusal::FullScrape),
        "what cannot be served says so"
    );
}

#[test]
fn packets_that_prove_nothing_use_up_nobodys_requests() {
    let mut sea = strict();
    let unproven = |sea: &Sea, ip: &str, tries: u32| {
        let source = ip.parse().expect("an address");
        (0..tries)
            .filter(|_| sea.tracker.admits_unproven(source, Seconds(sea.now)))
            .count()
    };
    for n in 0..100 {
        unproven(&sea, &format!("8.0.0.{n}"), 1000);
    }
    assert_eq!(unproven(&sea, "8.0.0.1", 1000), 0, "a network has its share");
    assert_eq!(unproven(&sea, "8.0.1.1", 5000), 1000);
    sea.now += 1;
    assert_eq!(unproven(&sea, "8.0.0.1", 1000), 500);
    assert_eq!(
        served(&mut sea, "8.0.0.1", 300),
        300,
        "whoever has proven its address is served"
    );
    for n in 0..50_000_u32 {
        let forged = IpAddr::from((0x2000_0000 + n * 256).to_be_bytes());
        assert!(
            sea.tracker.admits_unproven(forged, Seconds(sea.now)),
            "within its share"
        );
    }
    assert_eq!(unproven(&sea, "9.0.0.1", 500), 500);
}

#[test]
fn a_refusal_says_when_to_come_again() {
    assert_eq!(Refusal::TooFast.retry(), Retry::Minutes(5));
    assert_eq!(Refusal::ClientDenied.retry(), Retry::Never);
}

#[test]
fn a_client_that_is_denied_is_neither_answered_nor_stored() {
    let clients = Clients::new(&["-qB", "-TR"], &["-qB4"]).expect("they are well written");
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        clients,
        ..Settings::new(1)
    });
    let announce = |sea: &mut Sea, peer_id: &[u8; 20], ip: [u8; 4]| {
        let request = AnnounceRequest::new(key(1), *peer_id, 1);
        sea.ask(IpAddr::from(ip), &request)
    };
    assert_eq!(announce(&mut sea, b"-qB5000-xxxxxxxxxxxx", [8, 0, 0, 1]), Ok(()));
    assert_eq!(announce(&mut sea, b"-TR3000-xxxxxxxxxxxx", [8, 0, 0, 2]), Ok(()));
    let denied = Err(Refusal::ClientDenied);
    assert_eq!(announce(&mut sea, b"-qB4999-xxxxxxxxxxxx", [8, 0, 0, 3]), denied);
    assert_eq!(announce(&mut sea, b"-XX0000-xxxxxxxxxxxx", [8, 0, 0, 4]), denied);
    assert_eq!(sea.counts(key(1)), (0, 2, 0));
}

#[test]
fn announcing_too_early_is_answered_as_ever() {
    let mut sea = strict();
    sea.seed(key(1), "8.0.1.1:1");
    for _ in 0..1000 {
        sea.now += 1;
        for _ in 0..5 {
            assert_eq!(
                sea.announce(key(1), "8.0.0.2:2", MUCH, Event::None),
                peers(&["8.0.1.1:1"])
            );
        }
    }
}
