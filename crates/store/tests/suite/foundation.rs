//! What holds of the store as such: opening, settings, the base URL. Next: the nouns.

use shoal_store::StoreError;

use crate::scratch::both;

both!(a_setting_is_kept_over_a_restart, |scratch| {
    let store = scratch.store();
    assert_eq!(store.setting("colour")?, None);
    store.set_setting(scratch.moment(), "colour", "sea green")?;
    store.set_setting(scratch.moment(), "colour", "sand")?;
    scratch.reopen();
    assert_eq!(scratch.store().setting("colour")?.as_deref(), Some("sand"));
    scratch.store().check()?;
    Ok(())
});

both!(the_base_url_can_change_while_nothing_was_federated, |scratch| {
    let store = scratch.store();
    store.claim_base_url(scratch.moment(), "https://a.example")?;
    store.claim_base_url(scratch.moment(), "https://b.example")?;
    store.claim_base_url(scratch.moment(), "https://b.example")?;
    let blob = if scratch.folder().is_some() { "x''" } else { "''" };
    scratch.sql(&format!(
        "INSERT INTO actors VALUES ('a', 'instance', 'a', '', '', {blob}, '', {blob}, {blob}, true, 1);
         INSERT INTO activities (uri, event_id, actor_id, kind, json, in_outbox, addressed, at)
         VALUES ('u', 'e', 'a', 'Create', '{{}}', true, false, 1);"
    ));
    store.claim_base_url(scratch.moment(), "https://b.example")?;
    match store.claim_base_url(scratch.moment(), "https://c.example") {
        Err(StoreError::Refused(sentence)) => assert!(sentence.contains("https://b.example"), "{sentence}"),
        other => panic!("expected a refusal, got {other:?}"),
    }
    Ok(())
});
