-- Everything Shoal remembers. The PostgreSQL twin of this file has the same tables and columns; a test compares them.
-- Ids are time-ordered UUIDs as text, times unix milliseconds, JSON is text; `seq` gives the order of writing.

CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Names of actors: once given, never given out again, even when the actor is gone.
CREATE TABLE names (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    given_at INTEGER NOT NULL
) STRICT;

CREATE TABLE actors (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('instance', 'account', 'collection')),
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    rsa_private_der BLOB NOT NULL,
    rsa_public_pem TEXT NOT NULL,
    ed25519_private_der BLOB NOT NULL,
    ed25519_public BLOB NOT NULL,
    followable INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    actor_id TEXT NOT NULL UNIQUE REFERENCES actors (id),
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    scopes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at INTEGER NOT NULL,
    state_reason TEXT NOT NULL
) STRICT;

CREATE TABLE sign_in_links (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_links_by_account ON sign_in_links (account_id);

CREATE TABLE sessions (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    scopes INTEGER NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_account ON tokens (account_id);

CREATE TABLE remote_actors (
    id TEXT NOT NULL PRIMARY KEY,
    uri TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    title TEXT NOT NULL,
    inbox TEXT NOT NULL,
    shared_inbox TEXT,
    delivery_inbox TEXT NOT NULL,
    delivery_host TEXT NOT NULL,
    key_id TEXT NOT NULL,
    public_key_pem TEXT NOT NULL,
    json TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL,
    gone_at INTEGER
) STRICT;
CREATE INDEX remote_actors_by_key ON remote_actors (key_id);
CREATE INDEX remote_actors_by_delivery_inbox ON remote_actors (delivery_inbox);

CREATE TABLE datasets (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    publisher TEXT NOT NULL,
    homepage TEXT NOT NULL,
    licence TEXT NOT NULL,
    description TEXT NOT NULL,
    threat INTEGER NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at INTEGER NOT NULL,
    state_reason TEXT NOT NULL,
    upload_count INTEGER NOT NULL,
    total_size INTEGER NOT NULL
) STRICT;
CREATE INDEX datasets_by_updated ON datasets (updated_at, id);
CREATE INDEX datasets_by_title ON datasets (title_key, id);
CREATE INDEX datasets_by_threat ON datasets (threat, id);
CREATE INDEX datasets_by_size ON datasets (total_size, id);
CREATE INDEX datasets_by_account ON datasets (account_id, id);

CREATE TABLE dataset_tags (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (dataset_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_tags_by_tag ON dataset_tags (tag, dataset_id);

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    info_hash_v1 TEXT UNIQUE,
    info_hash_v2 TEXT UNIQUE,
    swarm_key TEXT NOT NULL UNIQUE,
    swarm_alias TEXT UNIQUE,
    content_hash TEXT,
    format TEXT NOT NULL,
    name TEXT NOT NULL,
    piece_length INTEGER NOT NULL,
    total_size INTEGER NOT NULL,
    file_count INTEGER NOT NULL,
    private INTEGER NOT NULL,
    torrent_size INTEGER NOT NULL,
    method TEXT NOT NULL,
    description TEXT NOT NULL,
    trackers TEXT NOT NULL,
    web_seeds TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at INTEGER NOT NULL,
    state_reason TEXT NOT NULL,
    completed INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_dataset ON uploads (dataset_id, id);
CREATE INDEX uploads_by_account ON uploads (account_id, id);
CREATE INDEX uploads_by_size ON uploads (total_size, id);
CREATE INDEX uploads_by_completed ON uploads (completed, id);

-- The bytes exactly as they were uploaded.
CREATE TABLE upload_torrents (
    upload_id TEXT NOT NULL PRIMARY KEY REFERENCES uploads (id),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE upload_files (
    upload_id TEXT NOT NULL REFERENCES uploads (id),
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    pieces_root TEXT,
    pad INTEGER NOT NULL,
    PRIMARY KEY (upload_id, position)
) STRICT, WITHOUT ROWID;

-- Hashes that moderators removed: never taken in again, under whatever name.
CREATE TABLE blocked_hashes (
    hash TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('v1', 'v2', 'content')),
    upload_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    blocked_at INTEGER NOT NULL
) STRICT;

-- What the tracker may serve, as it changed; other processes on the same database read it every second.
CREATE TABLE listing_changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    swarm_key TEXT NOT NULL,
    swarm_alias TEXT,
    state TEXT NOT NULL CHECK (state IN ('listed', 'forbidden', 'unlisted'))
) STRICT;

CREATE TABLE collections (
    id TEXT NOT NULL PRIMARY KEY,
    actor_id TEXT NOT NULL UNIQUE REFERENCES actors (id),
    name TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('visible', 'hidden', 'removed')),
    state_at INTEGER NOT NULL,
    state_reason TEXT NOT NULL
) STRICT;
CREATE INDEX collections_by_account ON collections (account_id, id);

CREATE TABLE collection_datasets (
    collection_id TEXT NOT NULL REFERENCES collections (id),
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    added_at INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    PRIMARY KEY (collection_id, dataset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX collection_datasets_by_dataset ON collection_datasets (dataset_id, collection_id);

CREATE TABLE moderation_log (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    by_account TEXT,
    act TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target_label TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- The words to search in, already split and lower-cased, so that both databases find the same.
CREATE TABLE search_texts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    subject_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('dataset', 'upload', 'collection')),
    shown INTEGER NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    files TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search_words USING fts5 (
    title, body, files,
    content = 'search_texts', content_rowid = 'seq', tokenize = 'ascii'
);
CREATE TRIGGER search_texts_inserted AFTER INSERT ON search_texts BEGIN
    INSERT INTO search_words (rowid, title, body, files) VALUES (new.seq, new.title, new.body, new.files);
END;
CREATE TRIGGER search_texts_deleted AFTER DELETE ON search_texts BEGIN
    INSERT INTO search_words (search_words, rowid, title, body, files)
    VALUES ('delete', old.seq, old.title, old.body, old.files);
END;
CREATE TRIGGER search_texts_updated AFTER UPDATE OF title, body, files ON search_texts BEGIN
    INSERT INTO search_words (search_words, rowid, title, body, files)
    VALUES ('delete', old.seq, old.title, old.body, old.files);
    INSERT INTO search_words (rowid, title, body, files) VALUES (new.seq, new.title, new.body, new.files);
END;

CREATE TABLE followers (
    actor_id TEXT NOT NULL REFERENCES actors (id),
    follower_id TEXT NOT NULL REFERENCES remote_actors (id),
    follow_uri TEXT NOT NULL,
    standing TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor_id, follower_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX followers_by_follower ON followers (follower_id);

-- Who no longer follows, and the newest activity at that time: what was sent before can still be withdrawn there.
CREATE TABLE past_followers (
    actor_id TEXT NOT NULL REFERENCES actors (id),
    follower_id TEXT NOT NULL REFERENCES remote_actors (id),
    until_seq INTEGER NOT NULL,
    PRIMARY KEY (actor_id, follower_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX past_followers_by_follower ON past_followers (follower_id);

-- Follows that were undone, some before they arrived: when they do, they have no effect.
CREATE TABLE undone_follows (
    follower_id TEXT NOT NULL,
    follow_uri TEXT NOT NULL,
    undone_at INTEGER NOT NULL,
    PRIMARY KEY (follower_id, follow_uri)
) STRICT, WITHOUT ROWID;
CREATE INDEX undone_follows_by_time ON undone_follows (undone_at);

CREATE TABLE following (
    id TEXT NOT NULL PRIMARY KEY,
    actor_id TEXT NOT NULL REFERENCES actors (id),
    target_id TEXT NOT NULL REFERENCES remote_actors (id),
    follow_uri TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('requested', 'accepted', 'rejected', 'withdrawn')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX following_by_actor ON following (actor_id, id);
CREATE INDEX following_by_target ON following (target_id);

-- Activities that came in: a known one has no second effect.
CREATE TABLE received (
    activity_id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX received_by_time ON received (received_at);

-- What happened and may have to be told to others, written in the transaction of what happened.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    built_at INTEGER
) STRICT;
CREATE INDEX events_unbuilt ON events (seq) WHERE built_at IS NULL;
CREATE INDEX events_built ON events (built_at) WHERE built_at IS NOT NULL;

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- The log: every activity we made, once, in order, never rewritten. `addressed`: it went to named inboxes, not to
-- followers.
CREATE TABLE activities (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uri TEXT NOT NULL UNIQUE,
    event_id TEXT NOT NULL,
    actor_id TEXT NOT NULL REFERENCES actors (id),
    kind TEXT NOT NULL,
    object_uri TEXT,
    json TEXT NOT NULL,
    in_outbox INTEGER NOT NULL,
    addressed INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX activities_by_actor ON activities (actor_id, in_outbox, seq);
CREATE INDEX activities_by_object ON activities (object_uri, seq);

-- The exact signed JSON of every record, its origin and its proof's key.
CREATE TABLE records (
    uri TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    upload_id TEXT,
    dataset_id TEXT,
    json TEXT NOT NULL,
    proof_key TEXT,
    origin TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    tombstoned_at INTEGER
) STRICT;
CREATE INDEX records_by_upload ON records (upload_id, created_at);
CREATE INDEX records_by_dataset ON records (dataset_id, created_at);
CREATE INDEX records_by_actor ON records (actor_id, created_at, uri) WHERE tombstoned_at IS NULL;

-- One activity on its way to one inbox; `activity` is its place in the log, `seq` the order for each host.
CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    activity INTEGER NOT NULL,
    host TEXT NOT NULL,
    inbox TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'refused')),
    attempts INTEGER NOT NULL,
    status INTEGER,
    reason TEXT,
    created_at INTEGER NOT NULL,
    tried_at INTEGER,
    done_at INTEGER
) STRICT;
CREATE INDEX deliveries_by_activity ON deliveries (activity);
CREATE INDEX deliveries_by_host ON deliveries (host, state, seq);
CREATE INDEX deliveries_by_state ON deliveries (state, seq);
CREATE INDEX deliveries_done ON deliveries (done_at) WHERE done_at IS NOT NULL;

-- One row for each server we deliver to: how it is doing and who is sending to it now. `waiting` counts its waiting
-- deliveries; `due_at` is when a worker may take it, `idle_since` since when there is nothing to take.
CREATE TABLE hosts (
    host TEXT NOT NULL PRIMARY KEY,
    waiting INTEGER NOT NULL,
    due_at INTEGER,
    idle_since INTEGER,
    lease_owner TEXT,
    lease_until INTEGER,
    retry_at INTEGER,
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    last_status INTEGER,
    last_reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX hosts_due ON hosts (due_at, host) WHERE due_at IS NOT NULL;
CREATE INDEX hosts_idle ON hosts (idle_since) WHERE idle_since IS NOT NULL;
