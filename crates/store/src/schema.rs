//! The tables as Diesel sees them, the same for both databases. `migrations/` creates them; a test compares the two.
//! The columns only one database has (the search machinery) are left out. Those that the
//! tracker hears of are in `schema/tracker.rs`. Next: `connection.rs`.

mod tracker;

pub(crate) use tracker::{announce_key_changes, announce_key_uses, announce_keys, listing_changes};

diesel::table! {
    settings (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    names (name) {
        name -> Text,
        kind -> Text,
        given_at -> BigInt,
    }
}

diesel::table! {
    actors (id) {
        id -> Text,
        kind -> Text,
        name -> Text,
        title -> Text,
        summary -> Text,
        rsa_private_der -> Binary,
        rsa_public_pem -> Text,
        ed25519_private_der -> Binary,
        ed25519_public -> Binary,
        followable -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        actor_id -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        scopes -> BigInt,
        created_at -> BigInt,
        state -> Text,
        state_at -> BigInt,
        state_reason -> Text,
    }
}

diesel::table! {
    sign_in_links (secret_hash) {
        secret_hash -> Binary,
        account_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    sessions (secret_hash) {
        secret_hash -> Binary,
        account_id -> Text,
        csrf -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    tokens (id) {
        id -> Text,
        account_id -> Text,
        label -> Text,
        scopes -> BigInt,
        secret_hash -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    remote_actors (id) {
        id -> Text,
        uri -> Text,
        domain -> Text,
        name -> Text,
        actor_type -> Text,
        title -> Text,
        inbox -> Text,
        shared_inbox -> Nullable<Text>,
        delivery_inbox -> Text,
        delivery_host -> Text,
        key_id -> Text,
        public_key_pem -> Text,
        json -> Text,
        created_at -> BigInt,
        fetched_at -> BigInt,
        gone_at -> Nullable<BigInt>,
        understands_records -> Bool,
    }
}

diesel::table! {
    datasets (id) {
        id -> Text,
        slug -> Text,
        title -> Text,
        title_key -> Text,
        publisher -> Text,
        homepage -> Text,
        licence -> Text,
        description -> Text,
        threat -> BigInt,
        account_id -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        state -> Text,
        state_at -> BigInt,
        state_reason -> Text,
        upload_count -> BigInt,
        total_size -> BigInt,
    }
}

diesel::table! {
    dataset_tags (dataset_id, tag) {
        dataset_id -> Text,
        tag -> Text,
    }
}

diesel::table! {
    uploads (id) {
        id -> Text,
        dataset_id -> Text,
        account_id -> Text,
        info_hash_v1 -> Nullable<Text>,
        info_hash_v2 -> Nullable<Text>,
        swarm_key -> Text,
        swarm_alias -> Nullable<Text>,
        content_hash -> Nullable<Text>,
        format -> Text,
        name -> Text,
        piece_length -> BigInt,
        total_size -> BigInt,
        file_count -> BigInt,
        private -> Bool,
        torrent_size -> BigInt,
        method -> Text,
        description -> Text,
        trackers -> Text,
        web_seeds -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        state -> Text,
        state_at -> BigInt,
        state_reason -> Text,
        completed -> BigInt,
    }
}

diesel::table! {
    upload_torrents (upload_id) {
        upload_id -> Text,
        bytes -> Binary,
    }
}

diesel::table! {
    upload_files (upload_id, position) {
        upload_id -> Text,
        position -> BigInt,
        path -> Text,
        size -> BigInt,
        pieces_root -> Nullable<Text>,
        pad -> Bool,
    }
}

diesel::table! {
    blocked_hashes (hash) {
        hash -> Text,
        kind -> Text,
        upload_id -> Text,
        reason -> Text,
        blocked_at -> BigInt,
    }
}

diesel::table! {
    hash_blocks (swarm_key) {
        swarm_key -> Text,
        hash -> Text,
        reason -> Text,
        by_account -> Nullable<Text>,
        at -> BigInt,
    }
}

diesel::table! {
    collections (id) {
        id -> Text,
        actor_id -> Text,
        name -> Text,
        account_id -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        state -> Text,
        state_at -> BigInt,
        state_reason -> Text,
    }
}

diesel::table! {
    collection_datasets (collection_id, dataset_id) {
        collection_id -> Text,
        dataset_id -> Text,
        added_at -> BigInt,
        added_by -> Text,
    }
}

diesel::table! {
    moderation_log (id) {
        id -> Text,
        at -> BigInt,
        by_account -> Nullable<Text>,
        act -> Text,
        target_kind -> Text,
        target_id -> Text,
        target_label -> Text,
        reason -> Text,
    }
}

diesel::table! {
    instances (domain) {
        domain -> Text,
        standing -> Text,
        reason -> Text,
        by_account -> Nullable<Text>,
        at -> BigInt,
    }
}

diesel::table! {
    search_texts (seq) {
        seq -> BigInt,
        subject_id -> Text,
        kind -> Text,
        shown -> Bool,
        title -> Text,
        body -> Text,
        files -> Text,
    }
}

diesel::table! {
    followers (actor_id, follower_id) {
        actor_id -> Text,
        follower_id -> Text,
        follow_uri -> Text,
        standing -> Text,
        created_at -> BigInt,
        host -> Text,
        inbox -> Text,
    }
}

diesel::table! {
    past_followers (actor_id, follower_id) {
        actor_id -> Text,
        follower_id -> Text,
        until_seq -> BigInt,
    }
}

diesel::table! {
    undone_follows (follower_id, follow_uri) {
        follower_id -> Text,
        follow_uri -> Text,
        undone_at -> BigInt,
    }
}

diesel::table! {
    following (id) {
        id -> Text,
        actor_id -> Text,
        target_id -> Text,
        follow_uri -> Text,
        state -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    received (activity_id) {
        activity_id -> Text,
        host -> Text,
        kind -> Text,
        received_at -> BigInt,
    }
}

diesel::table! {
    events (seq) {
        seq -> BigInt,
        id -> Text,
        at -> BigInt,
        body -> Text,
        built_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        owner -> Text,
        until -> BigInt,
    }
}

diesel::table! {
    activities (seq) {
        seq -> BigInt,
        uri -> Text,
        event_id -> Text,
        actor_id -> Text,
        kind -> Text,
        object_uri -> Nullable<Text>,
        json -> Text,
        in_outbox -> Bool,
        addressed -> Bool,
        at -> BigInt,
        position -> Nullable<BigInt>,
    }
}

diesel::table! {
    records (uri) {
        uri -> Text,
        kind -> Text,
        actor_id -> Text,
        upload_id -> Nullable<Text>,
        dataset_id -> Nullable<Text>,
        json -> Text,
        proof_key -> Nullable<Text>,
        origin -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        tombstoned_at -> Nullable<BigInt>,
        collection_id -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    record_versions (uri, version) {
        uri -> Text,
        version -> BigInt,
        json -> Text,
        proof_key -> Nullable<Text>,
    }
}

diesel::table! {
    record_recipients (record_uri, actor_id) {
        record_uri -> Text,
        actor_id -> Text,
        since_seq -> BigInt,
    }
}

diesel::table! {
    spreads (activity) {
        activity -> BigInt,
        audience -> Text,
        after_host -> Text,
        after_inbox -> Text,
    }
}

diesel::table! {
    deliveries (seq) {
        seq -> BigInt,
        activity -> BigInt,
        host -> Text,
        inbox -> Text,
        state -> Text,
        attempts -> BigInt,
        status -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        created_at -> BigInt,
        tried_at -> Nullable<BigInt>,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    hosts (host) {
        host -> Text,
        waiting -> BigInt,
        due_at -> Nullable<BigInt>,
        idle_since -> Nullable<BigInt>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        retry_at -> Nullable<BigInt>,
        failures -> BigInt,
        failing_since -> Nullable<BigInt>,
        last_success_at -> Nullable<BigInt>,
        last_failure_at -> Nullable<BigInt>,
        last_status -> Nullable<BigInt>,
        last_reason -> Nullable<Text>,
        asked_until -> Nullable<BigInt>,
        paused_at -> Nullable<BigInt>,
        paused_by -> Nullable<Text>,
        paused_why -> Nullable<Text>,
    }
}

diesel::joinable!(accounts -> actors (actor_id));
diesel::joinable!(sign_in_links -> accounts (account_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(tokens -> accounts (account_id));
diesel::joinable!(datasets -> accounts (account_id));
diesel::joinable!(dataset_tags -> datasets (dataset_id));
diesel::joinable!(uploads -> datasets (dataset_id));
diesel::joinable!(uploads -> accounts (account_id));
diesel::joinable!(upload_torrents -> uploads (upload_id));
diesel::joinable!(upload_files -> uploads (upload_id));
diesel::joinable!(announce_keys -> accounts (account_id));
diesel::joinable!(announce_key_uses -> announce_keys (key_id));
diesel::joinable!(announce_key_uses -> uploads (upload_id));
diesel::joinable!(collections -> actors (actor_id));
diesel::joinable!(collections -> accounts (account_id));
diesel::joinable!(collection_datasets -> collections (collection_id));
diesel::joinable!(collection_datasets -> datasets (dataset_id));
diesel::joinable!(followers -> actors (actor_id));
diesel::joinable!(followers -> remote_actors (follower_id));
diesel::joinable!(past_followers -> remote_actors (follower_id));
diesel::joinable!(following -> actors (actor_id));
diesel::joinable!(following -> remote_actors (target_id));
diesel::joinable!(activities -> actors (actor_id));
diesel::joinable!(deliveries -> activities (activity));
diesel::joinable!(spreads -> activities (activity));

diesel::allow_tables_to_appear_in_same_query!(
    settings,
    names,
    actors,
    accounts,
    sign_in_links,
    sessions,
    tokens,
    remote_actors,
    datasets,
    dataset_tags,
    uploads,
    upload_torrents,
    upload_files,
    blocked_hashes,
    hash_blocks,
    listing_changes,
    announce_keys,
    announce_key_uses,
    announce_key_changes,
    collections,
    collection_datasets,
    moderation_log,
    instances,
    search_texts,
    followers,
    past_followers,
    undone_follows,
    following,
    received,
    events,
    leases,
    activities,
    records,
    record_versions,
    record_recipients,
    deliveries,
    spreads,
    hosts,
);
