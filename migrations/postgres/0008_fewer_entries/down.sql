-- Each index holds every record again.
DROP INDEX records_by_actor;
CREATE INDEX records_by_actor ON records (actor_id, created_at, uri) WHERE tombstoned_at IS NULL;
DROP INDEX records_by_dataset;
CREATE INDEX records_by_dataset ON records (dataset_id, created_at);
DROP INDEX records_by_upload;
CREATE INDEX records_by_upload ON records (upload_id, created_at);
