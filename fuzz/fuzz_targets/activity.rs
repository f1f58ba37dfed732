//! What is posted to an inbox, and what comes back when its sender is looked up: the same bytes are read as an activity
//! and as an actor.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shoal_federation::vocab::{
    incoming::{Incoming, MAX_DEPTH, depth},
    remote_actor::Document,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(activity) = Incoming::parse(data) {
        assert!(depth(data) <= MAX_DEPTH);
        assert!(!activity.kind.is_empty() && activity.kind.len() <= 64);
        for url in [&activity.id, &activity.actor] {
            assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
        }
        // What an Accept gives back is an envelope, however large the activity was.
        let back = activity.as_written.to_string();
        assert!(back.len() <= 4 * data.len() + 64);
    }
    if depth(data) > MAX_DEPTH {
        return;
    }
    let Ok(document) = serde_json::from_slice::<Document>(data) else {
        return;
    };
    if let Ok(actor) = document.check() {
        assert!(!actor.keys.is_empty());
        assert_eq!(actor.inbox.origin(), actor.id.origin());
        for key in actor.keys.iter().map(|key| &key.id) {
            let _readable = actor.key(key);
        }
        assert!(document.text().is_err() || document.text().is_ok_and(|text| !text.is_empty()));
    }
});
