-- Datasets, uploads, torrents and memberships as records beside the posts: which collection a record is about, how often
-- it was edited, and what it said before.
ALTER TABLE records ADD COLUMN collection_id TEXT;
ALTER TABLE records ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX records_by_collection ON records (collection_id, dataset_id, created_at) WHERE collection_id IS NOT NULL;

-- The exact JSON of each version that another took the place of.
CREATE TABLE record_versions (
    uri TEXT NOT NULL,
    version INTEGER NOT NULL,
    json TEXT NOT NULL,
    proof_key TEXT,
    PRIMARY KEY (uri, version)
) STRICT;

-- Whose followers were told of a record, and from which place in the log on: who may have to hear that it is gone.
CREATE TABLE record_recipients (
    record_uri TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    since_seq INTEGER NOT NULL,
    PRIMARY KEY (record_uri, actor_id)
) STRICT, WITHOUT ROWID;

-- Whether an actor's software says that it understands records; nobody else is sent any.
ALTER TABLE remote_actors ADD COLUMN understands_records INTEGER NOT NULL DEFAULT 0;
CREATE INDEX remote_actors_of_records ON remote_actors (id) WHERE understands_records;

-- The place in the actor's outbox, counted from 1, so that a page of it is the same for ever.
ALTER TABLE activities ADD COLUMN position INTEGER;
UPDATE activities SET position = placed.position
    FROM (SELECT seq, row_number() OVER (PARTITION BY actor_id ORDER BY seq) AS position
          FROM activities WHERE in_outbox) AS placed
    WHERE activities.seq = placed.seq;
DROP INDEX activities_by_actor;
CREATE UNIQUE INDEX activities_by_position ON activities (actor_id, position) WHERE position IS NOT NULL;

-- What was published before there were records gets them as soon as events are built.
INSERT INTO events (id, at, body)
    SELECT '00000000-0000-7000-8000-000000000003', unixepoch() * 1000, '{"event":"datasets_left","after":null}'
    WHERE EXISTS (SELECT 1 FROM datasets);
