//! What is served: modes, hybrids, changes of the listing, and the comparison with the store.

use shoal_tracker::{AnnounceRequest, Event, Mode, Refusal, Settings};

use super::{MUCH, NOTHING, Sea, hybrid, key, peers};

fn refusal(sea: &mut Sea, n: u32) -> Option<Refusal> {
    let request = AnnounceRequest::new(key(n), [0; 20], 1);
    sea.ask("8.0.0.9".parse().expect("an address"), &request).err()
}

#[test]
fn a_listed_tracker_serves_what_is_listed() {
    let mut sea = Sea::new(Settings::new(1));
    assert_eq!(refusal(&mut sea, 1), Some(Refusal::NotListed));
    sea.tracker.list(key(1).into());
    assert_eq!(refusal(&mut sea, 1), None);
    sea.tracker.unlist(key(1).into());
    assert_eq!(refusal(&mut sea, 1), Some(Refusal::NotListed));
    let totals = sea.tracker.totals();
    assert_eq!((totals.known, totals.peers4), (0, 0));
}

#[test]
fn an_open_tracker_serves_all_that_is_not_forbidden() {
    let mut sea = Sea::open();
    assert_eq!(refusal(&mut sea, 1), None);
    sea.tracker.forbid(key(1).into());
    assert_eq!(refusal(&mut sea, 1), Some(Refusal::Forbidden));
    sea.tracker.unlist(key(1).into());
    assert_eq!(refusal(&mut sea, 1), None);
    sea.tracker.list(key(1).into());
    sea.tracker.unlist(key(1).into());
    assert_eq!(
        sea.counts(key(1)),
        (0, 1, 0),
        "the swarm of an unlisted torrent stays"
    );
}

#[test]
fn a_closed_tracker_serves_nobody() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Closed,
        ..Settings::new(1)
    });
    sea.tracker.list(key(1).into());
    assert_eq!(refusal(&mut sea, 1), Some(Refusal::Closed));
    assert_eq!(sea.scrape(&[key(1)]), Err(Refusal::Closed));
}

#[test]
fn a_forbidden_torrent_is_refused_and_comes_back_empty_when_restored() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(hybrid(1, 2));
    sea.leech(key(1), "8.0.0.1:1");
    sea.announce(key(2), "8.0.0.2:2", NOTHING, Event::Completed);
    sea.tracker.forbid(hybrid(1, 2));
    assert_eq!(refusal(&mut sea, 1), Some(Refusal::Forbidden));
    assert_eq!(refusal(&mut sea, 2), Some(Refusal::Forbidden));
    assert_eq!(sea.tracker.totals().peers4, 0);
    let scraped = sea.scrape(&[key(1), key(2)]).expect("a scrape of named torrents");
    assert!(scraped.iter().all(|torrent| torrent.counts.is_none()));
    sea.tracker.list(hybrid(1, 2));
    assert!(sea.leech(key(2), "8.0.0.1:1").is_empty());
    assert_eq!(
        sea.counts(key(1)),
        (0, 1, 1),
        "completed downloads are remembered"
    );
}

#[test]
fn both_keys_of_a_hybrid_lead_to_one_swarm() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(hybrid(1, 2));
    for key in [key(1), key(2)] {
        sea.seed(key, "8.0.0.1:1");
    }
    assert_eq!(sea.leech(key(2), "8.0.0.2:2"), peers(&["8.0.0.1:1"]));
    assert_eq!(sea.seed(key(2), "8.0.0.1:1"), peers(&["8.0.0.2:2"]));
    let scraped = sea.scrape(&[key(2), key(1)]).expect("a scrape of named torrents");
    assert_eq!(scraped[0].counts, scraped[1].counts);
    assert_eq!(
        scraped[0]
            .counts
            .map(|counts| (counts.complete, counts.incomplete)),
        Some((1, 1)),
        "whoever announces by both is one peer"
    );
    sea.announce(key(2), "8.0.0.2:2", NOTHING, Event::Completed);
    assert_eq!(sea.tracker.take_completions(), [(key(1), 1)]);
    sea.tracker.unlist(hybrid(1, 2));
    assert_eq!(sea.tracker.totals().known, 0);
}

#[test]
fn nobody_is_told_of_peers_that_do_not_know_the_hash_they_would_be_greeted_with() {
    for many in [1, 300_u32] {
        let mut sea = Sea::new(Settings::new(1));
        sea.tracker.list(hybrid(1, 2));
        for n in 0..many {
            sea.seed(key(1), &format!("8.0.{}.{}:1", n / 250, n % 250));
        }
        assert!(
            sea.leech(key(2), "8.9.0.1:1").is_empty(),
            "clients of v1 alone, {many} of them, are not found under the hash of v2"
        );
        sea.seed(key(2), "8.9.0.2:1");
        sea.seed(key(1), "8.9.0.3:1");
        sea.seed(key(2), "8.9.0.3:1");
        let of_v2 = peers(&["8.9.0.2:1", "8.9.0.3:1"]);
        assert_eq!(sea.leech(key(2), "8.9.0.1:1"), of_v2);
        let of_v1 = sea.leech(key(1), "8.9.0.4:1");
        assert!(
            of_v1.len() > many.min(40) as usize && of_v1.is_disjoint(&peers(&["8.9.0.1:1", "8.9.0.2:1"]))
        );
        let (seeders, leechers, _) = sea.counts(key(2));
        assert_eq!(
            (seeders, leechers),
            (many + 2, 2),
            "the swarm is one all the same"
        );
    }
}

#[test]
fn two_swarms_become_one_when_a_hybrid_is_listed() {
    let mut sea = Sea::open();
    for n in 0..60 {
        sea.leech(key(1 + n % 2), &format!("8.0.0.{n}:1"));
    }
    sea.tracker.list(hybrid(1, 2));
    assert_eq!(sea.counts(key(1)), (0, 60, 0));
    assert_eq!(sea.tracker.totals().peers4, 60);
    assert_eq!(sea.tracker.totals().torrents, 1);
}

#[test]
fn completions_are_taken_once_and_can_be_given_back() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(key(1).into());
    sea.tracker.set_completed(key(1).into(), 41);
    for n in 1..=3 {
        sea.announce(key(1), &format!("8.0.0.{n}:1"), NOTHING, Event::Completed);
    }
    assert_eq!(sea.counts(key(1)), (3, 0, 44));
    let taken = sea.tracker.take_completions();
    assert_eq!(taken, [(key(1), 3)]);
    assert!(sea.tracker.take_completions().is_empty());
    sea.tracker.give_back_completions(taken);
    sea.announce(key(1), "8.0.0.4:1", NOTHING, Event::Completed);
    sea.tracker.set_completed(key(1).into(), 41);
    assert_eq!(sea.counts(key(1)), (4, 0, 45), "what waits to be stored is added");
    assert_eq!(sea.tracker.take_completions(), [(key(1), 4)]);
}

#[test]
fn completions_of_unlisted_torrents_are_not_for_the_store() {
    let mut sea = Sea::open();
    sea.announce(key(1), "8.0.0.1:1", NOTHING, Event::Completed);
    assert_eq!(sea.counts(key(1)), (1, 0, 1));
    assert!(sea.tracker.take_completions().is_empty());
}

#[test]
fn a_resync_makes_the_listing_what_the_store_says() {
    let mut sea = Sea::new(Settings::new(1));
    (1..=4).for_each(|n| sea.tracker.list(key(n).into()));
    sea.tracker.list(hybrid(5, 6));
    sea.leech(key(1), "8.0.0.1:1");
    let mut resync = sea.tracker.resync();
    resync.list(key(1).into());
    resync.forbid(key(2).into());
    resync.list(key(7).into());
    assert_eq!(resync.finish(), 4, "the keys 3, 4, 5 and 6 are gone");
    let all = (1..=7).map(|n| refusal(&mut sea, n)).collect::<Vec<_>>();
    let (listed, gone) = (None, Some(Refusal::NotListed));
    assert_eq!(
        all,
        [listed, Some(Refusal::Forbidden), gone, gone, gone, gone, listed]
    );
    assert_eq!(sea.counts(key(1)), (0, 2, 0), "what stays listed keeps its swarm");
}

#[test]
fn what_is_said_during_a_resync_is_newer_than_what_it_reads() {
    let mut sea = Sea::new(Settings::new(1));
    (1..=3).for_each(|n| sea.tracker.list(key(n).into()));
    let mut resync = sea.tracker.resync();
    sea.tracker.forbid(key(1).into());
    sea.tracker.unlist(key(2).into());
    sea.tracker.list(key(4).into());
    sea.sweep();
    (1..=3).for_each(|n| resync.list(key(n).into()));
    resync.finish();
    let all = (1..=4).map(|n| refusal(&mut sea, n)).collect::<Vec<_>>();
    assert_eq!(
        all,
        [Some(Refusal::Forbidden), Some(Refusal::NotListed), None, None]
    );
    assert_eq!(sea.tracker.totals().known, 3);
}

#[test]
fn a_resync_that_breaks_off_unlists_nothing() {
    let mut sea = Sea::new(Settings::new(1));
    (1..=3).for_each(|n| sea.tracker.list(key(n).into()));
    let mut resync = sea.tracker.resync();
    resync.list(key(9).into());
    drop(resync);
    assert_eq!([1, 2, 3, 9].map(|n| refusal(&mut sea, n)), [None; 4]);
    let mut resync = sea.tracker.resync();
    resync.list(key(3).into());
    assert_eq!(resync.finish(), 3);
}

#[test]
fn a_torrent_that_moves_between_modes_keeps_the_books() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        max_torrents: 2,
        ..Settings::new(1)
    });
    sea.announce(key(1), "8.0.0.1:1", MUCH, Event::Started);
    sea.announce(key(2), "8.0.0.1:1", MUCH, Event::Started);
    assert_eq!(refusal(&mut sea, 3), Some(Refusal::Full));
    sea.tracker.list(key(1).into());
    assert_eq!(
        refusal(&mut sea, 3),
        None,
        "a listed torrent takes no place of an unlisted one"
    );
    sea.tracker.unlist(key(1).into());
    sea.announce(key(3), "8.0.0.9:1", MUCH, Event::Stopped);
    sea.announce(key(2), "8.0.0.1:1", MUCH, Event::Stopped);
    sea.sweep();
    assert_eq!(sea.tracker.totals().known, 1);
    assert_eq!(refusal(&mut sea, 4), None);
}
