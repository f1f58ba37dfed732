//! The formats of the protocols: each module parses and writes bytes and does nothing else. HTTP is in `http`,
//! WebTorrent in `websocket`; the others have their place beside them.

pub mod http;
pub mod websocket;
