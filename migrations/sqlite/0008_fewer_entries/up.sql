-- Indexes hold only the records that they are asked for: most are about no upload, and only posts are looked for by actor.
DROP INDEX records_by_upload;
CREATE INDEX records_by_upload ON records (upload_id, created_at) WHERE upload_id IS NOT NULL;
DROP INDEX records_by_dataset;
CREATE INDEX records_by_dataset ON records (dataset_id, created_at) WHERE dataset_id IS NOT NULL;
DROP INDEX records_by_actor;
CREATE INDEX records_by_actor ON records (actor_id, created_at, uri) WHERE kind = 'Note' AND tombstoned_at IS NULL;
