//! When room or time becomes scarce: who gives up what, who is kept, and how long clients are told to stay away. By counts.

use shoal_tracker::{Event, Mode, Seconds, Settings, Warning};

use super::{MUCH, NOTHING, Sea, key};

/// An open tracker for 1,600 peers, on which room is scarce from 1,501 on.
fn small_sea() -> Sea {
    Sea::new(Settings {
        mode: Mode::Open,
        max_peers: 1600,
        max_peers_per_address: 0,
        ..Settings::new(5)
    })
}

fn at(n: u32) -> String {
    format!("8.{}.{}.{}:1", n >> 16, n >> 8 & 255, n & 255)
}

/// So many seeders, who announce one after the other within so many seconds.
fn seeders(sea: &mut Sea, torrent: u32, (from, count): (u32, u32), within: u32) {
    let start = sea.now;
    for n in 0..count {
        sea.now = start + (u64::from(n) * u64::from(within) / u64::from(count)) as u32;
        sea.seed(key(torrent), &at(from + n));
        assert_eq!(sea.reply.warning, None);
    }
    sea.now = start;
}

/// What was in the swarms, after an interval: 900 seeders for nobody, 400 seeders for a leecher, 150 seeders for
/// themselves, and so many more leechers of a third.
fn crowd(more: u32) -> Sea {
    let mut sea = small_sea();
    seeders(&mut sea, 1, (0, 900), 1800);
    seeders(&mut sea, 2, (1000, 400), 1800);
    (0..150).for_each(|n| drop(sea.seed(key(1000 + n), &at(2000 + n))));
    sea.now += 1800;
    sea.leech(key(2), &at(3000));
    (0..more).for_each(|n| drop(sea.leech(key(3), &at(4000 + n))));
    sea
}

#[test]
fn while_there_is_room_everybody_stays() {
    let sea = crowd(49);
    sea.sweep();
    assert_eq!(sea.tracker.totals().peers4, 1500);
}

#[test]
fn swarms_in_which_nobody_downloads_give_up_their_oldest_peers() {
    let mut sea = crowd(90);
    sea.sweep();
    let (left, _, _) = sea.counts(key(1));
    assert!(
        (859..=861).contains(&left),
        "{left} of 900, of whom 41 are too many"
    );
    assert_eq!(sea.counts(key(2)), (400, 1, 0), "somebody downloads here");
    assert!(
        (0..150).all(|n| sea.counts(key(1000 + n)).0 == 1),
        "few are no burden"
    );
    let here = |sea: &mut Sea, n: u32| {
        sea.announce(key(1), &at(n), NOTHING, Event::Stopped);
        sea.counts(key(1)).0
    };
    assert_eq!(here(&mut sea, 38), left, "the oldest are gone");
    assert_eq!(here(&mut sea, 45), left - 1, "the others are there");
}

#[test]
fn a_swarm_with_enough_takes_whoever_downloads() {
    let mut sea = crowd(50);
    sea.seed(key(1), &at(5000));
    assert_eq!(sea.reply.warning, Some(Warning::Full), "900 seeders are enough");
    assert_eq!(sea.counts(key(1)).0, 900);
    sea.seed(key(1), &at(899));
    assert_eq!(sea.reply.warning, None, "whoever is there stays");
    sea.seed(key(7), &at(5000));
    assert_eq!(sea.reply.warning, None, "where there are few, one more is taken");
    assert_eq!(sea.leech(key(1), &at(5001)).len(), 50);
    assert_eq!(sea.reply.warning, None);
    sea.seed(key(1), &at(5002));
    assert_eq!(
        sea.reply.warning, None,
        "now that somebody downloads, seeders are wanted"
    );
}

#[test]
fn the_less_room_there_is_the_less_is_kept() {
    let mut sea = small_sea();
    seeders(&mut sea, 1, (0, 300), 1800);
    seeders(&mut sea, 2, (400, 100), 1800);
    sea.now += 1800;
    let mut kept = Vec::new();
    for round in 0..40 {
        // Leechers come until there is no room; those who were there come again.
        (0..1600).for_each(|n| drop(sea.leech(key(3), &at(4000 + n))));
        sea.sweep();
        kept.push(sea.counts(key(1)).0);
        sea.now += if round % 2 == 0 { 50 } else { 10 };
    }
    assert!(kept.is_sorted_by(|earlier, later| earlier >= later), "{kept:?}");
    assert!(kept[0] > 150 && kept[39] <= 4, "{kept:?}");
    let totals = sea.tracker.totals();
    assert!(totals.peers4 > 1500 && totals.peers4 <= 1600, "{totals:?}");
}

#[test]
fn at_the_cap_answers_go_on() {
    let mut sea = small_sea();
    (0..1600).for_each(|n| drop(sea.leech(key(1), &at(n))));
    assert_eq!(sea.reply.warning, None);
    for n in 1600..1700 {
        assert_eq!(sea.leech(key(1), &at(n)).len(), 50);
        assert_eq!(sea.reply.warning, Some(Warning::Full));
        assert!(sea.leech(key(2), &at(n)).is_empty());
    }
    assert_eq!(sea.tracker.totals().peers4, 1600);
    sea.announce(key(1), &at(0), MUCH, Event::Stopped);
    sea.leech(key(2), &at(1700));
    assert_eq!(sea.reply.warning, None);
}

#[test]
fn when_room_is_scarce_the_overdue_go_first() {
    let mut sea = small_sea();
    (0..750).for_each(|n| drop(sea.leech(key(1), &at(n))));
    sea.now += 2600;
    (750..1500).for_each(|n| drop(sea.leech(key(1), &at(n))));
    sea.sweep();
    assert_eq!(sea.counts(key(1)).1, 1500, "their time is not over");
    sea.leech(key(1), &at(1500));
    sea.sweep();
    assert_eq!(
        sea.counts(key(1)).1,
        751,
        "who should have come after 2,278 seconds at the latest has not"
    );
}

#[test]
fn giving_up_takes_no_longer_steps_than_forgetting() {
    let mut sea = Sea::new(Settings {
        mode: Mode::Open,
        max_peers: 40_000,
        max_peers_per_address: 0,
        ..Settings::new(5)
    });
    seeders(&mut sea, 1, (0, 37_499), 3150);
    sea.now += 3150;
    (0..1000).for_each(|n| drop(sea.leech(key(2), &at(100_000 + n))));
    let mut steps = 0;
    loop {
        let swept = sea.tracker.sweep(Seconds(sea.now), 1);
        assert!(swept.looked_at <= 2048 + 64, "{swept:?}");
        steps += 1;
        if swept.round_ended {
            break;
        }
    }
    assert!(steps > 10);
    let (left, _, _) = sea.counts(key(1));
    assert!(
        (36_490..=36_900).contains(&left),
        "{left} of 37,499, of whom 999 are too many"
    );
    let totals = sea.tracker.totals();
    assert_eq!(totals.peers4, u64::from(left) + 1000);
    assert_eq!(totals.seeders, u64::from(left));
}

#[test]
fn strained_doors_tell_clients_to_come_later_and_remember_it() {
    let mut sea = Sea::open();
    sea.seed(key(1), "8.0.0.1:1");
    assert!((1800..=2025).contains(&sea.reply.interval));
    sea.tracker.set_strain(Seconds(sea.now), 4);
    assert_eq!(sea.tracker.strain(), 4);
    sea.seed(key(1), "8.0.0.1:1");
    assert!((2700..=3037).contains(&sea.reply.interval));
    sea.tracker.set_strain(Seconds(sea.now), 99);
    sea.seed(key(1), "8.0.0.1:1");
    assert!((3600..=4050).contains(&sea.reply.interval), "at most doubled");
    sea.tracker.set_strain(Seconds(sea.now), 0);
    sea.announce(key(1), "8.0.0.2:1", NOTHING, Event::None);
    assert!((1800..=2025).contains(&sea.reply.interval));
    sea.now += 4050;
    sea.tracker.set_strain(Seconds(sea.now), 0);
    sea.sweep();
    assert_eq!(
        sea.counts(key(1)).0,
        2,
        "who was told to come within 4,050 seconds is not late"
    );
    sea.now += 1351;
    sea.tracker.set_strain(Seconds(sea.now), 0);
    sea.sweep();
    assert_eq!(sea.counts(key(1)).0, 0, "nobody is waited for that long any more");
}
