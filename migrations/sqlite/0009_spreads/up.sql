-- Activities whose audience is large and is queued little by little: for whom, and how far that has come, in the order of
-- hosts and inboxes.
CREATE TABLE spreads (
    activity INTEGER NOT NULL PRIMARY KEY,
    audience TEXT NOT NULL,
    after_host TEXT NOT NULL,
    after_inbox TEXT NOT NULL
) STRICT;
