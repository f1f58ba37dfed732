-- What moderators decided about other servers; one that is not here is as welcome as any.
CREATE TABLE instances (
    domain TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    standing TEXT COLLATE "C" NOT NULL CHECK (standing IN ('blocked', 'limited', 'allowed')),
    reason TEXT COLLATE "C" NOT NULL,
    by_account TEXT COLLATE "C",
    at BIGINT NOT NULL
);
CREATE INDEX remote_actors_by_domain ON remote_actors (domain);
