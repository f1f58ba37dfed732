-- Takes it away again; audiences are found more slowly.
DROP INDEX remote_actors_reached;
