-- Takes announce keys away; clients that have one are refused, and private torrents are served to all.
ALTER TABLE listing_changes DROP COLUMN private;
DROP TABLE announce_key_changes;
DROP TABLE announce_key_uses;
DROP TABLE announce_keys;
