//! The formats of the protocols: each module parses and writes bytes and does nothing else. The doors that use them are
//! `udp/` for `udp.rs`, and the server's for `http` and, for WebTorrent, `websocket`.

pub mod http;
pub mod udp;
pub mod websocket;
