-- Where followers are reached, without a look at the actors themselves, whose rows are long.
CREATE INDEX remote_actors_reached ON remote_actors (id, delivery_host, delivery_inbox) WHERE gone_at IS NULL;
