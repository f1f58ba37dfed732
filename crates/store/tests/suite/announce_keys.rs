//! Announce keys: made, revoked and heard of, and what is kept of their use. Next: `listing.rs`, which is heard likewise.

use std::sync::Arc;

use parking_lot::Mutex;
use shoal_store::{
    Account, AnnounceKey, AnnounceKeyChange, AnnounceKeyEdit, AnnounceUse, Millis, NewAnnounceKey, Role,
    Scope, Store, StoreError, Target, Upload,
};

use crate::material::v2;
use crate::scratch::{START, Scratch, both};

const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;

fn make(scratch: &Scratch, account: &Account, n: u8, named: bool) -> Result<AnnounceKey, StoreError> {
    let new = NewAnnounceKey {
        account: account.id,
        label: format!(" key \n {n} "),
        named,
        key_hash: [n; 32],
    };
    scratch.store().create_announce_key(scratch.moment(), new)
}

/// An announce with a key, so many minutes after the start.
fn used(n: u8, upload: &Upload, seeding: bool, minute: Millis) -> AnnounceUse {
    AnnounceUse {
        key_hash: [n; 32],
        torrent: upload.swarm_keys().expect("it has hashes").primary,
        seeding,
        seen_at: START + minute * MINUTE,
    }
}

fn change(n: u8, valid: bool) -> AnnounceKeyChange {
    AnnounceKeyChange {
        key_hash: [n; 32],
        valid,
    }
}

/// The hashes that a starting process would take, by their first byte.
fn valid(store: &Store) -> Result<Vec<u8>, StoreError> {
    let mut all = Vec::new();
    store.for_each_announce_key(|hash| all.push(hash[0]))?;
    Ok(all)
}

both!(a_key_is_made_listed_edited_and_revoked, |scratch| {
    let store = scratch.store();
    let (ann, ben) = (
        scratch.person("ann", Scope::Owner),
        scratch.person("ben", Scope::Submit),
    );
    let first = make(scratch, &ann, 1, false)?;
    let second = make(scratch, &ann, 2, true)?;
    assert_eq!(
        (first.label.as_str(), first.named, first.used_day),
        ("key 1", false, None)
    );
    assert_eq!(store.announce_keys_of(ann.id)?, [first.clone(), second.clone()]);
    assert!(store.announce_keys_of(ben.id)?.is_empty());
    assert!(matches!(
        make(scratch, &ben, 1, false),
        Err(StoreError::Taken { .. })
    ));

    let edit = AnnounceKeyEdit {
        named: Some(true),
        ..AnnounceKeyEdit::default()
    };
    let of_ben = store.edit_announce_key(scratch.moment(), first.id, Some(ben.id), edit.clone());
    assert!(matches!(of_ben, Err(StoreError::NotFound { .. })));
    let edited = store.edit_announce_key(scratch.moment(), first.id, Some(ann.id), edit.clone())?;
    assert_eq!((edited.label.as_str(), edited.named), ("key 1", true));

    let of_ben = store.revoke_announce_key(scratch.moment(), first.id, Some(ben.id));
    assert!(matches!(of_ben, Err(StoreError::NotFound { .. })));
    store.revoke_announce_key(scratch.moment(), first.id, Some(ann.id))?;
    let again = store.revoke_announce_key(scratch.moment(), first.id, None);
    assert!(matches!(again, Err(StoreError::NotFound { .. })));
    let late = store.edit_announce_key(scratch.moment(), first.id, None, edit);
    assert!(matches!(late, Err(StoreError::NotFound { .. })));
    let keys = store.announce_keys_of(ann.id)?;
    assert_eq!(keys[0], second);
    assert!(keys[1].id == first.id && keys[1].revoked_at.is_some());
    assert_eq!(valid(store)?, [2]);
    Ok(())
});

both!(keys_of_an_account_are_bounded_the_revoked_ones_too, |scratch| {
    let ann = scratch.person("ann", Scope::Owner);
    for n in 0..20 {
        make(scratch, &ann, n, false)?;
    }
    assert!(matches!(
        make(scratch, &ann, 99, false),
        Err(StoreError::Refused(_))
    ));
    for n in 20..45 {
        let oldest = scratch.store().announce_keys_of(ann.id)?[0].id;
        scratch
            .store()
            .revoke_announce_key(scratch.moment(), oldest, None)?;
        make(scratch, &ann, n, false)?;
    }
    let all = scratch.store().announce_keys_of(ann.id)?;
    assert_eq!(all.len(), 40);
    assert!(all[..20].iter().all(|key| key.revoked_at.is_none()));
    let revoked: Vec<_> = all[20..].iter().map(|key| key.label.as_str()).collect();
    assert_eq!(
        (revoked[0], revoked[19]),
        ("key 24", "key 5"),
        "the last comes first"
    );
    Ok(())
});

both!(
    changes_of_keys_are_heard_before_the_verb_returns_and_read_by_others,
    |scratch| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let store = scratch.store();
        store.on_announce_key_change(Arc::new(move |changes| hearing.lock().extend_from_slice(changes)));
        let take = || std::mem::take(&mut *heard.lock());
        let (ann, ben) = (
            scratch.person("ann", Scope::Owner),
            scratch.person("ben", Scope::Submit),
        );
        let other = Store::open(scratch.url(), Role::Tool)?;
        let cursor = other.for_each_announce_key(|_| {})?;

        make(scratch, &ann, 1, false)?;
        let gone = make(scratch, &ben, 2, false)?;
        make(scratch, &ben, 3, false)?;
        store.revoke_announce_key(scratch.moment(), gone.id, None)?;
        let so_far = [
            change(1, true),
            change(2, true),
            change(3, true),
            change(2, false),
        ];
        assert_eq!(take(), so_far);
        let (read, next) = other.announce_key_changes_since(cursor)?;
        assert_eq!(read, so_far);
        assert_eq!(other.announce_key_changes_since(next)?, (Vec::new(), next));

        store.suspend_account(scratch.moment(), ben.id, None, "why")?;
        assert_eq!(
            take(),
            [change(3, false)],
            "a suspended account's keys are not taken"
        );
        assert_eq!(valid(&other)?, [1]);
        assert!(matches!(
            make(scratch, &ben, 4, false),
            Err(StoreError::Refused(_))
        ));
        store.restore_account(scratch.moment(), ben.id, None)?;
        assert_eq!(take(), [change(3, true)]);
        assert_eq!(valid(&other)?, [1, 3]);
        store.remove(scratch.moment(), Target::Account(ben.id), ann.id, "why")?;
        assert_eq!(take(), [change(3, false)]);
        assert!(store.announce_keys_of(ben.id)?.is_empty());
        Ok(())
    }
);

both!(time_seeded_adds_up_between_announces, |scratch| {
    let store = scratch.store();
    let (ann, _, upload) = scratch.published();
    let key = make(scratch, &ann, 1, false)?;
    let seconds = |scratch: &Scratch| -> Result<Vec<i64>, StoreError> {
        let seeded = scratch.store().seeded_by(ann.id, START)?;
        Ok(seeded
            .iter()
            .flat_map(|one| one.some.iter().map(|some| some.2))
            .collect())
    };
    for (seeding, minute, expected) in [
        (false, 0, vec![]),
        (true, 30, vec![0]),
        (true, 60, vec![1800]),
        (false, 70, vec![]),
        (true, 100, vec![2400]),
        (true, 300, vec![2400]),
        (true, 290, vec![2400]),
        (true, 301, vec![2460]),
    ] {
        store.add_announce_uses(scratch.moment(), &[used(1, &upload, seeding, minute)])?;
        assert_eq!(seconds(scratch)?, expected, "after minute {minute}");
    }
    let seeded = store.seeded_by(ann.id, START + 301 * MINUTE)?;
    assert_eq!((seeded[0].key, seeded[0].count), (key.id, 1));
    assert_eq!(seeded[0].some[0].1, upload.name);
    assert!(store.seeded_by(ann.id, START + 302 * MINUTE)?.is_empty());
    let used_day = store.announce_keys_of(ann.id)?[0].used_day;
    assert_eq!(used_day, Some((START + 301 * MINUTE) / DAY));
    Ok(())
});

both!(hosts_are_those_who_want_to_be_named_and_seed_now, |scratch| {
    let store = scratch.store();
    let (ann, dataset, upload) = scratch.published();
    let more = scratch.publish(&ann, &dataset, &v2("more", &["a"]))?;
    let (ben, cleo) = (
        scratch.person("ben", Scope::Submit),
        scratch.person("cleo", Scope::Submit),
    );
    let hidden = make(scratch, &cleo, 1, false)?;
    make(scratch, &ben, 2, true)?;
    make(scratch, &ben, 3, true)?;
    make(scratch, &ann, 4, true)?;
    let uses = [1, 2, 3, 4, 9].map(|n| used(n, &upload, true, 10));
    store.add_announce_uses(scratch.moment(), &uses)?;
    let unknown = AnnounceUse {
        torrent: shoal_torrent::SwarmKey::new([0xee; 20]),
        ..uses[0]
    };
    store.add_announce_uses(scratch.moment(), &[unknown, used(2, &more, false, 10)])?;
    let named = |since| -> Result<Vec<String>, StoreError> {
        let hosts = scratch.store().hosts_of(upload.id, since)?;
        Ok(hosts.into_iter().map(|host| host.name).collect())
    };
    assert_eq!(named(START)?, ["archivist", "ben"]);
    assert!(named(START + 11 * MINUTE)?.is_empty());
    assert!(store.hosts_of(more.id, START)?.is_empty(), "it downloads");

    let edit = AnnounceKeyEdit {
        named: Some(true),
        ..AnnounceKeyEdit::default()
    };
    store.edit_announce_key(scratch.moment(), hidden.id, Some(cleo.id), edit)?;
    store.suspend_account(scratch.moment(), ben.id, None, "why")?;
    assert_eq!(named(START)?, ["archivist", "cleo"]);
    store.revoke_announce_key(scratch.moment(), hidden.id, None)?;
    assert_eq!(named(START)?, ["archivist"]);
    store.add_announce_uses(
        scratch.moment(),
        &[used(1, &upload, true, 20), used(4, &upload, false, 20)],
    )?;
    assert!(
        named(START)?.is_empty(),
        "a revoked key is noted no more, and the other one stopped"
    );
    Ok(())
});

both!(what_keys_were_used_for_is_let_go_of_in_time, |scratch| {
    let store = scratch.store();
    let (ann, dataset, upload) = scratch.published();
    let more = scratch.publish(&ann, &dataset, &v2("more", &["a"]))?;
    make(scratch, &ann, 1, true)?;
    store.add_announce_uses(
        scratch.moment(),
        &[used(1, &upload, true, 10), used(1, &more, true, 20)],
    )?;
    assert_eq!(store.sweep_announce_uses(START + 15 * MINUTE, 100)?, 1);
    assert!(store.hosts_of(upload.id, START)?.is_empty());
    assert_eq!(store.hosts_of(more.id, START)?.len(), 1);
    store.remove(scratch.moment(), Target::Upload(more.id), ann.id, "why")?;
    assert_eq!(store.sweep_announce_uses(START + 30 * MINUTE, 100)?, 1);
    Ok(())
});
