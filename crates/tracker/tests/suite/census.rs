//! The census: every torrent that is served, once, with its counts.

use std::collections::BTreeMap;

use shoal_tracker::{Mode, Settings, SwarmKey, Tracker};

use super::{Sea, hybrid, key};

/// Seeders, leechers and completed downloads of each torrent.
fn census(tracker: &Tracker) -> BTreeMap<SwarmKey, (u32, u32, u32)> {
    let mut all = Vec::new();
    (0..tracker.parts()).for_each(|part| tracker.census(part, &mut all));
    let told: BTreeMap<_, _> = all
        .iter()
        .map(|torrent| {
            let counts = torrent.counts;
            (
                torrent.key,
                (counts.complete, counts.incomplete, counts.completed),
            )
        })
        .collect();
    assert_eq!(told.len(), all.len(), "nothing is told twice");
    told
}

#[test]
fn a_census_tells_what_is_listed_and_nothing_else() {
    let mut sea = Sea::new(Settings::new(3));
    sea.tracker.list(key(1).into());
    sea.tracker.list(hybrid(2, 3));
    sea.tracker.list(key(4).into());
    sea.tracker.forbid(key(4).into());
    sea.tracker.set_completed(key(1).into(), 7);
    sea.seed(key(3), "8.0.0.1:1");
    sea.leech(key(2), "8.0.0.2:1");
    let wanted = BTreeMap::from([(key(1), (0, 0, 7)), (key(2), (1, 1, 0))]);
    assert_eq!(census(&sea.tracker), wanted);
    assert!(sea.tracker.parts() > 1);
    sea.tracker.census(sea.tracker.parts(), &mut Vec::new());
}

#[test]
fn a_census_of_an_open_tracker_has_each_of_many_torrents_once() {
    let mut sea = Sea::open();
    for n in 0..20_000 {
        sea.seed(key(n), "8.0.0.1:1");
    }
    assert_eq!(census(&sea.tracker).len(), 20_000);
    let closed = Sea::new(Settings {
        mode: Mode::Closed,
        ..Settings::new(3)
    });
    closed.tracker.list(key(1).into());
    assert!(census(&closed.tracker).is_empty());
}
