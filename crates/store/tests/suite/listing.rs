//! What the tracker may serve, heard by the observer and read by other processes. Next: `collections.rs`.

use std::sync::Arc;

use parking_lot::Mutex;
use shoal_store::{Listing, ListingChange, Role, Store, Target};

use crate::material::{private, v2};
use crate::scratch::both;

both!(the_observer_hears_before_the_verb_returns, |scratch| {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    scratch
        .store()
        .on_listing_change(Arc::new(move |changes| hearing.lock().extend_from_slice(changes)));
    let (moderator, dataset, upload) = scratch.published();
    let keys = upload.swarm_keys().expect("v2");
    let take = || std::mem::take(&mut *heard.lock());
    assert_eq!(
        take(),
        [ListingChange {
            keys,
            state: Listing::Listed,
            private: false,
        }]
    );
    let store = scratch.store();
    store.hide(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    assert_eq!(
        take(),
        [ListingChange {
            keys,
            state: Listing::Forbidden,
            private: false,
        }]
    );
    store.hide(scratch.moment(), Target::Dataset(dataset.id), moderator.id, "why")?;
    store.restore(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    assert!(
        take().iter().all(|change| change.state == Listing::Forbidden),
        "its dataset is hidden still"
    );
    store.restore(scratch.moment(), Target::Dataset(dataset.id), moderator.id, "why")?;
    assert_eq!(
        take(),
        [ListingChange {
            keys,
            state: Listing::Listed,
            private: false,
        }]
    );
    let refused = scratch.publish(&moderator, &dataset, &v2("storms", &["a.csv", "b.csv"]));
    assert!(refused.is_err());
    assert_eq!(take(), [], "what was not committed is not heard");
    Ok(())
});

both!(another_process_reads_the_changes_it_missed, |scratch| {
    let (moderator, dataset, upload) = scratch.published();
    let other = Store::open(scratch.url(), Role::Tool)?;
    let mut all = Vec::new();
    let cursor = other.for_each_listing(|change| all.push(change))?;
    let keys = upload.swarm_keys().expect("v2");
    assert_eq!(
        all,
        [ListingChange {
            keys,
            state: Listing::Listed,
            private: false,
        }]
    );
    assert_eq!(other.listing_changes_since(cursor)?, (Vec::new(), cursor));

    let store = scratch.store();
    store.remove(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    let second = scratch.publish(&moderator, &dataset, &v2("more", &["a"]))?;
    let (changes, next) = other.listing_changes_since(cursor)?;
    let more = second.swarm_keys().expect("v2");
    let forbidden = ListingChange {
        keys,
        state: Listing::Forbidden,
        private: false,
    };
    let listed = ListingChange {
        keys: more,
        state: Listing::Listed,
        private: false,
    };
    assert_eq!(changes, [forbidden, listed]);
    assert_eq!(other.listing_changes_since(next)?.0, []);
    let mut all = Vec::new();
    other.for_each_listing(|change| all.push(change))?;
    assert_eq!(
        all,
        [forbidden, listed],
        "a removed one stays forbidden after a restart"
    );
    Ok(())
});

both!(a_listener_that_panics_stops_nothing, |scratch| {
    scratch
        .store()
        .on_listing_change(Arc::new(|_| panic!("as a listener must not")));
    let (moderator, _, upload) = scratch.published();
    scratch
        .store()
        .hide(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    assert!(
        !scratch
            .store()
            .upload(upload.id)?
            .expect("the row stays")
            .state
            .is_visible()
    );
    Ok(())
});

both!(a_private_torrent_is_listed_as_one, |scratch| {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    scratch
        .store()
        .on_listing_change(Arc::new(move |changes| hearing.lock().extend_from_slice(changes)));
    let (moderator, dataset, _) = scratch.published();
    let other = Store::open(scratch.url(), Role::Tool)?;
    let cursor = other.for_each_listing(|_| {})?;
    heard.lock().clear();
    let upload = scratch.publish(&moderator, &dataset, &private("members"))?;
    scratch
        .store()
        .hide(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    let heard = std::mem::take(&mut *heard.lock());
    let states: Vec<_> = heard
        .iter()
        .map(|change| (change.state, change.private))
        .collect();
    assert_eq!(states, [(Listing::Listed, true), (Listing::Forbidden, true)]);
    assert_eq!(other.listing_changes_since(cursor)?.0, heard);
    let mut all = Vec::new();
    other.for_each_listing(|change| all.push(change.private))?;
    assert_eq!(all, [false, true]);
    Ok(())
});
