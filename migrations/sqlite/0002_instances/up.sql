-- What moderators decided about other servers; one that is not here is as welcome as any.
CREATE TABLE instances (
    domain TEXT NOT NULL PRIMARY KEY,
    standing TEXT NOT NULL CHECK (standing IN ('blocked', 'limited', 'allowed')),
    reason TEXT NOT NULL,
    by_account TEXT,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_actors_by_domain ON remote_actors (domain);
