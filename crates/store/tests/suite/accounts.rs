//! Accounts, and how people and programs prove to be one: links, sessions, tokens. Next: `actors.rs`.

use shoal_store::{AccountEdit, Event, NewSession, NewToken, Paging, Scope, Scopes, StoreError, Target};

use crate::material::{all_pages, new_account};
use crate::scratch::{START, both};

const HOUR: i64 = 3_600_000;

both!(an_account_is_kept_whole, |scratch| {
    let made = scratch.person("archivist", Scope::Upload);
    scratch.reopen();
    let store = scratch.store();
    assert_eq!(store.account("archivist")?.as_ref(), Some(&made));
    assert_eq!(
        store.account("Archivist")?.as_ref(),
        Some(&made),
        "handles are written in any case"
    );
    assert_eq!(store.account_by_id(made.id)?, Some(made.clone()));
    assert_eq!(store.account("nobody")?, None);
    assert_eq!(
        (made.title.as_str(), made.has_password, made.followable),
        ("archivist", false, false)
    );
    assert_eq!(store.account_count()?, 1);
    Ok(())
});

both!(accounts_are_listed_page_by_page, |scratch| {
    for number in 0..7 {
        scratch.person(&format!("person-{number}"), Scope::Submit);
    }
    let (all, pages) = all_pages(3, |paging| scratch.store().accounts(&paging))?;
    let names: Vec<&str> = all.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(pages, 3);
    assert_eq!(
        names,
        [
            "person-0", "person-1", "person-2", "person-3", "person-4", "person-5", "person-6"
        ]
    );
    Ok(())
});

both!(a_sign_in_link_works_once_and_in_time, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let store = scratch.store();
    store.create_sign_in_link(scratch.moment(), account.id, [1; 32], START + HOUR)?;
    store.create_sign_in_link(scratch.moment(), account.id, [2; 32], START + HOUR)?;
    assert_eq!(store.use_sign_in_link(scratch.moment(), [1; 32])?, account);
    for (moment, secret) in [
        (scratch.moment(), [1; 32]),
        (scratch.moment_at(START + HOUR), [2; 32]),
    ] {
        let refused = store.use_sign_in_link(moment, secret);
        assert!(
            matches!(refused, Err(StoreError::NotFound { what: "sign-in link" })),
            "{refused:?}"
        );
    }
    assert!(
        store.use_sign_in_link(scratch.moment(), [2; 32]).is_err(),
        "a late one is used up too"
    );
    Ok(())
});

both!(a_session_lasts_until_it_ends, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let store = scratch.store();
    let new = |secret| NewSession {
        account: account.id,
        secret_hash: [secret; 32],
        csrf: "token".to_owned(),
        expires_at: START + HOUR,
    };
    let made = store.create_session(scratch.moment(), new(1))?;
    store.create_session(scratch.moment(), new(2))?;
    assert_eq!(store.session(START + HOUR - 1, [1; 32])?, Some((made, account)));
    assert_eq!(store.session(START + HOUR, [1; 32])?, None);
    store.end_session(scratch.moment(), [1; 32])?;
    store.end_session(scratch.moment(), [1; 32])?;
    assert_eq!(store.session(START, [1; 32])?, None);
    assert!(store.session(START, [2; 32])?.is_some());
    store.sweep_expired(scratch.moment_at(START + HOUR))?;
    assert_eq!(store.session(START, [2; 32])?, None);
    Ok(())
});

both!(an_account_has_a_hundred_sessions_at_most, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    for number in 0..103 {
        let new = NewSession {
            account: account.id,
            secret_hash: [number; 32],
            csrf: String::new(),
            expires_at: START + HOUR,
        };
        scratch.store().create_session(scratch.moment(), new)?;
    }
    assert_eq!(scratch.store().session(START, [2; 32])?, None);
    assert!(scratch.store().session(START, [3; 32])?.is_some());
    Ok(())
});

both!(a_token_allows_what_its_account_allows_too, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let boss = scratch.person("boss", Scope::Owner);
    let store = scratch.store();
    let label = "backup script".to_owned();
    let new = NewToken {
        account: account.id,
        label,
        scopes: Scopes::of(&[Scope::Admin]),
        secret_hash: [9; 32],
    };
    let made = store.create_token(scratch.moment(), new)?;
    assert_eq!(store.tokens(account.id)?, std::slice::from_ref(&made));
    let (token, _) = store.token(START, [9; 32])?.expect("just made");
    assert!(token.scopes.allows(Scope::Admin) && !token.scopes.allows(Scope::Owner));
    store.set_scopes(
        scratch.moment(),
        account.id,
        Scopes::of(&[Scope::Upload]),
        Some(boss.id),
    )?;
    let (token, _) = store.token(START, [9; 32])?.expect("still there");
    assert!(token.scopes.allows(Scope::Upload) && !token.scopes.allows(Scope::Review));

    let foreign = store.revoke_token(scratch.moment(), made.id, Some(boss.id));
    assert!(
        matches!(foreign, Err(StoreError::NotFound { .. })),
        "nobody ends another's token"
    );
    store.revoke_token(scratch.moment(), made.id, Some(account.id))?;
    assert_eq!(store.token(START, [9; 32])?, None);
    Ok(())
});

both!(a_new_password_ends_sessions_tokens_and_links, |scratch| {
    let account = scratch.person("archivist", Scope::Owner);
    let store = scratch.store();
    let (csrf, expires_at) = (String::new(), START + HOUR);
    store.create_session(
        scratch.moment(),
        NewSession {
            account: account.id,
            secret_hash: [1; 32],
            csrf,
            expires_at,
        },
    )?;
    let token = NewToken {
        account: account.id,
        label: String::new(),
        scopes: account.scopes,
        secret_hash: [2; 32],
    };
    store.create_token(scratch.moment(), token)?;
    store.create_sign_in_link(scratch.moment(), account.id, [3; 32], START + HOUR)?;
    store.set_password(scratch.moment(), account.id, "$argon2id$…")?;
    assert_eq!(store.session(START, [1; 32])?, None);
    assert_eq!(store.token(START, [2; 32])?, None);
    assert!(store.use_sign_in_link(scratch.moment(), [3; 32]).is_err());
    let (account, hash) = store.credentials("archivist")?.expect("still there");
    assert!(account.has_password);
    assert_eq!(hash.as_deref(), Some("$argon2id$…"));
    Ok(())
});

both!(a_suspended_account_is_out_until_it_is_restored, |scratch| {
    let owner = scratch.person("owner", Scope::Owner);
    let account = scratch.person("archivist", Scope::Upload);
    let store = scratch.store();
    let session = |secret| NewSession {
        account: account.id,
        secret_hash: [secret; 32],
        csrf: String::new(),
        expires_at: START + HOUR,
    };
    store.create_session(scratch.moment(), session(1))?;
    let token = NewToken {
        account: account.id,
        label: String::new(),
        scopes: account.scopes,
        secret_hash: [2; 32],
    };
    store.create_token(scratch.moment(), token)?;
    store.suspend_account(scratch.moment(), account.id, Some(owner.id), "spam")?;
    let suspended = store
        .account("archivist")?
        .and_then(|account| account.suspended)
        .map(|(_, reason)| reason);
    assert_eq!(suspended.as_deref(), Some("spam"));
    assert_eq!(store.session(START, [1; 32])?, None);
    assert_eq!(store.token(START, [2; 32])?, None);
    assert!(store.create_session(scratch.moment(), session(3)).is_err());
    assert!(
        store
            .create_sign_in_link(scratch.moment(), account.id, [4; 32], START + HOUR)
            .is_err()
    );
    let actor = store.local_actor_by_name("archivist")?.expect("still there");
    assert!(!actor.state.is_visible());

    store.restore_account(scratch.moment(), account.id, None)?;
    assert!(store.token(START, [2; 32])?.is_some());
    assert_eq!(
        store.session(START, [1; 32])?,
        None,
        "a session once ended stays ended"
    );
    Ok(())
});

both!(the_last_owner_stays, |scratch| {
    let owner = scratch.person("owner", Scope::Owner);
    scratch.person("admin", Scope::Admin);
    let store = scratch.store();
    let lesser = Scopes::of(&[Scope::Admin]);
    for refused in [
        store.suspend_account(scratch.moment(), owner.id, None, "tired"),
        store.remove(scratch.moment(), Target::Account(owner.id), owner.id, "tired"),
        store
            .set_scopes(scratch.moment(), owner.id, lesser, None)
            .map(|_| ()),
    ] {
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    scratch.person("second", Scope::Owner);
    assert!(
        !store
            .set_scopes(scratch.moment(), owner.id, lesser, None)?
            .scopes
            .allows(Scope::Owner)
    );
    let log = store.moderation_log(&Paging::first(10))?.items;
    assert_eq!(
        (log.len(), log[0].act.as_str(), log[0].reason.as_str()),
        (1, "scopes", "owner → admin")
    );
    Ok(())
});

both!(an_account_edits_what_it_says_of_itself, |scratch| {
    let account = scratch.person("archivist", Scope::Upload);
    let edit = AccountEdit {
        title: Some(" Ada  Lovelace ".to_owned()),
        summary: Some("Keeps copies.".to_owned()),
        followable: Some(true),
    };
    let edited = scratch.store().edit_account(scratch.moment(), account.id, edit)?;
    assert_eq!(
        (edited.title.as_str(), edited.summary.as_str(), edited.followable),
        ("Ada Lovelace", "Keeps copies.", true)
    );
    let empty = AccountEdit {
        title: Some(" ".to_owned()),
        ..AccountEdit::default()
    };
    assert!(matches!(
        scratch.store().edit_account(scratch.moment(), account.id, empty),
        Err(StoreError::Invalid(_))
    ));
    let told: Vec<Event> = scratch
        .store()
        .unbuilt_events(10)?
        .into_iter()
        .map(|event| event.event)
        .collect();
    assert_eq!(told, [Event::AccountEdited { account: account.id }]);
    Ok(())
});

both!(a_removed_account_keeps_only_its_name, |scratch| {
    let owner = scratch.person("owner", Scope::Owner);
    let account = scratch.person("archivist", Scope::Upload);
    let store = scratch.store();
    store.set_password(scratch.moment(), account.id, "hash")?;
    store.remove(
        scratch.moment(),
        Target::Account(account.id),
        owner.id,
        "asked for it",
    )?;
    let (kept, hash) = store.credentials("archivist")?.expect("the row stays");
    assert_eq!((kept.summary.as_str(), hash), ("", None));
    assert!(matches!(
        store.restore_account(scratch.moment(), account.id, None),
        Err(StoreError::Gone { .. })
    ));
    let again = store.create_account(scratch.moment(), new_account("archivist", Scope::Upload));
    assert!(
        matches!(again, Err(StoreError::Taken { what: "name", .. })),
        "{again:?}"
    );
    Ok(())
});
