-- Takes it away again; audiences are found more slowly.
CREATE INDEX remote_actors_reached ON remote_actors (id) INCLUDE (delivery_host, delivery_inbox) WHERE gone_at IS NULL;
DROP INDEX followers_reached;
ALTER TABLE followers DROP COLUMN inbox;
ALTER TABLE followers DROP COLUMN host;
