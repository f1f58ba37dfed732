//! Who is in the swarm now: peers in memory, the registry of listed torrents, and the wire formats. No database, no async runtime, no clock of its own.
