//! The tables from which the tracker hears what to serve and to whom, and where it leaves what it counts. Which of them may
//! be joined is in `schema.rs`. Next: `listing.rs` and `announce_keys.rs`.

diesel::table! {
    listing_changes (seq) {
        seq -> BigInt,
        at -> BigInt,
        swarm_key -> Text,
        swarm_alias -> Nullable<Text>,
        state -> Text,
        private -> Bool,
    }
}

diesel::table! {
    announce_keys (id) {
        id -> Text,
        account_id -> Text,
        label -> Text,
        key_hash -> Binary,
        named -> Bool,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        used_day -> Nullable<BigInt>,
    }
}

diesel::table! {
    announce_key_uses (key_id, upload_id) {
        key_id -> Text,
        upload_id -> Text,
        seeding -> Bool,
        seen_at -> BigInt,
        seeded_seconds -> BigInt,
    }
}

diesel::table! {
    announce_key_changes (seq) {
        seq -> BigInt,
        at -> BigInt,
        key_hash -> Binary,
        valid -> Bool,
    }
}
