-- Takes it away again; nobody is held back any more.
DROP INDEX hosts_paused;
DROP INDEX hosts_failing;
ALTER TABLE hosts DROP COLUMN paused_why;
ALTER TABLE hosts DROP COLUMN paused_by;
ALTER TABLE hosts DROP COLUMN paused_at;
ALTER TABLE hosts DROP COLUMN asked_until;
