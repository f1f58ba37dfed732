//! Names, local actors and actors of other servers. Next: `datasets.rs`.

use shoal_store::{ActorKind, Effect, NewCollection, NewRemoteActor, Received, Scope, StoreError, Target};

use crate::material::{keys, new_account};
use crate::scratch::{START, both};

both!(a_name_is_given_once_over_all_kinds_of_actor, |scratch| {
    let account = scratch.person("climate", Scope::Owner);
    let store = scratch.store();
    let collection = |name: &str| NewCollection {
        name: name.to_owned(),
        title: String::new(),
        summary: String::new(),
        account: account.id,
        keys: keys(),
    };
    let taken = store.create_collection(scratch.moment(), collection("climate"));
    assert!(
        matches!(taken, Err(StoreError::Taken { what: "name", .. })),
        "{taken:?}"
    );
    let made = store.create_collection(scratch.moment(), collection("oceans"))?;
    store.remove(scratch.moment(), Target::Collection(made.id), account.id, "empty")?;
    let again = store.create_account(scratch.moment(), new_account("oceans", Scope::Upload));
    assert!(
        matches!(again, Err(StoreError::Taken { what: "name", .. })),
        "removed names stay given: {again:?}"
    );
    for reserved in ["inbox", "new", "postmaster"] {
        let refused = store.create_account(scratch.moment(), new_account(reserved, Scope::Upload));
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{reserved}: {refused:?}"
        );
    }
    let wrong = store.create_account(scratch.moment(), new_account("Climate", Scope::Upload));
    assert!(matches!(wrong, Err(StoreError::Invalid(_))), "{wrong:?}");
    Ok(())
});

both!(
    the_instance_has_one_actor_with_the_keys_of_its_first_day,
    |scratch| {
        let first =
            scratch
                .store()
                .ensure_instance_actor(scratch.moment(), "archive.example", "Archive", keys)?;
        let never = || unreachable!("keys are made once");
        scratch.reopen();
        let store = scratch.store();
        let second =
            store.ensure_instance_actor(scratch.moment(), "archive.example", "The Archive", never)?;
        assert_eq!(
            (second.id, second.keys, second.title.as_str()),
            (first.id, first.keys, "The Archive")
        );
        assert_eq!(
            store
                .local_actor(ActorKind::Instance, "archive.example")?
                .map(|actor| actor.id),
            Some(first.id)
        );
        assert_eq!(store.local_actor(ActorKind::Account, "archive.example")?, None);
        Ok(())
    }
);

both!(an_actor_is_found_by_name_and_id, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let collection = scratch.curated(&account, "climate");
    let store = scratch.store();
    let actor = store
        .local_actor(ActorKind::Collection, "Climate")?
        .expect("just made");
    assert_eq!(
        (actor.id, actor.name.as_str(), actor.followable),
        (collection.actor_id, "climate", true)
    );
    assert_eq!(actor.keys, keys());
    assert_eq!(store.local_actor_by_id(actor.id)?, Some(actor.clone()));
    assert_eq!(store.local_actor_by_name("climate")?, Some(actor.clone()));
    assert!(
        !format!("{actor:?}").contains("255, 0, 1"),
        "private keys stay out of logs"
    );
    store.hide(
        scratch.moment(),
        Target::Collection(collection.id),
        account.id,
        "review",
    )?;
    assert!(
        !store
            .local_actor_by_id(actor.id)?
            .expect("still there")
            .state
            .is_visible()
    );
    Ok(())
});

both!(a_remote_actor_is_kept_under_one_row, |scratch| {
    let store = scratch.store();
    let fetched = NewRemoteActor {
        uri: "https://social.example/users/ada".to_owned(),
        domain: "social.example".to_owned(),
        name: "ada".to_owned(),
        actor_type: "Person".to_owned(),
        title: "Ada\0\u{1b}".to_owned(),
        inbox: "https://social.example/users/ada/inbox".to_owned(),
        shared_inbox: Some("https://social.example/inbox".to_owned()),
        key_id: "https://social.example/users/ada#main-key".to_owned(),
        public_key_pem: "PEM".to_owned(),
        json: "{}".to_owned(),
        understands_records: false,
    };
    let first = store.save_remote_actor(scratch.moment_at(START), fetched.clone())?;
    assert_eq!(first.title, "Ada", "what no database keeps is left out");
    let moved = NewRemoteActor {
        shared_inbox: None,
        ..fetched.clone()
    };
    let second = store.save_remote_actor(scratch.moment_at(START + 5), moved)?;
    assert_eq!(
        (second.id, second.shared_inbox.as_deref(), second.fetched_at),
        (first.id, None, START + 5)
    );
    assert_eq!(store.remote_actor(&fetched.uri)?, Some(second.clone()));
    assert_eq!(store.remote_actor_by_key(&fetched.key_id)?, Some(second.clone()));

    store.mark_remote_actor_gone(scratch.moment_at(START + 9), &fetched.uri)?;
    store.mark_remote_actor_gone(scratch.moment_at(START + 9), "https://nobody.example")?;
    assert_eq!(
        store.remote_actor(&fetched.uri)?.and_then(|actor| actor.gone_at),
        Some(START + 9)
    );
    assert_eq!(
        store.remote_actor_by_key(&fetched.key_id)?,
        None,
        "the keys of the gone open nothing"
    );
    let back = store.save_remote_actor(scratch.moment_at(START + 20), fetched.clone())?;
    assert_eq!((back.id, back.gone_at), (first.id, None));

    store.doubt_remote_actor(&fetched.uri)?;
    store.doubt_remote_actor("https://nobody.example")?;
    let doubted = store.remote_actor(&fetched.uri)?.expect("kept");
    assert_eq!((doubted.fetched_at, doubted.gone_at), (0, None));
    let word = Received {
        activity_id: format!("{}#delete", fetched.uri),
        host: "social.example".to_owned(),
        kind: "Delete".to_owned(),
        signed_at: START + 30,
    };
    for (effect, again) in [(Effect::Done, 30), (Effect::Known, 40)] {
        let moment = scratch.moment_at(START + again);
        assert_eq!(
            store.receive_actor_gone(moment, word.clone(), &fetched.uri)?,
            effect
        );
    }
    let gone_at = store.remote_actor(&fetched.uri)?.and_then(|actor| actor.gone_at);
    assert_eq!(gone_at, Some(START + 30), "once");
    Ok(())
});
