-- Every server is as welcome as any.
DROP INDEX remote_actors_by_domain;
DROP TABLE instances;
