-- Takes the records away again; the posts stay.
DROP INDEX activities_by_position;
CREATE INDEX activities_by_actor ON activities (actor_id, in_outbox, seq);
ALTER TABLE activities DROP COLUMN position;
DROP INDEX remote_actors_of_records;
ALTER TABLE remote_actors DROP COLUMN understands_records;
DROP TABLE record_recipients;
DROP TABLE record_versions;
DELETE FROM records WHERE kind <> 'Note';
DROP INDEX records_by_collection;
ALTER TABLE records DROP COLUMN version;
ALTER TABLE records DROP COLUMN collection_id;
