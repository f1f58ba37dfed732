-- Everything Shoal remembers. The SQLite twin of this file has the same tables and columns; a test compares them.
-- Ids are time-ordered UUIDs as text, times unix milliseconds, JSON is text; `seq` gives the order of writing.

CREATE TABLE settings (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- Names of actors: once given, never given out again, even when the actor is gone.
CREATE TABLE names (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    given_at BIGINT NOT NULL
);

CREATE TABLE actors (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('instance', 'account', 'collection')),
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    summary TEXT COLLATE "C" NOT NULL,
    rsa_private_der BYTEA NOT NULL,
    rsa_public_pem TEXT COLLATE "C" NOT NULL,
    ed25519_private_der BYTEA NOT NULL,
    ed25519_public BYTEA NOT NULL,
    followable BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE accounts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    actor_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES actors (id),
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    password_hash TEXT COLLATE "C",
    scopes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at BIGINT NOT NULL,
    state_reason TEXT COLLATE "C" NOT NULL
);

CREATE TABLE sign_in_links (
    secret_hash BYTEA NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_links_by_account ON sign_in_links (account_id);

CREATE TABLE sessions (
    secret_hash BYTEA NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    csrf TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    label TEXT COLLATE "C" NOT NULL,
    scopes BIGINT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE INDEX tokens_by_account ON tokens (account_id);

CREATE TABLE remote_actors (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    uri TEXT COLLATE "C" NOT NULL UNIQUE,
    domain TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    actor_type TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    inbox TEXT COLLATE "C" NOT NULL,
    shared_inbox TEXT COLLATE "C",
    delivery_inbox TEXT COLLATE "C" NOT NULL,
    delivery_host TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    public_key_pem TEXT COLLATE "C" NOT NULL,
    json TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    fetched_at BIGINT NOT NULL,
    gone_at BIGINT
);
CREATE INDEX remote_actors_by_key ON remote_actors (key_id);
CREATE INDEX remote_actors_by_delivery_inbox ON remote_actors (delivery_inbox);

CREATE TABLE datasets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    title_key TEXT COLLATE "C" NOT NULL,
    publisher TEXT COLLATE "C" NOT NULL,
    homepage TEXT COLLATE "C" NOT NULL,
    licence TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    threat BIGINT NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at BIGINT NOT NULL,
    state_reason TEXT COLLATE "C" NOT NULL,
    upload_count BIGINT NOT NULL,
    total_size BIGINT NOT NULL
);
CREATE INDEX datasets_by_updated ON datasets (updated_at, id);
CREATE INDEX datasets_by_title ON datasets (title_key, id);
CREATE INDEX datasets_by_threat ON datasets (threat, id);
CREATE INDEX datasets_by_size ON datasets (total_size, id);
CREATE INDEX datasets_by_account ON datasets (account_id, id);

CREATE TABLE dataset_tags (
    dataset_id TEXT COLLATE "C" NOT NULL REFERENCES datasets (id),
    tag TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (dataset_id, tag)
);
CREATE INDEX dataset_tags_by_tag ON dataset_tags (tag, dataset_id);

CREATE TABLE uploads (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    dataset_id TEXT COLLATE "C" NOT NULL REFERENCES datasets (id),
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    info_hash_v1 TEXT COLLATE "C" UNIQUE,
    info_hash_v2 TEXT COLLATE "C" UNIQUE,
    swarm_key TEXT COLLATE "C" NOT NULL UNIQUE,
    swarm_alias TEXT COLLATE "C" UNIQUE,
    content_hash TEXT COLLATE "C",
    format TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    piece_length BIGINT NOT NULL,
    total_size BIGINT NOT NULL,
    file_count BIGINT NOT NULL,
    private BOOLEAN NOT NULL,
    torrent_size BIGINT NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    trackers TEXT COLLATE "C" NOT NULL,
    web_seeds TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at BIGINT NOT NULL,
    state_reason TEXT COLLATE "C" NOT NULL,
    completed BIGINT NOT NULL
);
CREATE INDEX uploads_by_dataset ON uploads (dataset_id, id);
CREATE INDEX uploads_by_account ON uploads (account_id, id);
CREATE INDEX uploads_by_size ON uploads (total_size, id);
CREATE INDEX uploads_by_completed ON uploads (completed, id);

-- The bytes exactly as they were uploaded.
CREATE TABLE upload_torrents (
    upload_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES uploads (id),
    bytes BYTEA NOT NULL
);

CREATE TABLE upload_files (
    upload_id TEXT COLLATE "C" NOT NULL REFERENCES uploads (id),
    position BIGINT NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    pieces_root TEXT COLLATE "C",
    pad BOOLEAN NOT NULL,
    PRIMARY KEY (upload_id, position)
);

-- Hashes that moderators removed: never taken in again, under whatever name.
CREATE TABLE blocked_hashes (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('v1', 'v2', 'content')),
    upload_id TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    blocked_at BIGINT NOT NULL
);

-- What the tracker may serve, as it changed; other processes on the same database read it every second.
CREATE TABLE listing_changes (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    swarm_key TEXT COLLATE "C" NOT NULL,
    swarm_alias TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('listed', 'forbidden', 'unlisted'))
);

CREATE TABLE collections (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    actor_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES actors (id),
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at BIGINT NOT NULL,
    state_reason TEXT COLLATE "C" NOT NULL
);
CREATE INDEX collections_by_account ON collections (account_id, id);

CREATE TABLE collection_datasets (
    collection_id TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    dataset_id TEXT COLLATE "C" NOT NULL REFERENCES datasets (id),
    added_at BIGINT NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (collection_id, dataset_id)
);
CREATE INDEX collection_datasets_by_dataset ON collection_datasets (dataset_id, collection_id);

CREATE TABLE moderation_log (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    by_account TEXT COLLATE "C",
    act TEXT COLLATE "C" NOT NULL,
    target_kind TEXT COLLATE "C" NOT NULL,
    target_id TEXT COLLATE "C" NOT NULL,
    target_label TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL
);

-- The words to search in, already split and lower-cased, so that both databases find the same.
CREATE TABLE search_texts (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    subject_id TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('dataset', 'upload', 'collection')),
    shown BOOLEAN NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    files TEXT COLLATE "C" NOT NULL,
    words TSVECTOR GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', body), 'B')
        || setweight(to_tsvector('simple', files), 'D')
    ) STORED
);
CREATE INDEX search_words ON search_texts USING GIN (words);

CREATE TABLE followers (
    actor_id TEXT COLLATE "C" NOT NULL REFERENCES actors (id),
    follower_id TEXT COLLATE "C" NOT NULL REFERENCES remote_actors (id),
    follow_uri TEXT COLLATE "C" NOT NULL,
    standing TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (actor_id, follower_id)
);
CREATE INDEX followers_by_follower ON followers (follower_id);

-- Who no longer follows, and the newest activity at that time: what was sent before can still be withdrawn there.
CREATE TABLE past_followers (
    actor_id TEXT COLLATE "C" NOT NULL REFERENCES actors (id),
    follower_id TEXT COLLATE "C" NOT NULL REFERENCES remote_actors (id),
    until_seq BIGINT NOT NULL,
    PRIMARY KEY (actor_id, follower_id)
);
CREATE INDEX past_followers_by_follower ON past_followers (follower_id);

-- Follows that were undone, some before they arrived: when they do, they have no effect.
CREATE TABLE undone_follows (
    follower_id TEXT COLLATE "C" NOT NULL,
    follow_uri TEXT COLLATE "C" NOT NULL,
    undone_at BIGINT NOT NULL,
    PRIMARY KEY (follower_id, follow_uri)
);
CREATE INDEX undone_follows_by_time ON undone_follows (undone_at);

CREATE TABLE following (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    actor_id TEXT COLLATE "C" NOT NULL REFERENCES actors (id),
    target_id TEXT COLLATE "C" NOT NULL REFERENCES remote_actors (id),
    follow_uri TEXT COLLATE "C" NOT NULL UNIQUE,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('requested', 'accepted', 'rejected', 'withdrawn')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX following_by_actor ON following (actor_id, id);
CREATE INDEX following_by_target ON following (target_id);

-- Activities that came in: a known one has no second effect.
CREATE TABLE received (
    activity_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    host TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX received_by_time ON received (received_at);

-- What happened and may have to be told to others, written in the transaction of what happened.
CREATE TABLE events (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    built_at BIGINT
);
CREATE INDEX events_unbuilt ON events (seq) WHERE built_at IS NULL;
CREATE INDEX events_built ON events (built_at) WHERE built_at IS NOT NULL;

CREATE TABLE leases (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL
);

-- The log: every activity we made, once, in order, never rewritten. `addressed`: it went to named inboxes, not to
-- followers.
CREATE TABLE activities (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    uri TEXT COLLATE "C" NOT NULL UNIQUE,
    event_id TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL REFERENCES actors (id),
    kind TEXT COLLATE "C" NOT NULL,
    object_uri TEXT COLLATE "C",
    json TEXT COLLATE "C" NOT NULL,
    in_outbox BOOLEAN NOT NULL,
    addressed BOOLEAN NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX activities_by_actor ON activities (actor_id, in_outbox, seq);
CREATE INDEX activities_by_object ON activities (object_uri, seq);

-- The exact signed JSON of every record, its origin and its proof's key.
CREATE TABLE records (
    uri TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    upload_id TEXT COLLATE "C",
    dataset_id TEXT COLLATE "C",
    json TEXT COLLATE "C" NOT NULL,
    proof_key TEXT COLLATE "C",
    origin TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    tombstoned_at BIGINT
);
CREATE INDEX records_by_upload ON records (upload_id, created_at);
CREATE INDEX records_by_dataset ON records (dataset_id, created_at);
CREATE INDEX records_by_actor ON records (actor_id, created_at, uri) WHERE tombstoned_at IS NULL;

-- One activity on its way to one inbox; `activity` is its place in the log, `seq` the order for each host.
CREATE TABLE deliveries (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    activity BIGINT NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    inbox TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'delivered', 'refused')),
    attempts BIGINT NOT NULL,
    status BIGINT,
    reason TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    tried_at BIGINT,
    done_at BIGINT
);
CREATE INDEX deliveries_by_activity ON deliveries (activity);
CREATE INDEX deliveries_by_host ON deliveries (host, state, seq);
CREATE INDEX deliveries_by_state ON deliveries (state, seq);
CREATE INDEX deliveries_done ON deliveries (done_at) WHERE done_at IS NOT NULL;

-- One row for each server we deliver to: how it is doing and who is sending to it now. `waiting` counts its waiting
-- deliveries; `due_at` is when a worker may take it, `idle_since` since when there is nothing to take.
CREATE TABLE hosts (
    host TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    waiting BIGINT NOT NULL,
    due_at BIGINT,
    idle_since BIGINT,
    lease_owner TEXT COLLATE "C",
    lease_until BIGINT,
    retry_at BIGINT,
    failures BIGINT NOT NULL,
    failing_since BIGINT,
    last_success_at BIGINT,
    last_failure_at BIGINT,
    last_status BIGINT,
    last_reason TEXT COLLATE "C"
);
CREATE INDEX hosts_due ON hosts (due_at, host) WHERE due_at IS NOT NULL;
CREATE INDEX hosts_idle ON hosts (idle_since) WHERE idle_since IS NOT NULL;
