//! What a torrent is: metainfo, hashes, magnets, file trees, creation and checking. Pure: no sockets, no database, no clock.
