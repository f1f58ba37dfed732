//! Swarms over a restart: everything comes back with its age, and a damaged snapshot brings back nothing.

use shoal_tracker::{Event, Mode, Seconds, Settings, SnapshotError, SwarmKeys};

use super::{MUCH, NOTHING, Sea, hybrid, key};

/// A tracker with swarms of each size and both families.
fn sea() -> Sea {
    let mut sea = Sea::new(Settings {
        max_peers_per_address: 0,
        ..Settings::new(1)
    });
    for n in 1..=200 {
        sea.tracker.list(key(n).into());
    }
    sea.tracker.list(hybrid(1000, 1001));
    for n in 1..=200_u32 {
        for peer in 1..=n % 40 {
            sea.leech(key(n), &format!("8.0.0.{peer}:{n}"));
            if n % 3 == 0 {
                sea.seed(key(n), &format!("[2606::{peer:x}:{n:x}]:1"));
            }
        }
    }
    for peer in 1..=3000 {
        sea.announce(
            key(1001),
            &format!("10.0.0.1:{peer}"),
            if peer % 2 == 0 { MUCH } else { NOTHING },
            Event::None,
        );
    }
    sea
}

fn snapshot(sea: &Sea) -> Vec<u8> {
    let mut bytes = Vec::new();
    let peers = sea
        .tracker
        .snapshot(Seconds(sea.now), &mut bytes)
        .expect("a vector takes all");
    let totals = sea.tracker.totals();
    assert_eq!(peers, totals.peers4 + totals.peers6);
    bytes
}

/// A tracker after a restart, with the same listing and another clock.
fn after_restart() -> Sea {
    let mut sea = Sea::new(Settings {
        max_peers_per_address: 0,
        ..Settings::new(2)
    });
    sea.now = 7;
    (1..=200).for_each(|n| sea.tracker.list(key(n).into()));
    sea.tracker.list(hybrid(1000, 1001));
    sea
}

#[test]
fn swarms_come_back_as_they_were() {
    let before = sea();
    let bytes = snapshot(&before);
    let after = after_restart();
    let restored = after
        .tracker
        .restore(Seconds(after.now), &bytes[..])
        .expect("it is whole");
    let (old, new) = (before.tracker.totals(), after.tracker.totals());
    assert_eq!(restored.peers, old.peers4 + old.peers6);
    assert_eq!(restored.left_out, 0);
    assert_eq!(
        (old.peers4, old.peers6, old.seeders, old.torrents),
        (new.peers4, new.peers6, new.seeders, new.torrents)
    );
    for n in (1..=200).chain([1000, 1001]) {
        assert_eq!(before.counts(key(n)), after.counts(key(n)), "torrent {n}");
    }
}

#[test]
fn ages_go_on_where_they_stopped() {
    let mut before = Sea::new(Settings::new(1));
    before.tracker.list(key(1).into());
    before.leech(key(1), "8.0.0.1:1");
    before.now += 2000;
    before.leech(key(1), "8.0.0.2:2");
    let bytes = snapshot(&before);
    let mut after = after_restart();
    after
        .tracker
        .restore(Seconds(after.now), &bytes[..])
        .expect("it is whole");
    after.now += 600;
    after.sweep();
    assert_eq!(after.counts(key(1)).1, 2);
    after.now += 200;
    after.sweep();
    assert_eq!(after.counts(key(1)).1, 1);
}

#[test]
fn a_counted_download_is_not_counted_again_after_a_restart() {
    let mut before = Sea::new(Settings::new(1));
    before.tracker.list(key(1).into());
    before.announce(key(1), "8.0.0.1:1", NOTHING, Event::Completed);
    let bytes = snapshot(&before);
    let mut after = after_restart();
    after.tracker.set_completed(key(1).into(), 1);
    after
        .tracker
        .restore(Seconds(after.now), &bytes[..])
        .expect("it is whole");
    after.leech(key(1), "8.0.0.1:1");
    after.announce(key(1), "8.0.0.1:1", NOTHING, Event::Completed);
    assert_eq!(after.counts(key(1)), (1, 0, 1));
}

#[test]
fn what_is_no_longer_served_or_allowed_is_left_out() {
    let bytes = snapshot(&sea());
    let mut few = Sea::new(Settings {
        max_peers_per_torrent: 5,
        max_peers: 12,
        ..Settings::new(3)
    });
    [39, 38, 1000]
        .iter()
        .for_each(|n| few.tracker.list(SwarmKeys::from(key(*n))));
    few.tracker.forbid(key(37).into());
    let restored = few
        .tracker
        .restore(Seconds(few.now), &bytes[..])
        .expect("it is whole");
    assert_eq!(restored.peers, 12);
    assert_eq!(few.tracker.totals().peers4 + few.tracker.totals().peers6, 12);
    few.leech(key(38), "9.9.9.9:9");
    let open = Sea::new(Settings {
        mode: Mode::Open,
        max_torrents: 7,
        ..Settings::new(3)
    });
    open.tracker.restore(Seconds(0), &bytes[..]).expect("it is whole");
    assert_eq!(open.tracker.totals().known, 7);
}

#[test]
fn a_damaged_snapshot_brings_back_nothing() {
    let bytes = snapshot(&sea());
    let refused = |bytes: &[u8]| {
        let after = after_restart();
        let error = after
            .tracker
            .restore(Seconds(after.now), bytes)
            .expect_err("it is damaged");
        let totals = after.tracker.totals();
        assert_eq!(
            (totals.peers4, totals.peers6, totals.seeders, totals.torrents),
            (0, 0, 0, 0)
        );
        error
    };
    for at in (8..bytes.len())
        .step_by(1009)
        .chain(8..40)
        .chain(bytes.len() - 12..bytes.len())
    {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(matches!(refused(&changed), SnapshotError::Damaged), "byte {at}");
    }
    for len in (8..bytes.len()).step_by(997) {
        assert!(
            matches!(refused(&bytes[..len]), SnapshotError::Damaged),
            "cut at {len}"
        );
    }
    assert!(matches!(refused(b""), SnapshotError::NotASnapshot));
    assert!(matches!(
        refused(b"SQLite format 3\0"),
        SnapshotError::NotASnapshot
    ));
    assert!(matches!(refused(b"SHOALSW\x01"), SnapshotError::Older(1)));
    assert!(matches!(refused(b"SHOALSW\x03"), SnapshotError::Newer(3)));
}

#[test]
fn a_tracker_goes_on_after_a_damaged_snapshot() {
    let bytes = snapshot(&sea());
    let mut after = after_restart();
    after
        .tracker
        .restore(Seconds(after.now), &bytes[..bytes.len() - 1])
        .expect_err("it is cut short");
    after.leech(key(5), "8.0.0.1:1");
    assert_eq!(after.leech(key(5), "8.0.0.2:1").len(), 1);
    assert_eq!(after.tracker.totals().peers4, 2);
}

/// How many of so many clients announce in each minute of three hours, if all come within the first and then when they are
/// told to.
fn announces_by_minute(sea: &mut Sea, clients: u32) -> Vec<u32> {
    let start = sea.now;
    let (mut due, mut announced) = (vec![Vec::new(); 180], Vec::new());
    due[0] = (0..clients).collect();
    for minute in 0..due.len() {
        sea.now = start + minute as u32 * 60;
        let come: Vec<u32> = std::mem::take(&mut due[minute]);
        announced.push(come.len() as u32);
        for client in come {
            let at = format!("8.{}.{}.1:1", client >> 8, client & 255);
            sea.announce(key(5), &at, MUCH, Event::None);
            let then = minute + sea.reply.interval as usize / 60;
            due.iter_mut().skip(then).take(1).for_each(|due| due.push(client));
        }
        sea.tracker.sweep(Seconds(sea.now), 100_000);
    }
    announced
}

#[test]
fn after_a_restart_clients_come_together_once_and_not_again() {
    const CLIENTS: u32 = 900;
    let mut sea = after_restart();
    sea.tracker.set_completed(key(5).into(), 17);
    let announced = announces_by_minute(&mut sea, CLIENTS);
    assert_eq!(announced[0], CLIENTS);
    // In five minutes of an interval of thirty, a sixth, if they were spread evenly.
    let most = announced[1..]
        .windows(5)
        .map(|minutes| minutes.iter().sum::<u32>())
        .max();
    assert!(most.is_some_and(|most| most < CLIENTS * 2 / 5), "{announced:?}");
    assert!(
        announced[1..14].iter().all(|count| *count == 0),
        "half an interval passes"
    );
    assert_eq!(sea.counts(key(5)), (0, CLIENTS, 17), "the swarm is whole again");

    let mut sea = after_restart();
    sea.now = 1800;
    let together = announces_by_minute(&mut sea, CLIENTS);
    let most = together[1..]
        .windows(5)
        .map(|minutes| minutes.iter().sum::<u32>())
        .max();
    assert!(
        most == Some(CLIENTS),
        "long after the start nobody is sent apart: {together:?}"
    );
}
