//! How Shoal speaks to other servers: ActivityPub documents, signatures, the inbox, and the courier, which is the only sender.
