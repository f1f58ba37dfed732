//! Personal announce keys and private torrents: who is served, who is refused and told why, and what is noted.

use shoal_tracker::{
    AnnounceRequest, Event, Mode, Pass, PassUse, Refusal, Retry, Seconds, Settings, SwarmKey,
};

use super::{MUCH, NOTHING, Sea, hybrid, key, told};

fn pass(n: u8) -> Pass {
    Pass::new([n; 16])
}

/// Announces with a key and says how many peers were told.
fn bring(
    sea: &mut Sea,
    torrent: SwarmKey,
    pass: Option<Pass>,
    host: u8,
    event: Event,
) -> Result<usize, Refusal> {
    let left = if event == Event::Completed { NOTHING } else { MUCH };
    let request = AnnounceRequest {
        left,
        event,
        pass,
        ..AnnounceRequest::new(torrent, [0; 20], 6881)
    };
    let source = std::net::IpAddr::from([8, 0, 0, host]);
    sea.ask(source, &request).map(|()| told(&sea.reply).len())
}

#[test]
fn a_private_torrent_is_served_to_valid_keys_only() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list_private(key(1).into());
    sea.tracker.list(key(2).into());
    sea.tracker.admit_pass(pass(1).hash());
    assert_eq!(
        bring(&mut sea, key(1), None, 1, Event::Started),
        Err(Refusal::Private)
    );
    assert_eq!(
        bring(&mut sea, key(1), Some(pass(2)), 1, Event::Started),
        Err(Refusal::UnknownKey)
    );
    assert_eq!(sea.tracker.totals().peers4, 0, "who was refused is not stored");
    assert_eq!(bring(&mut sea, key(1), Some(pass(1)), 1, Event::Started), Ok(0));
    assert_eq!(bring(&mut sea, key(1), Some(pass(1)), 2, Event::Started), Ok(1));
    assert_eq!(
        bring(&mut sea, key(2), Some(pass(2)), 1, Event::Started),
        Err(Refusal::UnknownKey),
        "a client does not go on as if it had no key"
    );
    assert_eq!(bring(&mut sea, key(2), None, 1, Event::Started), Ok(0));
    assert_eq!(bring(&mut sea, key(2), Some(pass(1)), 2, Event::Started), Ok(1));
    assert_eq!(sea.counts(key(1)), (0, 2, 0));
    assert_eq!(
        (Refusal::Private.retry(), Refusal::UnknownKey.retry()),
        (Retry::Never, Retry::Minutes(15))
    );
}

#[test]
fn a_revoked_key_is_refused_at_once() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list_private(key(1).into());
    sea.tracker.admit_pass(pass(1).hash());
    assert_eq!(bring(&mut sea, key(1), Some(pass(1)), 1, Event::Started), Ok(0));
    sea.tracker.revoke_pass(pass(1).hash());
    for event in [Event::None, Event::Stopped, Event::Completed] {
        assert_eq!(
            bring(&mut sea, key(1), Some(pass(1)), 1, event),
            Err(Refusal::UnknownKey)
        );
    }
    assert!(sea.tracker.take_pass_uses().is_empty());
}

#[test]
fn private_torrents_are_left_out_of_scrapes_without_a_key() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list_private(hybrid(1, 2));
    sea.tracker.list(key(3).into());
    sea.tracker.admit_pass(pass(1).hash());
    bring(&mut sea, key(2), Some(pass(1)), 1, Event::Started).expect("it has a key");
    let keys = [key(1), key(2), key(3)];
    let scraped = sea.scrape(&keys).expect("torrents are named");
    assert_eq!(scraped.iter().filter_map(|one| one.counts).count(), 1);
    let scraped = sea.scrape_as(Some(pass(1)), &keys).expect("torrents are named");
    assert_eq!(scraped.iter().filter_map(|one| one.counts).count(), 3);
    assert_eq!(scraped[0].counts.map(|counts| counts.incomplete), Some(1));
    assert_eq!(sea.scrape_as(Some(pass(2)), &keys), Err(Refusal::UnknownKey));
    assert_eq!(sea.counts(key(1)), (0, 1, 0), "the archive's own pages may count");
}

#[test]
fn both_keys_of_a_private_hybrid_are_private() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list_private(hybrid(1, 2));
    for n in [1, 2] {
        assert_eq!(
            bring(&mut sea, key(n), None, 1, Event::Started),
            Err(Refusal::Private)
        );
    }
    sea.tracker.list(hybrid(1, 2));
    for n in [1, 2] {
        bring(&mut sea, key(n), None, 1, Event::Started).expect("it is no longer private");
    }
}

#[test]
fn a_swarm_that_becomes_private_begins_empty() {
    for alias in [None, Some(key(2))] {
        let mut sea = Sea::new(Settings {
            mode: Mode::Open,
            ..Settings::new(1)
        });
        let mut keys = hybrid(1, 2);
        keys.alias = alias;
        sea.leech(key(1), "8.0.0.1:1");
        sea.leech(key(2), "8.0.0.2:2");
        sea.tracker.list_private(keys);
        sea.tracker.admit_pass(pass(1).hash());
        assert_eq!(sea.counts(key(1)), (0, 0, 0));
        assert_eq!(bring(&mut sea, key(1), Some(pass(1)), 9, Event::Started), Ok(0));
        sea.tracker.list_private(keys);
        assert_eq!(sea.counts(key(1)), (0, 1, 0), "it stays when it is listed again");
        sea.tracker.unlist(keys);
        bring(&mut sea, key(1), None, 1, Event::Started).expect("an open tracker serves it now");
    }
}

#[test]
fn a_private_swarm_comes_back_after_a_restart() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list_private(key(1).into());
    sea.tracker.admit_pass(pass(1).hash());
    bring(&mut sea, key(1), Some(pass(1)), 1, Event::Started).expect("it has a key");
    let mut saved = Vec::new();
    sea.tracker
        .snapshot(Seconds(sea.now), &mut saved)
        .expect("memory takes all");
    let mut again = Sea::new(Settings::new(2));
    again.tracker.list_private(key(1).into());
    again
        .tracker
        .restore(Seconds(0), saved.as_slice())
        .expect("it is whole");
    assert_eq!(again.counts(key(1)), (0, 1, 0));
    assert_eq!(
        bring(&mut again, key(1), None, 2, Event::Started),
        Err(Refusal::Private)
    );
}

#[test]
fn the_last_use_of_each_torrent_is_noted_once() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(key(1).into());
    sea.tracker.list(key(2).into());
    sea.tracker.admit_pass(pass(1).hash());
    bring(&mut sea, key(1), Some(pass(1)), 1, Event::Started).expect("it is listed");
    sea.now += 60;
    bring(&mut sea, key(1), Some(pass(1)), 1, Event::Completed).expect("it is listed");
    bring(&mut sea, key(2), Some(pass(1)), 1, Event::Stopped).expect("it is listed");
    bring(&mut sea, key(2), None, 1, Event::Started).expect("it is listed");
    bring(&mut sea, key(3), Some(pass(1)), 1, Event::Started).expect_err("it is not listed");
    let used = |n, seeding| PassUse {
        pass: pass(1).hash(),
        torrent: key(n),
        seeding,
        seen: Seconds(10_060),
    };
    let uses = sea.tracker.take_pass_uses();
    assert_eq!(uses, [used(1, true), used(2, false)]);
    assert!(sea.tracker.take_pass_uses().is_empty(), "each is taken once");

    sea.now += 60;
    bring(&mut sea, key(1), Some(pass(1)), 1, Event::Stopped).expect("it is listed");
    sea.tracker.give_back_pass_uses(uses);
    let newer = PassUse {
        seen: Seconds(10_120),
        ..used(1, false)
    };
    assert_eq!(sea.tracker.take_pass_uses(), [newer, used(2, false)]);
}

#[test]
fn what_is_noted_is_bounded_and_what_is_not_noted_is_served() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        ..Settings::new(1)
    });
    for n in 0..20 {
        sea.tracker.admit_pass(pass(n).hash());
        for torrent in 0..5_000 {
            bring(&mut sea, key(torrent), Some(pass(n)), n, Event::Started).expect("it is open");
        }
    }
    let uses = sea.tracker.take_pass_uses();
    assert_eq!(uses.len(), 1 << 16);
    let of_one = uses.iter().filter(|used| used.pass == pass(0).hash()).count();
    assert_eq!(of_one, 4096);
    bring(&mut sea, key(0), Some(pass(19)), 1, Event::Started).expect("it is open");
    assert_eq!(sea.tracker.take_pass_uses().len(), 1);
}

#[test]
fn a_comparison_revokes_what_is_not_stored_and_minds_what_is_newer() {
    let mut sea = Sea::new(Settings::new(1));
    sea.tracker.list(key(1).into());
    for n in [1, 2] {
        sea.tracker.admit_pass(pass(n).hash());
    }
    for (n, expected) in [(1, true), (2, true), (3, false)] {
        let answer = bring(&mut sea, key(1), Some(pass(n)), n, Event::Started);
        assert_eq!(answer.is_ok(), expected, "{n}: {answer:?}");
    }
    drop(sea.tracker.compare_passes());
    let mut comparison = sea.tracker.compare_passes();
    for n in [1, 3, 4] {
        comparison.valid(pass(n).hash());
    }
    sea.tracker.revoke_pass(pass(4).hash());
    sea.tracker.admit_pass(pass(5).hash());
    comparison.finish();
    for (n, expected) in [(1, true), (2, false), (3, true), (4, false), (5, true)] {
        let answer = bring(&mut sea, key(1), Some(pass(n)), n, Event::Started);
        assert_eq!(answer.is_ok(), expected, "{n}: {answer:?}");
    }
    assert_eq!(sea.tracker.take_pass_uses().len(), 3);
}
