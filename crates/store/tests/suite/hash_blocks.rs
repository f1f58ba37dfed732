//! Hashes that are blocked although nobody has uploaded them: what the tracker hears, what cannot be published, and how
//! that is taken back. Next: `listing.rs`.

use std::sync::Arc;

use parking_lot::Mutex;
use shoal_store::{Listing, ListingChange, Paging, Role, Scope, Store, StoreError, Target};
use shoal_torrent::{Metainfo, SwarmKey, SwarmKeys};

use crate::material::{all_pages, v1, v2};
use crate::scratch::{Scratch, both};

/// What the observer of this process hears.
fn hearing(scratch: &Scratch) -> Arc<Mutex<Vec<ListingChange>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let store = scratch.store();
    store.on_listing_change(Arc::new(move |changes| hears.lock().extend_from_slice(changes)));
    heard
}

fn one(key: &str, state: Listing) -> [ListingChange; 1] {
    let key: SwarmKey = key.parse().expect("forty digits");
    let keys = SwarmKeys::from(key);
    [ListingChange {
        keys,
        state,
        private: false,
    }]
}

fn v1_hash(torrent: &[u8]) -> String {
    let metainfo = Metainfo::parse(torrent).expect("a good torrent");
    metainfo.info_hash_v1().expect("a v1 hash").to_string()
}

fn v2_hash(torrent: &[u8]) -> String {
    let metainfo = Metainfo::parse(torrent).expect("a good torrent");
    metainfo.info_hash_v2().expect("a v2 hash").to_string()
}

fn refusal<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> String {
    match refused.expect_err("it is refused") {
        StoreError::Refused(sentence) | StoreError::Invalid(sentence) => sentence,
        other => panic!("{other:?}"),
    }
}

both!(a_blocked_hash_is_neither_served_nor_published, |scratch| {
    let heard = hearing(scratch);
    let take = || std::mem::take(&mut *heard.lock());
    let moderator = scratch.person("mod", Scope::Owner);
    let dataset = scratch.dataset(&moderator, "Storms");
    let (torrent, store) = (v1("storms.csv"), scratch.store());
    let hash = v1_hash(&torrent);
    store.block_hash(scratch.moment(), &hash.to_uppercase(), moderator.id, "malware")?;
    assert_eq!(take(), one(&hash, Listing::Forbidden));
    let sentence = refusal(scratch.publish(&moderator, &dataset, &torrent));
    assert!(
        sentence.contains("blocked the hash") && sentence.contains("malware"),
        "{sentence}"
    );
    store.block_hash(scratch.moment(), &hash, moderator.id, "worse")?;
    take();
    let rows = store.blocked_hashes(&Paging::first(9))?.items;
    assert_eq!(rows.len(), 1);
    let row = (
        rows[0].hash.as_str(),
        rows[0].reason.as_str(),
        rows[0].by.as_deref(),
    );
    assert_eq!(row, (hash.as_str(), "worse", Some("mod")));
    store.unblock_hash(scratch.moment(), &hash, moderator.id, "")?;
    assert_eq!(take(), one(&hash, Listing::Unlisted));
    scratch.publish(&moderator, &dataset, &torrent)?;
    assert_eq!(take(), one(&hash, Listing::Listed));
    let log = store.moderation_log(&Paging::first(9))?.items;
    let acts: Vec<_> = log
        .iter()
        .map(|line| (line.act.as_str(), line.target_kind.as_str()))
        .collect();
    assert_eq!(acts, [("unblock", "hash"), ("block", "hash"), ("block", "hash")]);
    assert_eq!(log[0].target_label, hash);
    Ok(())
});

both!(a_v2_hash_is_blocked_whole_or_cut_short, |scratch| {
    let heard = hearing(scratch);
    let take = || std::mem::take(&mut *heard.lock());
    let moderator = scratch.person("mod", Scope::Owner);
    let dataset = scratch.dataset(&moderator, "Storms");
    let (torrent, store) = (v2("storms", &["a.csv"]), scratch.store());
    let whole = v2_hash(&torrent);
    let cut = whole[..40].to_owned();
    for (block, unblock) in [(&whole, &cut), (&cut, &whole)] {
        store.block_hash(scratch.moment(), block, moderator.id, "why")?;
        assert_eq!(take(), one(&cut, Listing::Forbidden));
        assert_eq!(store.blocked_hashes(&Paging::first(9))?.items[0].hash, **block);
        refusal(scratch.publish(&moderator, &dataset, &torrent));
        store.unblock_hash(scratch.moment(), unblock, moderator.id, "")?;
        assert_eq!(take(), one(&cut, Listing::Unlisted));
    }
    scratch.publish(&moderator, &dataset, &torrent)?;
    Ok(())
});

both!(what_is_here_is_hidden_or_removed_instead, |scratch| {
    let (moderator, _, upload) = scratch.published();
    let store = scratch.store();
    let hash = upload.info_hash_v2.expect("v2").to_string();
    let sentence = refusal(store.block_hash(scratch.moment(), &hash, moderator.id, "why"));
    assert!(sentence.contains("hide or remove"), "{sentence}");
    store.hide(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    refusal(store.block_hash(scratch.moment(), &hash, moderator.id, "why"));
    store.remove(scratch.moment(), Target::Upload(upload.id), moderator.id, "why")?;
    store.block_hash(scratch.moment(), &hash, moderator.id, "why")?;
    let heard = hearing(scratch);
    store.unblock_hash(scratch.moment(), &hash, moderator.id, "")?;
    assert!(heard.lock().is_empty(), "a removed upload stays forbidden");
    Ok(())
});

both!(other_processes_and_later_starts_hear_of_it, |scratch| {
    let moderator = scratch.person("mod", Scope::Owner);
    let other = Store::open(scratch.url(), Role::Tool)?;
    let cursor = other.for_each_listing(|_| ())?;
    let hash = "ab".repeat(20);
    let store = scratch.store();
    store.block_hash(scratch.moment(), &hash, moderator.id, "why")?;
    assert_eq!(
        other.listing_changes_since(cursor)?.0,
        one(&hash, Listing::Forbidden)
    );
    let mut all = Vec::new();
    other.for_each_listing(|change| all.push(change))?;
    assert_eq!(all, one(&hash, Listing::Forbidden));
    Ok(())
});

both!(what_is_no_hash_is_said_and_pages_end, |scratch| {
    let moderator = scratch.person("mod", Scope::Owner);
    let store = scratch.store();
    for wrong in ["", "abc", &"g".repeat(40), &"a".repeat(41), &"a".repeat(63)] {
        let sentence = refusal(store.block_hash(scratch.moment(), wrong, moderator.id, "why"));
        assert!(sentence.contains("40 hexadecimal digits"), "{sentence}");
    }
    let hash = "0".repeat(40);
    let sentence = refusal(store.block_hash(scratch.moment(), &hash, moderator.id, " "));
    assert!(sentence.contains("reason"), "{sentence}");
    assert!(matches!(
        store.unblock_hash(scratch.moment(), &hash, moderator.id, ""),
        Err(StoreError::NotFound { .. })
    ));
    for n in 0..7 {
        store.block_hash(scratch.moment(), &format!("{n:040x}"), moderator.id, "why")?;
    }
    let (rows, pages) = all_pages(3, |paging| store.blocked_hashes(&paging))?;
    let hashes: Vec<_> = rows.into_iter().map(|row| row.hash).collect();
    assert_eq!(hashes, (0..7).map(|n| format!("{n:040x}")).collect::<Vec<_>>());
    assert_eq!(pages, 3);
    Ok(())
});
