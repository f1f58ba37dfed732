-- Personal announce keys of accounts. Of the key itself only a hash is kept; a revoked one stays a while, for its owner to
-- see. `used_day` counts days since 1970.
CREATE TABLE announce_keys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    key_hash BLOB NOT NULL UNIQUE,
    named INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    used_day INTEGER
) STRICT;
CREATE INDEX announce_keys_by_account ON announce_keys (account_id, id);

-- What clients do with a key, told by nobody but its owner and, for keys that are `named`, by "hosted by". No addresses.
CREATE TABLE announce_key_uses (
    key_id TEXT NOT NULL REFERENCES announce_keys (id),
    upload_id TEXT NOT NULL REFERENCES uploads (id),
    seeding INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    seeded_seconds INTEGER NOT NULL,
    PRIMARY KEY (key_id, upload_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX announce_key_uses_by_upload ON announce_key_uses (upload_id, key_id);
CREATE INDEX announce_key_uses_by_time ON announce_key_uses (seen_at);

-- Which keys the tracker takes, as that changed; other processes on the same database read it every second.
CREATE TABLE announce_key_changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    key_hash BLOB NOT NULL,
    valid INTEGER NOT NULL
) STRICT;

-- Private torrents (BEP 27) are served to those keys only.
ALTER TABLE listing_changes ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
