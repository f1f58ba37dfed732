-- Hashes that moderators forbade although no upload here has them; `blocked_hashes` holds those of removed uploads.
CREATE TABLE hash_blocks (
    swarm_key TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    reason TEXT NOT NULL,
    by_account TEXT,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
