//! Who is told of whom, and what is counted: one rule of a tracker each.

use std::collections::BTreeMap;

use shoal_tracker::{AnnounceRequest, Event, Families, Mode, Settings, Warning};

use super::{MUCH, NOTHING, Sea, key, peers, told};

#[test]
fn two_peers_find_each_other_and_nobody_finds_itself() {
    let mut sea = Sea::open();
    assert!(sea.leech(key(1), "8.8.8.8:1000").is_empty());
    assert_eq!(sea.seed(key(1), "9.9.9.9:2000"), peers(&["8.8.8.8:1000"]));
    assert_eq!(sea.leech(key(1), "8.8.8.8:1000"), peers(&["9.9.9.9:2000"]));
    assert!(
        sea.leech(key(2), "8.8.8.8:1000").is_empty(),
        "another torrent is another swarm"
    );
    assert_eq!(sea.counts(key(1)), (1, 1, 0));
}

#[test]
fn seeders_are_told_of_leechers_only_and_leechers_of_all() {
    let mut sea = Sea::open();
    sea.seed(key(1), "8.0.0.1:1");
    sea.leech(key(1), "8.0.0.2:2");
    sea.announce(key(1), "8.0.0.3:3", MUCH, Event::Paused);
    assert_eq!(sea.seed(key(1), "8.0.0.4:4"), peers(&["8.0.0.2:2"]));
    assert_eq!(
        sea.announce(key(1), "8.0.0.5:5", MUCH, Event::Paused),
        peers(&["8.0.0.2:2"])
    );
    let everybody = ["8.0.0.1:1", "8.0.0.2:2", "8.0.0.3:3", "8.0.0.4:4", "8.0.0.5:5"];
    assert_eq!(sea.leech(key(1), "8.0.0.6:6"), peers(&everybody));
    let counts = sea.tracker.counts(key(1).into());
    assert_eq!(
        (counts.complete, counts.incomplete, counts.downloaders),
        (2, 4, 2)
    );
}

#[test]
fn a_stopped_peer_is_gone_and_told_of_nobody() {
    let mut sea = Sea::open();
    sea.leech(key(1), "8.0.0.1:1");
    sea.leech(key(1), "8.0.0.2:2");
    assert!(sea.announce(key(1), "8.0.0.1:1", MUCH, Event::Stopped).is_empty());
    assert_eq!(sea.reply.counts.incomplete, 1);
    assert!(sea.leech(key(1), "8.0.0.2:2").is_empty());
    assert!(
        sea.announce(key(9), "8.0.0.2:2", MUCH, Event::Stopped).is_empty(),
        "nobody was there"
    );
    assert_eq!(sea.tracker.totals().torrents, 1);
}

#[test]
fn a_peer_that_changes_what_it_has_is_counted_once() {
    let mut sea = Sea::open();
    for (left, event, counts) in [
        (MUCH, Event::Started, (0, 1, 0)),
        (MUCH, Event::None, (0, 1, 0)),
        (NOTHING, Event::Completed, (1, 0, 1)),
        (NOTHING, Event::None, (1, 0, 1)),
        (MUCH, Event::Paused, (0, 1, 1)),
        (None, Event::None, (0, 1, 1)),
    ] {
        sea.announce(key(1), "8.0.0.1:1", left, event);
        assert_eq!(sea.counts(key(1)), counts);
    }
    assert_eq!(sea.tracker.totals().peers4, 1);
}

#[test]
fn a_client_without_a_port_is_answered_and_not_stored() {
    let mut sea = Sea::open();
    sea.leech(key(1), "8.0.0.1:1");
    assert_eq!(sea.leech(key(1), "8.0.0.2:0"), peers(&["8.0.0.1:1"]));
    assert_eq!(sea.counts(key(1)), (0, 1, 0));
    sea.leech(key(2), "8.0.0.2:0");
    assert_eq!(sea.tracker.totals().known, 1);
}

#[test]
fn a_mapped_address_is_the_ipv4_address_that_it_maps() {
    let mut sea = Sea::open();
    sea.leech(key(1), "[::ffff:8.0.0.1]:1");
    assert_eq!(sea.reply.external_ip.to_string(), "8.0.0.1");
    sea.leech(key(1), "8.0.0.1:1");
    assert_eq!(sea.counts(key(1)), (0, 1, 0));
    assert_eq!(sea.leech(key(1), "[2606::1]:1"), peers(&["8.0.0.1:1"]));
    assert_eq!(sea.leech(key(1), "8.0.0.1:1"), peers(&["[2606::1]:1"]));
    let totals = sea.tracker.totals();
    assert_eq!((totals.peers4, totals.peers6), (1, 1));
}

#[test]
fn a_client_that_takes_one_family_gets_one_family() {
    for crowd in [3_u8, 100] {
        let mut sea = Sea::open();
        for n in 1..=crowd {
            sea.leech(key(1), &format!("8.0.0.{n}:1"));
            sea.leech(key(1), &format!("[2606::{n}:0:0:0:1]:1"));
        }
        for (ip, four) in [("8.1.1.1", true), ("2607::1", false)] {
            let request = AnnounceRequest {
                families: Families::Own,
                ..AnnounceRequest::new(key(1), [0; 20], 9)
            };
            sea.ask(ip.parse().expect("an address"), &request)
                .expect("it is open");
            assert_eq!(
                sea.reply.peers4.len(),
                if four { usize::from(crowd).min(50) } else { 0 }
            );
            assert_eq!(
                sea.reply.peers6.len(),
                if four { 0 } else { usize::from(crowd).min(50) }
            );
        }
    }
}

#[test]
fn as_many_peers_are_told_as_are_wanted_and_allowed() {
    let mut sea = Sea::open();
    for n in 0..300_u32 {
        sea.leech(key(1), &format!("8.0.{}.{}:1", n / 100, n % 100));
    }
    for (numwant, told_of) in [
        (Some(0), 0),
        (Some(1), 1),
        (Some(37), 37),
        (Some(u32::MAX), 200),
        (None, 50),
    ] {
        let request = AnnounceRequest {
            numwant,
            ..AnnounceRequest::new(key(1), [0; 20], 9)
        };
        sea.ask("9.9.9.9".parse().expect("an address"), &request)
            .expect("it is open");
        assert_eq!(told(&sea.reply).len(), told_of);
    }
}

#[test]
fn the_few_of_a_kind_are_told_of_among_the_many_of_the_other() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        max_peers_per_address: 0,
        ..Settings::new(3)
    });
    for n in 1..=2000 {
        sea.leech(key(1), &format!("8.0.0.1:{n}"));
    }
    sea.seed(key(1), "9.0.0.1:1");
    sea.leech(key(1), "[2606::1]:1");
    for _ in 0..10 {
        let told = sea.leech(key(1), "8.0.0.2:1");
        assert_eq!(told.len(), 50);
        assert!(
            told.is_superset(&peers(&["9.0.0.1:1", "[2606::1]:1"])),
            "{told:?}"
        );
    }
    assert!(sea.seed(key(1), "8.0.0.3:1").len() == 50);
}

#[test]
fn each_peer_of_a_large_swarm_is_told_of_about_as_often() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        max_peers_per_address: 0,
        ..Settings::new(5)
    });
    let crowd = 700;
    for n in 1..=crowd {
        sea.leech(key(1), &format!("8.0.0.1:{n}"));
    }
    let mut times = BTreeMap::new();
    let rounds = 7000;
    for _ in 0..rounds {
        sea.leech(key(1), "8.0.0.2:1")
            .into_iter()
            .for_each(|peer| *times.entry(peer.port()).or_insert(0) += 1);
    }
    assert_eq!(times.len(), crowd);
    let fair = rounds * 50 / crowd;
    let (least, most) = (
        times.values().min().expect("some"),
        times.values().max().expect("some"),
    );
    assert!(
        *least > fair * 6 / 10 && *most < fair * 15 / 10,
        "fair {fair}, least {least}, most {most}"
    );
}

#[test]
fn a_peer_that_does_not_announce_is_forgotten_in_time() {
    let mut sea = Sea::open();
    sea.leech(key(1), "8.0.0.1:1");
    sea.now += 2600;
    sea.leech(key(1), "8.0.0.2:2");
    sea.sweep();
    assert_eq!(sea.counts(key(1)), (0, 2, 0));
    sea.now += 200;
    sea.sweep();
    assert_eq!(sea.counts(key(1)), (0, 1, 0));
    sea.now += 3000;
    sea.sweep();
    let totals = sea.tracker.totals();
    assert_eq!((totals.known, totals.torrents, totals.peers4), (0, 0, 0));
}

#[test]
fn a_full_swarm_answers_and_stores_nobody_new() {
    let limits = Settings {
        max_peers_per_torrent: 2,
        max_peers: 3,
        ..Settings::new(1)
    };
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        ..limits
    });
    sea.leech(key(1), "8.0.0.1:1");
    sea.leech(key(1), "8.0.0.2:2");
    assert_eq!(sea.leech(key(1), "8.0.0.3:3").len(), 2);
    assert_eq!(sea.reply.warning, Some(Warning::Full));
    sea.seed(key(1), "8.0.0.1:1");
    assert_eq!(sea.reply.warning, None, "whoever is there stays");
    sea.leech(key(2), "8.0.0.1:1");
    assert_eq!(sea.reply.warning, None);
    sea.leech(key(2), "8.0.0.2:2");
    assert_eq!(
        sea.reply.warning,
        Some(Warning::Full),
        "three peers are all that the tracker takes"
    );
    sea.announce(key(1), "8.0.0.2:2", MUCH, Event::Stopped);
    sea.leech(key(2), "8.0.0.2:2");
    assert_eq!(sea.reply.warning, None);
}

#[test]
fn intervals_are_longer_in_large_swarms_and_not_the_same_for_all() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        max_peers_per_address: 0,
        ..Settings::new(7)
    });
    let mut seen = BTreeMap::new();
    for n in 1..=5000_u32 {
        sea.leech(key(1), &format!("8.0.0.1:{n}"));
        assert_eq!(sea.reply.min_interval, 300);
        seen.insert(n, sea.reply.interval);
    }
    let range = |from: u32, to: u32| {
        let some = seen.range(from..to).map(|(_, interval)| *interval);
        (some.clone().min().expect("some"), some.max().expect("some"))
    };
    assert_eq!(range(1, 1000), (1800, 2025));
    let (least, most) = range(4200, 5000);
    assert!(least >= 1800 * 11 / 8 && most > least + 100, "{least} {most}");
}
