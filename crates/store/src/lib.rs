//! What Shoal remembers: SQLite or PostgreSQL behind one set of verbs. Knows no HTTP and no ActivityPub.
