-- Hashes that moderators forbade although no upload here has them; `blocked_hashes` holds those of removed uploads.
CREATE TABLE hash_blocks (
    swarm_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    by_account TEXT COLLATE "C",
    at BIGINT NOT NULL
);
