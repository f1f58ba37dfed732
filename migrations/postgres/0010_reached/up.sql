-- Where each follower is reached stands beside it, in the order in which an audience is told, so that telling many costs
-- what their inboxes cost and not what their actors' rows do.
ALTER TABLE followers ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE followers ADD COLUMN inbox TEXT NOT NULL DEFAULT '';
UPDATE followers SET host = remote_actors.delivery_host, inbox = remote_actors.delivery_inbox
    FROM remote_actors WHERE remote_actors.id = followers.follower_id;
CREATE INDEX followers_reached ON followers (actor_id, host, inbox);
DROP INDEX remote_actors_reached;
