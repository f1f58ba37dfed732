-- Only the hashes of removed uploads stay blocked.
DROP TABLE hash_blocks;
