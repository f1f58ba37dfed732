-- How an admin holds a server back, and how long a server asked to be left alone. `asked_until` outlives a sign of life
-- of the server; `retry_at` does not.
ALTER TABLE hosts ADD COLUMN asked_until INTEGER;
ALTER TABLE hosts ADD COLUMN paused_at INTEGER;
ALTER TABLE hosts ADD COLUMN paused_by TEXT;
ALTER TABLE hosts ADD COLUMN paused_why TEXT;
CREATE INDEX hosts_failing ON hosts (failing_since, host) WHERE failing_since IS NOT NULL;
CREATE INDEX hosts_paused ON hosts (paused_at, host) WHERE paused_at IS NOT NULL;
